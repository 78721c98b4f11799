"""Database access: SQLite in WAL mode or PostgreSQL, chosen by the URL.

There is one write connection per writer and a few read connections. A read sees one consistent view of
the database. A write is one transaction that is on disk when it returns (`synchronous=FULL`,
`synchronous_commit=on`).

SQLite has no statistics (`ANALYZE`), so queries are written for the plans that it makes without. With those of a
small database it scans tables that grow later, and with those of a few hundred rows of each index it no longer
finds the top comments of a story by their own index.
"""

import asyncio
import functools
import logging
import os
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NoResultFound, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from widget_server.model.errors import OperatorError, UnavailableError
from widget_server.store.sqlite_threads import WAL_PAGES, SyncConnectionAdapter, ThreadedEngine

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R", bound="HasDatabase")
T = TypeVar("T")

POSTGRES_READ_CONNECTIONS = 4
"""Read connections to PostgreSQL in one process."""
SQLITE_READ_THREADS = 2
"""Read connections to SQLite in one process, each with a thread.

The threads share Python's lock with the event loop. Four threads read no faster than one, and live
updates would wait for all of them.
"""
READ_TIMEOUT_S = 10.0
"""Seconds that a read may take, including the wait for a connection."""
_NO_EPOCH = "The table meta has no epoch."
_EPOCH = "SELECT value FROM meta WHERE key = 'epoch'"


class DatabaseUnavailableError(OperatorError):
    """The database is missing, unreadable, damaged or of a wrong version."""


def sqlite_path(url: str) -> Path | None:
    """Return the file of a SQLite URL, or None for another engine."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


@dataclass(slots=True)
class DatabaseMetrics:
    """Metrics of database reads."""

    read_transactions: Annotated[int, "read transactions started"] = 0
    read_transactions_failed: Annotated[int, "read transactions that failed or timed out"] = 0


class Database:
    """Engines for one database. `epoch` is the epoch that was read last."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.epoch = ""
        self.metrics = DatabaseMetrics()
        self._writer: ThreadedEngine | AsyncEngine
        self._reader: ThreadedEngine | AsyncEngine
        if self.is_sqlite:
            existing = _existing_file_only(url)
            self._writer = _threaded_engine(existing, "BEGIN IMMEDIATE", 1, "sqlite-writer")
            self._reader = _threaded_engine(existing, "BEGIN", SQLITE_READ_THREADS, "sqlite-reader")
        else:
            self._writer = _postgres_engine(url, connections=2)
            self._reader = _postgres_engine(
                url, connections=POSTGRES_READ_CONNECTIONS
            ).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def open(self) -> None:
        """Read the epoch. Raises `DatabaseUnavailableError` if the database cannot be used."""
        path = sqlite_path(self.url)
        # Check the file first: a failed connection attempt of the driver can outlive the event loop,
        # and then logs an error.
        if path is not None and not await asyncio.to_thread(os.access, path, os.R_OK | os.W_OK):
            raise DatabaseUnavailableError(
                f"There is no readable and writable database {path}. "
                "Run `widget-server migrate` first."
            )
        try:
            await _transact(self._reader, self.epoch_in)
        except Exception as error:
            raise DatabaseUnavailableError(describe_failure(error)) from error

    async def ping(self) -> None:
        """Read the epoch, which every read and write needs. Raises `UnavailableError`."""
        await self.read(self.epoch_in)

    async def epoch_in(self, connection: AsyncConnection) -> str:
        """Read and return the epoch of this view. It changes when a backup is restored.

        Rows read in the same view belong to the returned epoch, even if another read has set `epoch`
        to a newer one meanwhile.
        """
        # Each transaction begins with it: SQLAlchemy took longer than reading it.
        if isinstance(connection, SyncConnectionAdapter):
            rows: Sequence[Any] = connection.fetch(_EPOCH)
        else:
            rows = (await connection.exec_driver_sql(_EPOCH)).all()
        if not rows:
            raise NoResultFound(_NO_EPOCH)
        epoch = self.epoch = str(rows[0][0])
        return epoch

    async def close(self) -> None:
        """Close all connections."""
        await self._reader.dispose()
        await self._writer.dispose()

    async def read(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Run `work` on one consistent view: all its queries see the same committed state.

        `work` may await only its connection, because on SQLite it runs in another thread.
        Raises `UnavailableError` if the database does not respond.
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
        """Run `work` in one transaction, which is committed to disk when this returns.

        `work` may await only its connection, because on SQLite it runs in another thread.
        """
        return await _transact(self._writer, work)

    def checkpoint(self) -> None:
        """Begin a checkpoint of SQLite's WAL, if many rows have changed. Call it while no write waits."""
        if isinstance(self._writer, ThreadedEngine):
            self._writer.checkpoint()

    def empty_wal(self) -> None:
        """Begin to empty SQLite's WAL, if anything was written. Call it after a rest."""
        if isinstance(self._writer, ThreadedEngine):
            self._writer.empty_wal()


class HasDatabase(Protocol):
    """An object whose methods `read_transaction` can decorate."""

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
    """Decorate a method so that it receives a connection with one consistent view of `self.database`."""

    @functools.wraps(method)
    async def read(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.database.read(lambda view: method(self, view, *args, **kwargs))

    return read


def describe_failure(error: BaseException) -> str:
    """Return a sentence for the operator that says why the database does not work."""
    text = str(getattr(error, "orig", error) or error).strip().splitlines()
    # SQLAlchemy puts the class of the driver's exception before the driver's message.
    reason = re.sub(r"^<class '[^']*'>: ", "", text[0])[:200] if text else type(error).__name__
    if "no such table" in reason or re.search(r"relation .* does not exist", reason):
        return "The database has no tables yet. Run `widget-server migrate` first."
    if isinstance(error, NoResultFound):
        return "The database has lost its epoch (table meta). Restore a backup."
    if "not a database" in reason or "malformed" in reason:
        return (
            f"The database file is damaged ({reason}). Stop the server, move the file away, and "
            "restore a backup."
        )
    if re.search(r"disk is full|disk I/O error|No space left", reason):
        return f"The database cannot be written ({reason}). Make room on the disk, and check it."
    return f"The database does not respond ({reason}). Check DATABASE_URL and the database server."


def is_permanent(error: BaseException) -> bool:
    """Return whether the statement fails again on every retry, because of its data.

    Text with a lone surrogate fails in SQLite's driver; a NUL fails in PostgreSQL (class 22). An error of
    Python's own types is a fault of this code or of a damaged row: it concerns one action of a batch.
    """
    if isinstance(error, DBAPIError):
        kind = str(getattr(error.orig, "sqlstate", None) or "")[:2]
        return kind in {"22", "23"} or isinstance(error, DataError | IntegrityError)
    return isinstance(
        error, ArithmeticError | AttributeError | LookupError | TypeError | ValueError
    )


def is_retryable(error: BaseException) -> bool:
    """Return whether a retry may succeed: the database aborted this transaction to resolve a conflict."""
    kind = getattr(getattr(error, "orig", None), "sqlstate", None)
    return kind in {"40001", "40P01"}


def _existing_file_only(url: str) -> URL:
    """Return a URL of the same SQLite file that fails if the file is missing instead of creating it."""
    parsed = make_url(url)
    return parsed.set(
        database=f"file:{quote(parsed.database or '')}", query={"mode": "rw", "uri": "true"}
    )


def sqlite_engine(
    url: str | URL, *, begin: str, connections: int, busy_s: int = 5, foreign_keys: bool = True
) -> AsyncEngine:
    """Return an engine for a SQLite file. It waits up to `busy_s` seconds for another writer."""
    engine = create_async_engine(
        url, pool_size=connections, max_overflow=0, pool_timeout=10, hide_parameters=True
    )

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    _configure(engine.sync_engine, start, busy_s, foreign_keys=foreign_keys)
    return engine


def _threaded_engine(url: URL, begin: str, connections: int, name: str) -> ThreadedEngine:
    plain = url.set(drivername="sqlite")
    engine = create_engine(
        plain, pool_size=connections, max_overflow=0, pool_timeout=10, hide_parameters=True
    )

    def start(connection: Connection) -> None:
        SyncConnectionAdapter(connection).fetch(begin)

    _configure(engine, start, busy_s=5, foreign_keys=True)
    return ThreadedEngine(engine, connections, name)


def _configure(
    engine: Engine, start: Callable[[Connection], Any], busy_s: int, *, foreign_keys: bool
) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver must not start transactions itself: `start` does.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={busy_s * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
            "secure_delete=ON",
            "cache_size=-16000",
            f"wal_autocheckpoint={WAL_PAGES}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "begin", start)


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
