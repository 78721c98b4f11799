"""Keep people as they are when an older backup is restored.

A backup that is restored must not let somebody in again whose role was taken away, nor revive an ended
session, a used link, an old password or an ended key. So for every account in use, its rows in use win.
Accounts that only the backup has are restored, without sessions and links: they sign in again.
"""

from sqlalchemy import MetaData, Table, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import sites
from widget_server.store.schema_people import (
    accounts,
    api_keys,
    invitations,
    members,
    passkeys,
    recovery_codes,
    sessions,
)

OF_ACCOUNTS = (members, passkeys, recovery_codes)


async def keep_people(connection: AsyncConnection, staging: MetaData) -> int:
    """Replace the staged rows of accounts in use. Return the number of these accounts.

    The sites in the staging tables must be final: roles on other sites are left out.
    """
    staged = {name.removeprefix("restore_"): table for name, table in staging.tables.items()}
    staged_sites = select(staged[sites.name].c.slug)
    used = select(accounts.c.id)
    for table in (sessions, invitations):
        await connection.execute(delete(staged[table.name]))
    for table in OF_ACCOUNTS:
        into = staged[table.name]
        await connection.execute(delete(into).where(into.c.account.in_(used)))
    into = staged[accounts.name]
    await connection.execute(delete(into).where(into.c.id.in_(used)))
    # An address is one account's. Who has it now keeps it; the other account is reset by its name.
    taken = select(accounts.c.email_hash).where(accounts.c.email_hash.is_not(None))
    await connection.execute(
        update(into).where(into.c.email_hash.in_(taken)).values(email=None, email_hash=None)
    )
    into = staged[api_keys.name]
    await connection.execute(delete(into).where(into.c.id.in_(select(api_keys.c.id))))
    for table in (accounts, passkeys, recovery_codes, sessions):
        await _copy(connection, table, staged[table.name])
    for table in (members, api_keys, invitations):
        rows = select(table).where(table.c.site.is_(None) | table.c.site.in_(staged_sites))
        names = [column.name for column in table.columns]
        await connection.execute(insert(staged[table.name]).from_select(names, rows))
    # A key of the backup whose maker lost the role since ends with it.
    keys, roles = staged[api_keys.name], staged[members.name]
    has_role = exists().where((roles.c.site == keys.c.site) & (roles.c.account == keys.c.by))
    owners = select(staged[accounts.name].c.id).where(staged[accounts.name].c.server_owner)
    await connection.execute(
        delete(keys).where(keys.c.by.is_not(None) & ~has_role & keys.c.by.not_in(owners))
    )
    found = await connection.execute(used)
    return len(found.all())


async def _copy(connection: AsyncConnection, table: Table, into: Table) -> None:
    names = [column.name for column in table.columns]
    await connection.execute(insert(into).from_select(names, select(table)))
