"""Restore a backup into a database.

The restore checks every row and fills staging tables beside the tables in use. Then one transaction adds
what was erased or withdrawn since the backup, replaces all rows and sets a new epoch. Until that
commit the old data is served. Afterwards every open page takes a new snapshot.
"""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, MetaData, Table, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from widget_server.store import restore_merge
from widget_server.store.backup import (
    Progress,
    check_backup,
    copy_rows,
    count_rows,
    operator_errors,
    sqlite_url,
)
from widget_server.store.damaged_rows import RowDamagedError
from widget_server.store.engine import DatabaseUnavailableError, sqlite_engine, sqlite_path
from widget_server.store.queries import key_fingerprints
from widget_server.store.restore_bans import keep_weights
from widget_server.store.schema import cases, copies, embed_files, meta, metadata, sites, stories
from widget_server.store.writing.reported_cases import order_again


@dataclass(frozen=True, slots=True)
class Restored:
    """Result of a restore. `made_at` (milliseconds) and `version` are None for a backup without manifest."""

    rows: dict[str, int]
    """Number of rows of each table of the backup."""
    made_at: int | None
    version: str | None
    kept: restore_merge.MergedCounts
    """Counts of what stays erased, withdrawn or retired according to the replaced database."""
    knew: bool
    """Whether the replaced database had a site. An empty one has no record of erasures."""


@operator_errors()
async def restore(
    url: str,
    file: Path,
    progress: Progress,
    known: frozenset[str] | None = None,
    prepare: Callable[[], Awaitable[None]] | None = None,
) -> Restored:
    """Replace all data by a backup's, except for what was erased or withdrawn since.

    If the restore is interrupted, the old data stays. `prepare` makes the database ready and runs only
    after the backup was checked. `known` are the fingerprints of the secrets in use (None: accept any).
    Raises `DatabaseUnavailableError` for a file that is no complete backup of this version or an older one,
    and for a backup whose tokens were signed with none of the `known` secrets.
    """
    if not file.is_file():
        raise DatabaseUnavailableError(f"There is no file {file}.")
    with tempfile.TemporaryDirectory(prefix="widget-restore-") as folder:
        part = Path(folder) / "part.sqlite3"
        await asyncio.to_thread(shutil.copyfile, file, part)
        part.chmod(0o600)
        copy_url = sqlite_url(part)
        try:
            manifest = await check_backup(part, file.name)
        except RowDamagedError as damage:
            raise DatabaseUnavailableError(
                f"{file.name} is damaged: {damage}. Nothing was changed; use another backup."
            ) from None
        if known is not None and (await key_fingerprints.load(copy_url)).has_none_of(known):
            raise DatabaseUnavailableError(
                "The backup's tokens were signed with another secret than the one in use. Put the old "
                "secret back first, or restore with --accept-new-secret: all those tokens become invalid."
            )
        if prepare is not None:
            await prepare()
        source = create_async_engine(copy_url, hide_parameters=True)
        target = _writing_engine(url)
        try:
            async with source.connect() as reading, reading.begin():
                expected = await count_rows(reading, metadata)
                async with target.connect() as connection:
                    site = await connection.execute(select(sites.c.slug).limit(1))
                    knew = site.first() is not None
                kept = await _load_and_replace(reading, target, expected, progress)
        finally:
            await source.dispose()
            await target.dispose()
    if manifest is None:
        return Restored(expected, None, None, kept, knew)
    return Restored(expected, manifest.made_at, manifest.version, kept, knew)


def _writing_engine(url: str) -> AsyncEngine:
    if sqlite_path(url) is None:
        return create_async_engine(url, hide_parameters=True)
    # BEGIN IMMEDIATE takes the write lock at the start. `sqlite_engine` overwrites erased data on disk.
    return sqlite_engine(url, begin="BEGIN IMMEDIATE", connections=1, busy_s=60, foreign_keys=False)


async def _load_and_replace(
    reading: AsyncConnection, target: AsyncEngine, expected: dict[str, int], progress: Progress
) -> restore_merge.MergedCounts:
    """Fill the staging tables, then replace all rows. Return the counts of what was kept."""
    staging = _staging_tables()
    async with target.begin() as writing:
        await writing.run_sync(staging.drop_all)
        await writing.run_sync(staging.create_all)
    try:
        for table in metadata.sorted_tables:
            async with target.begin() as writing:
                into = restore_merge.staging_table(staging, table)
                await copy_rows(reading, writing, table, into, expected[table.name], progress)
        async with target.begin() as writing:
            counts = await count_rows(writing, staging)
            if counts != {f"restore_{name}": number for name, number in expected.items()}:
                raise DatabaseUnavailableError("The restored rows are not those of the backup.")
            return await _replace_all_rows(writing, staging)
    finally:
        async with target.begin() as writing:
            await writing.run_sync(staging.drop_all)


async def _replace_all_rows(
    writing: AsyncConnection, staging: MetaData
) -> restore_merge.MergedCounts:
    """Replace all rows in the caller's transaction. Return the counts of what was kept."""
    if writing.dialect.name == "postgresql":
        # Actions wait for the lock. Without it they would fail because their rows are missing.
        names = ", ".join(table.name for table in metadata.sorted_tables)
        await writing.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    kept = await restore_merge.merge(writing, staging)
    reweighed = await keep_weights(writing, staging)
    for table in reversed(metadata.sorted_tables):
        # Embed files served since the backup stay: open pages may request them. Files never change.
        if table is not embed_files:
            await writing.execute(delete(table))
    for table in metadata.sorted_tables:
        held = restore_merge.staging_table(staging, table)
        rows = select(held)
        if table is embed_files:
            rows = rows.where(held.c.name.not_in(select(table.c.name)))
        await writing.execute(insert(table).from_select([c.name for c in table.columns], rows))
    await writing.execute(
        update(meta).where(meta.c.key == "epoch").values(value=secrets.token_hex(8))
    )
    if writing.dialect.name == "postgresql":
        for table in (stories, copies, cases):
            # The sequence never goes back: an open page may hold an id assigned since the backup.
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            await writing.execute(
                text(
                    f"SELECT setval({sequence}, GREATEST(nextval({sequence}), "  # noqa: S608
                    f"(SELECT COALESCE(MAX(id), 1) FROM {table.name})))"
                )
            )
    erased = await restore_merge.erase(writing)
    await order_again(writing, reweighed)
    return erased | kept


def _staging_tables() -> MetaData:
    """Return tables with the same columns under other names, without constraints or indexes."""
    staging = MetaData()
    for table in metadata.sorted_tables:
        columns = [
            Column(c.name, c.type, nullable=True, autoincrement=False) for c in table.columns
        ]
        Table(f"restore_{table.name}", staging, *columns)
    return staging
