"""Reads of sites and of withdrawn tokens."""

from sqlalchemy import select

from widget_server.model.records import Site
from widget_server.store.engine import Database
from widget_server.store.rows import to_site
from widget_server.store.schema import revoked, sites


class Sites:
    """Sites of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, slug: str) -> Site | None:
        """The site with this slug."""
        async with self._database.read() as connection:
            found = await connection.execute(select(sites).where(sites.c.slug == slug))
            row = found.one_or_none()
        return None if row is None else to_site(row)

    async def all(self) -> list[Site]:
        """Every site, by slug."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(sites).order_by(sites.c.slug))
            return [to_site(row) for row in rows]

    async def revoked(self, slug: str) -> frozenset[str]:
        """Handles (`jti`) of the site's withdrawn tokens."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(revoked.c.jti).where(revoked.c.site == slug))
            return frozenset(rows.scalars())
