"""Reads of sites and of withdrawn tokens."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import Unavailable
from widget_server.model.records import Site
from widget_server.store.damage import RowDamagedError, left_out, readable
from widget_server.store.engine import Database, reading
from widget_server.store.rows import to_site
from widget_server.store.schema import revoked, sites


class Sites:
    """Sites of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @reading
    async def find(self, connection: AsyncConnection, slug: str) -> Site | None:
        """The site with this slug. Raises `Unavailable` for one whose row is damaged.

        Its rules must not be guessed: they may be what keeps its stories closed.
        """
        found = await connection.execute(select(sites).where(sites.c.slug == slug))
        row = found.one_or_none()
        try:
            return None if row is None else to_site(row)
        except RowDamagedError as damage:
            left_out(damage)
            raise Unavailable(retry_after=60) from None

    @reading
    async def all(self, connection: AsyncConnection) -> list[Site]:
        """Every site, by slug."""
        rows = await connection.execute(select(sites).order_by(sites.c.slug))
        return readable(rows, to_site)

    @reading
    async def revoked(self, connection: AsyncConnection, slug: str) -> frozenset[str]:
        """Handles (`jti`) of the site's withdrawn tokens."""
        rows = await connection.execute(select(revoked.c.jti).where(revoked.c.site == slug))
        return frozenset(rows.scalars())
