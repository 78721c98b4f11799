"""The one writer of a process: deeds of many readers in one transaction, each answered after it.

A batch is what came in while the one before was being committed, plus a few milliseconds of
waiting, at most `MOST` deeds. So the cost of `fsync` is paid once for many, and an idle server
answers at once.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from widget_server.model.errors import Refused, Unavailable
from widget_server.model.events import Event
from widget_server.model.records import Comment, Story, Tally
from widget_server.store.deeds import (
    Answer,
    Change,
    Deed,
    Delete,
    Edit,
    Forget,
    Moderate,
    Post,
    React,
    Report,
)
from widget_server.store.engine import Database, is_lasting
from widget_server.store.errands import Errand
from widget_server.store.ledger import Ledger

log = logging.getLogger(__name__)

T = TypeVar("T")

LINGER_S = 0.002
MOST = 500
WAITING = 20_000
"""Deeds that may wait at the same time; more are refused at once instead of piling up."""


@dataclass(slots=True)
class Counts:
    """What the writer did, for /metrics. Seconds are of whole transactions."""

    batches: int = 0
    deeds: int = 0
    failed: int = 0
    refused: int = 0
    largest: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Ticket:
    work: Deed | Errand[Any]
    answer: asyncio.Future[Any] = field(default_factory=asyncio.Future)


class Writer:
    """Queue in front of the database. `on_commit` is told of every batch's events, in order."""

    def __init__(self, database: Database, on_commit: Callable[[Sequence[Event]], None]) -> None:
        self._database = database
        self._on_commit = on_commit
        self._waiting: deque[_Ticket] = deque()
        self._wake = asyncio.Event()
        self.counts = Counts()

    @overload
    async def submit(self, deed: React) -> Tally: ...
    @overload
    async def submit(self, deed: Post | Edit | Delete | Moderate) -> Comment: ...
    @overload
    async def submit(self, deed: Change) -> Story: ...
    @overload
    async def submit(self, deed: Forget) -> int: ...
    @overload
    async def submit(self, deed: Report) -> None: ...
    async def submit(self, deed: Deed) -> Answer:
        """The deed's answer, once it is on disk. Raises its refusal, or `Unavailable`."""
        answer: Answer = await self._enqueue(deed)
        return answer

    async def run_errand(self, errand: Errand[T]) -> T:
        """The errand's answer, once it is on disk. Raises its refusal, or `Unavailable`."""
        answer: T = await self._enqueue(errand)
        return answer

    async def _enqueue(self, work: Deed | Errand[Any]) -> Any:
        if len(self._waiting) >= WAITING:
            raise Unavailable(retry_after=2)
        ticket = _Ticket(work)
        self._waiting.append(ticket)
        self._wake.set()
        # Shielded: a reader who goes away must not take the answer of a batch with them.
        return await asyncio.shield(ticket.answer)

    async def run(self) -> None:
        """Write batches until cancelled; what waits at that moment is still written."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await asyncio.sleep(LINGER_S)
                while self._waiting:
                    await self._write(self._take())
        except asyncio.CancelledError:
            while self._waiting:
                await self._write(self._take())
            raise

    def _take(self) -> list[_Ticket]:
        most = min(MOST, len(self._waiting))
        return [self._waiting.popleft() for _ in range(most)]

    async def _write(self, batch: list[_Ticket]) -> None:
        started = time.perf_counter()
        try:
            await self._commit(batch)
        except Exception as error:
            if len(batch) > 1 and is_lasting(error):
                # One deed that the database cannot take must not take the others with it.
                for ticket in batch:
                    await self._write([ticket])
                return
            self.counts.failed += len(batch)
            log.exception("write failed deeds=%d", len(batch))
            for ticket in batch:
                _refuse(ticket, Unavailable(retry_after=2))
        finally:
            self.counts.seconds += time.perf_counter() - started

    async def _commit(self, batch: list[_Ticket]) -> None:
        outcomes: list[tuple[_Ticket, Callable[[], Any] | Refused]] = []
        async with self._database.write() as connection:
            deeds = []
            for ticket in batch:
                if callable(ticket.work):
                    outcomes.append((ticket, await _run(ticket.work, connection)))
                else:
                    deeds.append(ticket)
            ledger = Ledger(connection, [ticket.work for ticket in deeds])  # type: ignore[misc]
            await ledger.load()
            outcomes += [(ticket, ledger.apply(ticket.work)) for ticket in deeds]  # type: ignore[arg-type]
            await ledger.flush()
        self.counts.batches += 1
        self.counts.deeds += len(batch)
        self.counts.largest = max(self.counts.largest, len(batch))
        # Before the answers: what a reader is told is saved is already on its way to the others.
        self._on_commit(ledger.events())
        for ticket, outcome in outcomes:
            if isinstance(outcome, Refused):
                self.counts.refused += 1
                _refuse(ticket, outcome)
            elif not ticket.answer.done():
                ticket.answer.set_result(outcome())


async def _run(errand: Errand[Any], connection: Any) -> Callable[[], Any] | Refused:
    try:
        answer = await errand(connection)
    except Refused as refusal:
        return refusal
    return lambda: answer


def _refuse(ticket: _Ticket, refusal: Refused) -> None:
    if not ticket.answer.done():
        with contextlib.suppress(asyncio.InvalidStateError):
            ticket.answer.set_exception(refusal)
            # Nobody may be listening any more; that is no error.
            ticket.answer.exception()
