"""What a local moderator does on one copy: hide comments there, and let those of its readers wait.

Both only narrow what the copy's readers see. The site's own people see it, may do it too, and may lift it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor
from widget_server.model.decisions import REASONS, decided_by
from widget_server.model.errors import MalformedError, NotFoundError, NotPermittedError
from widget_server.model.limits import MAX_PAGE
from widget_server.model.records import NarrowedCopy
from widget_server.operations.made_before import made_before
from widget_server.operations.services import Services
from widget_server.store.queries.local_copies import (
    HiddenComment,
    hide_comment,
    set_approval,
    show_comment_again,
)
from widget_server.store.queries.owner_copies import CopyRecord

SHARED = (
    "The story's own page, and frames that carry only the code, show what the publisher shows. "
    "Decide about the comment itself there."
)
"""Why nothing is hidden on a copy that many pages share."""


@dataclass(frozen=True, slots=True)
class HiddenPage:
    """A page of hidden comments. `next` is where the next page begins, or None."""

    hidden: list[HiddenComment]
    next: tuple[int, str] | None


async def hide(
    services: Services,
    by: Actor,
    site: str,
    copy: int,
    comment: str,
    *,
    reason: str | None = None,
) -> bool:
    """Hide a comment and all its replies on one copy, within seconds also on open pages.

    Return False if it was hidden there. Raises `NotPermittedError`, `NotFoundError`, `TooLargeError`,
    `MalformedError` for a copy that many pages share and for a wrong reason.
    """
    require(by, "hide", site)
    if reason is not None and reason not in REASONS:
        raise MalformedError(f"Give one of these reasons: {', '.join(REASONS)}.")
    record = await _copy(services, by, site, copy)
    _require_single(services, record)
    if await made_before(services, by, "hide"):
        return True
    now = services.now_ms()
    after = {"copy": copy, "story": record.story}
    targets = (comment, record.origin, str(copy))
    decision = decided_by(by, "hide", now, targets=targets, reason=reason, after=after)
    changed = await services.writer.run_in_transaction(
        hide_comment(site, copy, comment, decision, by_site=by.copies is None)
    )
    await services.cache.site(site, max_age=0)
    return changed


async def show_again(services: Services, by: Actor, site: str, copy: int, comment: str) -> bool:
    """Undo `hide`. Return False if the copy did not hide it.

    Raises `NotFoundError` and `NotPermittedError`, also for a local moderator if the site's own people hid it.
    """
    require(by, "show", site)
    record = await _copy(services, by, site, copy)
    if await made_before(services, by, "show"):
        return True
    before = {"copy": copy, "story": record.story}
    targets = (comment, record.origin, str(copy))
    decision = decided_by(by, "show", services.now_ms(), targets=targets, before=before)
    changed = await services.writer.run_in_transaction(
        show_comment_again(site, copy, comment, decision, by_site=by.copies is None)
    )
    await services.cache.site(site, max_age=0)
    return changed


async def let_wait(services: Services, by: Actor, site: str, copy: int, *, on: bool) -> bool:
    """Let new comments that are written on a copy wait for a moderator, or no more. Return False if nothing changed.

    They wait everywhere. Raises the errors of `hide` and `show_again`.
    """
    require(by, "approval", site)
    record = await _copy(services, by, site, copy)
    if on:
        _require_single(services, record)
    if await made_before(services, by, "approval"):
        return True
    decision = decided_by(
        by,
        "approval",
        services.now_ms(),
        # A story may have several copies on one origin. The story is last: the log names it.
        targets=(record.origin, str(copy), record.story),
        before={"copy": copy, "on": not on},
        after={"copy": copy, "on": on},
    )
    changed = await services.writer.run_in_transaction(
        set_approval(site, copy, decision, on=on, by_site=by.copies is None)
    )
    await services.cache.site(site, max_age=0)
    return changed


async def list_hidden(
    services: Services,
    by: Actor,
    site: str,
    *,
    copy: int | None = None,
    story: str | None = None,
    after: tuple[int, str] | None = None,
    limit: int = MAX_PAGE,
) -> HiddenPage:
    """Return what copies hide, in order of copy and comment. A local moderator sees their own copies.

    Raises `NotPermittedError`.
    """
    require(by, "read", site)
    only = by.copies
    if copy is not None:
        only = frozenset({copy}) if only is None else only & {copy}
    limit = min(limit, MAX_PAGE)
    found = await services.local_copies.hidden(site, only, story, after, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return HiddenPage(found[:limit], None if last is None else (last.copy, last.comment))


async def hidden_among(
    services: Services, by: Actor, site: str, code: str, comments: Sequence[str]
) -> list[HiddenComment]:
    """Return where some comments of a story are hidden. A local moderator sees their own copies.

    Raises `NotPermittedError`.
    """
    require(by, "read", site)
    known = await services.cache.site(site)
    narrowed = [] if known is None else known.narrowed.values()
    hidden = {one for copy in narrowed if copy.story == code for one in copy.hidden}
    among = [one for one in comments if one in hidden]
    if not among:
        return []
    return await services.local_copies.hidden(site, by.copies, code, None, None, among)


async def own_copies(services: Services, by: Actor, site: str, code: str) -> list[NarrowedCopy]:
    """Return the copies of a story to which the actor's role is limited. None for the site's own people."""
    require(by, "read", site)
    if by.copies is None:
        return []
    known = await services.cache.site(site, max_age=0)
    own = []
    for copy in sorted(by.copies):
        found = await services.owner_copies.find(site, copy)
        if found is None or found[0].story != code:
            continue
        record, narrowed = found[0], None if known is None else known.narrowed.get(copy)
        own.append(
            narrowed
            or NarrowedCopy(copy, record.story, None, record.origin, record.label, (), False)
        )
    return own


async def _copy(services: Services, by: Actor, site: str, copy: int) -> CopyRecord:
    found = await services.owner_copies.find(site, copy)
    if found is None or (by.copies is not None and copy not in by.copies):
        raise NotFoundError("There is no such copy on this site, or it is not yours.")
    return found[0]


def is_shared(services: Services, copy: CopyRecord) -> bool:
    """Return whether many pages share a copy, so that nothing is hidden there."""
    return copy.code_only and copy.origin in (services.server_origin, "null")


def _require_single(services: Services, record: CopyRecord) -> None:
    if is_shared(services, record):
        raise MalformedError(SHARED)


def require_not_held(by: Actor, verb: str, moderation: str) -> None:
    """Raise `NotPermittedError` if a local moderator would publish what the site itself lets wait."""
    if by.copies is not None and verb == "approve" and moderation == "pre":
        raise NotPermittedError("This waits for the publisher's own moderators.")
