"""The schedule: work with a date, which any process may lease.

A lease is one `UPDATE … RETURNING` of a row that is due and not leased. Its holder renews it while it
works. If the holder dies, the lease ends by itself and another process takes the work. Times are
milliseconds since 1970.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.schedule import Lease, ScheduledWork
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import schedule
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore, upsert

_KEY = ("kind", "subject")


class Schedule:
    """Reads of the schedule."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def is_due(self, connection: AsyncConnection, kinds: Sequence[str], now: int) -> bool:
        """Return whether work of these kinds can be leased now. At rest this reads one index entry."""
        free = (schedule.c.due_at <= now) & (schedule.c.lease_until < now)
        query = select(schedule.c.kind).where(schedule.c.kind.in_(kinds) & free).limit(1)
        return (await connection.execute(query)).first() is not None

    @read_transaction
    async def kinds(self, connection: AsyncConnection, subject: str) -> frozenset[str]:
        """Return the kinds that have a row with this subject."""
        query = select(schedule.c.kind).where(schedule.c.subject == subject)
        return frozenset((await connection.execute(query)).scalars())

    @read_transaction
    async def all(self, connection: AsyncConnection, limit: int) -> list[ScheduledWork]:
        """Return the work that is due next, at most `limit` rows."""
        found = await connection.execute(
            select(
                schedule.c.kind,
                schedule.c.subject,
                schedule.c.due_at,
                schedule.c.every,
                schedule.c.lease_until,
                schedule.c.tries,
                schedule.c.last_error,
            )
            .order_by(schedule.c.due_at, schedule.c.kind, schedule.c.subject)
            .limit(limit)
        )
        return [ScheduledWork(*row) for row in found]


def put_in_schedule(kind: str, subject: str, due_at: int) -> TransactionFn[None]:
    """Schedule work that is done once. Work of this kind and subject that waits gets the new date.

    A lease of the old row ends: what its holder is doing now is done again at the new date.
    """

    async def run(connection: AsyncConnection) -> None:
        await upsert(connection, schedule, _KEY, [_new(kind, subject, due_at, None)])

    return run


def repeat_in_schedule(works: Sequence[tuple[str, int, int]]) -> TransactionFn[None]:
    """Schedule repeated work `(kind, every, due_at)`. Kinds that are scheduled already stay as they are."""

    async def run(connection: AsyncConnection) -> None:
        rows = [_new(kind, "", due_at, every) for kind, every, due_at in works]
        await connection.execute(insert_ignore(schedule, connection.dialect), rows)

    return run


def take_out_of_schedule(kind: str, subject: str) -> TransactionFn[None]:
    """Delete scheduled work, also if it is leased."""

    async def run(connection: AsyncConnection) -> None:
        own = (schedule.c.kind == kind) & (schedule.c.subject == subject)
        await connection.execute(delete(schedule).where(own))

    return run


def lease_work(kinds: Sequence[str], now: int, until: int) -> TransactionFn[Lease | None]:
    """Lease the work of these kinds that is due longest. Result: None if nothing is due."""
    by = secrets.token_hex(16)

    async def run(connection: AsyncConnection) -> Lease | None:
        free = (schedule.c.due_at <= now) & (schedule.c.lease_until < now)
        next_one = (
            select(schedule.c.kind, schedule.c.subject)
            .where(schedule.c.kind.in_(kinds) & free)
            .order_by(schedule.c.due_at)
            .limit(1)
            .cte("next_one")
        )
        same = (schedule.c.kind == next_one.c.kind) & (schedule.c.subject == next_one.c.subject)
        leased = await connection.execute(
            update(schedule)
            .where(same & free)
            .values(lease_until=until, lease_by=by, tries=schedule.c.tries + 1)
            .returning(schedule.c.kind, schedule.c.subject, schedule.c.tries)
        )
        row = leased.one_or_none()
        return None if row is None else Lease(row.kind, row.subject, by, until, row.tries)

    return run


def renew_lease(lease: Lease, until: int) -> TransactionFn[bool]:
    """Extend a lease. Result: False if it is no longer the holder's."""

    async def run(connection: AsyncConnection) -> bool:
        return await _update(connection, lease, lease_until=until)

    return run


def finish_work(lease: Lease, now: int) -> TransactionFn[bool]:
    """End a lease because the work is done: delete the row, or set its next date.

    Result: False if the lease is no longer the holder's; then nothing changes.
    """

    async def run(connection: AsyncConnection) -> bool:
        once = await connection.execute(
            delete(schedule).where(_held(lease) & schedule.c.every.is_(None))
        )
        next_time = now + schedule.c.every
        free = {"lease_until": 0, "lease_by": None, "tries": 0, "last_error": None}
        return once.rowcount == 1 or await _update(connection, lease, due_at=next_time, **free)

    return run


def postpone_work(
    lease: Lease, due_at: int, error: str | None, *, count: bool
) -> TransactionFn[bool]:
    """End a lease and set another date, because the work failed or cannot be done yet.

    `error` is the class of an error. Without `count` this lease does not count as a try. Result: False
    if the lease is no longer the holder's; then nothing changes.
    """

    async def run(connection: AsyncConnection) -> bool:
        # Relative: work that went on has set its number back.
        tries = schedule.c.tries if count else schedule.c.tries - 1
        values = {"due_at": due_at, "tries": tries, "last_error": error}
        return await _update(connection, lease, lease_until=0, lease_by=None, **values)

    return run


async def _update(connection: AsyncConnection, lease: Lease, **values: Any) -> bool:
    updated = await connection.execute(update(schedule).where(_held(lease)).values(values))
    return updated.rowcount == 1


def _held(lease: Lease) -> ColumnElement[bool]:
    own = (schedule.c.kind == lease.kind) & (schedule.c.subject == lease.subject)
    return own & (schedule.c.lease_by == lease.by)


def _new(kind: str, subject: str, due_at: int, every: int | None) -> dict[str, Any]:
    free = {"lease_until": 0, "lease_by": None, "tries": 0, "last_error": None}
    return {"kind": kind, "subject": subject, "due_at": due_at, "every": every, **free}
