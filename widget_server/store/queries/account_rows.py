"""Records of people from rows of the database."""

from typing import Any

import orjson
from sqlalchemy import Row

from widget_server.model.people import Account, ApiKey, Invitation, Membership, Session


def to_membership(row: Row[*tuple[Any, ...]], account: Account) -> Membership:
    """Return the role of an account on the site in a row."""
    if account.server_owner:
        return Membership(row.slug, row.name, "owner")
    return Membership(row.slug, row.name, row.role, to_copies(row.scope))


def to_account(row: Row[*tuple[Any, ...]], prefix: str = "") -> Account:
    """Return the account in a row whose columns have this prefix."""
    values = {name: getattr(row, prefix + name) for name in _ACCOUNT_COLUMNS}
    return Account(**values | {"server_owner": bool(values["server_owner"])})


_ACCOUNT_COLUMNS = (
    "id",
    "name",
    "email",
    "password",
    "server_owner",
    "lang",
    "theme",
    "created_at",
    "last_at",
    "disabled_at",
    "keys",
)


def to_session(row: Row[*tuple[Any, ...]]) -> Session:
    """Return the session in a row."""
    return Session(
        row.hash,
        row.account,
        row.made_at,
        row.seen_at,
        row.strong_at,
        row.until,
        bool(row.remembered),
        row.method,
        row.agent,
    )


def to_invitation(row: Row[*tuple[Any, ...]]) -> Invitation:
    """Return the one-time link in a row."""
    return Invitation(
        row.hash,
        row.kind,
        row.site,
        row.role,
        to_copies(row.scope),
        row.account,
        row.email,
        row.by,
        row.created_at,
        row.until,
    )


def to_key(row: Row[*tuple[Any, ...]]) -> ApiKey:
    """Return the API key in a row."""
    return ApiKey(
        row.id,
        row.site,
        row.label,
        frozenset(orjson.loads(row.scopes)),
        row.by,
        row.created_at,
        row.last_at,
        row.until,
        row.ended_at,
    )


def to_copies(scope: str | None) -> frozenset[int] | None:
    """Return the copies in a stored scope, or None for all."""
    return None if scope is None else frozenset(orjson.loads(scope))
