"""Makes the tables, and brings those of an older version up to date (Alembic, in the package)."""

import asyncio
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


def head_revision() -> str:
    """The revision that this version of the code is written for."""
    return str(ScriptDirectory.from_config(_settings()).get_current_head())


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".made")


def require_existing(url: str) -> None:
    """Raise `DatabaseUnavailableError` where a SQLite file was before and now is none.

    An empty database in its place would look like a server that forgot every word.
    """
    path = sqlite_path(url)
    if path is None or not _marker(path).exists():
        return
    if not path.exists() or path.stat().st_size == 0:
        raise _missing_database(path)


def _missing_database(path: Path) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        f"The database {path.name} is gone from {path.parent}. Restore it from a backup, or "
        f"delete {_marker(path).name} to begin with an empty one."
    )


def begin_anew(url: str) -> bool:
    """Let a SQLite file be made again that is gone; answers whether it is.

    For a restore alone, and only once its backup was found to be good.
    """
    path = sqlite_path(url)
    if path is None or not _marker(path).exists():
        return False
    if path.exists() and path.stat().st_size > 0:
        return False
    _marker(path).unlink()
    return True


def make_private(path: Path) -> None:
    """Make a database's file, and its folder, for their owner alone, whatever the umask.

    SQLite gives its log and index the mode of the file that they belong to.
    """
    with os_errors_to_operator_errors(
        f"The database file {path} cannot be made",
        "Choose a folder that this user can write to with --data or DATABASE_URL.",
    ):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _marker(path).exists():
            path.touch(0o600)


async def revision(url: str) -> str | None:
    """The revision of the database, or None when it has no tables yet."""

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
    """Bring the database to a revision, the newest, and return it. Safe to run again and by several.

    One that a newer version has migrated stays as it is: this one can work with it, and is
    perhaps on the way back.

    Raises `DatabaseUnavailableError` with a sentence when the database cannot be used.
    """
    require_existing(url)
    path = sqlite_path(url)
    if path is None:
        engine = create_async_engine(url)
    else:
        make_private(path)
        if _marker(path).exists() and await revision(url) is None:
            raise _missing_database(path)
        # As one transaction: two processes that start together must not both make the tables, and
        # one that is killed leaves none. Foreign keys would stop a table from being made anew.
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
        await asyncio.to_thread(_marker(path).touch)
    return found


def _run(connection: Connection, to: str) -> str:
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and is_newer(found):
        return found
    config = _settings()
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    return head_revision() if to == "head" else to


async def integrity_error(url: str) -> str | None:
    """What SQLite's own check finds wrong with the file, or None."""
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
    """Whether a database must be migrated before this code can serve from it.

    A newer one is served from: its migrations keep what one version back needs.
    """
    return found is None or (found != head_revision() and not is_newer(found))


def is_newer(found: str) -> bool:
    """Whether a database was migrated by a version that this one does not know."""
    scripts = ScriptDirectory.from_config(_settings())
    return found not in {script.revision for script in scripts.walk_revisions()}
