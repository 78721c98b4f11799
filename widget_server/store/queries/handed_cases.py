"""Which cases a person gets from queues, and which are left to others: handed cases, and objections.

Times are milliseconds.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import HandedOver
from widget_server.store.schema import IS_OPEN, cases, decisions
from widget_server.store.schema_queue import case_leases, handed_cases
from widget_server.store.schema_readers import appeals
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import upsert_from

_COLUMNS = ("case_id", "site", "person", "by", "at", "until", "note")


def put_handed_case(
    site: str,
    case: int,
    by: str,
    handed: HandedOver,
) -> TransactionFn[bool]:
    """Hand an open case over, and end its lease.

    Result: False if it is closed, or an objection to a decision of the person who would get it.
    """

    async def run(connection: AsyncConnection) -> bool:
        objects = is_own_objection(literal(handed.to, String))
        found = select(cases.c.id, cases.c.site).where(
            cases.c.id == case, cases.c.site == site, IS_OPEN, ~objects
        )
        values: dict[str, ColumnElement[object]] = {
            "person": literal(handed.to, String),
            "by": literal(by, String),
            "at": literal(handed.at, BigInteger),
            "until": literal(handed.until, BigInteger),
            "note": literal(handed.note, String),
        }
        statement = upsert_from(
            handed_cases,
            _COLUMNS,
            ("case_id",),
            found.subquery(),
            values,
            true(),
            connection.dialect.name,
        )
        done = await connection.execute(statement.returning(handed_cases.c.case_id))
        if done.first() is None:
            return False
        await connection.execute(delete(case_leases).where(case_leases.c.case_id == case))
        return True

    return run


def delete_handed_case(site: str, case: int) -> TransactionFn[bool]:
    """Let a case belong to all again. Result: whether it was handed over."""

    async def run(connection: AsyncConnection) -> bool:
        named = (handed_cases.c.site == site) & (handed_cases.c.case_id == case)
        return bool((await connection.execute(delete(handed_cases).where(named))).rowcount)

    return run


def free_cases_of(account: str, site: str | None = None) -> TransactionFn[None]:
    """Let what was handed over to an account belong to all again: on one site, or on all (None)."""

    async def run(connection: AsyncConnection) -> None:
        own = handed_cases.c.person == f"account:{account}"
        if site is not None:
            own &= handed_cases.c.site == site
        await connection.execute(delete(handed_cases).where(own))

    return run


def delete_ended_hand_overs(now: int) -> TransactionFn[int]:
    """Delete the rows whose time is over or whose case is closed. Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        still_open = select(cases.c.id).where(cases.c.id == handed_cases.c.case_id, IS_OPEN)
        ended = or_(handed_cases.c.until <= now, ~still_open.exists())
        return int((await connection.execute(delete(handed_cases).where(ended))).rowcount)

    return run


def is_handed_to(person: str, site: Any, now: Any) -> ColumnElement[bool]:
    """Return the condition for cases that were handed over to a person."""
    own = select(handed_cases.c.case_id).where(
        handed_cases.c.site == site, handed_cases.c.person == person, handed_cases.c.until > now
    )
    return cases.c.id.in_(own)


def is_handed_to_other(person: Any, now: Any) -> ColumnElement[bool]:
    """Return the condition for cases that were handed over to another person."""
    other = select(handed_cases.c.case_id).where(
        handed_cases.c.case_id == cases.c.id,
        handed_cases.c.person != person,
        handed_cases.c.until > now,
    )
    return other.correlate(cases).exists()


def is_own_objection(by: Any) -> ColumnElement[bool]:
    """Return the condition for objections to a decision of this actor, which another person answers."""
    own = exists().where(
        appeals.c.comment == cases.c.comment,
        decisions.c.id == appeals.c.decision,
        decisions.c.actor_kind + ":" + decisions.c.actor == by,
    )
    return and_(cases.c.queue == "appeals", own)


def count_handed(site: Any, person: Any, now: Any) -> Select[int]:
    """Return a query for the number of open cases that were handed over to a person."""
    return (
        select(func.count())
        .select_from(handed_cases)
        .join(cases, cases.c.id == handed_cases.c.case_id)
        .where(
            handed_cases.c.site == site,
            handed_cases.c.person == person,
            handed_cases.c.until > now,
            IS_OPEN,
        )
    )
