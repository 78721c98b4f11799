"""The one table that says which role may use which verb.

Operations call `require`. Tests and the page `docs/users/roles.md` are generated from `PERMISSIONS`.
"""

from widget_server.model.actors import Actor, Role
from widget_server.model.errors import NotPermittedError

_ALL_PEOPLE: tuple[Role, ...] = ("owner", "editor", "moderator", "auditor", "local")
_READERS: tuple[Role, ...] = ("owner", "editor", "moderator", "auditor", "machine")
_MODERATORS: tuple[Role, ...] = ("owner", "editor", "moderator", "machine")
_LOCAL: tuple[Role, ...] = ("owner", "editor", "moderator", "local", "machine")
_EDITORS: tuple[Role, ...] = ("owner", "editor", "machine")
_OWNERS: tuple[Role, ...] = ("owner", "machine")

PERMISSIONS: dict[str, tuple[Role, ...]] = {
    # Reading
    "read": (*_ALL_PEOPLE, "machine"),
    "read_reports": _MODERATORS,
    "read_kept_text": ("owner", "editor", "moderator"),
    "read_contact": ("owner", "editor"),
    "read_notes": ("owner", "editor", "moderator"),
    "read_log": _READERS,
    "read_numbers": _READERS,
    "read_settings": _READERS,
    "read_copies": _READERS,
    "read_rules": _READERS,
    "read_tokens": _EDITORS,
    "read_people": _OWNERS,
    "export_public": _READERS,
    "export_full": ("owner",),
    # Comments (a story's log)
    # A local moderator: only what waits for no other person.
    "approve": _LOCAL,
    "reject": _LOCAL,
    "remove": _MODERATORS,
    "restore": _MODERATORS,
    "hold": _LOCAL,
    "spam": _MODERATORS,
    "pin": _MODERATORS,
    "unpin": _MODERATORS,
    "feature": _MODERATORS,
    "unfeature": _MODERATORS,
    "tag": _MODERATORS,
    "untag": _MODERATORS,
    "answer": ("owner", "editor", "moderator"),
    "undo": _MODERATORS,
    "uphold": _MODERATORS,
    "ban": _MODERATORS,
    "unban": _MODERATORS,
    "mute": _MODERATORS,
    "hand_over": _MODERATORS,
    "erase": ("owner", "editor"),
    "second_look": ("owner", "editor", "moderator"),
    # Stories (a story's log)
    "close": _MODERATORS,
    "open": _MODERATORS,
    "notice": _EDITORS,
    "correct": _EDITORS,
    "story_settings": _EDITORS,
    "text": _EDITORS,
    "translate": _EDITORS,
    # The site (the site's log)
    "settings": _EDITORS,
    "rules": _EDITORS,
    "raid": _MODERATORS,
    "watch": _MODERATORS,
    "token": _EDITORS,
    "revoke": _EDITORS,
    "shut_out": _EDITORS,
    "agree": _EDITORS,
    # One copy (a local moderator: their own)
    "hide": _LOCAL,
    "show": _LOCAL,
    "approval": _LOCAL,
    # Keys and people
    "rotate": _OWNERS,
    "retire": _OWNERS,
    "invite": _OWNERS,
    "role": _OWNERS,
    "key": _OWNERS,
}
"""Roles that may use each verb. `machine` is the most that any API key may be given."""

STRONG_VERBS = frozenset({"erase", "export_full", "invite", "role", "key", "rotate", "retire"})
"""Verbs for which the dashboard asks again for password or passkey, if the last proof is over ten minutes old.

A session that was left open, or taken, can then neither erase nor export, nor give anyone access.
"""

SERVER_OWNER_VERBS = frozenset({"create_site"})
"""Verbs about the whole server. Only the server's owner and the shell may use them."""


def permits(role: Role, verb: str) -> bool:
    """Whether the role may use the verb on its site. False for a verb that is not in the table."""
    return role in PERMISSIONS.get(verb, ())


def allowed(actor: Actor, verb: str, site: str) -> bool:
    """Whether the actor may use the verb on this site."""
    if actor.site is not None and actor.site != site:
        return False
    if actor.scopes is not None and verb not in actor.scopes:
        return False
    return permits(actor.role, verb)


def require(actor: Actor, verb: str, site: str) -> None:
    """Raise `NotPermittedError` unless the actor may use the verb on this site."""
    if not allowed(actor, verb, site):
        raise NotPermittedError("Your role on this site does not permit this.")


def is_server_owner(actor: Actor) -> bool:
    """Whether the actor may use `SERVER_OWNER_VERBS`: the shell without `--as`, or a server owner."""
    return actor.site is None and actor.role == "owner" and actor.scopes is None


def require_server_owner(actor: Actor) -> None:
    """Raise `NotPermittedError` unless the actor may use `SERVER_OWNER_VERBS`."""
    if not is_server_owner(actor):
        raise NotPermittedError("Only an owner of the server may do this.")
