"""Copies of a whole database: a backup is a SQLite file, whichever engine it was taken from.

Taking one does not stop the server: all tables are read in one consistent view. Restoring fills
tables beside the ones in use, verifies them, and exchanges the rows in one transaction under a new
epoch: until it commits the old data serves, and afterwards every open page takes a fresh snapshot.
Because both directions copy rows, a backup of SQLite can be restored into PostgreSQL.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Column, MetaData, Table, delete, func, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from widget_server.store import migrate, seals
from widget_server.store.engine import DatabaseUnusableError
from widget_server.store.schema import copies, embed_files, meta, metadata, stories

ROWS = 1_000
"""Rows that are copied at a time."""

Progress = Callable[[str, int, int], None]
"""Called with a table's name, the rows copied and the rows there are."""


async def back_up(url: str, file: Path, progress: Progress) -> dict[str, int]:
    """Copy the database to `file` while it is in use; answers the rows of each table.

    The file appears under its name only once its copy was opened again, checked and counted.
    Raises `DatabaseUnusableError`, also when `file` exists.
    """
    if file.exists():
        raise DatabaseUnusableError(f"{file} exists already. Name a file that does not.")
    with tempfile.TemporaryDirectory(dir=file.resolve().parent, prefix=".backup-") as folder:
        part = Path(folder) / "part.sqlite3"
        copy_url = f"sqlite+aiosqlite:///{part}"
        await migrate.upgrade(copy_url)
        source, copy = _reading(url), create_async_engine(copy_url, hide_parameters=True)
        try:
            async with source.connect() as reading, reading.begin():
                expected = await _counts(reading, metadata)
                async with copy.begin() as writing:
                    await writing.execute(delete(meta))
                    await _copy_all(reading, writing, metadata, expected, progress)
            await _verify(copy, copy_url, expected)
        finally:
            await source.dispose()
            await copy.dispose()
        _settle(part, file)
    return expected


async def restore(
    url: str, file: Path, progress: Progress, known: frozenset[str] | None = None
) -> dict[str, int]:
    """Replace all data by a backup's; answers the rows of each table.

    Whenever it is interrupted, the old data stays. Raises `DatabaseUnusableError` for a file that
    is no whole backup of this version or an older one, and for one whose tokens were signed with
    none of the secrets whose seals are `known` (None: with any).
    """
    if not file.is_file():
        raise DatabaseUnusableError(f"There is no file {file}.")
    with tempfile.TemporaryDirectory(prefix="widget-restore-") as folder:
        part = Path(folder) / "part.sqlite3"
        shutil.copyfile(file, part)
        copy_url = f"sqlite+aiosqlite:///{part}"
        found = await migrate.revision(copy_url)
        if found is None:
            raise DatabaseUnusableError(f"{file} is not a backup of widget-server.")
        if migrate.is_newer(found):
            raise DatabaseUnusableError(
                f"{file} was made by a newer version. Restore it with that."
            )
        await migrate.upgrade(copy_url)
        if known is not None and (await seals.read(copy_url)).lack(known):
            raise DatabaseUnusableError(
                "The backup's tokens were signed with another secret than the one in use. Put that "
                "one back first, or restore with --new-secret to go on without those tokens."
            )
        source, target = (
            create_async_engine(copy_url, hide_parameters=True),
            create_async_engine(url, hide_parameters=True),
        )
        try:
            async with source.connect() as reading, reading.begin():
                expected = await _counts(reading, metadata)
                await _verify(source, copy_url, expected)
                await _exchange(reading, target, expected, progress)
        finally:
            await source.dispose()
            await target.dispose()
    return expected


async def _exchange(
    reading: AsyncConnection, target: AsyncEngine, expected: dict[str, int], progress: Progress
) -> None:
    beside = _beside()
    async with target.begin() as writing:
        await writing.run_sync(beside.drop_all)
        await writing.run_sync(beside.create_all)
    try:
        for table in metadata.sorted_tables:
            async with target.begin() as writing:
                into = beside.tables[f"restore_{table.name}"]
                await _copy(reading, writing, table, into, expected[table.name], progress)
        async with target.begin() as writing:
            if await _counts(writing, beside) != {f"restore_{k}": v for k, v in expected.items()}:
                raise DatabaseUnusableError("The restored rows are not those of the backup.")
            await _swap(writing, beside)
    finally:
        async with target.begin() as writing:
            await writing.run_sync(beside.drop_all)


async def _swap(writing: AsyncConnection, beside: MetaData) -> None:
    """Exchange all rows, in one transaction that the caller commits."""
    if writing.dialect.name == "postgresql":
        # Deeds wait here for a moment instead of being told of rows that are gone.
        names = ", ".join(table.name for table in metadata.sorted_tables)
        await writing.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    for table in reversed(metadata.sorted_tables):
        # What was served since stays: open pages may ask for it, and files never change.
        if table is not embed_files:
            await writing.execute(delete(table))
    for table in metadata.sorted_tables:
        rows = select(held := beside.tables[f"restore_{table.name}"])
        if table is embed_files:
            rows = rows.where(held.c.name.not_in(select(table.c.name)))
        await writing.execute(insert(table).from_select([c.name for c in table.columns], rows))
    await writing.execute(
        update(meta).where(meta.c.key == "epoch").values(value=secrets.token_hex(8))
    )
    if writing.dialect.name == "postgresql":
        for table in (stories, copies):
            # Never backwards: an open page may still speak of a number that was given since.
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            await writing.execute(
                text(
                    f"SELECT setval({sequence}, GREATEST(nextval({sequence}), "  # noqa: S608
                    f"(SELECT COALESCE(MAX(id), 1) FROM {table.name})))"
                )
            )


def _beside() -> MetaData:
    """The same tables under other names, without constraints or indexes: only to hold rows."""
    beside = MetaData()
    for table in metadata.sorted_tables:
        columns = [
            Column(c.name, c.type, nullable=True, autoincrement=False) for c in table.columns
        ]
        Table(f"restore_{table.name}", beside, *columns)
    return beside


def _reading(url: str) -> AsyncEngine:
    engine = create_async_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


async def _counts(connection: AsyncConnection, tables: MetaData) -> dict[str, int]:
    if connection.dialect.name == "sqlite":
        # The driver begins no transaction for a SELECT by itself; one view needs one.
        raw = await connection.get_raw_connection()
        if not raw.driver_connection.in_transaction:  # type: ignore[union-attr]
            await connection.exec_driver_sql("BEGIN")
    return {
        table.name: int(
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()
        )
        for table in tables.sorted_tables
    }


async def _copy_all(
    reading: AsyncConnection,
    writing: AsyncConnection,
    tables: MetaData,
    expected: dict[str, int],
    progress: Progress,
) -> None:
    for table in tables.sorted_tables:
        await _copy(reading, writing, table, table, expected[table.name], progress)


async def _copy(
    reading: AsyncConnection,
    writing: AsyncConnection,
    table: Table,
    into: Table,
    total: int,
    progress: Progress,
) -> None:
    """Copy a table by its primary key, a thousand rows at a time."""
    key = tuple_(*table.primary_key.columns)
    last: list[object] | None = None
    done = 0
    progress(table.name, 0, total)
    while True:
        query = select(table).order_by(*table.primary_key.columns).limit(ROWS)
        if last is not None:
            query = query.where(key > last)
        rows = [dict(row._mapping) for row in await reading.execute(query)]
        if not rows:
            return
        await writing.execute(insert(into), rows)
        last = [rows[-1][column.name] for column in table.primary_key.columns]
        done += len(rows)
        progress(table.name, done, total)


async def _verify(engine: AsyncEngine, url: str, expected: dict[str, int]) -> None:
    fault = await migrate.damage(url)
    async with engine.connect() as connection:
        counted = await _counts(connection, metadata)
    if fault is not None or counted != expected:
        raise DatabaseUnusableError("The copy is not whole. Nothing was changed; try again.")


def _settle(part: Path, file: Path) -> None:
    """Give the finished copy its name, so that a crash leaves either all of it or nothing."""
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(file)
    folder = os.open(file.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
