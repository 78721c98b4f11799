"""Leases: who looks at a case, so that no two people decide the same one.

A lease is taken in one statement and ends by itself. It is a courtesy, not a lock: a decision about a case
that another person has closed meanwhile is refused whoever holds the lease. Times are milliseconds.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.queue import CaseFilter
from widget_server.store.queries.queue import ORDER, is_mild, open_cases_where
from widget_server.store.schema import cases
from widget_server.store.schema_queue import case_leases
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import upsert_from

_COLUMNS = ("case_id", "site", "by", "until")


def take_cases(
    site: str,
    by: str,
    chosen: CaseFilter,
    now: int,
    until: int,
    limit: int,
    *,
    without: Collection[str] = (),
    copies: frozenset[int] | None = None,
    skip: Sequence[int] = (),
    only: Sequence[int] | None = None,
    only_mild: bool = False,
) -> TransactionFn[list[int]]:
    """Lease the first open cases that are free or the actor's own. Result: their ids, in no order.

    `skip` are cases that the actor has on the screen; `only` names the cases to take, also to renew their
    leases. One statement.
    """

    async def run(connection: AsyncConnection) -> list[int]:
        free = or_(
            case_leases.c.case_id.is_(None), case_leases.c.until <= now, case_leases.c.by == by
        )
        where = open_cases_where(site, chosen, now, without, copies) & free
        if skip:
            where &= cases.c.id.not_in(skip)
        if only is not None:
            where &= cases.c.id.in_(only)
        if only_mild:
            where &= is_mild()
        found = (
            select(cases.c.id, cases.c.site)
            .outerjoin(case_leases, case_leases.c.case_id == cases.c.id)
            .where(where)
            .order_by(*ORDER)
            .limit(limit)
        )
        still_free = or_(case_leases.c.until <= now, case_leases.c.by == by)
        statement = upsert_from(
            case_leases,
            _COLUMNS,
            ("case_id",),
            found.subquery(),
            {"by": by, "until": until},
            still_free,
            connection.dialect,
        )
        leased = await connection.execute(statement.returning(case_leases.c.case_id))
        return list(leased.scalars())

    return run


def give_back(site: str, by: str, ids: Sequence[int] | None) -> TransactionFn[int]:
    """End the actor's leases of these cases (None: of all on the site). Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        own = (case_leases.c.site == site) & (case_leases.c.by == by)
        if ids is not None:
            own &= case_leases.c.case_id.in_(ids)
        return int((await connection.execute(delete(case_leases).where(own))).rowcount)

    return run


def delete_ended_leases(now: int) -> TransactionFn[int]:
    """Delete the rows of leases that have ended. Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        done = await connection.execute(delete(case_leases).where(case_leases.c.until <= now))
        return int(done.rowcount)

    return run
