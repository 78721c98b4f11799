"""Take back a change that a site's own log records: of settings, rules, a role, a raid, a muted reporter, a token or an origin."""

from typing import Any

from widget_server.auth import permissions
from widget_server.model.actors import Actor, Role
from widget_server.model.decisions import Decision, decided_by
from widget_server.model.errors import NotFoundError, NotPermittedError, StaleError
from widget_server.operations.made_before import made_before
from widget_server.operations.moderation.report_mutes import take_back_mute
from widget_server.operations.moderation.take_back_rule import take_back_rule
from widget_server.operations.owners import people, settings
from widget_server.operations.owners.links import forbid_owner_to_key
from widget_server.operations.services import Services
from widget_server.store.queries.local_copies import (
    hide_comment,
    set_approval,
    show_comment_again,
)
from widget_server.store.queries.raids import end_raid, reopen_raid
from widget_server.store.queries.sites import give_back_token, readmit_origin
from widget_server.store.writing import member_rows
from widget_server.store.writing.site_log import if_last, logged

REVERSIBLE = frozenset(
    {"settings", "role", "raid", "revoke", "shut_out", "rules", "hide", "show", "approval", "mute"}
)
"""Verbs of a site's log that can be taken back."""
FINAL = {
    "key": "An API key that has ended cannot come back. Make a new one; end one that should not be.",
    "rotate": "A new signing key stays. Retire the older ones instead.",
    "retire": "A retired signing key cannot come back. Give its copies new tokens.",
    "token": "A token that was made stays valid until it is revoked.",
    "invite": "Take the invitation back on the page People and keys.",
    "readmit": "Shut the origin out, or revoke the token, once more.",
    "capacity": "Comments open again by themselves. Change the capacity on the page of opening hours.",
    "undo": "An undo cannot be undone. Make the change again.",
}
"""Why other verbs cannot be taken back, and what to do instead."""
_ROLE_CHANGED = "The role was changed again since. Change it on the page People and keys."
_BACK_ALREADY = "This was taken back before."


async def find_change(services: Services, by: Actor, site: str, decision: str) -> Decision:
    """Return the entry of the site's own log with this id. Raises `NotFoundError`, `NotPermittedError`."""
    permissions.require(by, "undo", site)
    entry = await services.decisions.of_site(site, decision)
    if entry is None:
        raise NotFoundError("There is no decision with this id.")
    return entry


async def is_mute(services: Services, site: str, decision: str) -> bool:
    """Return whether an entry of the site's own log muted a reporter or let the reports count again."""
    entry = await services.decisions.of_site(site, decision)
    return entry is not None and entry.verb == "mute"


async def take_back(services: Services, by: Actor, site: str, decision: str) -> str | None:
    """Take back a change of the site, and return the id of the entry `undo`; None if nothing changed.

    Raises `NotFoundError`, `NotPermittedError` for a change that is final and for one that the actor may
    not make, `StaleError` if it was changed or taken back since, and the errors of `settings.take_back`.
    """
    entry = await find_change(services, by, site, decision)
    if entry.verb in FINAL and entry.verb != "undo":
        raise NotPermittedError(FINAL[entry.verb])
    if entry.verb in REVERSIBLE - {"settings"}:
        permissions.require(by, entry.verb, site)
        made = await made_before(services, by, "undo")
        if made:
            return made["undo"].id
    if entry.verb == "rules":
        return await take_back_rule(services, by, site, entry)
    if entry.verb == "role":
        return await _role(services, by, site, entry)
    if entry.verb == "mute":
        undo = _undo(services, by, entry)
        await take_back_mute(services, site, entry, undo)
        return undo.id
    if entry.verb == "raid":
        return await _raid(services, by, site, entry)
    if entry.verb in {"hide", "show", "approval"}:
        return await _narrowing(services, by, site, entry)
    if entry.verb in {"revoke", "shut_out"}:
        return await _admit(services, by, site, entry)
    return (await settings.take_back(services, by, site, decision)).decision


async def _admit(services: Services, by: Actor, site: str, entry: Decision) -> str:
    """Accept a revoked token again, or an origin that was shut out."""
    undo = _undo(services, by, entry)
    if entry.verb == "revoke":
        change = give_back_token(site, entry.targets[0], undo)
    else:
        origin, story = entry.targets[:2]
        change = readmit_origin(site, origin, story, undo)
    if not await services.writer.run_in_transaction(if_last(change, site, entry)):
        raise StaleError(_BACK_ALREADY)
    return undo.id


async def _narrowing(services: Services, by: Actor, site: str, entry: Decision) -> str:
    """Show a comment on a copy again, hide it again, or change back whether comments from a copy wait."""
    undo, by_site = _undo(services, by, entry), by.copies is None
    copy = int((entry.before if entry.verb == "show" else entry.after)["copy"])
    if entry.verb == "approval":
        on = bool(entry.before["on"])
        change = set_approval(site, copy, undo, on=on, by_site=by_site)
    elif entry.verb == "hide":
        change = show_comment_again(site, copy, entry.targets[0], undo, by_site=by_site)
    else:
        change = hide_comment(site, copy, entry.targets[0], undo, by_site=by_site)
    other = {"hide": "show", "show": "hide"}.get(entry.verb, entry.verb)
    if not await services.writer.run_in_transaction(if_last(change, site, entry, other)):
        raise StaleError(_BACK_ALREADY)
    await services.cache.site(site, max_age=0)
    return undo.id


async def _raid(services: Services, by: Actor, site: str, entry: Decision) -> str:
    """End a raid that began, or let one that was ended go on until it would have ended."""
    undo, now = _undo(services, by, entry), services.now_ms()
    if entry.after.get("on"):
        change = end_raid(site, entry.targets[0], now, undo)
    else:
        change = reopen_raid(site, entry.targets[0], now, undo)
    if not await services.writer.run_in_transaction(if_last(change, site, entry)):
        raise StaleError("The raid is over, or this was taken back before.")
    await services.cache.site(site, max_age=0)
    return undo.id


async def _role(services: Services, by: Actor, site: str, entry: Decision) -> str:
    """Give a person the role back that they had before a change. What ended with it stays ended."""
    account = entry.targets[0]
    if "role" not in entry.before:
        raise NotPermittedError(
            "This role was accepted by an invitation. Take it away on the page People and keys."
        )
    people.forbid_oneself(by, account)
    before, after = _fields(entry.before), _fields(entry.after)
    forbid_owner_to_key(by, *(role for role, _ in (before, after) if role is not None))
    found = await people.find_member(services, site, account)
    now = (None, None) if found is None else (found.role, found.copies)
    if now != after:
        raise StaleError(_ROLE_CHANGED)
    known = await services.people.accounts.find(account)
    if known is None or known.disabled_at is not None:
        raise NotPermittedError("This account is disabled.")
    undo = _undo(services, by, entry)
    role, copies = before
    if role is None:
        change: Any = member_rows.delete_member(site, account, undo.at)
    else:
        change = member_rows.put_member(site, account, role, copies, undo.at)
    # Another owner may change the role between the check above and this transaction.
    await people.store_change(services, by, site, if_last(logged(change, site, undo), site, entry))
    return undo.id


def _fields(logged: Any) -> tuple[Role | None, frozenset[int] | None]:
    copies = logged.get("copies")
    return logged.get("role"), frozenset(copies) if copies else None


def _undo(services: Services, by: Actor, entry: Decision) -> Decision:
    return decided_by(
        by,
        "undo",
        services.now_ms(),
        targets=entry.targets,
        undoes=entry.id,
        before=entry.after,
        after=entry.before,
    )
