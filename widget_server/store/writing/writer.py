"""The one writer of a process: actions of many readers in one transaction, each answered after it.

A batch is what came in while the one before was being committed, plus a few milliseconds of
waiting, at most `MAX_BATCH` actions. So the cost of `fsync` is paid once for many, and an idle server
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

from widget_server.model.errors import ProblemError, UnavailableError
from widget_server.model.events import Event
from widget_server.model.metrics import Histogram
from widget_server.model.records import Comment, Story, Tally
from widget_server.store.engine import Database, is_permanent, is_retryable
from widget_server.store.transactions import TransactionFn, acquire_writer_lock
from widget_server.store.writing.actions import (
    Action,
    ActionResult,
    Delete,
    Edit,
    Forget,
    Moderate,
    Post,
    React,
    Report,
    UpdateStory,
)
from widget_server.store.writing.apply import ActionApplier
from widget_server.store.writing.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

T = TypeVar("T")

LINGER_S = 0.002
MAX_BATCH = 500
TRIES = 3
COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Bounds between which the times of commits are told apart, in seconds."""
MAX_QUEUE = 20_000
"""Actions that may wait at the same time; more are refused at once instead of piling up."""


@dataclass(slots=True)
class WriterMetrics:
    """What the writer did, for /metrics."""

    batch_size: Annotated[Histogram, "actions in one transaction that was committed"] = field(
        default_factory=lambda: Histogram(1, 2, 5, 10, 20, 50, 100, 200, MAX_BATCH)
    )
    commit_duration_seconds: Annotated[
        Histogram, "time from the beginning of a transaction to the disk"
    ] = field(default_factory=lambda: Histogram(*COMMIT_S))
    actions_rejected: Annotated[
        int, "actions refused by a rule, such as that of a closed story"
    ] = 0
    actions_failed: Annotated[
        int, "actions that the database did not take; their readers were told"
    ] = 0

    @property
    def batches(self) -> int:
        """Transactions that were committed."""
        return self.batch_size.count

    @property
    def actions(self) -> int:
        """Actions in them."""
        return int(self.batch_size.total)


@dataclass(slots=True)
class _PendingWrite:
    epoch: str
    """The numbering that the action speaks of."""
    action: Action | None = None
    transaction: TransactionFn[Any] | None = None
    result: asyncio.Future[Any] = field(default_factory=asyncio.Future)


class Writer:
    """Queue in front of the database.

    `on_commit` is told of every batch's events, in order, and of the epoch that they belong to.
    """

    def __init__(
        self, database: Database, on_commit: Callable[[Sequence[Event], str], None]
    ) -> None:
        self._database = database
        self._on_commit = on_commit
        self._waiting: deque[_PendingWrite] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self.metrics = WriterMetrics()
        self.healthy = True
        """Whether the database took the last batch, or could have but for an action's own fault."""

    @property
    def queue_length(self) -> int:
        """Actions that wait for the transaction under way to end."""
        return len(self._waiting)

    @overload
    async def submit(self, action: React) -> Tally: ...
    @overload
    async def submit(self, action: Post | Edit | Delete | Moderate) -> Comment: ...
    @overload
    async def submit(self, action: UpdateStory) -> Story: ...
    @overload
    async def submit(self, action: Forget) -> int: ...
    @overload
    async def submit(self, action: Report) -> None: ...
    async def submit(self, action: Action) -> ActionResult:
        """The action's answer, once it is on disk. Raises its refusal, or `UnavailableError`."""
        answer: ActionResult = await self._enqueue(
            _PendingWrite(self._database.epoch, action=action)
        )
        return answer

    async def run_in_transaction(self, transaction: TransactionFn[T]) -> T:
        """The transaction function's answer, once it is on disk. Raises its refusal, or `UnavailableError`."""
        answer: T = await self._enqueue(
            _PendingWrite(self._database.epoch, transaction=transaction)
        )
        return answer

    async def _enqueue(self, ticket: _PendingWrite) -> Any:
        if self._stopping or len(self._waiting) >= MAX_QUEUE:
            raise UnavailableError(retry_after=2)
        self._waiting.append(ticket)
        self._wake.set()
        # A reader who goes away cancels this answer alone; the action stays in its batch.
        return await ticket.result

    async def run(self) -> None:
        """Write batches until cancelled; what waits or is being written then is still written."""
        self._stopping = False
        writing = asyncio.create_task(self._write_batches())
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._stopping = True
            self._wake.set()
            await writing
            raise

    async def _write_batches(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                # Between batches too: those who were just answered are in the next one, not in
                # every other one, and half as many transactions carry as many actions.
                await asyncio.sleep(LINGER_S)
                await self._write(self._next_batch())

    def _next_batch(self) -> list[_PendingWrite]:
        most = min(MAX_BATCH, len(self._waiting))
        return [self._waiting.popleft() for _ in range(most)]

    async def _write(self, batch: list[_PendingWrite], tries: int = TRIES) -> None:
        try:
            await self._commit(batch)
        except ProblemError as rejection:
            for ticket in batch:
                _refuse(ticket, rejection)
        except Exception as error:
            if len(batch) > 1 and is_permanent(error):
                # One action that the database cannot take must not take the others with it.
                middle = len(batch) // 2
                await self._write(batch[:middle])
                await self._write(batch[middle:])
            elif tries > 1 and is_retryable(error):
                await self._write(batch, tries - 1)
            else:
                self.metrics.actions_failed += len(batch)
                self.healthy = is_permanent(error)
                log.exception("event=write_failed actions=%d", len(batch))
                for ticket in batch:
                    _refuse(ticket, UnavailableError(retry_after=2))

    async def _commit(self, batch: list[_PendingWrite]) -> None:
        started = time.perf_counter()
        outcomes, events, epoch = await self._database.write(partial(self._apply, batch))
        self.metrics.commit_duration_seconds.add(time.perf_counter() - started)
        self.metrics.batch_size.add(len(batch))
        self.healthy = True
        # Before the answers: what a reader is told is saved is already on its way to the others.
        self._on_commit(events(), epoch)
        for ticket, outcome in outcomes:
            if isinstance(outcome, ProblemError):
                self.metrics.actions_rejected += 1
                _refuse(ticket, outcome)
            elif not ticket.result.done():
                ticket.result.set_result(outcome())

    async def _apply(
        self, batch: list[_PendingWrite], connection: AsyncConnection
    ) -> tuple[
        list[tuple[_PendingWrite, Callable[[], Any] | ProblemError]], Callable[[], list[Event]], str
    ]:
        """The transaction of one batch. Nothing here may touch the event loop."""
        epoch = await self._database.epoch_in(connection)
        # After a backup was restored a number may mean another story than the one that was meant.
        outcomes: list[tuple[_PendingWrite, Callable[[], Any] | ProblemError]] = [
            (ticket, UnavailableError(retry_after=1)) for ticket in batch if ticket.epoch != epoch
        ]
        batch = [ticket for ticket in batch if ticket.epoch == epoch]
        actions = [(ticket, ticket.action) for ticket in batch if ticket.action is not None]
        transactions = [
            (ticket, ticket.transaction) for ticket in batch if ticket.transaction is not None
        ]
        if transactions:
            await acquire_writer_lock(connection)
        for ticket, transaction in transactions:
            outcomes.append((ticket, await _run(transaction, connection)))
        rows = UnitOfWork(connection)
        await rows.load([action for _, action in actions])
        ledger = ActionApplier(rows)
        outcomes += [(ticket, ledger.apply(action)) for ticket, action in actions]
        await rows.flush()
        return outcomes, ledger.events, epoch


async def _run(
    transaction: TransactionFn[Any], connection: Any
) -> Callable[[], Any] | ProblemError:
    try:
        answer = await transaction(connection)
    except ProblemError as rejection:
        return rejection
    return lambda: answer


def _refuse(ticket: _PendingWrite, rejection: ProblemError) -> None:
    if not ticket.result.done():
        ticket.result.set_exception(rejection)
        # No one may be listening any more; that is no error.
        ticket.result.exception()
