"""The two databases behind one door: SQLite in WAL mode, or PostgreSQL by its URL.

One writer and a few readers. A read is one consistent view of the database; a write is one
transaction that is on disk when it ends (`synchronous=FULL`, `synchronous_commit=on`).
"""

import asyncio
import functools
import logging
import os
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from widget_server.model.errors import OperatorError, UnavailableError
from widget_server.store.schema import meta
from widget_server.store.sqlite_threads import ThreadedEngine

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R", bound="HasDatabase")
T = TypeVar("T")

POSTGRES_READ_CONNECTIONS = 4
"""Connections to PostgreSQL that read at the same time in one process."""
SQLITE_READ_THREADS = 2
"""The same of SQLite. They share Python's lock with the event loop: four read no faster than one,
and who watches a story waits for all of them."""
READ_TIMEOUT_S = 10.0
"""The longest that a read may take, with the wait for a connection."""


class DatabaseUnavailableError(OperatorError):
    """The database cannot be served from."""


def sqlite_path(url: str) -> Path | None:
    """The file behind a SQLite URL, or None for another engine."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


@dataclass(slots=True)
class DatabaseMetrics:
    """What was read, for /metrics."""

    read_transactions: Annotated[int, "consistent views of the database that were asked for"] = 0
    read_transactions_failed: Annotated[int, "reads that the database did not answer"] = 0


class Database:
    """Engines for one database. `epoch` names the numbering that all positions belong to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.epoch = ""
        self.metrics = DatabaseMetrics()
        self._writer: ThreadedEngine | AsyncEngine
        self._reader: ThreadedEngine | AsyncEngine
        if self.is_sqlite:
            kept = _existing_file_only(url)
            self._writer = _threaded_engine(kept, "BEGIN IMMEDIATE", 1, "sqlite-writer")
            self._reader = _threaded_engine(kept, "BEGIN", SQLITE_READ_THREADS, "sqlite-reader")
        else:
            self._writer = _postgres_engine(url, connections=2)
            self._reader = _postgres_engine(
                url, connections=POSTGRES_READ_CONNECTIONS
            ).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def open(self) -> None:
        """Read the epoch. Raises `DatabaseUnavailableError` when there is nothing to serve from."""
        path = sqlite_path(self.url)
        # Looked at before: a failed attempt of the driver may outlive the event loop and complain.
        if path is not None and not await asyncio.to_thread(os.access, path, os.R_OK | os.W_OK):
            raise DatabaseUnavailableError(
                f"There is no database {path} that can be read and written. "
                "Run `widget-server migrate` first."
            )
        try:
            await _transact(self._reader, self.epoch_in)
        except Exception as error:
            raise DatabaseUnavailableError(describe_failure(error)) from error

    async def ping(self) -> None:
        """Ask for the epoch, without which nothing can be done. Raises `UnavailableError`."""
        await self.read(self.epoch_in)

    async def epoch_in(self, connection: AsyncConnection) -> str:
        """The numbering in this view of the database; a restored backup has another than before.

        What is read in the same view belongs to it, whatever `epoch` has become meanwhile.
        """
        found = await connection.execute(select(meta.c.value).where(meta.c.key == "epoch"))
        epoch = self.epoch = str(found.scalar_one())
        return epoch

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()

    async def read(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Run `work` on one consistent view: all its queries see the same committed state.

        `work` may await nothing but its connection: on SQLite it runs in a thread of its own.
        Raises `UnavailableError` when the database does not answer.
        """
        self.metrics.read_transactions += 1
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await _transact(self._reader, work)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            self.metrics.read_transactions_failed += 1
            log.warning("event=read_failed reason=%s", type(error).__name__)
            raise UnavailableError(retry_after=2) from error

    async def write(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in one transaction, which is committed and on disk when this returns.

        `work` may await nothing but its connection: on SQLite it runs in a thread of its own.
        """
        return await _transact(self._writer, work)


class HasDatabase(Protocol):
    """What `read_transaction` is for."""

    database: Database


async def _transact(
    engine: ThreadedEngine | AsyncEngine,
    work: Callable[[AsyncConnection], Coroutine[Any, Any, T]],
) -> T:
    if isinstance(engine, ThreadedEngine):
        return await engine.run_transaction(work)
    async with engine.begin() as connection:
        return await work(connection)


def read_transaction(
    method: Callable[Concatenate[R, AsyncConnection, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[R, P], Coroutine[Any, Any, T]]:
    """A method of something with a `database` that is given one consistent view of it, to read."""

    @functools.wraps(method)
    async def read(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.database.read(lambda view: method(self, view, *args, **kwargs))

    return read


def describe_failure(error: BaseException) -> str:
    """One sentence for the operator about why the database does not answer."""
    text = str(getattr(error, "orig", error) or error).strip().splitlines()
    # SQLAlchemy puts the driver's class before the driver's words.
    reason = re.sub(r"^<class '[^']*'>: ", "", text[0])[:200] if text else type(error).__name__
    if "no such table" in reason or re.search(r"relation .* does not exist", reason):
        return "The database has no tables yet. Run `widget-server migrate` first."
    if "No row was found" in reason:
        return "The database has lost the name of its numbering (meta, epoch). Restore a backup."
    if "not a database" in reason or "malformed" in reason:
        return (
            f"The database file is damaged ({reason}). Stop the server, move the file away, and "
            "restore a backup."
        )
    if re.search(r"disk is full|disk I/O error|No space left", reason):
        return f"The database cannot be written ({reason}). Make room on the disk, and check it."
    return f"The database does not answer ({reason}). Check DATABASE_URL and the database server."


def is_permanent(error: BaseException) -> bool:
    """Whether trying the same statement again cannot help: data that the database cannot take.

    Text with half a character fails in the driver of SQLite, a NUL in PostgreSQL itself (class 22).
    """
    if isinstance(error, DBAPIError):
        kind = str(getattr(error.orig, "sqlstate", None) or "")[:2]
        return kind in {"22", "23"} or isinstance(error, DataError | IntegrityError)
    return isinstance(error, UnicodeError | OverflowError)


def is_retryable(error: BaseException) -> bool:
    """Whether the database chose this transaction to end a circle of waits: another try helps."""
    kind = getattr(getattr(error, "orig", None), "sqlstate", None)
    return kind in {"40001", "40P01"}


def _existing_file_only(url: str) -> URL:
    """The same SQLite database, but a file that is missing is an error, not a new empty one."""
    parsed = make_url(url)
    return parsed.set(
        database=f"file:{quote(parsed.database or '')}", query={"mode": "rw", "uri": "true"}
    )


def sqlite_engine(
    url: str | URL, *, begin: str, connections: int, busy_s: int = 5, foreign_keys: bool = True
) -> AsyncEngine:
    """An engine for a SQLite file; `busy_s` is how long it waits for another writer."""
    engine = create_async_engine(
        url, pool_size=connections, max_overflow=0, pool_timeout=10, hide_parameters=True
    )
    _configure(engine.sync_engine, begin, busy_s, foreign_keys=foreign_keys)
    return engine


def _threaded_engine(url: URL, begin: str, connections: int, name: str) -> ThreadedEngine:
    plain = url.set(drivername="sqlite")
    engine = create_engine(
        plain, pool_size=connections, max_overflow=0, pool_timeout=10, hide_parameters=True
    )
    _configure(engine, begin, busy_s=5, foreign_keys=True)
    return ThreadedEngine(engine, connections, name)


def _configure(engine: Engine, begin: str, busy_s: int, *, foreign_keys: bool) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: "BEGIN IMMEDIATE" below does.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={busy_s * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
            "secure_delete=ON",
            "cache_size=-16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def _postgres_engine(url: str, *, connections: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "timeout": 5,
            "command_timeout": 6,
            "server_settings": {
                "application_name": "widget-server",
                "synchronous_commit": "on",
                "statement_timeout": "5000",
                "lock_timeout": "3000",
                "idle_in_transaction_session_timeout": "10000",
            },
        },
    )
