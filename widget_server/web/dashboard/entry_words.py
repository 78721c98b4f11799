"""Words for what the log stores as names: verbs, actors, scopes of API keys, and comments without a name."""

from collections.abc import Collection

from widget_server.model.actors import CAPACITY_RULE, REPORTS_RULE
from widget_server.model.rules import FLOOD
from widget_server.web.dashboard.texts import Translate

MAX_WORDS = 8
"""Words of a comment without a name that stand for it."""
MAX_CHARACTERS = 80
SCOPE_GROUPS: dict[str, tuple[str, ...]] = {
    "see": (
        "read",
        "read_reports",
        "read_log",
        "read_numbers",
        "read_copies",
        "read_rules",
        "read_tokens",
        "read_settings",
        "read_people",
        "export_public",
    ),
    "comments": (
        "approve",
        "reject",
        "remove",
        "restore",
        "hold",
        "spam",
        "pin",
        "unpin",
        "feature",
        "unfeature",
        "tag",
        "untag",
        "undo",
        "uphold",
        "ban",
        "unban",
        "mute",
        "hand_over",
        "hide",
        "show",
        "approval",
    ),
    "stories": ("close", "open", "notice", "correct", "story_settings", "text", "translate"),
    "site": (
        "settings",
        "rules",
        "raid",
        "watch",
        "token",
        "revoke",
        "shut_out",
        "agree",
        "rotate",
        "retire",
    ),
    "people": ("invite", "role", "key"),
}
"""Scopes of an API key by the heading under which they are offered. Others come under `more`."""


def word_of(t: Translate, verb: str) -> str:
    """Return what was done, in one or two words."""
    key = f"log_{verb}"
    return t(key) if t.knows(key) else verb.replace("_", " ").capitalize()


def actor_of(t: Translate, kind: str | None, name: str | None, *, is_named: bool = True) -> str:
    """Return who did something, such as “root, on the command line”."""
    if kind == "schedule":
        return t("by_schedule")
    if kind == "rule" and name == REPORTS_RULE.id:
        return t("by_reports")
    if kind == "rule" and name == FLOOD:
        return t("by_flood")
    if kind == "rule" and name == CAPACITY_RULE.id:
        return t("by_capacity")
    if not name or not is_named:
        return t("a_key" if kind == "key" else "by_unknown")
    return t("by_shell", name=name) if kind == "shell" else name


def comment_of(t: Translate, writer: str | None, source: str | None) -> str:
    """Return “a comment by Ana”, the first words of a comment without a name, or “a comment”."""
    if writer:
        return t("comment_by", name=writer)
    words = (source or "").split()
    if not words:
        return t("a_comment")
    shown = " ".join(words[:MAX_WORDS])
    cut = len(words) > MAX_WORDS or len(shown) > MAX_CHARACTERS
    return t("comment_saying", words=shown[:MAX_CHARACTERS] + ("…" if cut else ""))


def scope_of(t: Translate, verb: str) -> str:
    """Return what a scope of an API key permits, in words."""
    key = f"scope_{verb}"
    return t(key) if t.knows(key) else verb.replace("_", " ").capitalize()


def scopes_by_group(scopes: Collection[str]) -> list[tuple[str, list[str]]]:
    """Return the scopes under their headings, in order; empty headings are left out."""
    known = {verb for verbs in SCOPE_GROUPS.values() for verb in verbs}
    groups = [
        (name, [verb for verb in verbs if verb in scopes]) for name, verbs in SCOPE_GROUPS.items()
    ]
    groups.append(("more", [verb for verb in scopes if verb not in known]))
    return [(name, verbs) for name, verbs in groups if verbs]
