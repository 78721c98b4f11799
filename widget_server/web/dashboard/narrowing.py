"""What pages show of single copies: which comments one hides, and which of them may hide a comment."""

from collections.abc import Iterable
from typing import Any

from widget_server.model.records import NarrowedCopy
from widget_server.operations.moderation import local_copies
from widget_server.operations.moderation.discussion import StaffComment
from widget_server.operations.owners import stories
from widget_server.web.dashboard.page import Page

OFFERED = 100
"""Copies that the form of a comment offers: those with the most readers."""


async def narrowing(page: Page, code: str, shown: Iterable[StaffComment]) -> dict[str, Any]:
    """Return what the macro `narrowing` draws below comments of one story.

    `own_copies` are those of a local moderator, `hidden_at` what copies hide of `shown`.
    """
    arguments = page.services, page.actor, page.site
    ids = [one.comment.id for one in shown]
    return {
        "own_copies": await local_copies.own_copies(*arguments, code),
        "hidden_at": await local_copies.hidden_among(*arguments, code, ids),
        "narrow_path": page.path(f"stories/{code}"),
    }


async def offered(page: Page, code: str) -> list[tuple[int, str]]:
    """Return id and name of the copies of a story on which a comment can be hidden."""
    found = await stories.show_story(page.services, page.actor, page.site, code, copies=OFFERED)
    copies = [one.record for one in found.copies]
    return [
        (one.id, " · ".join(filter(None, (one.label, one.origin.partition("//")[2]))))
        for one in copies
        if not local_copies.is_shared(page.services, one)
    ]


async def waiting_copies(page: Page, code: str) -> list[NarrowedCopy]:
    """Return the copies of a story whose readers' comments wait. None for a local moderator, who sees their own."""
    known = await page.services.cache.site(page.site)
    if known is None or page.actor.copies is not None:
        return []
    return [one for one in known.narrowed.values() if one.approval and one.story == code]
