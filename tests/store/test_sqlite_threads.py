"""Whole SQLite transactions in threads, without waits for the event loop."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import open_store
from tests.waiting import eventually
from widget_server.model.errors import UnavailableError
from widget_server.store import engine, migrate, sqlite_threads
from widget_server.store.engine import SQLITE_READ_THREADS, sqlite_path
from widget_server.store.sqlite_threads import WAL_PAGES, ThreadedEngine
from widget_server.store.writing import writer
from widget_server.store.writing.actions import Erase


async def _write(url: str, work: Callable[[AsyncConnection], Awaitable[object]]) -> object:
    async def run(connection: AsyncConnection) -> object:
        return await work(connection)

    await migrate.upgrade(url)
    async with open_store(url) as store:
        return await store.database.write(run)


async def test_a_transaction_runs_in_another_thread_than_the_event_loop(sqlite_url: str) -> None:
    async def where(connection: AsyncConnection) -> int:
        await connection.exec_driver_sql("SELECT 1")
        return threading.get_ident()

    assert await _write(sqlite_url, where) != threading.get_ident()


async def test_a_transaction_that_awaits_the_event_loop_fails_and_is_rolled_back(
    sqlite_url: str,
) -> None:
    async def wait(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("INSERT INTO meta VALUES ('left', 'behind')")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="something other than its connection"):
        await _write(sqlite_url, wait)

    async def count_left_rows(connection: AsyncConnection) -> int:
        found = await connection.exec_driver_sql("SELECT count(*) FROM meta WHERE key = 'left'")
        return int(found.scalar_one())

    assert await _write(sqlite_url, count_left_rows) == 0


async def test_a_failed_transaction_is_rolled_back(sqlite_url: str) -> None:
    async def fail(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("INSERT INTO meta VALUES ('left', 'behind')")
        raise LookupError

    with pytest.raises(LookupError):
        await _write(sqlite_url, fail)

    async def count_left_rows(connection: AsyncConnection) -> int:
        found = await connection.exec_driver_sql("SELECT count(*) FROM meta WHERE key = 'left'")
        return int(found.scalar_one())

    assert await _write(sqlite_url, count_left_rows) == 0


async def test_a_read_without_a_connection_in_time_fails_and_the_next_one_succeeds(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate.upgrade(sqlite_url)
    monkeypatch.setattr(engine, "READ_TIMEOUT_S", 0.2)
    hold, held, ran = threading.Event(), threading.Semaphore(0), threading.Event()

    async def hang(_: AsyncConnection) -> None:
        held.release()
        hold.wait(60)

    async def run(_: AsyncConnection) -> None:
        ran.set()

    async with open_store(sqlite_url) as store:
        hanging = [
            asyncio.create_task(store.database.read(hang)) for _ in range(SQLITE_READ_THREADS)
        ]
        for _ in hanging:
            assert await asyncio.to_thread(held.acquire, timeout=30)
        with pytest.raises(UnavailableError):
            await store.database.read(run)
        assert not ran.is_set(), "no one waits for it any more"
        hold.set()
        assert all(
            isinstance(answer, UnavailableError)
            for answer in await asyncio.gather(*hanging, return_exceptions=True)
        )
        assert store.database.metrics.read_transactions_failed == SQLITE_READ_THREADS + 1
        await store.database.ping()


async def test_a_read_sees_what_was_committed_before_it_began_and_nothing_later(
    sqlite_url: str,
) -> None:
    await migrate.upgrade(sqlite_url)
    first, second = threading.Event(), threading.Event()

    async def count(connection: AsyncConnection) -> int:
        found = await connection.exec_driver_sql("SELECT count(*) FROM meta")
        return int(found.scalar_one())

    async def twice(connection: AsyncConnection) -> tuple[int, int]:
        before = await count(connection)
        first.set()
        second.wait(60)
        return before, await count(connection)

    async def add(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("INSERT INTO meta VALUES ('one', 'more')")

    async with open_store(sqlite_url) as store:
        reading = asyncio.create_task(store.database.read(twice))
        assert await asyncio.to_thread(first.wait, 30)
        await store.database.write(add)
        after = await store.database.read(count)
        second.set()
        before, still = await reading
        assert before == still == after - 1


async def test_a_checkpoint_comes_before_a_commit_would_do_it(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_threads, "ROWS_PER_CHECKPOINT", 50)
    await migrate.upgrade(sqlite_url)
    database = sqlite_path(sqlite_url)
    assert database is not None
    async with open_store(sqlite_url) as store:
        story = await store.story()
        assert _reactions_in_file(database) == 0
        for number in range(26):
            await store.react(story, f"r{number}", "happy")
        pages = Path(f"{database}-wal").stat().st_size // 4096
        assert 0 < pages < 1_000, "SQLite's own checkpoint would come at a thousand pages"
        await eventually(lambda: _reactions_in_file(database), "reactions are in the file")


async def test_a_commit_does_a_checkpoint_only_at_many_pages(sqlite_url: str) -> None:
    await migrate.upgrade(sqlite_url)
    async with open_store(sqlite_url) as store:

        async def pages(connection: AsyncConnection) -> int:
            found = await connection.exec_driver_sql("PRAGMA wal_autocheckpoint")
            return int(found.scalar_one())

        assert await store.database.write(pages) == WAL_PAGES


async def test_a_checkpoint_that_fails_disturbs_no_write(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate.upgrade(sqlite_url)
    async with open_store(sqlite_url) as store:
        story = await store.story()
        monkeypatch.setattr(sqlite_threads, "ROWS_PER_CHECKPOINT", 2)
        monkeypatch.setattr(sqlite_threads, "CHECKPOINT", "SELECT no_column")
        tried: list[ThreadedEngine] = []
        checkpoint = ThreadedEngine._do_checkpoint

        def noted(engine: ThreadedEngine) -> None:
            tried.append(engine)
            checkpoint(engine)

        monkeypatch.setattr(ThreadedEngine, "_do_checkpoint", noted)
        for number in range(5):
            await store.react(story, f"r{number}", "happy")
        assert tried
        assert (await store.now(story)).tally.counts["happy"] == 5


async def test_no_file_contains_erased_words_after_a_rest(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "REST_S", 0.05)
    await migrate.upgrade(sqlite_url)
    database = sqlite_path(sqlite_url)
    assert database is not None
    files = [database, Path(f"{database}-wal")]
    async with open_store(sqlite_url) as store:
        story = await store.story()
        comment = await store.post(story, body="Kittiwake " * 9)
        await eventually(lambda: b"Kittiwake" in database.read_bytes(), "the words are in the file")
        await store.writer.submit(Erase(story.id, comment.id, 2))

        def are_gone() -> bool:
            return not any(b"Kittiwake" in one.read_bytes() for one in files)

        await eventually(are_gone, "neither file has the words")
        assert files[1].stat().st_size == 0


@pytest.mark.parametrize("statement", [sqlite_threads.EMPTY_WAL, "SELECT no_column"])
async def test_a_write_waits_for_locks_as_before_after_the_wal_was_emptied(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.setattr(sqlite_threads, "EMPTY_WAL", statement)
    await migrate.upgrade(sqlite_url)
    async with open_store(sqlite_url) as store:

        async def timeout(connection: AsyncConnection) -> int:
            return int((await connection.exec_driver_sql("PRAGMA busy_timeout")).scalar_one())

        before = await store.database.write(timeout)
        store.database.empty_wal()
        assert await store.database.write(timeout) == before > 0


async def test_a_connection_is_used_again_and_after_an_error_another_one(sqlite_url: str) -> None:
    await migrate.upgrade(sqlite_url)
    async with open_store(sqlite_url) as store:
        writing = store.database._writer
        assert isinstance(writing, ThreadedEngine)
        await store.database.write(_count)
        (first,) = writing._idle
        await store.database.write(_count)
        assert writing._idle == [first]

        async def fail(connection: AsyncConnection) -> None:
            await connection.exec_driver_sql("SELECT no_column")

        with pytest.raises(DBAPIError):
            await store.database.write(fail)
        assert writing._idle == []
        assert first.closed
        await store.database.write(_count)
        assert len(writing._idle) == 1


async def test_a_connection_in_use_when_the_engine_ends_is_closed_after_its_transaction(
    sqlite_url: str,
) -> None:
    await migrate.upgrade(sqlite_url)
    begun, go_on = threading.Event(), threading.Event()

    async def read(connection: AsyncConnection) -> int:
        begun.set()
        go_on.wait(30)
        return await _count(connection)

    reader = engine._threaded_engine(make_url(sqlite_url), "BEGIN", connections=2, name="reader")
    reading = asyncio.create_task(reader.run_transaction(read))
    assert await asyncio.to_thread(begun.wait, 30)
    await reader.dispose()
    go_on.set()
    assert await reading == 0
    assert reader._idle == []


async def _count(connection: AsyncConnection) -> int:
    return int((await connection.exec_driver_sql("SELECT COUNT(*) FROM reactions")).scalar_one())


def _reactions_in_file(database: Path) -> int:
    """Return how many reactions stand in the file itself, without its log."""
    # Immutable: SQLite does not look for a log.
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as file:
        found: int = file.execute("SELECT COUNT(*) FROM reactions").fetchone()[0]
    return found
