"""A moderator's verbs. Who may use them is decided by the door they come through."""

from typing import Literal

from widget_server.model.errors import NotFound
from widget_server.model.records import Comment, Story
from widget_server.operations.services import Services
from widget_server.store.deeds import Change, Moderate

Verb = Literal["approve", "remove", "pin", "unpin"]


async def moderate(services: Services, comment: str, verb: Verb) -> Comment:
    """Approve, remove, pin or unpin a comment. Raises `NotFound`, `Unavailable`."""
    story = await services.discussions.find_comment(comment)
    if story is None:
        raise NotFound("There is no comment with this id.")
    # Known from now on, so that what is announced follows the rules of the story's site.
    services.directory.keep(story)
    await services.directory.site(story.site)
    return await services.writer.submit(Moderate(story.id, comment, verb, services.now_ms()))


async def close(services: Services, code: str, *, closed: bool) -> Story:
    """Close a story's discussion for everything new, or open it again. Raises `NotFound`."""
    return await _change(services, code, {"closed": closed})


async def annotate(services: Services, code: str, notice: str | None) -> Story:
    """Set the line that stands above a discussion, or take it away. Raises `NotFound`."""
    return await _change(services, code, {"notice": notice})


async def _change(services: Services, code: str, columns: dict[str, str | bool | None]) -> Story:
    story = await services.discussions.story(code)
    if story is None:
        raise NotFound("There is no story with this code.")
    services.directory.keep(story)
    await services.directory.site(story.site)
    changed = await services.writer.submit(Change(story.id, columns))
    services.directory.keep(changed)
    return changed


async def waiting(services: Services, site: str, limit: int = 100) -> list[tuple[str, Comment]]:
    """Code of the story and comment for all that waits for a moderator, oldest first."""
    return await services.discussions.waiting(site, limit)
