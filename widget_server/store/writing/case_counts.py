"""Keep the number of open cases of each queue, so that no page counts them.

A transaction changes the counters after it has locked its stories, in the order of their keys: two
processes never wait for each other in a circle.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import IS_OPEN, cases
from widget_server.store.schema_queue import case_counts
from widget_server.store.writing.bulk import insert_ignore

_ADD = (
    update(case_counts)
    .where(
        (case_counts.c.site == bindparam("of_site"))
        & (case_counts.c.queue == bindparam("of_queue"))
    )
    .values(number=case_counts.c.number + bindparam("more"))
)


async def add_to_counts(
    connection: AsyncConnection, changes: Mapping[tuple[str, str], int]
) -> None:
    """Add the changes, by site and queue, to the counters."""
    for (site, queue), by in sorted(changes.items()):
        if not by:
            continue
        add = {"of_site": site, "of_queue": queue, "more": by}
        if not (await connection.execute(_ADD, add)).rowcount:
            row = {"site": site, "queue": queue, "number": 0}
            await connection.execute(insert_ignore(case_counts, connection.dialect), row)
            await connection.execute(_ADD, add)


async def has_wrong_counts(connection: AsyncConnection) -> bool:
    """Return whether a counter differs from the number of open cases. A server without counters did it."""
    counted = _counted().subquery()
    same = and_(counted.c.site == case_counts.c.site, counted.c.queue == case_counts.c.queue)
    wrong = (
        select(literal(1))
        .select_from(case_counts.outerjoin(counted, same))
        .where(case_counts.c.number != func.coalesce(counted.c.number, 0))
    )
    missing = select(literal(1)).select_from(counted).where(~exists().where(same))
    for query in (wrong, missing):
        if (await connection.execute(query.limit(1))).first() is not None:
            return True
    return False


async def count_again(connection: AsyncConnection) -> None:
    """Set every counter to the number of open cases."""
    counted = _counted().subquery()
    new = select(counted.c.site, counted.c.queue, literal(0)).where(true())
    names = ["site", "queue", "number"]
    await connection.execute(insert_ignore(case_counts, connection.dialect).from_select(names, new))
    # Another process that opens or closes a case meanwhile waits, and adds to the new number.
    await connection.execute(
        select(case_counts).order_by(case_counts.c.site, case_counts.c.queue).with_for_update()
    )
    own: ColumnElement[bool] = and_(
        cases.c.site == case_counts.c.site, cases.c.queue == case_counts.c.queue, IS_OPEN
    )
    number = select(func.count()).select_from(cases).where(own).scalar_subquery()
    await connection.execute(
        update(case_counts).where(case_counts.c.number != number).values(number=number)
    )


def _counted() -> Select[Any]:
    return (
        select(cases.c.site, cases.c.queue, func.count().label("number"))
        .where(IS_OPEN)
        .group_by(cases.c.site, cases.c.queue)
    )
