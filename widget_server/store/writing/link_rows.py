"""Write one-time links, and give accounts what they grant: transaction functions."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision, new_id
from widget_server.model.people import Invitation
from widget_server.store.mapping import dump
from widget_server.store.queries.account_rows import to_invitation
from widget_server.store.schema_people import (
    accounts,
    invitations,
    members,
)
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore
from widget_server.store.writing.member_rows import put_member
from widget_server.store.writing.site_log import append_site_decision


def insert_invitation(invitation: Invitation) -> TransactionFn[None]:
    """Add a one-time link, and delete those that expired more than 30 days ago."""

    async def run(connection: AsyncConnection) -> None:
        old = invitation.created_at - 30 * 86_400_000
        await connection.execute(delete(invitations).where(invitations.c.until < old))
        await connection.execute(insert(invitations).values(**_invitation_row(invitation)))

    return run


def use_invitation(
    hash_of_secret: str, now: int, ticket: Invitation | None = None
) -> TransactionFn[Invitation | None]:
    """Use up a one-time link, and add the `ticket` for it. Result: the link, or None if it is void."""

    async def run(connection: AsyncConnection) -> Invitation | None:
        valid = (
            (invitations.c.hash == hash_of_secret)
            & (invitations.c.until > now)
            & invitations.c.used_at.is_(None)
        )
        found = await connection.execute(
            update(invitations).where(valid).values(used_at=now).returning(*invitations.c)
        )
        row = found.one_or_none()
        if row is None:
            return None
        if ticket is not None:
            await connection.execute(insert(invitations).values(**_invitation_row(ticket)))
        return to_invitation(row)

    return run


def accept_ticket(
    hash_of_secret: str, account: str, now: int, new: Mapping[str, Any] | None = None
) -> TransactionFn[Invitation | Literal["taken", "owner"] | None]:
    """Use up a ticket: give the account what it grants; with `new`, add the account with these columns.

    Result: the ticket, None if it is void, `taken` if the new address belongs to another account, or
    `owner` if the account owns the site and would lose that.
    """

    async def run(connection: AsyncConnection) -> Invitation | Literal["taken", "owner"] | None:
        valid = (
            (invitations.c.hash == hash_of_secret)
            & (invitations.c.kind == "ticket")
            & (invitations.c.until > now)
            & invitations.c.used_at.is_(None)
        )
        row = (await connection.execute(select(invitations).where(valid))).one_or_none()
        if row is None:
            return None
        granted = to_invitation(row)
        if granted.site is not None and granted.role != "owner":
            own = (members.c.site == granted.site) & (members.c.account == account)
            found = await connection.execute(select(members.c.role).where(own))
            if found.scalar_one_or_none() == "owner":
                return "owner"
        if new is not None:
            row_of_new = {**new, "server_owner": granted.site is None}
            added = insert_ignore(accounts, connection.dialect).values(**row_of_new)
            inserted = await connection.execute(added.returning(accounts.c.id))
            if inserted.scalar_one_or_none() is None:
                return "taken"
        elif granted.site is None:
            await connection.execute(
                update(accounts).where(accounts.c.id == account).values(server_owner=True)
            )
        if granted.site is not None:
            role = granted.role or "auditor"
            await put_member(granted.site, account, role, granted.copies, now)(connection)
            after = {"role": role, "invited_by": granted.by}
            await append_site_decision(
                connection,
                granted.site,
                Decision(
                    new_id(), now, "account", account, "dashboard", "role", (account,), after=after
                ),
            )
        await connection.execute(
            update(invitations).where(invitations.c.hash == hash_of_secret).values(used_at=now)
        )
        return granted

    return run


def delete_invitation(site: str, hash_of_secret: str) -> TransactionFn[bool]:
    """Take an unused invitation to a site back. Result: False if there is none."""

    async def run(connection: AsyncConnection) -> bool:
        own = (
            (invitations.c.site == site)
            & (invitations.c.hash == hash_of_secret)
            & invitations.c.used_at.is_(None)
        )
        return (await connection.execute(delete(invitations).where(own))).rowcount > 0

    return run


def _invitation_row(invitation: Invitation) -> dict[str, Any]:
    row = {name: getattr(invitation, name) for name in invitation.__slots__}
    copies = row.pop("copies")
    return row | {"scope": None if copies is None else dump(sorted(copies))}
