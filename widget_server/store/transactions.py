"""Transaction functions: writes beside actions, such as new stories, copies, sites, keys and revocations.

A transaction function is a coroutine that receives the writer's connection. It runs in a batch's
transaction, before the batch's actions.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
TransactionFn = Callable[[AsyncConnection], Awaitable[T]]


def together(first: TransactionFn[None], second: TransactionFn[T]) -> TransactionFn[T]:
    """Run two transaction functions in one transaction. Result: that of the second."""

    async def run(connection: AsyncConnection) -> T:
        await first(connection)
        return await second(connection)

    return run


async def acquire_writer_lock(connection: AsyncConnection) -> None:
    """Serialize transactions that contain transaction functions, over all processes on one database.

    Transaction functions lock rows in the order of arrival. Two processes with different orders could
    deadlock. SQLite needs no lock because it has one writer.
    """
    if connection.dialect.name != "sqlite":
        await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7206319443)")
