"""Backups of a whole database. A backup is one SQLite file, whichever engine it was taken from.

`back_up` does not stop the server: it reads all tables in one consistent view. Backup and restore copy
rows, so a backup of SQLite can be restored into PostgreSQL.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import asyncpg
from sqlalchemy import MetaData, Table, delete, func, insert, select, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from widget_server.model.clock import now_ms
from widget_server.store import backup_manifest, backup_rows, migrate
from widget_server.store.damaged_rows import RowDamagedError
from widget_server.store.engine import DatabaseUnavailableError, describe_failure, sqlite_path
from widget_server.store.schema import meta, metadata
from widget_server.store.schema_readers import network_days, network_traces

ROWS = 1_000
"""Rows that are copied at a time."""

LEFT_OUT = (network_days, network_traces)
"""Tables that are empty in a backup: the keys and hashes of networks must end, and a backup may be kept for ever.

For the same reason its raids do not say from which network they came.
"""

Progress = Callable[[str, int, int], None]
"""Called with a table's name, the number of copied rows and the number of all rows."""


@asynccontextmanager
async def operator_errors() -> AsyncIterator[None]:
    """Raise `DatabaseUnavailableError` if a file, disk or database fails.

    asyncpg raises its own errors while it connects, before SQLAlchemy can wrap them.
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


@operator_errors()
async def back_up(url: str, file: Path, progress: Progress) -> dict[str, int]:
    """Copy the database to `file` while it is in use. Return the number of rows of each table.

    The file appears under its name, readable by its owner only, after the copy was opened again,
    checked, counted and its checksums written. Raises `DatabaseUnavailableError`, also if `file`
    exists or the database does not.
    """
    if file.exists():
        raise DatabaseUnavailableError(f"{file} exists already. Choose the name of a new file.")
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise DatabaseUnavailableError(
            f"There is no database {path}. Name its folder with --data or DATA_DIR."
        )
    with tempfile.TemporaryDirectory(dir=file.resolve().parent, prefix=".backup-") as folder:
        part = Path(folder) / "part.sqlite3"
        copy_url = sqlite_url(part)
        revision = await migrate.upgrade(copy_url)
        source, copy = _read_only_engine(url), create_async_engine(copy_url, hide_parameters=True)
        try:
            async with source.connect() as reading, reading.begin():
                made_at = now_ms()
                expected = await count_rows(reading, metadata)
                expected |= {table.name: 0 for table in LEFT_OUT}
                async with copy.begin() as writing:
                    await writing.execute(delete(meta))
                    for table in metadata.sorted_tables:
                        total = expected[table.name]
                        if table not in LEFT_OUT:
                            await copy_rows(reading, writing, table, table, total, progress)
            async with copy.connect() as connection:
                if await count_rows(connection, metadata) != expected:
                    raise DatabaseUnavailableError("The copy is incomplete. Try again.")
        finally:
            await source.dispose()
            await copy.dispose()
        made_by = version("widget-server")
        await asyncio.to_thread(backup_manifest.write, part, made_at, made_by, revision)
        try:
            await check_backup(part, file.name)
        except RowDamagedError as damage:
            raise DatabaseUnavailableError(
                f"The database has a row that no restore accepts: {damage}. "
                "`widget-server comment remove ID` removes a damaged comment."
            ) from None
        _publish_file(part, file)
    return expected


def sqlite_url(file: Path) -> str:
    """Return the URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{file}"


async def check_backup(part: Path, name: str) -> backup_manifest.Manifest | None:
    """Check a copy of a backup and migrate it to the current revision.

    The checks go from the file's structure to its rows. No check reads a part of the file that an earlier check
    has not found harmless. Return the manifest, or None for a backup of a version without manifests.
    Raises `DatabaseUnavailableError`, and `RowDamagedError` that names the row.
    """
    found = await asyncio.to_thread(backup_manifest.revision, part, name)
    if migrate.is_newer(found):
        raise DatabaseUnavailableError(
            f"{name} was made by a newer version. Restore it with that version."
        )
    shape = part.with_name(f"shape-{found}.sqlite3")
    await migrate.upgrade(sqlite_url(shape), found)
    manifest = await asyncio.to_thread(backup_manifest.check, part, name, shape, found)
    if found != migrate.head_revision():
        await migrate.upgrade(sqlite_url(part))
    await asyncio.to_thread(backup_rows.check_rows, part)
    return manifest


def _read_only_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


async def count_rows(connection: AsyncConnection, tables: MetaData) -> dict[str, int]:
    """Return the number of rows of each table. On SQLite this starts the read transaction."""
    if connection.dialect.name == "sqlite":
        # The driver starts no transaction for a SELECT. A consistent view needs a transaction.
        raw = await connection.get_raw_connection()
        if not raw.driver_connection.in_transaction:  # type: ignore[union-attr]
            await connection.exec_driver_sql("BEGIN")
    return {
        table.name: int(
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()
        )
        for table in tables.sorted_tables
    }


async def copy_rows(
    reading: AsyncConnection,
    writing: AsyncConnection,
    table: Table,
    into: Table,
    total: int,
    progress: Progress,
) -> None:
    """Copy all rows of `table` in the order of its primary key, `ROWS` at a time, without networks of raids."""
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
        for row in rows:
            if table.name == "raids" and row["kind"] == "network":
                # Not deleted later: the file would keep the bytes.
                row["subject"] = ""
        await writing.execute(insert(into), rows)
        last = [rows[-1][column.name] for column in table.primary_key.columns]
        done += len(rows)
        progress(table.name, done, total)


def _publish_file(part: Path, file: Path) -> None:
    """Rename the finished copy to its final name. A crash leaves either the whole file or none."""
    part.chmod(0o600)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(file)
    folder = os.open(file.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
