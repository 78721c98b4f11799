"""Leases: who looks at a case, so that no two people decide the same one.

A lease is taken in one statement and ends by itself. It is a courtesy, not a lock: a decision about a case
that another person has closed meanwhile is refused, with or without the lease. Times are milliseconds.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    String,
    bindparam,
    delete,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.queue import CaseFilter
from widget_server.store.queries.handed_cases import is_handed_to_other, is_own_objection
from widget_server.store.queries.queue import NOW, OF_SITE, is_mild, open_cases_where
from widget_server.store.queries.queue_facts import ORDER
from widget_server.store.schema import cases
from widget_server.store.schema_queue import case_leases
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import upsert_from

_COLUMNS = ("case_id", "site", "by", "until")
_BY = bindparam("new_by", type_=String)


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
    leases. Objections to the actor's own decisions are left to others, and what was handed over to another
    person is left to that person. One statement.
    """

    values: dict[str, Any] = {"of_site": site, "now": now, "new_by": by, "new_until": until}
    if skip:
        values["skip"] = list(skip)
    if only is not None:
        values["only"] = list(only)

    async def run(connection: AsyncConnection) -> list[int]:
        which = (bool(skip), only is not None, only_mild)
        dialect = connection.dialect.name
        statement = _take(chosen, limit, tuple(without), copies, which, dialect)
        return list((await connection.execute(statement, values)).scalars())

    return run


@lru_cache(256)
def _take(
    chosen: CaseFilter,
    limit: int,
    without: tuple[str, ...],
    copies: frozenset[int] | None,
    which: tuple[bool, bool, bool],
    dialect: str,
) -> Any:
    """Return the statement of `take_cases`. Building it takes longer than the database needs.

    `which` tells whether it has `skip`, `only` and `only_mild`.
    """
    has_skip, has_only, only_mild = which
    free = or_(case_leases.c.case_id.is_(None), case_leases.c.until <= NOW, case_leases.c.by == _BY)
    where = open_cases_where(OF_SITE, chosen, NOW, without, copies) & free
    where &= ~is_own_objection(_BY) & ~is_handed_to_other(_BY, NOW)
    if has_skip:
        where &= cases.c.id.not_in(bindparam("skip", expanding=True))
    if has_only:
        where &= cases.c.id.in_(bindparam("only", expanding=True))
    if only_mild:
        where &= is_mild()
    found = (
        select(cases.c.id, cases.c.site)
        .outerjoin(case_leases, case_leases.c.case_id == cases.c.id)
        .where(where)
        .order_by(*ORDER)
        .limit(limit)
    )
    statement = upsert_from(
        case_leases,
        _COLUMNS,
        ("case_id",),
        found.subquery(),
        {"by": _BY, "until": bindparam("new_until", type_=BigInteger)},
        or_(case_leases.c.until <= NOW, case_leases.c.by == _BY),
        dialect,
    )
    return statement.returning(case_leases.c.case_id)


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
