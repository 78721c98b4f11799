"""Group commit: the one writer of a process writes many actions in one transaction.

A batch contains the actions that arrive during the previous commit and in the `LINGER_S` after it, at
most `MAX_BATCH`. So many actions share the cost of one `fsync`. A batch without an action of a reader is written without
this pause: of decisions and transaction functions, few would arrive meanwhile.
Actions that no reader waits for are written in portions, in short transactions between those of readers.
On SQLite such a transaction ends early when a reader's action arrives or the process stops: what is left of it
comes first in the next one, or is left to its job.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, TypeVar, overload

from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decided
from widget_server.model.errors import ProblemError, UnavailableError
from widget_server.model.events import Event
from widget_server.model.hints import Hint
from widget_server.model.metrics import Histogram
from widget_server.model.records import Comment, Story, Tally
from widget_server.store.engine import Database, is_permanent, is_retryable
from widget_server.store.log_keys import CONNECTION_KEY, LogKeys
from widget_server.store.transactions import TransactionFn, acquire_writer_lock
from widget_server.store.writing.actions import (
    Action,
    ActionResult,
    Appeal,
    Decide,
    Delete,
    Edit,
    Erase,
    Forget,
    Post,
    React,
    Report,
    SendHint,
    Undo,
    UpdateStory,
)
from widget_server.store.writing.apply import ActionApplier
from widget_server.store.writing.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

T = TypeVar("T")

LINGER_S = 0.002
"""Pause before each batch with actions of readers, in seconds, so that it contains more of them."""
MAX_BATCH = 500
"""Actions in one transaction."""
REST_S = 60.0
"""Time without a write, in seconds, after which SQLite's WAL is emptied: old pages may contain erased words."""
PORTION = 96
"""Most actions that can wait in one transaction on SQLite. With fewer of them, its commit takes most of the time."""
STEP = 10
"""Actions of such a portion whose rows are read and written together.

After each step the portion ends if a reader's action waits, or the end of this process. The reader's action then
joins the transaction, which saves one commit.
"""
WHOLE_PORTION = 24
"""Actions that can wait in one transaction on PostgreSQL. A reader whose action arrives waits for its commit."""
TRIES = 3
"""Attempts at one batch if the database aborts its transaction because of a deadlock."""
COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Bucket bounds of the commit duration histogram, in seconds."""
MAX_QUEUE = 20_000
"""Queued actions. More are rejected at once, so that memory and waiting times stay bounded."""


@dataclass(slots=True)
class WriterMetrics:
    """Metrics of the writer."""

    batch_size: Annotated[Histogram, "actions in one transaction that was committed"] = field(
        default_factory=lambda: Histogram(1, 2, 5, 10, 20, 50, 100, 200, MAX_BATCH)
    )
    commit_duration_seconds: Annotated[
        Histogram, "time from the start of a transaction to its commit on disk"
    ] = field(default_factory=lambda: Histogram(*COMMIT_S))
    actions_rejected: Annotated[
        int, "actions rejected by a rule, for example because the story is closed"
    ] = 0
    actions_failed: Annotated[
        int, "actions that could not be written; their clients received an error"
    ] = 0

    @property
    def batches(self) -> int:
        """Number of committed transactions."""
        return self.batch_size.count

    @property
    def actions(self) -> int:
        """Number of actions in committed transactions."""
        return int(self.batch_size.total)


class _Group:
    """The actions of one `submit_between`: how many are left, and how they ended. Their results are not created.

    A future for each action cost as much as encoding its event.
    """

    def __init__(self, actions: int) -> None:
        self._left = actions
        self._rejected = 0
        self._failure: UnavailableError | None = None
        self.result: asyncio.Future[int] = asyncio.Future()
        """How many were rejected, or the error by which some were not written. Set once all have ended."""

    def settle(self, rejection: ProblemError | None) -> None:
        """Count one of them as written, or as rejected."""
        self._left -= 1
        self._rejected += rejection is not None
        if isinstance(rejection, UnavailableError):
            self._failure = rejection
        if self._left or self.result.done():
            return
        if self._failure is not None:
            _fail(self.result, self._failure)
        else:
            self.result.set_result(self._rejected)


@dataclass(slots=True)
class _PendingWrite:
    epoch: str
    """The epoch that the ids in the action belong to."""
    result: asyncio.Future[Any] | _Group
    action: Action | None = None
    transaction: TransactionFn[Any] | None = None

    @property
    def is_of_reader(self) -> bool:
        """Whether it is an action, and no decision: readers' actions come in hundreds."""
        return self.action is not None and not isinstance(self.action, Decide | Undo)


_Outcome = Callable[[], Any] | ProblemError
"""Creates the result of a write, or is the problem that it is rejected with."""


@dataclass(frozen=True, slots=True)
class _Applied:
    """What one transaction did. `left` are actions that were not applied: the last ones of the batch."""

    outcomes: list[tuple[_PendingWrite, _Outcome]]
    left: list[_PendingWrite]
    events: Callable[[], list[Event]]
    epoch: str

    def followed_by(self, then: "_Applied") -> "_Applied":
        """Return what both did, one after the other."""
        outcomes = self.outcomes + then.outcomes
        return replace(then, outcomes=outcomes, events=lambda: self.events() + then.events())


class Writer:
    """Queue of actions and transaction functions, written in batches.

    After each commit `on_commit` receives the batch's events in order, and their epoch.
    """

    def __init__(
        self,
        database: Database,
        on_commit: Callable[[Sequence[Event], str], None],
        keys: LogKeys,
    ) -> None:
        self._database = database
        self._keys = keys
        self._on_commit = on_commit
        self._queue: deque[_PendingWrite] = deque()
        self._later: deque[_PendingWrite] = deque()
        """Writes that can wait."""
        self._joined: list[_PendingWrite] = []
        """Writes of readers in the current transaction of writes that can wait."""
        self._was_later = False
        """Whether the last batch contained writes that can wait."""
        self._unpublished: _Applied | None = None
        """The last transaction of writes that can wait, while the next one begins in its thread."""
        self._wake = asyncio.Event()
        self._stopping = False
        self.metrics = WriterMetrics()
        self.healthy = True
        """Whether the last batch was written, or failed because of its own data."""

    @property
    def queue_length(self) -> int:
        """Number of actions that wait for the current transaction to end."""
        return len(self._queue)

    @property
    def _is_awaited(self) -> bool:
        """Whether a reader, or the end of this process, waits for the current transaction."""
        return bool(self._queue) or self._stopping

    @overload
    async def submit(self, action: React) -> Tally: ...
    @overload
    async def submit(self, action: Post | Edit | Delete) -> Comment: ...
    @overload
    async def submit(self, action: Decide | Undo) -> Decided: ...
    @overload
    async def submit(self, action: UpdateStory) -> Story: ...
    @overload
    async def submit(self, action: Forget) -> int: ...
    @overload
    async def submit(self, action: Appeal) -> str: ...
    @overload
    async def submit(self, action: SendHint) -> Hint: ...
    @overload
    async def submit(self, action: Report | Erase) -> None: ...
    async def submit(self, action: Action) -> ActionResult:
        """Write the action and return its result once it is on disk.

        Raises the problem that it is rejected with, or `UnavailableError`.
        """
        result: asyncio.Future[ActionResult] = asyncio.Future()
        self._enqueue(_PendingWrite(self._database.epoch, result, action=action))
        # A client that disconnects cancels only this wait. The action stays in its batch.
        return await result

    async def run_in_transaction(self, transaction: TransactionFn[T]) -> T:
        """Run a transaction function and return its result once it is on disk.

        Raises the problem that it raises, or `UnavailableError`.
        """
        result: asyncio.Future[T] = asyncio.Future()
        self._enqueue(_PendingWrite(self._database.epoch, result, transaction=transaction))
        return await result

    async def submit_between(self, actions: Sequence[Decide | Undo]) -> int:
        """Write many actions in order, in small transactions between those of readers. Return how many were rejected.

        Raises `UnavailableError` if some of them could not be written.
        """
        if self._stopping:
            raise UnavailableError(retry_after=2)
        if not actions:
            return 0
        epoch, group = self._database.epoch, _Group(len(actions))
        self._later += [_PendingWrite(epoch, group, action=action) for action in actions]
        self._wake.set()
        return await group.result

    def _enqueue(self, write: _PendingWrite) -> None:
        if self._stopping or len(self._queue) >= MAX_QUEUE:
            raise UnavailableError(retry_after=2)
        self._queue.append(write)
        self._wake.set()

    async def run(self) -> None:
        """Write batches until cancelled. Queued actions are still written before this returns.

        Those that can wait are rejected: their job does them later.
        """
        self._stopping = False
        writing = asyncio.create_task(self._write_batches())
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._stopping = True
            for write in _take(self._later, len(self._later)):
                _reject(write, UnavailableError(retry_after=2))
            self._wake.set()
            await writing
            raise

    async def _write_batches(self) -> None:
        while not self._stopping:
            await self._wait_for_writes()
            self._wake.clear()
            while self._queue or self._later:
                # Readers and the writes that can wait take turns: neither keeps the other waiting.
                if self._later and (self._was_later is False or not self._queue):
                    await self._write_portion()
                    if not self._queue:
                        self._database.checkpoint()
                    continue
                self._publish()
                if not self._later and any(write.is_of_reader for write in self._queue):
                    # Between batches too: a client that just received a result can send its next action
                    # into the next batch. That halves the number of transactions.
                    await asyncio.sleep(LINGER_S)
                self._was_later = False
                await self._write(_take(self._queue, MAX_BATCH))
            self._publish()
            self._was_later = False
            self._database.checkpoint()

    async def _wait_for_writes(self) -> None:
        """Wait until there is a write. After a rest the WAL is emptied, once."""
        try:
            async with asyncio.timeout(REST_S):
                await self._wake.wait()
        except TimeoutError:
            self._database.empty_wal()
            await self._wake.wait()

    async def _write_portion(self) -> None:
        """Write the next actions that can wait, in one transaction. Publish those of the transaction before meanwhile."""
        self._was_later = True
        most = PORTION if self._database.is_sqlite else WHOLE_PORTION
        writing = asyncio.create_task(self._write(_take(self._later, most), may_end=True))
        await asyncio.sleep(0)
        self._publish()
        left = await writing
        if not self._stopping:
            self._later.extendleft(reversed(left))
            return
        for write in left:
            _reject(write, UnavailableError(retry_after=2))

    async def _write(
        self, batch: list[_PendingWrite], tries: int = TRIES, *, may_end: bool = False
    ) -> list[_PendingWrite]:
        """Write a batch. With `may_end`, return its last actions if they were left because it is awaited."""
        try:
            return await self._commit(batch, may_end)
        except Exception as error:
            joined, self._joined = self._joined, []
            is_undone = isinstance(error, ProblemError) or is_permanent(error)
            if joined and (is_undone or is_retryable(error)):
                # Nothing is stored, and either part may be at fault: each one is written by itself.
                self._queue.extendleft(reversed(joined))
                return await self._write(batch)
            if isinstance(error, ProblemError):
                for write in batch:
                    _reject(write, error)
            elif len(batch) > 1 and is_permanent(error):
                # An action with data that the database rejects must not make the others fail.
                middle = len(batch) // 2
                await self._write(batch[:middle])
                await self._write(batch[middle:])
            elif tries > 1 and is_retryable(error):
                return await self._write(batch, tries - 1, may_end=may_end)
            else:
                failed = [*batch, *joined]
                self.metrics.actions_failed += len(failed)
                self.healthy = is_permanent(error)
                log.exception("event=write_failed actions=%d", len(failed))
                for write in failed:
                    _reject(write, UnavailableError(retry_after=2))
        return []

    async def _commit(self, batch: list[_PendingWrite], may_end: bool) -> list[_PendingWrite]:
        started = time.perf_counter()
        applied = await self._database.write(partial(self._apply, batch, may_end))
        self._joined = []
        self.metrics.commit_duration_seconds.add(time.perf_counter() - started)
        self.metrics.batch_size.add(len(applied.outcomes))
        self.healthy = True
        self._publish()
        self._unpublished = applied
        if not may_end:
            self._publish()
        return applied.left

    def _publish(self) -> None:
        """Publish the events of the last transaction, and give the callers of its writes their results."""
        applied, self._unpublished = self._unpublished, None
        if applied is None:
            return
        try:
            # Publish before the results: an acknowledged action is already on its way to other readers.
            self._on_commit(applied.events(), applied.epoch)
        except Exception:
            # For example a damaged row. All is stored: nothing may write it again, and the next batch is written.
            log.exception("event=publish_failed events=%d", len(applied.outcomes))
        for write, outcome in applied.outcomes:
            self._settle(write, outcome)

    def _settle(self, write: _PendingWrite, outcome: _Outcome) -> None:
        """Give the caller of a committed write its result."""
        if isinstance(outcome, ProblemError):
            self.metrics.actions_rejected += 1
            _reject(write, outcome)
        elif isinstance(write.result, _Group):
            write.result.settle(None)
        elif not write.result.done():
            try:
                result = outcome()
            except Exception:
                # For example a damaged row. It is stored: nothing may write the batch again.
                self.metrics.actions_failed += 1
                log.exception("event=write_failed actions=1")
                _reject(write, UnavailableError(retry_after=2))
            else:
                write.result.set_result(result)

    async def _apply(
        self, batch: list[_PendingWrite], may_end: bool, connection: AsyncConnection
    ) -> _Applied:
        """Apply a batch in its transaction. On SQLite this runs in a thread: do not use the event loop."""
        epoch = await self._database.epoch_in(connection)
        # PostgreSQL locks stories. A second round of locks could wait in a circle with another process.
        if not may_end or connection.dialect.name != "sqlite":
            return await self._apply_some(batch, connection, epoch)
        applied = await self._apply_some(batch[:STEP], connection, epoch)
        left = batch[STEP:]
        while left and not self._is_awaited:
            applied = applied.followed_by(await self._apply_some(left[:STEP], connection, epoch))
            left = left[STEP:]
        if self._queue:
            self._joined = _take(self._queue, MAX_BATCH)
            joined = await self._apply_some(self._joined, connection, epoch)
            applied = applied.followed_by(joined)
        return replace(applied, left=left)

    async def _apply_some(
        self, batch: list[_PendingWrite], connection: AsyncConnection, epoch: str
    ) -> _Applied:
        """Read the rows of these writes, apply them and write the rows."""
        # After a restore, an id may belong to another story than the action means.
        outcomes: list[tuple[_PendingWrite, _Outcome]] = [
            (write, UnavailableError(retry_after=1)) for write in batch if write.epoch != epoch
        ]
        batch = [write for write in batch if write.epoch == epoch]
        actions = [(write, write.action) for write in batch if write.action is not None]
        transactions = [
            (write, write.transaction) for write in batch if write.transaction is not None
        ]
        # A transaction function needs the keys, and so does an action with which a raid begins.
        connection.info[CONNECTION_KEY] = self._keys
        if transactions:
            await acquire_writer_lock(connection)
        for write, transaction in transactions:
            outcomes.append((write, await _run(transaction, connection)))
        rows = UnitOfWork(connection, self._keys)
        await rows.load([action for _, action in actions])
        applier = ActionApplier(rows)
        outcomes += [(write, applier.apply(action)) for write, action in actions]
        await rows.flush()
        return _Applied(outcomes, [], applier.events, epoch)


async def _run(transaction: TransactionFn[Any], connection: Any) -> _Outcome:
    try:
        result = await transaction(connection)
    except ProblemError as rejection:
        return rejection
    return lambda: result


def _take(queue: deque[_PendingWrite], most: int) -> list[_PendingWrite]:
    return [queue.popleft() for _ in range(min(most, len(queue)))]


def _reject(write: _PendingWrite, rejection: ProblemError) -> None:
    if isinstance(write.result, _Group):
        write.result.settle(rejection)
    elif not write.result.done():
        _fail(write.result, rejection)


def _fail(result: asyncio.Future[Any], error: Exception) -> None:
    result.set_exception(error)
    # Retrieve the exception: if no client waits any more, asyncio must not log it.
    result.exception()
