"""Writes beside the discussion itself: stories and copies made known, sites, keys, revocations.

A transaction function is a coroutine that is given the writer's connection; it shares the batch's transaction
with the actions and runs before them.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
TransactionFn = Callable[[AsyncConnection], Awaitable[T]]


def insert_into(connection: AsyncConnection, table: Any) -> Any:
    """An `INSERT` of this dialect, which can pass over rows that are there already."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


async def acquire_writer_lock(connection: AsyncConnection) -> None:
    """Let one transaction with transaction functions run at a time, in all processes on one database.

    Transaction functions lock rows in the order in which readers came, which two processes do not share. SQLite
    has one writer anyway.
    """
    if connection.dialect.name != "sqlite":
        await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7206319443)")
