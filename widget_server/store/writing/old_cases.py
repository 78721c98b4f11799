"""Delete the rows of cases that were closed, and of batches that ended, long ago: in small parts."""

from typing import Any

from sqlalchemy import Select, and_, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.store.schema import IS_CLOSED, cases, comments, reports, sites
from widget_server.store.schema_queue import batches
from widget_server.store.transactions import TransactionFn

CHUNK = 2_000


def delete_closed_cases(before: int) -> TransactionFn[int]:
    """Delete cases that were closed before a time (milliseconds). Result: their number, at most 2,000 of a site.

    A case about a published comment stays while there is a report that it settled.
    """

    async def run(connection: AsyncConnection) -> int:
        number = 0
        # By site, because the index of closed cases begins with it.
        for site in (await connection.execute(select(sites.c.slug))).scalars().all():
            old = select_old_cases(site, before).scalar_subquery()
            done: Any = await connection.execute(delete(cases).where(cases.c.id.in_(old)))
            number += int(done.rowcount)
        return number

    return run


def select_old_cases(site: str, before: int) -> Select[Any]:
    """Return the query for the ids of the cases of a site that `delete_closed_cases` deletes."""
    settles = exists().where(
        reports.c.comment == cases.c.comment,
        comments.c.id == cases.c.comment,
        comments.c.state == CommentState.PUBLISHED.value,
    )
    reported = and_(cases.c.queue == "reported", settles)
    return (
        select(cases.c.id)
        .where(cases.c.site == site, IS_CLOSED, cases.c.closed_at < before, ~reported)
        .limit(CHUNK)
    )


def delete_ended_batches(before: int) -> TransactionFn[int]:
    """Delete batches that ended before a time (milliseconds). Result: their number, at most 2,000."""

    async def run(connection: AsyncConnection) -> int:
        old = select(batches.c.id).where(batches.c.ended_at < before).limit(CHUNK)
        done: Any = await connection.execute(
            delete(batches).where(batches.c.id.in_(old.scalar_subquery()))
        )
        return int(done.rowcount)

    return run
