"""Reads of sites, of withdrawn tokens and of origins that are shut out."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, desc, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.clock import now_ms
from widget_server.model.errors import NotFoundError, UnavailableError
from widget_server.model.records import SeenCopy, ShutOut, Site
from widget_server.store.damaged_rows import RowDamagedError, readable, record_damaged_row
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import dump, to_site
from widget_server.store.schema import copies, revoked, shut_out, sites, stories
from widget_server.store.transactions import TransactionFn, insert_into


class Sites:
    """Sites of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def find(self, connection: AsyncConnection, slug: str) -> Site | None:
        """The site with this slug. Raises `UnavailableError` for one whose row is damaged.

        Its rules must not be guessed: they may be what keeps its stories closed.
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
        """Every site, by slug."""
        rows = await connection.execute(select(sites).order_by(sites.c.slug))
        return readable(rows, to_site)

    @read_transaction
    async def revoked(self, connection: AsyncConnection, slug: str) -> frozenset[str]:
        """Handles (`jti`) of the site's withdrawn tokens."""
        rows = await connection.execute(select(revoked.c.jti).where(revoked.c.site == slug))
        return frozenset(rows.scalars())

    @read_transaction
    async def shut_out(self, connection: AsyncConnection, slug: str) -> frozenset[ShutOut]:
        """The origins whose pages the site lets in no more."""
        of_site = select(shut_out.c.origin, shut_out.c.story).where(shut_out.c.site == slug)
        return frozenset(ShutOut(*row) for row in await connection.execute(of_site))

    @read_transaction
    async def rights(self, connection: AsyncConnection, slugs: Sequence[str]) -> dict[str, int]:
        """How often what pages may do has changed, by site: asked every second."""
        found: dict[str, int] = {}
        for start in range(0, len(slugs), 1_000):
            some = sites.c.slug.in_(slugs[start : start + 1_000])
            rows = await connection.execute(select(sites.c.slug, sites.c.rights).where(some))
            found |= {row.slug: row.rights for row in rows}
        return found

    @read_transaction
    async def seen(self, connection: AsyncConnection, slug: str, jti: str) -> list[SeenCopy]:
        """The copies that carry a token, by its handle; the one seen last comes first."""
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
    """Add a site; False when the slug is taken."""

    async def run(connection: AsyncConnection) -> bool:
        row = _site_row(site) | {"created_at": now_ms()}
        new = insert_into(connection, sites).values(row).on_conflict_do_nothing()
        made = await connection.execute(new.returning(sites.c.slug))
        return made.scalar_one_or_none() is not None

    return run


def update_site(slug: str, change: Callable[[Site], Site]) -> TransactionFn[Site]:
    """Change a site under its lock; every story of it moves on by one `seq`, so that pages see it.

    `change` must not raise: it runs inside the transaction of others. Refuses with `NotFoundError`.
    """

    async def run(connection: AsyncConnection) -> Site:
        found = await connection.execute(
            select(sites).where(sites.c.slug == slug).with_for_update(key_share=True)
        )
        row = found.one_or_none()
        if row is None:
            raise NotFoundError(f"There is no site “{slug}”. `widget-server site list` shows them.")
        try:
            before = to_site(row)
        except RowDamagedError as damage:
            record_damaged_row(damage)
            raise UnavailableError("The site's row is damaged. Restore a backup.") from None
        site = change(before)
        values = _site_row(site) | {"rights": sites.c.rights + 1}
        await connection.execute(update(sites).where(sites.c.slug == slug).values(values))
        if site.settings != before.settings:
            of_site = update(stories).where(stories.c.site == slug)
            await connection.execute(of_site.values(seq=stories.c.seq + 1))
        return site

    return run


def revoke_token(site: str, jti: str) -> TransactionFn[None]:
    """Withdraw a widget token by its handle."""

    async def run(connection: AsyncConnection) -> None:
        await _bump_permissions_version(connection, site)
        row = {"site": site, "jti": jti, "at": now_ms()}
        await connection.execute(
            insert_into(connection, revoked).values(row).on_conflict_do_nothing()
        )

    return run


def shut_out_origin(site: str, origin: str, story: str) -> TransactionFn[None]:
    """Let the pages of an origin in no more: to one story (its code), or to all ("")."""

    async def run(connection: AsyncConnection) -> None:
        await _bump_permissions_version(connection, site)
        row = {"site": site, "origin": origin, "story": story, "at": now_ms()}
        await connection.execute(
            insert_into(connection, shut_out).values(row).on_conflict_do_nothing()
        )

    return run


def readmit_origin(site: str, origin: str, story: str) -> TransactionFn[bool]:
    """Take `shut_out_origin` back; False where there is nothing to take back."""

    async def run(connection: AsyncConnection) -> bool:
        await _bump_permissions_version(connection, site)
        own = (shut_out.c.site == site) & (shut_out.c.origin == origin)
        gone = await connection.execute(delete(shut_out).where(own & (shut_out.c.story == story)))
        return gone.rowcount > 0

    return run


async def _bump_permissions_version(connection: AsyncConnection, site: str) -> None:
    """Let every process look at its open sockets of this site again."""
    changed = update(sites).where(sites.c.slug == site)
    await connection.execute(changed.values(rights=sites.c.rights + 1))


def _site_row(site: Site) -> dict[str, Any]:
    return {
        "slug": site.slug,
        "name": site.name,
        "generation": site.generation,
        "oldest": site.oldest,
        "settings": dump(site.settings.to_json()),
    }
