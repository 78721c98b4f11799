"""Stored records of people: accounts, sessions, one-time links, members and API keys.

Times are milliseconds since 1970. Secrets are not in these records, only their hashes.
"""

from dataclasses import dataclass, field
from typing import Literal

from widget_server.model.actors import Role

LinkKind = Literal["owner", "invite", "reset", "ticket"]
Method = Literal["password", "passkey", "code", "link"]


@dataclass(frozen=True, slots=True)
class Account:
    """A person who can sign in. `email` is sealed; `auth/sealing.py` opens it."""

    id: str
    name: str
    email: str | None
    password: str | None = field(repr=False)
    """Argon2id hash, or None for an account without a password."""
    server_owner: bool
    """Whether the account may make sites and is an owner of every site."""
    lang: str | None
    theme: str | None
    created_at: int
    last_at: int | None
    disabled_at: int | None
    keys: str | None = None
    """JSON of `model.queue_keys.QueueKeys`, or None for the usual keys."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A role of an account on a site. `copies`: ids of the copies it is limited to, or None for all."""

    site: str
    site_name: str
    role: Role
    copies: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `hash` is the SHA-256 of the cookie's secret."""

    hash: str
    account: str
    made_at: int
    seen_at: int
    strong_at: int
    """When the person last proved who they are, by password, passkey, recovery code or link."""
    until: int
    remembered: bool
    method: Method
    agent: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session with its account and the account's roles, in order of the sites' names.

    For a server owner `memberships` names every site.
    """

    session: Session
    account: Account
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link: it makes a server owner, invites to a site, or signs an account in.

    A `ticket` is what the first two are exchanged for when their button is pressed.
    """

    hash: str
    kind: LinkKind
    site: str | None
    role: Role | None
    copies: frozenset[int] | None
    account: str | None
    email: str | None
    by: str | None
    created_at: int
    until: int


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of an account. `id` and `public_key` are base64url."""

    id: str
    account: str
    public_key: str
    sign_count: int
    label: str
    created_at: int
    last_at: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a site: the account, its role there, and how it can sign in."""

    account: Account
    role: Role
    copies: frozenset[int] | None
    has_passkey: bool


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for programs. `by` is the account that made it, None for a shell."""

    id: str
    site: str
    label: str
    scopes: frozenset[str]
    by: str | None
    created_at: int
    last_at: int | None
    until: int | None
    ended_at: int | None
