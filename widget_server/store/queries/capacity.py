"""Reads and writes of what the capacity of sites makes of their comments."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.capacity import CapacityState
from widget_server.model.decisions import Decision
from widget_server.model.hours import MODES, Mode
from widget_server.store.engine import Database, read_transaction
from widget_server.store.patterns import is_like
from widget_server.store.schema import IS_OPEN, cases, sites
from widget_server.store.schema_capacity import capacity_states
from widget_server.store.schema_local import LOCAL_QUEUES, local_waits
from widget_server.store.schema_queue import case_counts
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.site_log import append_site_decision


class CapacityReads:
    """Reads of the capacity of the sites of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def watched(self, connection: AsyncConnection) -> dict[str, CapacityState]:
        """Return the state of each site that has limits, or that limits have narrowed, by its slug."""
        state = capacity_states.c
        rows = await connection.execute(
            select(sites.c.slug, state.mode, state.since)
            .outerjoin(capacity_states, state.site == sites.c.slug)
            .where(or_(is_like(sites.c.settings, '%"capacity":{%'), state.mode != "open"))
        )
        return {row.slug: CapacityState(_mode(row.mode), row.since or 0) for row in rows}


async def read_capacity(connection: AsyncConnection, slug: str) -> CapacityState:
    """Return the state of a site."""
    own = select(capacity_states).where(capacity_states.c.site == slug)
    row = (await connection.execute(own)).one_or_none()
    return CapacityState() if row is None else CapacityState(_mode(row.mode), row.since)


def store_capacity(
    slug: str, before: CapacityState, after: CapacityState, decision: Decision
) -> TransactionFn[bool]:
    """Store a new state and log it. Result: False if another process has changed the state since."""

    async def run(connection: AsyncConnection) -> bool:
        # Every process reads the site again. The row's lock also orders the processes.
        changed = update(sites).where(sites.c.slug == slug).values(rights=sites.c.rights + 1)
        if not (await connection.execute(changed)).rowcount:
            return False
        now = await read_capacity(connection, slug)
        if now.mode != before.mode:
            return False
        values = {"mode": after.mode, "since": after.since}
        own = capacity_states.c.site == slug
        stored = await connection.execute(update(capacity_states).where(own).values(values))
        if not stored.rowcount:
            await connection.execute(insert(capacity_states).values(site=slug, **values))
        await append_site_decision(connection, slug, decision)
        return True

    return run


async def read_waiting(connection: AsyncConnection, slugs: Collection[str]) -> dict[str, int]:
    """Return how many cases wait for each site's own people, and lock the counters until the transaction ends.

    Without the lock, two processes could each add a case to the last free place.
    """
    own = case_counts.c
    found = await connection.execute(
        select(own.site, own.queue, own.number)
        .where(own.site.in_(slugs))
        .order_by(own.site, own.queue)
        .with_for_update()
    )
    waiting = dict.fromkeys(slugs, 0)
    for row in found:
        waiting[row.site] += row.number
    for site, number in (await read_only_local(connection, slugs)).items():
        waiting[site] -= number
    return waiting


def is_only_local() -> ColumnElement[bool]:
    """Return the condition for open cases that wait for nothing but a local moderator."""
    waits = exists().where(local_waits.c.comment == cases.c.comment)
    return and_(cases.c.queue.in_(LOCAL_QUEUES), waits)


async def read_only_local(connection: AsyncConnection, slugs: Collection[str]) -> dict[str, int]:
    """Return on how many cases of each site only a local moderator decides, without sites that have none."""
    found = await connection.execute(
        # From the few comments that wait for a local moderator to their cases, by the index of the comment.
        select(cases.c.site, func.count().label("number"))
        .select_from(local_waits.join(cases, cases.c.comment == local_waits.c.comment))
        .where(cases.c.site.in_(slugs), cases.c.queue.in_(LOCAL_QUEUES), IS_OPEN)
        .group_by(cases.c.site)
    )
    return {row.site: row.number for row in found}


def _mode(stored: str | None) -> Mode:
    return next((mode for mode in MODES if mode == stored), "open")
