"""Write the roles of accounts on sites, and API keys: transaction functions."""

from typing import Literal, TypeVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.actors import Role
from widget_server.model.people import ApiKey
from widget_server.store.mapping import dump
from widget_server.store.schema_people import (
    accounts,
    api_keys,
    invitations,
    members,
)
from widget_server.store.transactions import TransactionFn

T = TypeVar("T")


def as_owner(change: TransactionFn[T], site: str, owner: str) -> TransactionFn[T | Literal[False]]:
    """Run a change about another member, if `owner` owns the site or the server still. Else: False.

    So two owners who remove each other at once do not leave none: transactions follow one another.
    """

    async def run(connection: AsyncConnection) -> T | Literal[False]:
        own = (members.c.site == site) & (members.c.account == owner)
        role = await connection.execute(select(members.c.role).where(own))
        if role.scalar_one_or_none() != "owner":
            of_server = select(accounts.c.server_owner).where(
                (accounts.c.id == owner) & accounts.c.disabled_at.is_(None)
            )
            if not (await connection.execute(of_server)).scalar_one_or_none():
                return False
        return await change(connection)

    return run


def put_member(
    site: str, account: str, role: Role, copies: frozenset[int] | None, now: int
) -> TransactionFn[None]:
    """Give an account a role on a site, in place of the one it has."""

    async def run(connection: AsyncConnection) -> None:
        scope = None if copies is None else dump(sorted(copies))
        own = (members.c.site == site) & (members.c.account == account)
        changed = await connection.execute(
            update(members).where(own).values(role=role, scope=scope)
        )
        if role != "owner":
            # Only owners make keys and invitations: neither outlives the role.
            await _end_what_was_made(connection, site, account, now)
        if not changed.rowcount:
            await connection.execute(
                insert(members).values(
                    site=site, account=account, role=role, scope=scope, created_at=now
                )
            )

    return run


def delete_member(site: str, account: str, now: int) -> TransactionFn[bool]:
    """Take an account's role on a site away; end the API keys and void the invitations it made there.

    Result: False if it had no role.
    """

    async def run(connection: AsyncConnection) -> bool:
        own = (members.c.site == site) & (members.c.account == account)
        gone = await connection.execute(delete(members).where(own))
        await _end_what_was_made(connection, site, account, now)
        return gone.rowcount > 0

    return run


def insert_key(key: ApiKey, hash_of_secret: str) -> TransactionFn[None]:
    """Add an API key."""

    async def run(connection: AsyncConnection) -> None:
        row = {name: getattr(key, name) for name in key.__slots__}
        row |= {"scopes": dump(sorted(key.scopes)), "hash": hash_of_secret}
        await connection.execute(insert(api_keys).values(**row))

    return run


def end_key(site: str, key: str, now: int) -> TransactionFn[bool]:
    """End an API key. Result: False if there is none that has not ended."""

    async def run(connection: AsyncConnection) -> bool:
        own = (api_keys.c.site == site) & (api_keys.c.id == key) & api_keys.c.ended_at.is_(None)
        changed = await connection.execute(update(api_keys).where(own).values(ended_at=now))
        return changed.rowcount > 0

    return run


def touch_key(key: str, now: int) -> TransactionFn[None]:
    """Note that an API key was used."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(update(api_keys).where(api_keys.c.id == key).values(last_at=now))

    return run


async def _end_what_was_made(
    connection: AsyncConnection, site: str, account: str, now: int
) -> None:
    keys = (api_keys.c.site == site) & (api_keys.c.by == account) & api_keys.c.ended_at.is_(None)
    await connection.execute(update(api_keys).where(keys).values(ended_at=now))
    # Also those that were opened and not accepted yet: a removed owner must not come back with one.
    open_links = (
        (invitations.c.site == site)
        & (invitations.c.by == account)
        & invitations.c.used_at.is_(None)
    )
    await connection.execute(delete(invitations).where(open_links))
