"""SQLite's writer in its own thread: whole transactions, and nothing that would have to wait."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.opened import open_store
from widget_server.store import migrate


async def _write(url: str, work: Callable[[AsyncConnection], Awaitable[object]]) -> object:
    async def run(connection: AsyncConnection) -> object:
        return await work(connection)

    await migrate.upgrade(url)
    async with open_store(url) as store:
        return await store.database.write(run)


async def test_a_transaction_is_driven_in_a_thread_that_is_not_the_loops(sqlite_url: str) -> None:
    async def where(connection: AsyncConnection) -> int:
        await connection.exec_driver_sql("SELECT 1")
        return threading.get_ident()

    assert await _write(sqlite_url, where) != threading.get_ident()


async def test_what_waits_for_the_loop_is_refused_and_undone(sqlite_url: str) -> None:
    async def wait(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("INSERT INTO meta VALUES ('left', 'behind')")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="something else than its database"):
        await _write(sqlite_url, wait)

    async def look(connection: AsyncConnection) -> int:
        found = await connection.exec_driver_sql("SELECT count(*) FROM meta WHERE key = 'left'")
        return int(found.scalar_one())

    assert await _write(sqlite_url, look) == 0


async def test_a_transaction_that_fails_leaves_nothing_behind(sqlite_url: str) -> None:
    async def fail(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("INSERT INTO meta VALUES ('left', 'behind')")
        raise LookupError

    with pytest.raises(LookupError):
        await _write(sqlite_url, fail)

    async def look(connection: AsyncConnection) -> int:
        found = await connection.exec_driver_sql("SELECT count(*) FROM meta WHERE key = 'left'")
        return int(found.scalar_one())

    assert await _write(sqlite_url, look) == 0
