"""SQLite: a whole transaction in a thread of its own, in one go.

Through an asynchronous driver every statement is sent to a thread and its result back, each time
behind whatever the event loop is busy with; under load that took longer than SQLite and the disk
together. Here the coroutine of a transaction runs in the thread itself: what it awaits is done
when it is awaited, so it never has to wait for the loop.
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
    """What a transaction uses of `AsyncConnection`, on a plain connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """The database's dialect."""
        return self._connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:
        """Execute, now."""
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        """Execute text as it is, now."""
        return self._connection.exec_driver_sql(statement, parameters)


class ThreadedEngine:
    """Connections to a SQLite file, and as many threads in which they are used."""

    def __init__(self, engine: Engine, threads: int, name: str) -> None:
        self.sync_engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run_transaction(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in one transaction, which is over, and on disk, when this returns.

        `work` may await nothing but its connection.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    def _run(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        with self.sync_engine.begin() as connection:
            coroutine = work(cast(AsyncConnection, SyncConnectionAdapter(connection)))
            try:
                coroutine.send(None)
            except StopIteration as end:
                answer: T = end.value
                return answer
            coroutine.close()
            raise RuntimeError("A transaction waited for something else than its database.")

    async def dispose(self) -> None:
        """Close the connections and end the threads."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self.sync_engine.dispose)
        self._threads.shutdown(wait=False)
