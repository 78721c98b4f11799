"""Who acts on a site: a person, an API key, a rule, the schedule, or the operator's shell."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["owner", "editor", "moderator", "auditor", "local", "machine"]
ROLES: tuple[Role, ...] = ("owner", "editor", "moderator", "auditor", "local", "machine")

Via = Literal["dashboard", "cli", "api", "schedule", "rule"]

ActorKind = Literal["account", "key", "shell", "schedule", "rule"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is done once, however often it is sent: one with an idempotency key."""

    id: str
    again: bool
    """Whether an earlier attempt at it ended without an answer, and may have changed something."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, by which interface, and with which rights on one site.

    An operation passes it to `auth.permissions.require`, and the log stores kind, id and `via`.
    """

    kind: ActorKind
    id: str
    """Id of the account, key or rule; for a shell the name of the operating system's user."""
    via: Via
    site: str | None
    """Slug of the site that `role` is valid for. None: every site (the shell, the server's owner)."""
    role: Role
    scopes: frozenset[str] | None = None
    """Verbs that an API key is limited to, or None for all verbs of the role."""
    copies: frozenset[int] | None = None
    """Copies that a local moderator is limited to, or None for all copies of the site."""
    shell_user: str | None = None
    """Name of the operating system's user if an account acts in a shell (`--as`)."""
    request: Request | None = None
    """The request by which an API key acts, if it is done once."""


def name_of(by: Actor) -> str:
    """Return the actor as leases, marks, watch-lists and handed cases name them: `account:…`, `key:…` or `shell:…`."""
    return f"{by.kind}:{by.id}"[:120]


def shell(user: str) -> Actor:
    """Return the actor of a command without `--as`: the operator, with the rights of an owner."""
    return Actor("shell", user, "cli", None, "owner")


def rule(rule_id: str, site: str) -> Actor:
    """Return the actor of what a rule of a site does. It may use no operation."""
    return Actor("rule", rule_id, "rule", site, "local", frozenset())


SCHEDULE = Actor("schedule", "", "schedule", None, "owner")
"""The actor of scheduled work: erasing kept texts, closing stories, rolling keys."""

CAPACITY_RULE = Actor("rule", "capacity", "rule", None, "owner")
"""The actor that narrows and widens comments by how much waits for a person."""

REPORTS_RULE = Actor("rule", "reports", "rule", None, "owner")
"""The actor that hides a comment because readers of several networks reported it."""
