"""Reads and writes of sites, withdrawn tokens and shut-out origins."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, desc, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.bans import Ban
from widget_server.model.capacity import CapacityState
from widget_server.model.clock import now_ms
from widget_server.model.decisions import Decision
from widget_server.model.errors import NotFoundError, UnavailableError
from widget_server.model.raids import Raid
from widget_server.model.records import NarrowedCopy, PlacedCopy, SeenCopy, ShutOut, Site
from widget_server.store.damaged_rows import RowDamagedError, readable, record_damaged_row
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import overrides_of, site_row, to_site
from widget_server.store.queries.bans import read_bans
from widget_server.store.queries.capacity import read_capacity
from widget_server.store.queries.local_copies import read_narrowed
from widget_server.store.queries.older_copies import read_changed
from widget_server.store.schema import HAS_SETTINGS, copies, revoked, shut_out, sites, stories
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore
from widget_server.store.writing.floods import select_raids, to_raid
from widget_server.store.writing.site_log import append_site_decision

CHUNK = 1_000
"""Sites in one query."""


class Sites:
    """Reads of the sites of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def find(self, connection: AsyncConnection, slug: str) -> Site | None:
        """Return the site with this slug, or None. Raises `UnavailableError` if its row is damaged.

        Default settings would be wrong: the damaged ones may forbid open reading.
        """
        found = await connection.execute(select(sites).where(sites.c.slug == slug))
        row = found.one_or_none()
        try:
            return None if row is None else to_site(row)
        except RowDamagedError as damage:
            record_damaged_row(damage)
            raise UnavailableError(retry_after=60) from None

    @read_transaction
    async def all(self, connection: AsyncConnection) -> list[Site]:
        """Return every site, in order of slugs."""
        rows = await connection.execute(select(sites).order_by(sites.c.slug))
        return readable(rows, to_site)

    @read_transaction
    async def revoked(self, connection: AsyncConnection, slug: str) -> frozenset[str]:
        """Return the handles (`jti`) of the site's withdrawn tokens."""
        rows = await connection.execute(select(revoked.c.jti).where(revoked.c.site == slug))
        return frozenset(rows.scalars())

    @read_transaction
    async def narrowed(self, connection: AsyncConnection, slug: str) -> dict[int, NarrowedCopy]:
        """Return the copies of the site that show less than others, by id."""
        return await read_narrowed(connection, slug)

    @read_transaction
    async def shut_out(self, connection: AsyncConnection, slug: str) -> frozenset[ShutOut]:
        """Return the site's shut-out origins."""
        of_site = select(shut_out.c.origin, shut_out.c.story).where(shut_out.c.site == slug)
        return frozenset(ShutOut(*row) for row in await connection.execute(of_site))

    @read_transaction
    async def overrides(self, connection: AsyncConnection, slug: str) -> dict[str, dict[str, Any]]:
        """Return the settings that stories of the site override, as stored, by the story's code.

        A damaged row is logged and left out: its story follows the site.
        """
        rows = await connection.execute(
            select(stories.c.id, stories.c.code, stories.c.settings).where(
                (stories.c.site == slug) & HAS_SETTINGS
            )
        )
        found = readable(rows, lambda row: (row.code, overrides_of(row)))
        return dict(found)

    @read_transaction
    async def bans(self, connection: AsyncConnection, slug: str) -> dict[str, Ban]:
        """Return the ban of each subject that ends last, also those that ended lately.

        Of one subject at most one ban is in effect.
        """
        return {ban.subject: ban for ban in await read_bans(connection, slug)}

    @read_transaction
    async def raids(self, connection: AsyncConnection, slug: str, now: int) -> tuple[Raid, ...]:
        """Return the raids that are on at `now` (milliseconds), and those that a person ended lately."""
        return tuple(to_raid(row) for row in await connection.execute(select_raids([slug], now)))

    @read_transaction
    async def capacity(self, connection: AsyncConnection, slug: str) -> CapacityState:
        """Return what the site's capacity makes of its comments now."""
        return await read_capacity(connection, slug)

    @read_transaction
    async def counters(
        self, connection: AsyncConnection, slugs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        """Return each site's counters `rights` and `copy_changes`. The permission watcher calls this every second."""
        found: dict[str, tuple[int, int]] = {}
        for start in range(0, len(slugs), CHUNK):
            own = select(sites.c.slug, sites.c.rights, sites.c.copy_changes)
            rows = await connection.execute(
                own.where(sites.c.slug.in_(slugs[start : start + CHUNK]))
            )
            found |= {row.slug: (row.rights, row.copy_changes) for row in rows}
        return found

    @read_transaction
    async def changed_copies(
        self, connection: AsyncConnection, slug: str, since: int
    ) -> tuple[PlacedCopy, ...]:
        """Return the copies whose readers are told something else since `copy_changes` had this value."""
        return await read_changed(connection, slug, since)

    @read_transaction
    async def seen(self, connection: AsyncConnection, slug: str, jti: str) -> list[SeenCopy]:
        """Return the copies that use the token with this handle, the last seen first."""
        rows = await connection.execute(
            select(
                stories.c.key, copies.c.origin, copies.c.label, copies.c.page, copies.c.last_seen
            )
            .join(stories, copies.c.story == stories.c.id)
            .where((stories.c.site == slug) & (copies.c.jti == jti))
            .order_by(desc(copies.c.last_seen))
        )
        return [SeenCopy(*row) for row in rows]


def insert_site(site: Site) -> TransactionFn[bool]:
    """Add a site. Result: False if the slug is taken."""

    async def run(connection: AsyncConnection) -> bool:
        row = site_row(site) | {"created_at": now_ms()}
        insert = insert_ignore(sites, connection.dialect).values(row)
        inserted = await connection.execute(insert.returning(sites.c.slug))
        return inserted.scalar_one_or_none() is not None

    return run


def update_site(
    slug: str, change: Callable[[Site], Site], decision: Decision | None = None
) -> TransactionFn[Site]:
    """Change a site's name or keys under its lock. `site_settings` changes its settings.

    `decision` is logged with the changed parts before and after, unless nothing changed.
    `change` must not raise: it runs in a transaction that contains other actions. Raises `NotFoundError`,
    or `UnavailableError` if the site's row is damaged.
    """

    async def run(connection: AsyncConnection) -> Site:
        before = await locked_site(connection, slug)
        site = change(before)
        values = site_row(site) | {"rights": sites.c.rights + 1}
        await connection.execute(update(sites).where(sites.c.slug == slug).values(values))
        was, now = _parts(before), _parts(site)
        changed = [name for name in now if was[name] != now[name]]
        if decision is not None and changed:
            logged = replace(
                decision,
                before={name: was[name] for name in changed},
                after={name: now[name] for name in changed},
            )
            await append_site_decision(connection, slug, logged)
        return site

    return run


def _parts(site: Site) -> dict[str, Any]:
    """Return everything of a site that such a change concerns, by name."""
    return {"name": site.name, "generation": site.generation, "oldest": site.oldest}


async def locked_site(connection: AsyncConnection, slug: str) -> Site:
    """Lock a site's row and return the site. Raises the errors of `update_site`."""
    found = await connection.execute(
        select(sites).where(sites.c.slug == slug).with_for_update(key_share=True)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFoundError(f"There is no site “{slug}”. `widget-server site list` shows them.")
    try:
        return to_site(row)
    except RowDamagedError as damage:
        record_damaged_row(damage)
        raise UnavailableError("The site's row is damaged. Restore a backup.") from None


def revoke_token(site: str, jti: str, decision: Decision | None = None) -> TransactionFn[None]:
    """Withdraw the widget token with this handle. `decision` is logged unless it was withdrawn before."""

    async def run(connection: AsyncConnection) -> None:
        await _bump_permissions_version(connection, site)
        row = {"site": site, "jti": jti, "at": now_ms()}
        added = await connection.execute(
            insert_ignore(revoked, connection.dialect).values(row).returning(revoked.c.jti)
        )
        if decision is not None and added.first() is not None:
            await append_site_decision(connection, site, decision)

    return run


def shut_out_origin(
    site: str, origin: str, story: str, decision: Decision | None = None
) -> TransactionFn[None]:
    """Shut out the pages of an origin from one story (its code) or from all stories ("").

    `decision` is logged unless the origin was shut out before.
    """

    async def run(connection: AsyncConnection) -> None:
        await _bump_permissions_version(connection, site)
        row = {"site": site, "origin": origin, "story": story, "at": now_ms()}
        added = await connection.execute(
            insert_ignore(shut_out, connection.dialect).values(row).returning(shut_out.c.site)
        )
        if decision is not None and added.first() is not None:
            await append_site_decision(connection, site, decision)

    return run


def take_back_copy(
    site: str,
    jti: tuple[str, Decision] | None,
    shut: tuple[str, str, Decision] | None,
) -> TransactionFn[None]:
    """Revoke a token (`jti`) and shut out an origin (with a story's code or ""), in one transaction.

    Each is logged with its decision, as `revoke_token` and `shut_out_origin` do.
    """

    async def run(connection: AsyncConnection) -> None:
        if jti is not None:
            await revoke_token(site, *jti)(connection)
        if shut is not None:
            await shut_out_origin(site, *shut)(connection)

    return run


def give_back_copy(
    site: str, jti: str, origin: str, story: str, decision: Decision
) -> TransactionFn[bool]:
    """Undo `take_back_copy` for a story's code and for the whole site. Result: whether anything changed.

    If anything changed, `decision` is logged.
    """

    async def run(connection: AsyncConnection) -> bool:
        await _bump_permissions_version(connection, site)
        own = (revoked.c.site == site) & (revoked.c.jti == jti)
        changed = (await connection.execute(delete(revoked).where(own))).rowcount > 0
        for scope in ("", story):
            changed |= await readmit_origin(site, origin, scope)(connection)
        if changed:
            await append_site_decision(connection, site, decision)
        return changed

    return run


def give_back_token(site: str, jti: str, decision: Decision) -> TransactionFn[bool]:
    """Undo `revoke_token`. Result: False if the token was not withdrawn; then nothing is logged."""

    async def run(connection: AsyncConnection) -> bool:
        await _bump_permissions_version(connection, site)
        own = (revoked.c.site == site) & (revoked.c.jti == jti)
        deleted = await connection.execute(delete(revoked).where(own))
        if deleted.rowcount > 0:
            await append_site_decision(connection, site, decision)
        return deleted.rowcount > 0

    return run


def readmit_origin(
    site: str, origin: str, story: str, decision: Decision | None = None
) -> TransactionFn[bool]:
    """Undo `shut_out_origin`. Result: False if the origin was not shut out; then nothing is logged."""

    async def run(connection: AsyncConnection) -> bool:
        await _bump_permissions_version(connection, site)
        own = (shut_out.c.site == site) & (shut_out.c.origin == origin)
        deleted = await connection.execute(
            delete(shut_out).where(own & (shut_out.c.story == story))
        )
        if deleted.rowcount > 0 and decision is not None:
            await append_site_decision(connection, site, decision)
        return deleted.rowcount > 0

    return run


async def _bump_permissions_version(connection: AsyncConnection, site: str) -> None:
    """Increment `rights`, so that every process reviews its open sockets of this site."""
    changed = update(sites).where(sites.c.slug == site)
    await connection.execute(changed.values(rights=sites.c.rights + 1))
