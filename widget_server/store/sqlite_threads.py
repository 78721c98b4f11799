"""Run a whole SQLite transaction in one call of a thread.

An asynchronous driver sends every statement to a thread and the result back through the event loop. Under
load, those waits for the event loop took longer than SQLite and the disk together. Here the
transaction's coroutine runs in the thread: every await completes at once, without the event loop.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
"""Writes the pages of the WAL into the database file, as far as no reader needs the old ones. It waits for none."""
EMPTY_WAL = "PRAGMA wal_checkpoint(TRUNCATE)"
"""The same, and then empties the WAL. It waits for the connections that use it, up to their `busy_timeout`."""
ROWS_PER_CHECKPOINT = 1_000
"""Changed rows after which there is a checkpoint.

That is about 1,000 pages of a batch of decisions, and 2,500 of single reactions: each commit writes its pages anew.
"""
WAL_PAGES = 8_000
"""Pages of the WAL at which a commit does the checkpoint, if there was none before."""


class SyncConnectionAdapter:
    """The methods of `AsyncConnection` that transactions use, on a synchronous connection.

    `fetch` and `run_many` use the driver itself: for a statement of a few rows, SQLAlchemy takes longer than
    SQLite.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        driver = connection.connection.driver_connection
        self._driver = cast(sqlite3.Connection, driver)

    @property
    def dialect(self) -> Dialect:
        """Dialect of the database."""
        return self._connection.dialect

    @property
    def info(self) -> dict[Any, Any]:
        """Values that belong to the database connection."""
        return self._connection.info

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:
        """Execute a statement. The result is there when the await ends, without a thread switch."""
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        """Execute SQL text without processing, like `execute`."""
        return self._connection.exec_driver_sql(statement, parameters)

    def fetch(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run SQL text and return its rows as the driver gives them: a boolean is 0 or 1. Raises `DBAPIError`."""
        try:
            rows: list[tuple[Any, ...]] = self._driver.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise _as_of_sqlalchemy(text, error) from error
        return rows

    def run_many(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run SQL text with the values of each of the rows. Raises `DBAPIError`."""
        try:
            self._driver.executemany(text, rows)
        except sqlite3.Error as error:
            raise _as_of_sqlalchemy(text, error) from error

    @property
    def changed_rows(self) -> int:
        """Rows that were changed since the driver's connection was opened."""
        return self._driver.total_changes


class ThreadedEngine:
    """Connections to a SQLite file, and as many threads that use them."""

    def __init__(self, engine: Engine, threads: int, name: str) -> None:
        self.sync_engine = engine
        self._changed = self._checkpoint_at = 0
        """Rows that the driver's connection has changed: in all, and until the last checkpoint."""
        self._is_emptied = True
        """Whether nothing was written since the WAL was emptied."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._idle: list[Connection] = []
        """Connections between two transactions. To take one from the engine's pool and give it back took 60 us."""
        self._disposed = False

    async def run_transaction(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in one transaction, which is committed to disk when this returns.

        `work` may await only its connection. Raises RuntimeError if it awaits anything else.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    def _run(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        with self._connection() as connection, connection.begin():
            adapter = SyncConnectionAdapter(connection)
            coroutine = work(cast(AsyncConnection, adapter))
            try:
                coroutine.send(None)
            except StopIteration as end:
                result: T = end.value
            else:
                coroutine.close()
                raise RuntimeError("A transaction awaited something other than its connection.")
            self._changed = adapter.changed_rows
            self._is_emptied = False
        return result

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Return a connection that no other thread uses. After an error it goes back to the pool, which rolls it back."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.sync_engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if self._disposed:
            self._close_idle()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def checkpoint(self) -> None:
        """Begin a checkpoint, if at least `ROWS_PER_CHECKPOINT` rows have changed since the last one.

        Only for a single thread: its next transaction begins when the checkpoint has ended. A commit with a checkpoint
        takes 7 ms instead of one, and each reader whose action is in it waits.
        """
        if abs(self._changed - self._checkpoint_at) >= ROWS_PER_CHECKPOINT:
            self._checkpoint_at = self._changed
            self._threads.submit(self._do_checkpoint)

    def empty_wal(self) -> None:
        """Begin a checkpoint that also empties the WAL, if anything was written since the last one of this kind.

        Until then, old pages in either file may contain words that were erased. Only for a single thread.
        """
        if not self._is_emptied:
            self._is_emptied = True
            self._checkpoint_at = self._changed
            self._threads.submit(self._empty_wal)

    def _do_checkpoint(self) -> None:
        # By the connection that writes: before 3.51.3, SQLite could lose pages if a second one did a checkpoint
        # meanwhile (sqlite.org/wal.html, “the WAL-reset bug”). If it fails, a commit does it.
        with suppress(SQLAlchemyError), self._connection() as connection:
            SyncConnectionAdapter(connection).fetch(CHECKPOINT)

    def _empty_wal(self) -> None:
        with suppress(SQLAlchemyError), self._connection() as connection:
            adapter = SyncConnectionAdapter(connection)
            ((before,),) = adapter.fetch("PRAGMA busy_timeout")
            # Without it, a write that arrives would wait as long as a backup reads.
            adapter.fetch("PRAGMA busy_timeout=0")
            try:
                adapter.fetch(EMPTY_WAL)
            finally:
                adapter.fetch(f"PRAGMA busy_timeout={before}")

    async def dispose(self) -> None:
        """Close the connections and stop the threads."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._dispose)
        self._threads.shutdown(wait=False)

    def _dispose(self) -> None:
        self._disposed = True
        self._close_idle()
        self.sync_engine.dispose()


def _as_of_sqlalchemy(text: str, error: sqlite3.Error) -> DBAPIError:
    """Return the exception that SQLAlchemy raises for one of the driver."""
    raised = DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True)
    return cast(DBAPIError, raised)
