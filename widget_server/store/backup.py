"""Copies of a whole database: a backup is a SQLite file, whichever engine it was taken from.

Taking one does not stop the server: all tables are read in one consistent view. Restoring checks
every row, fills tables beside the ones in use, adds what was erased or withdrawn since, and
exchanges the rows in one transaction under a new epoch: until it commits the old data serves, and
afterwards every open page takes a fresh snapshot.
Because both directions copy rows, a backup of SQLite can be restored into PostgreSQL.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import asyncpg
from sqlalchemy import Column, MetaData, Table, delete, func, insert, select, text, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from widget_server.model.clock import now_ms
from widget_server.store import backup_manifest, backup_rows, migrate, restore_merge
from widget_server.store.damaged_rows import RowDamagedError
from widget_server.store.engine import (
    DatabaseUnavailableError,
    describe_failure,
    sqlite_engine,
    sqlite_path,
)
from widget_server.store.queries import key_fingerprints
from widget_server.store.schema import copies, embed_files, meta, metadata, sites, stories

ROWS = 1_000
"""Rows that are copied at a time."""

Progress = Callable[[str, int, int], None]
"""Called with a table's name, the rows copied and the rows there are."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `made_at` (milliseconds) and `version` are None for an older backup."""

    rows: dict[str, int]
    """Of each table of the backup."""
    made_at: int | None
    version: str | None
    kept: restore_merge.MergedCounts
    """What stays erased, withdrawn or retired, as the replaced database knew it."""
    knew: bool
    """Whether that one held any site; an empty one knows nothing."""


@asynccontextmanager
async def _operator_errors() -> AsyncIterator[None]:
    """Raise `DatabaseUnavailableError` for a file, disk or database that does not do its part.

    asyncpg raises its own errors while it connects, before SQLAlchemy could wrap them.
    """
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    except OSError as error:
        if error.filename is None:
            raise DatabaseUnavailableError(describe_failure(error)) from error
        raise DatabaseUnavailableError(
            f"{error.strerror}: {error.filename}. Nothing was changed."
        ) from error


@_operator_errors()
async def back_up(url: str, file: Path, progress: Progress) -> dict[str, int]:
    """Copy the database to `file` while it is in use; answers the rows of each table.

    The file appears under its name, for its owner alone, only once its copy was opened again,
    checked, counted and summed. Raises `DatabaseUnavailableError`, also when `file` exists or the
    database does not.
    """
    if file.exists():
        raise DatabaseUnavailableError(f"{file} exists already. Name a file that does not.")
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise DatabaseUnavailableError(
            f"There is no database {path}. Name its folder with --data or DATA_DIR."
        )
    with tempfile.TemporaryDirectory(dir=file.resolve().parent, prefix=".backup-") as folder:
        part = Path(folder) / "part.sqlite3"
        copy_url = _url(part)
        revision = await migrate.upgrade(copy_url)
        source, copy = _read_only_engine(url), create_async_engine(copy_url, hide_parameters=True)
        try:
            async with source.connect() as reading, reading.begin():
                made_at = now_ms()
                expected = await _counts(reading, metadata)
                async with copy.begin() as writing:
                    await writing.execute(delete(meta))
                    await _copy_all(reading, writing, metadata, expected, progress)
            async with copy.connect() as connection:
                if await _counts(connection, metadata) != expected:
                    raise DatabaseUnavailableError("The copy is not whole. Try again.")
        finally:
            await source.dispose()
            await copy.dispose()
        made_by = version("widget-server")
        await asyncio.to_thread(backup_manifest.write, part, made_at, made_by, revision)
        try:
            await _check(part, file.name)
        except RowDamagedError as damage:
            raise DatabaseUnavailableError(
                f"The database has a row that no backup can bring back: {damage}. "
                "`widget-server comment remove ID` takes a damaged comment away."
            ) from None
        _publish_file(part, file)
    return expected


@_operator_errors()
async def restore(
    url: str,
    file: Path,
    progress: Progress,
    known: frozenset[str] | None = None,
    prepare: Callable[[], Awaitable[None]] | None = None,
) -> Restored:
    """Replace all data by a backup's, but for what must not come back with it.

    Whenever it is interrupted, the old data stays. `prepare` makes the database ready; it runs
    only once the backup was found to be good. Raises `DatabaseUnavailableError` for a file that is no
    whole backup of this version or an older one, and for one whose tokens were signed with none of
    the secrets whose seals are `known` (None: with any).
    """
    if not file.is_file():
        raise DatabaseUnavailableError(f"There is no file {file}.")
    with tempfile.TemporaryDirectory(prefix="widget-restore-") as folder:
        part = Path(folder) / "part.sqlite3"
        await asyncio.to_thread(shutil.copyfile, file, part)
        part.chmod(0o600)
        copy_url = _url(part)
        try:
            made = await _check(part, file.name)
        except RowDamagedError as damage:
            raise DatabaseUnavailableError(
                f"{file.name} is damaged: {damage}. Nothing was changed; use another backup."
            ) from None
        if known is not None and (await key_fingerprints.load(copy_url)).none_known(known):
            raise DatabaseUnavailableError(
                "The backup's tokens were signed with another secret than the one in use. Put that "
                "one back first, or restore with --accept-new-secret to go on without those tokens."
            )
        if prepare is not None:
            await prepare()
        source, target = create_async_engine(copy_url, hide_parameters=True), _writing(url)
        try:
            async with source.connect() as reading, reading.begin():
                expected = await _counts(reading, metadata)
                async with target.connect() as connection:
                    site = await connection.execute(select(sites.c.slug).limit(1))
                    knew = site.first() is not None
                kept = await _load_and_swap(reading, target, expected, progress)
        finally:
            await source.dispose()
            await target.dispose()
    if made is None:
        return Restored(expected, None, None, kept, knew)
    return Restored(expected, made.made_at, made.version, kept, knew)


def _url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


async def _check(part: Path, name: str) -> backup_manifest.Manifest | None:
    """Check a copy of a backup from the outside inwards, and bring its tables up to date.

    Nothing in it is asked for that was not found to be harmless before. Raises
    `DatabaseUnavailableError`, and `RowDamagedError` that names the row.
    """
    found = await asyncio.to_thread(backup_manifest.revision, part, name)
    if migrate.is_newer(found):
        raise DatabaseUnavailableError(f"{name} was made by a newer version. Restore it with that.")
    shape = part.with_name(f"shape-{found}.sqlite3")
    await migrate.upgrade(_url(shape), found)
    made = await asyncio.to_thread(backup_manifest.check, part, name, shape, found)
    if found != migrate.head_revision():
        await migrate.upgrade(_url(part))
    await asyncio.to_thread(backup_rows.check_rows, part)
    return made


def _writing(url: str) -> AsyncEngine:
    if sqlite_path(url) is None:
        return create_async_engine(url, hide_parameters=True)
    # From the first word of a transaction, and with what is erased overwritten on the disk.
    return sqlite_engine(url, begin="BEGIN IMMEDIATE", connections=1, busy_s=60, foreign_keys=False)


async def _load_and_swap(
    reading: AsyncConnection, target: AsyncEngine, expected: dict[str, int], progress: Progress
) -> restore_merge.MergedCounts:
    beside = _staging_tables()
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
                raise DatabaseUnavailableError("The restored rows are not those of the backup.")
            return await _swap(writing, beside)
    finally:
        async with target.begin() as writing:
            await writing.run_sync(beside.drop_all)


async def _swap(writing: AsyncConnection, beside: MetaData) -> restore_merge.MergedCounts:
    """Exchange all rows, in one transaction that the caller commits; answers what was kept."""
    if writing.dialect.name == "postgresql":
        # Actions wait here for a moment instead of being told of rows that are gone.
        names = ", ".join(table.name for table in metadata.sorted_tables)
        await writing.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    kept = await restore_merge.merge(writing, beside)
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
    return await restore_merge.erase(writing) | kept


def _staging_tables() -> MetaData:
    """The same tables under other names, without constraints or indexes: only to hold rows."""
    beside = MetaData()
    for table in metadata.sorted_tables:
        columns = [
            Column(c.name, c.type, nullable=True, autoincrement=False) for c in table.columns
        ]
        Table(f"restore_{table.name}", beside, *columns)
    return beside


def _read_only_engine(url: str) -> AsyncEngine:
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


def _publish_file(part: Path, file: Path) -> None:
    """Give the finished copy its name, so that a crash leaves either all of it or nothing."""
    part.chmod(0o600)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(file)
    folder = os.open(file.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
