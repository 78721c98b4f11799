"""Reads of accounts, sessions, one-time links, members and API keys."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, and_, bindparam, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.people import (
    Account,
    ApiKey,
    Invitation,
    Member,
    Membership,
    Passkey,
    Session,
    SignedIn,
)
from widget_server.store.engine import Database, read_transaction
from widget_server.store.queries.account_rows import (
    to_account,
    to_copies,
    to_invitation,
    to_key,
    to_membership,
    to_session,
)
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

MAX_PEOPLE = 500
"""Most people, keys, links or sessions that one answer lists."""
_HAS_PASSKEY = exists().where(passkeys.c.account == accounts.c.id).label("has_passkey")


_SIGNED_IN = (
    select(
        sessions,
        *(column.label(f"a_{column.name}") for column in accounts.columns),
        sites.c.slug,
        sites.c.name,
        members.c.role,
        members.c.scope,
    )
    .join(accounts, accounts.c.id == sessions.c.account)
    .outerjoin(members, members.c.account == accounts.c.id)
    .outerjoin(sites, or_(accounts.c.server_owner, sites.c.slug == members.c.site))
    .where(
        sessions.c.hash == bindparam("secret"),
        sessions.c.until > bindparam("now", type_=BigInteger),
        sessions.c.remembered | (sessions.c.seen_at > bindparam("idle_since", type_=BigInteger)),
        accounts.c.disabled_at.is_(None),
    )
    .order_by(sites.c.name)
)
"""A session with its account and roles. One statement, built once, because every page of the dashboard reads it."""


class Accounts:
    """Reads of the people of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def any_usable(self, connection: AsyncConnection) -> bool:
        """Return whether somebody can sign in as owner of the server."""
        found = await connection.execute(
            select(literal(1))
            .where(accounts.c.server_owner & accounts.c.disabled_at.is_(None))
            .limit(1)
        )
        return found.first() is not None

    @read_transaction
    async def all(self, connection: AsyncConnection) -> list[Account]:
        """Return all accounts, in order of names."""
        rows = await connection.execute(
            select(accounts).order_by(accounts.c.name, accounts.c.id).limit(MAX_PEOPLE)
        )
        return [to_account(row) for row in rows]

    @read_transaction
    async def find(self, connection: AsyncConnection, account: str) -> Account | None:
        """Return the account with this id, or None."""
        found = await connection.execute(select(accounts).where(accounts.c.id == account))
        return next(map(to_account, found), None)

    @read_transaction
    async def find_by_email(
        self, connection: AsyncConnection, hashes: Sequence[str]
    ) -> Account | None:
        """Return the account whose address has one of these hashes, or None."""
        found = await connection.execute(
            select(accounts).where(accounts.c.email_hash.in_(hashes)).limit(1)
        )
        return next(map(to_account, found), None)

    @read_transaction
    async def find_by_name(self, connection: AsyncConnection, name: str) -> list[Account]:
        """Return the accounts with this name or id."""
        rows = await connection.execute(
            select(accounts)
            .where(or_(accounts.c.name == name, accounts.c.id == name))
            .limit(MAX_PEOPLE)
        )
        return [to_account(row) for row in rows]

    @read_transaction
    async def signed_in(
        self, connection: AsyncConnection, hash_of_secret: str, now: int, idle_since: int
    ) -> SignedIn | None:
        """Return the session with its account and roles, or None if it ended.

        It has ended after `until`, and without `remembered` if it was not used since `idle_since`.
        """
        values = {"secret": hash_of_secret, "now": now, "idle_since": idle_since}
        rows = (await connection.execute(_SIGNED_IN, values)).all()
        if not rows:
            return None
        account = to_account(rows[0], "a_")
        roles = {row.slug: to_membership(row, account) for row in rows if row.slug is not None}
        return SignedIn(to_session(rows[0]), account, tuple(roles.values()))

    @read_transaction
    async def memberships(
        self, connection: AsyncConnection, account: Account
    ) -> tuple[Membership, ...]:
        """Return the roles of an account; for a server owner, one on every site."""
        return await _memberships(connection, account)

    @read_transaction
    async def sessions_of(
        self, connection: AsyncConnection, account: str, now: int, idle_since: int
    ) -> list[Session]:
        """Return the account's sessions that have not ended, the last used first."""
        rows = await connection.execute(
            select(sessions)
            .where(
                (sessions.c.account == account)
                & (sessions.c.until > now)
                & (sessions.c.remembered | (sessions.c.seen_at > idle_since))
            )
            .order_by(sessions.c.seen_at.desc())
            .limit(MAX_PEOPLE)
        )
        return [to_session(row) for row in rows]

    @read_transaction
    async def passkeys_of(self, connection: AsyncConnection, account: str) -> list[Passkey]:
        """Return the account's passkeys, the oldest first."""
        rows = await connection.execute(
            select(passkeys).where(passkeys.c.account == account).order_by(passkeys.c.created_at)
        )
        return [Passkey(*row) for row in rows]

    @read_transaction
    async def passkey(self, connection: AsyncConnection, credential: str) -> Passkey | None:
        """Return the passkey with this credential id, or None."""
        found = await connection.execute(select(passkeys).where(passkeys.c.id == credential))
        row = found.one_or_none()
        return None if row is None else Passkey(*row)

    @read_transaction
    async def unused_codes(self, connection: AsyncConnection, account: str) -> int:
        """Return how many recovery codes of the account are unused."""
        own = (recovery_codes.c.account == account) & recovery_codes.c.used_at.is_(None)
        found = await connection.execute(
            select(func.count()).select_from(recovery_codes).where(own)
        )
        return int(found.scalar_one())

    @read_transaction
    async def invitation(
        self, connection: AsyncConnection, hash_of_secret: str, now: int
    ) -> Invitation | None:
        """Return an unused one-time link that has not expired, or None."""
        found = await connection.execute(
            select(invitations).where(
                (invitations.c.hash == hash_of_secret)
                & (invitations.c.until > now)
                & invitations.c.used_at.is_(None)
            )
        )
        return next(map(to_invitation, found), None)

    @read_transaction
    async def people(
        self, connection: AsyncConnection, site: str, now: int
    ) -> tuple[list[Member], list[Invitation], list[ApiKey]]:
        """Return a site's members, its open invitations, and its API keys that have not ended."""
        rows = await connection.execute(
            select(accounts, members.c.role, members.c.scope, _HAS_PASSKEY)
            .join(members, members.c.account == accounts.c.id)
            .where(members.c.site == site)
            .order_by(members.c.created_at, accounts.c.id)
            .limit(MAX_PEOPLE)
        )
        people = [
            Member(to_account(row), row.role, to_copies(row.scope), bool(row.has_passkey))
            for row in rows
        ]
        open_links = and_(
            invitations.c.site == site,
            invitations.c.kind == "invite",
            invitations.c.until > now,
            invitations.c.used_at.is_(None),
        )
        found = await connection.execute(
            select(invitations)
            .where(open_links)
            .order_by(invitations.c.created_at)
            .limit(MAX_PEOPLE)
        )
        keys = await connection.execute(
            select(api_keys)
            .where((api_keys.c.site == site) & api_keys.c.ended_at.is_(None))
            .order_by(api_keys.c.created_at)
            .limit(MAX_PEOPLE)
        )
        return people, [to_invitation(row) for row in found], [to_key(row) for row in keys]

    @read_transaction
    async def server_owners(self, connection: AsyncConnection) -> list[Member]:
        """Return the owners of the whole server as owners of each site, in order of names."""
        rows = await connection.execute(
            select(accounts, _HAS_PASSKEY)
            .where(accounts.c.server_owner & accounts.c.disabled_at.is_(None))
            .order_by(accounts.c.name, accounts.c.id)
            .limit(MAX_PEOPLE)
        )
        return [Member(to_account(row), "owner", None, bool(row.has_passkey)) for row in rows]


async def _memberships(connection: AsyncConnection, account: Account) -> tuple[Membership, ...]:
    is_own = members.c.account == account.id
    roles = select(sites.c.slug, sites.c.name, members.c.role, members.c.scope)
    if account.server_owner:
        roles = roles.outerjoin(members, (members.c.site == sites.c.slug) & is_own)
    else:
        roles = roles.join(members, members.c.site == sites.c.slug).where(is_own)
    rows = await connection.execute(roles.order_by(sites.c.name))
    return tuple(to_membership(row, account) for row in rows)
