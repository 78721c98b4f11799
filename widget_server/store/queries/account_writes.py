"""Writes of accounts, sessions, one-time links, members and API keys: transaction functions."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.actors import Role
from widget_server.model.decisions import Decision, new_id
from widget_server.model.people import ApiKey, Invitation, Passkey, Session
from widget_server.store.mapping import dump
from widget_server.store.queries.account_rows import to_invitation
from widget_server.store.schema_people import (
    accounts,
    api_keys,
    invitations,
    members,
    passkeys,
    recovery_codes,
    sessions,
)
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore
from widget_server.store.writing.site_log import append_site_decision

T = TypeVar("T")

BURNED_MS = 3_600_000
"""How long the challenge of a passkey stays stored as used."""


def logged(change: TransactionFn[T], site: str, decision: Decision) -> TransactionFn[T]:
    """Run a change, and append the decision to the site's log in the same transaction.

    Nothing is appended if the change's result is False: then it changed nothing.
    """

    async def run(connection: AsyncConnection) -> T:
        result = await change(connection)
        if result is not False:
            await append_site_decision(connection, site, decision)
        return result

    return run


def insert_account(**values: Any) -> TransactionFn[bool]:
    """Add an account. Result: False if its address belongs to another account."""

    async def run(connection: AsyncConnection) -> bool:
        row = insert_ignore(accounts, connection.dialect).values(**values)
        found = await connection.execute(row.returning(accounts.c.id))
        return found.scalar_one_or_none() is not None

    return run


def update_account(account: str, **values: Any) -> TransactionFn[bool]:
    """Change columns of an account. Result: False if there is none, or its new address is another's."""

    async def run(connection: AsyncConnection) -> bool:
        if values.get("email_hash") is not None:
            taken = await connection.execute(
                select(accounts.c.id).where(
                    (accounts.c.email_hash == values["email_hash"]) & (accounts.c.id != account)
                )
            )
            if taken.first() is not None:
                return False
        changed = await connection.execute(
            update(accounts).where(accounts.c.id == account).values(**values)
        )
        return changed.rowcount > 0

    return run


def disable_account(account: str, now: int) -> TransactionFn[None]:
    """Disable an account, end its sessions and its API keys, and void its links."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(
            update(accounts).where(accounts.c.id == account).values(disabled_at=now)
        )
        await connection.execute(delete(sessions).where(sessions.c.account == account))
        await connection.execute(
            update(api_keys)
            .where((api_keys.c.by == account) & api_keys.c.ended_at.is_(None))
            .values(ended_at=now)
        )
        await connection.execute(
            delete(invitations).where(
                (invitations.c.account == account) | (invitations.c.by == account)
            )
        )

    return run


def insert_session(session: Session) -> TransactionFn[None]:
    """Add a session, note when the account was last here, and delete sessions that ended long ago."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(delete(sessions).where(sessions.c.until < session.made_at))
        row = {name: getattr(session, name) for name in session.__slots__}
        await connection.execute(insert(sessions).values(**row))
        await connection.execute(
            update(accounts).where(accounts.c.id == session.account).values(last_at=session.made_at)
        )

    return run


def touch_session(session: Session, now: int, *, strong: bool = False) -> TransactionFn[None]:
    """Note that a session was used; with `strong`, that the person proved again who they are."""

    async def run(connection: AsyncConnection) -> None:
        values = {"seen_at": now} | ({"strong_at": now} if strong else {})
        await connection.execute(
            update(sessions).where(sessions.c.hash == session.hash).values(**values)
        )
        await connection.execute(
            update(accounts).where(accounts.c.id == session.account).values(last_at=now)
        )

    return run


def end_session(account: str, hash_of_secret: str) -> TransactionFn[bool]:
    """End one session of an account. Result: False if there is none."""

    async def run(connection: AsyncConnection) -> bool:
        own = (sessions.c.account == account) & (sessions.c.hash == hash_of_secret)
        return (await connection.execute(delete(sessions).where(own))).rowcount > 0

    return run


def end_sessions(account: str, *, but: str = "") -> TransactionFn[int]:
    """End the sessions of an account but the one with the hash `but`. Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        others = (sessions.c.account == account) & (sessions.c.hash != but)
        return (await connection.execute(delete(sessions).where(others))).rowcount

    return run


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


def delete_ended(now: int) -> TransactionFn[int]:
    """Delete sessions and one-time links whose time is over at `now` (milliseconds). Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        number = 0
        for table in (sessions, invitations):
            deleted = await connection.execute(delete(table).where(table.c.until < now))
            number += deleted.rowcount
        return number

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


def insert_passkey(passkey: Passkey) -> TransactionFn[bool]:
    """Add a passkey. Result: False if it is known already."""

    async def run(connection: AsyncConnection) -> bool:
        row = {name: getattr(passkey, name) for name in passkey.__slots__}
        added = insert_ignore(passkeys, connection.dialect).values(**row)
        found = await connection.execute(added.returning(passkeys.c.id))
        return found.scalar_one_or_none() is not None

    return run


def use_passkey(
    passkey: str, before: int, sign_count: int, challenge: str, now: int
) -> TransactionFn[bool]:
    """Store a passkey's new counter, and burn the challenge.

    Result: False if the challenge was used before, or another sign-in changed the counter since.
    """

    async def run(connection: AsyncConnection) -> bool:
        # Kept longer than a challenge can be answered: `delete_ended` must not revive it.
        until = now + BURNED_MS
        burned = {"hash": challenge, "kind": "ticket", "created_at": now, "until": until}
        added = insert_ignore(invitations, connection.dialect).values(**burned, used_at=now)
        fresh = await connection.execute(added.returning(invitations.c.hash))
        if fresh.scalar_one_or_none() is None:
            return False
        own = (passkeys.c.id == passkey) & (passkeys.c.sign_count == before)
        changed = await connection.execute(
            update(passkeys).where(own).values(sign_count=sign_count, last_at=now)
        )
        return changed.rowcount > 0

    return run


def delete_passkey(account: str, passkey: str) -> TransactionFn[bool]:
    """Remove a passkey of an account. Result: False if there is none."""

    async def run(connection: AsyncConnection) -> bool:
        own = (passkeys.c.account == account) & (passkeys.c.id == passkey)
        return (await connection.execute(delete(passkeys).where(own))).rowcount > 0

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


def replace_codes(account: str, hashes: Sequence[str]) -> TransactionFn[None]:
    """Replace the recovery codes of an account."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(delete(recovery_codes).where(recovery_codes.c.account == account))
        await connection.execute(
            insert(recovery_codes), [{"account": account, "hash": one} for one in hashes]
        )

    return run


def use_code(account: str, hash_of_code: str, now: int) -> TransactionFn[bool]:
    """Use up a recovery code. Result: False if there is no unused one with this hash."""

    async def run(connection: AsyncConnection) -> bool:
        own = (
            (recovery_codes.c.account == account)
            & (recovery_codes.c.hash == hash_of_code)
            & recovery_codes.c.used_at.is_(None)
        )
        changed = await connection.execute(update(recovery_codes).where(own).values(used_at=now))
        return changed.rowcount > 0

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


def _invitation_row(invitation: Invitation) -> dict[str, Any]:
    row = {name: getattr(invitation, name) for name in invitation.__slots__}
    copies = row.pop("copies")
    return row | {"scope": None if copies is None else dump(sorted(copies))}
