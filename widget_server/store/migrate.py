"""Create the tables, or migrate those of an older version. The Alembic scripts are in the package."""

import asyncio
import functools
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from widget_server.model.errors import os_errors_to_operator_errors
from widget_server.store.engine import (
    DatabaseUnavailableError,
    describe_failure,
    sqlite_engine,
    sqlite_path,
)


def _settings() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@functools.cache
def _scripts() -> ScriptDirectory:
    """Return the migrations, whose files are read once: that takes as long as a short command."""
    return ScriptDirectory.from_config(_settings())


def head_revision() -> str:
    """Return the revision that this version of the code needs."""
    return str(_scripts().get_current_head())


def _marker(path: Path) -> Path:
    """Return the file whose existence records that the database file was created before."""
    return path.with_name(path.name + ".made")


def require_existing(url: str) -> None:
    """Raise `DatabaseUnavailableError` if a SQLite file existed before and is missing or empty now.

    Creating an empty database in its place would hide the loss of all data.
    """
    path = sqlite_path(url)
    if path is None or not _marker(path).exists():
        return
    if not path.exists() or path.stat().st_size == 0:
        raise _missing_database(path)


def _missing_database(path: Path) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        f"The database {path.name} is gone from {path.parent}. Restore it from a backup, or "
        f"delete {_marker(path).name} to start with an empty one."
    )


def allow_new_file(url: str) -> bool:
    """Allow `upgrade` to create a missing SQLite file: delete its marker. Return whether it was missing.

    Only a restore calls this, after it has checked its backup.
    """
    path = sqlite_path(url)
    if path is None or not _marker(path).exists():
        return False
    if path.exists() and path.stat().st_size > 0:
        return False
    _marker(path).unlink()
    return True


def make_private(path: Path) -> None:
    """Create a database's folder and file with access for their owner only, whatever the umask is.

    SQLite gives its WAL and shared-memory files the mode of the database file.
    """
    with os_errors_to_operator_errors(
        f"The database file {path} cannot be made",
        "Choose a folder that this user can write to with --data or DATABASE_URL.",
    ):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _marker(path).exists():
            path.touch(0o600)


async def revision(url: str) -> str | None:
    """Return the revision of the database, or None if it has no tables.

    Raises `DatabaseUnavailableError`.
    """

    def read(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    path = sqlite_path(url)
    if path is not None and not path.exists():
        return None
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(read)
    except Exception as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    finally:
        await engine.dispose()


async def upgrade(url: str, to: str = "head") -> str:
    """Migrate the database to a revision (default: the newest) and return its revision.

    Several processes may run this at once, and again. A database of a newer version is not changed: this
    version can work with it, as after a rollback of the server.
    Raises `DatabaseUnavailableError` with a sentence if the database cannot be used, and
    `OperatorError` if its file, folder or marker cannot be written.
    """
    require_existing(url)
    path = sqlite_path(url)
    if path is None:
        engine = create_async_engine(url)
    else:
        make_private(path)
        if _marker(path).exists() and await revision(url) is None:
            raise _missing_database(path)
        # One transaction: two processes that start together must not both create the tables, and a
        # killed process must leave none. Foreign keys are off because some migrations recreate tables.
        engine = sqlite_engine(
            url, begin="BEGIN IMMEDIATE", connections=1, busy_s=60, foreign_keys=False
        )
    try:
        async with engine.connect() as connection:
            if path is None:
                await connection.exec_driver_sql("SELECT pg_advisory_lock(7206319442)")
            found = await connection.run_sync(_run, to)
            await connection.commit()
    except DatabaseUnavailableError:
        raise
    except Exception as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    finally:
        await engine.dispose()
    if path is not None:
        with os_errors_to_operator_errors(
            f"{_marker(path)} cannot be written, which records that the database exists",
            "Make room on the disk, and check the permissions of the file and its folder.",
        ):
            await asyncio.to_thread(_marker(path).touch)
    return found


def _run(connection: Connection, to: str) -> str:
    found = MigrationContext.configure(connection).get_current_revision()
    wanted = head_revision() if to == "head" else to
    if found is not None and (found == wanted or is_newer(found)):
        return found
    config = _settings()
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    return wanted


async def integrity_error(url: str) -> str | None:
    """Return the first fault that SQLite's `quick_check` finds, or None."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            found = await connection.exec_driver_sql("PRAGMA quick_check(1)")
            verdict = str(found.scalar_one())
    except Exception as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    finally:
        await engine.dispose()
    return None if verdict == "ok" else verdict.splitlines()[-1]


def is_older(found: str | None) -> bool:
    """Return whether a database must be migrated before this version can serve it.

    A newer database can be served: its migrations keep what the previous version needs.
    """
    return found is None or (found != head_revision() and not is_newer(found))


def is_newer(found: str) -> bool:
    """Return whether a newer version has migrated the database."""
    return found not in {script.revision for script in _scripts().walk_revisions()}
