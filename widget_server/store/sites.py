"""Reads of sites, of withdrawn tokens and of origins that are shut out."""

from collections.abc import Sequence

from sqlalchemy import desc, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import UnavailableError
from widget_server.model.records import SeenCopy, ShutOut, Site
from widget_server.store.damage import RowDamagedError, readable, record_damaged_row
from widget_server.store.engine import Database, read_transaction
from widget_server.store.rows import to_site
from widget_server.store.schema import copies, revoked, shut_out, sites, stories


class Sites:
    """Sites of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def find(self, connection: AsyncConnection, slug: str) -> Site | None:
        """The site with this slug. Raises `Unavailable` for one whose row is damaged.

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
