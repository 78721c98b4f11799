"""Reads of API keys by their secret or id."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.actors import Role
from widget_server.model.people import ApiKey
from widget_server.store.engine import Database, read_transaction
from widget_server.store.queries.account_rows import to_key
from widget_server.store.schema_people import accounts, api_keys, members


@dataclass(frozen=True, slots=True)
class FoundKey:
    """An API key in use, and its maker's role on the site now.

    The role is None for the shell and for owners of the server, and `none` if the maker has none any more.
    """

    key: ApiKey
    maker_role: Role | Literal["none"] | None


class ApiKeys:
    """Reads of the API keys of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def find(
        self, connection: AsyncConnection, hash_of_secret: str, now: int
    ) -> FoundKey | None:
        """Return the API key with this hash, or None if it ended, or its maker's account did."""
        of_maker = (members.c.account == api_keys.c.by) & (members.c.site == api_keys.c.site)
        found = await connection.execute(
            select(api_keys, accounts.c.server_owner, members.c.role.label("maker_role"))
            .outerjoin(accounts, accounts.c.id == api_keys.c.by)
            .outerjoin(members, of_maker)
            .where(
                (api_keys.c.hash == hash_of_secret)
                & api_keys.c.ended_at.is_(None)
                & or_(api_keys.c.until.is_(None), api_keys.c.until > now)
                & accounts.c.disabled_at.is_(None)
            )
        )
        row = found.one_or_none()
        if row is None:
            return None
        unlimited = row.by is None or row.server_owner
        return FoundKey(to_key(row), None if unlimited else row.maker_role or "none")

    @read_transaction
    async def with_id(self, connection: AsyncConnection, key: str) -> ApiKey | None:
        """Return the API key with this id, or None."""
        row = (await connection.execute(select(api_keys).where(api_keys.c.id == key))).one_or_none()
        return None if row is None else to_key(row)
