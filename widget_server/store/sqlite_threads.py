"""Run a whole SQLite transaction in one call of a thread.

An asynchronous driver sends every statement to a thread and the result back through the event loop. Under
load, those waits for the event loop took longer than SQLite and the disk together. Here the
transaction's coroutine runs in the thread: every await completes at once, without the event loop.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")


class SyncConnectionAdapter:
    """The methods of `AsyncConnection` that transactions use, on a synchronous connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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


class ThreadedEngine:
    """Connections to a SQLite file, and as many threads that use them."""

    def __init__(self, engine: Engine, threads: int, name: str) -> None:
        self.sync_engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run_transaction(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in one transaction, which is committed to disk when this returns.

        `work` may await only its connection. Raises RuntimeError if it awaits anything else.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    def _run(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        with self.sync_engine.begin() as connection:
            coroutine = work(cast(AsyncConnection, SyncConnectionAdapter(connection)))
            try:
                coroutine.send(None)
            except StopIteration as end:
                result: T = end.value
                return result
            coroutine.close()
            raise RuntimeError("A transaction awaited something other than its connection.")

    async def dispose(self) -> None:
        """Close the connections and stop the threads."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self.sync_engine.dispose)
        self._threads.shutdown(wait=False)
