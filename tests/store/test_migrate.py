"""Migrations on both engines. A missing or damaged database is reported and never replaced."""

import asyncio
import errno
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from tests.store.store_harness import Store, open_store
from widget_server.model.errors import OperatorError, UnavailableError
from widget_server.store import migrate
from widget_server.store.engine import Database, DatabaseUnavailableError, sqlite_path
from widget_server.store.schema import metadata


def differences(connection: Connection) -> list[object]:
    """Return the changes that Alembic would make, and the predicates of indexes, which it ignores."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    found = list(compare_metadata(context, metadata))
    dialect = connection.dialect.name
    for table in metadata.sorted_tables:
        for index in inspect(connection).get_indexes(table.name):
            there = str(index.get("dialect_options", {}).get(f"{dialect}_where", ""))
            for declared in [one for one in table.indexes if one.name == index["name"]]:
                wanted = declared.dialect_options[dialect]["where"]
                found += [] if plain(there) == plain(wanted) else [(index["name"], there)]
    return found


def plain(condition: object) -> str:
    """Return a predicate without the parentheses and casts that PostgreSQL adds."""
    if condition is None:
        return ""
    return re.sub(r"[()\s]|::text", "", str(condition))


async def test_the_migrations_create_exactly_the_tables_of_the_schema(
    migrated_url: str,
) -> None:
    engine = create_async_engine(migrated_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_again_changes_nothing(migrated_url: str) -> None:
    async with open_store(migrated_url) as store:
        story = await store.story()
        epoch = store.database.epoch
    assert await migrate.upgrade(migrated_url) == migrate.head_revision()
    async with open_store(migrated_url) as store:
        assert store.database.epoch == epoch
        assert await store.discussions.story(story.code) is not None


async def test_processes_that_start_together_create_the_tables_once(database_url: str) -> None:
    code = f"import asyncio; from widget_server.store import migrate; asyncio.run(migrate.upgrade({database_url!r}))"
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    ends = await asyncio.gather(*(process.communicate() for process in started))
    assert [process.returncode for process in started] == [0] * 4, ends
    assert await migrate.revision(database_url) == migrate.head_revision()


async def test_a_database_without_tables_is_an_error(database_url: str) -> None:
    assert await migrate.revision(database_url) is None
    assert migrate.is_older(None)
    database = Database(database_url)
    with pytest.raises(DatabaseUnavailableError, match="migrate"):
        await database.open()
    await database.close()


def file_of(url: str) -> Path:
    path = sqlite_path(url)
    assert path is not None
    return path


async def test_a_server_never_creates_a_missing_file(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with pytest.raises(
        DatabaseUnavailableError, match=r"There is no readable and writable database .* migrate"
    ):
        await database.open()
    await database.close()
    assert list(file_of(sqlite_url).parent.iterdir()) == []


async def test_a_folder_name_with_special_characters_works(
    tmp_path: Path,
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / '100% sure #1 é' / 'widget.db'}"
    await migrate.upgrade(url)
    async with open_store(url) as store:
        await store.story()
    assert file_of(url).stat().st_size > 0


@pytest.mark.parametrize("how", ["deleted", "emptied", "without tables"])
async def test_a_vanished_database_is_never_replaced_by_an_empty_one(
    sqlite_url: str, how: str
) -> None:
    await migrate.upgrade(sqlite_url)
    path = file_of(sqlite_url)
    path.unlink()
    if how == "emptied":
        path.touch()
    if how == "without tables":
        engine = create_async_engine(sqlite_url)
        async with engine.begin() as connection:
            await connection.exec_driver_sql("PRAGMA user_version=1")
        await engine.dispose()
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(
        DatabaseUnavailableError, match=r"is gone from .*\. Restore it from a backup"
    ):
        await migrate.upgrade(sqlite_url)
    assert (path.read_bytes() if path.exists() else None) == before


async def test_a_marker_that_cannot_be_written_is_reported_to_the_operator(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sqlite_path(sqlite_url)
    assert path is not None
    touch = Path.touch

    def full_disk(file: Path, *args: Any) -> None:
        if file.name.endswith(".made"):
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        touch(file, *args)

    monkeypatch.setattr(Path, "touch", full_disk)
    with pytest.raises(OperatorError, match="No space left on device"):
        await migrate.upgrade(sqlite_url)


async def test_after_its_marker_is_deleted_a_new_database_is_created(sqlite_url: str) -> None:
    await migrate.upgrade(sqlite_url)
    path = file_of(sqlite_url)
    path.unlink()
    path.with_name(path.name + ".made").unlink()
    assert await migrate.upgrade(sqlite_url) == migrate.head_revision()


async def test_a_damaged_file_is_reported_and_not_changed(sqlite_url: str) -> None:
    path = file_of(sqlite_url)
    path.write_bytes(b"this was never a database" * 1000)
    before = path.read_bytes()
    for action in (
        migrate.upgrade(sqlite_url),
        Database(sqlite_url).open(),
        migrate.integrity_error(sqlite_url),
    ):
        with pytest.raises(DatabaseUnavailableError, match="damaged"):
            await action
    assert path.read_bytes() == before


async def test_damage_inside_the_file_is_found_by_the_check(sqlite_url: str) -> None:
    await migrate.upgrade(sqlite_url)
    async with open_store(sqlite_url) as store:
        story = await store.story()
        for number in range(50):
            await store.post(story, f"r{number}", "word " * 50)
    assert await migrate.integrity_error(sqlite_url) is None
    path = file_of(sqlite_url)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"\xff" * 8192
    path.write_bytes(content)
    with suppress(DatabaseUnavailableError):
        assert await migrate.integrity_error(sqlite_url) is not None


async def test_an_unreachable_database_server_is_one_sentence(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://no one@/nothing?host={tmp_path}"
    for action in (migrate.upgrade(url), migrate.revision(url), Database(url).open()):
        with pytest.raises(DatabaseUnavailableError) as problem:
            await action
        assert len(str(problem.value).splitlines()) == 1
        assert "Check DATABASE_URL" in str(problem.value)


async def test_a_postgresql_database_that_does_not_exist_is_not_one_without_tables(
    postgres_url: str,
) -> None:
    url = postgres_url.replace("/t_", "/not_")
    with pytest.raises(DatabaseUnavailableError, match=r"database .* does not exist.*DATABASE_URL"):
        await Database(url).open()


async def test_a_newer_database_can_be_served(migrated_url: str) -> None:
    assert not migrate.is_older("9999")
    assert not migrate.is_older(migrate.head_revision())
    # Going back after a deploy: an older server that migrates at its start accepts the newer database.
    engine = create_async_engine(migrated_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    assert await migrate.upgrade(migrated_url) == await migrate.revision(migrated_url) == "9999"
    async with open_store(migrated_url) as store:
        await store.post(await store.story())


async def test_reading_from_a_lost_database_is_unavailable(migrated_url: str) -> None:
    async with open_store(migrated_url) as store:
        story = await store.story()
        await _execute(store, "ALTER TABLE stories RENAME TO gone")
        with pytest.raises(UnavailableError):
            await store.discussions.snapshot(story.code)
        with pytest.raises(UnavailableError):
            await store.post(story)
        await _execute(store, "ALTER TABLE gone RENAME TO stories")
        await store.post(story)


async def _execute(store: Store, statement: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql(statement)

    await store.database.write(work)
