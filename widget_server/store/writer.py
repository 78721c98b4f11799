"""The one writer of a process: deeds of many readers in one transaction, each answered after it.

A batch is what came in while the one before was being committed, plus a few milliseconds of
waiting, at most `MOST` deeds. So the cost of `fsync` is paid once for many, and an idle server
answers at once.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, TypeVar, overload

from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import Refused, Unavailable
from widget_server.model.events import Event
from widget_server.model.measures import Spread
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
from widget_server.store.engine import Database, is_lasting, is_passing
from widget_server.store.errands import Errand, run_errands_alone
from widget_server.store.ledger import Ledger
from widget_server.store.workset import Workset

log = logging.getLogger(__name__)

T = TypeVar("T")

LINGER_S = 0.002
MOST = 500
TRIES = 3
COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Bounds between which the times of commits are told apart, in seconds."""
WAITING = 20_000
"""Deeds that may wait at the same time; more are refused at once instead of piling up."""


@dataclass(slots=True)
class Counts:
    """What the writer did, for /metrics."""

    batch_deeds: Annotated[Spread, "deeds in one transaction that was committed"] = field(
        default_factory=lambda: Spread(1, 2, 5, 10, 20, 50, 100, 200, MOST)
    )
    commit_seconds: Annotated[Spread, "time from the beginning of a transaction to the disk"] = (
        field(default_factory=lambda: Spread(*COMMIT_S))
    )
    refused: Annotated[int, "deeds refused by a rule, such as that of a closed story"] = 0
    failed: Annotated[int, "deeds that the database did not take; their readers were told"] = 0

    @property
    def batches(self) -> int:
        """Transactions that were committed."""
        return self.batch_deeds.number

    @property
    def deeds(self) -> int:
        """Deeds in them."""
        return int(self.batch_deeds.total)


@dataclass(slots=True)
class _Ticket:
    epoch: str
    """The numbering that the deed speaks of."""
    deed: Deed | None = None
    errand: Errand[Any] | None = None
    answer: asyncio.Future[Any] = field(default_factory=asyncio.Future)


class Writer:
    """Queue in front of the database.

    `on_commit` is told of every batch's events, in order, and of the epoch that they belong to.
    """

    def __init__(
        self, database: Database, on_commit: Callable[[Sequence[Event], str], None]
    ) -> None:
        self._database = database
        self._on_commit = on_commit
        self._waiting: deque[_Ticket] = deque()
        self._wake = asyncio.Event()
        self._leaving = False
        self.counts = Counts()
        self.well = True
        """Whether the database took the last batch, or could have but for a deed's own fault."""

    @property
    def waiting(self) -> int:
        """Deeds that wait for the transaction under way to end."""
        return len(self._waiting)

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
        answer: Answer = await self._enqueue(_Ticket(self._database.epoch, deed=deed))
        return answer

    async def run_errand(self, errand: Errand[T]) -> T:
        """The errand's answer, once it is on disk. Raises its refusal, or `Unavailable`."""
        answer: T = await self._enqueue(_Ticket(self._database.epoch, errand=errand))
        return answer

    async def _enqueue(self, ticket: _Ticket) -> Any:
        if self._leaving or len(self._waiting) >= WAITING:
            raise Unavailable(retry_after=2)
        self._waiting.append(ticket)
        self._wake.set()
        # A reader who goes away cancels this answer alone; the deed stays in its batch.
        return await ticket.answer

    async def run(self) -> None:
        """Write batches until cancelled; what waits or is being written then is still written."""
        self._leaving = False
        writing = asyncio.create_task(self._write_batches())
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._leaving = True
            self._wake.set()
            await writing
            raise

    async def _write_batches(self) -> None:
        while not self._leaving:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                # Between batches too: those who were just answered are in the next one, not in
                # every other one, and half as many transactions carry as many deeds.
                await asyncio.sleep(LINGER_S)
                await self._write(self._take())

    def _take(self) -> list[_Ticket]:
        most = min(MOST, len(self._waiting))
        return [self._waiting.popleft() for _ in range(most)]

    async def _write(self, batch: list[_Ticket], tries: int = TRIES) -> None:
        try:
            await self._commit(batch)
        except Refused as refusal:
            for ticket in batch:
                _refuse(ticket, refusal)
        except Exception as error:
            if len(batch) > 1 and is_lasting(error):
                # One deed that the database cannot take must not take the others with it.
                middle = len(batch) // 2
                await self._write(batch[:middle])
                await self._write(batch[middle:])
            elif tries > 1 and is_passing(error):
                await self._write(batch, tries - 1)
            else:
                self.counts.failed += len(batch)
                self.well = is_lasting(error)
                log.exception("event=write_failed deeds=%d", len(batch))
                for ticket in batch:
                    _refuse(ticket, Unavailable(retry_after=2))

    async def _commit(self, batch: list[_Ticket]) -> None:
        started = time.perf_counter()
        outcomes, events, epoch = await self._database.write(partial(self._apply, batch))
        self.counts.commit_seconds.add(time.perf_counter() - started)
        self.counts.batch_deeds.add(len(batch))
        self.well = True
        # Before the answers: what a reader is told is saved is already on its way to the others.
        self._on_commit(events(), epoch)
        for ticket, outcome in outcomes:
            if isinstance(outcome, Refused):
                self.counts.refused += 1
                _refuse(ticket, outcome)
            elif not ticket.answer.done():
                ticket.answer.set_result(outcome())

    async def _apply(
        self, batch: list[_Ticket], connection: AsyncConnection
    ) -> tuple[list[tuple[_Ticket, Callable[[], Any] | Refused]], Callable[[], list[Event]], str]:
        """The transaction of one batch. Nothing here may touch the event loop."""
        epoch = await self._database.epoch_in(connection)
        # After a backup was restored a number may mean another story than the one that was meant.
        outcomes: list[tuple[_Ticket, Callable[[], Any] | Refused]] = [
            (ticket, Unavailable(retry_after=1)) for ticket in batch if ticket.epoch != epoch
        ]
        batch = [ticket for ticket in batch if ticket.epoch == epoch]
        deeds = [(ticket, ticket.deed) for ticket in batch if ticket.deed is not None]
        errands = [(ticket, ticket.errand) for ticket in batch if ticket.errand is not None]
        if errands:
            await run_errands_alone(connection)
        for ticket, errand in errands:
            outcomes.append((ticket, await _run(errand, connection)))
        rows = Workset(connection)
        await rows.load([deed for _, deed in deeds])
        ledger = Ledger(rows)
        outcomes += [(ticket, ledger.apply(deed)) for ticket, deed in deeds]
        await rows.flush()
        return outcomes, ledger.events, epoch


async def _run(errand: Errand[Any], connection: Any) -> Callable[[], Any] | Refused:
    try:
        answer = await errand(connection)
    except Refused as refusal:
        return refusal
    return lambda: answer


def _refuse(ticket: _Ticket, refusal: Refused) -> None:
    if not ticket.answer.done():
        ticket.answer.set_exception(refusal)
        # Nobody may be listening any more; that is no error.
        ticket.answer.exception()
