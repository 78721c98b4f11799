"""A moderator's verbs. Who may use them is decided by the door they come through."""

from typing import Literal

from widget_server.model.errors import NotFoundError
from widget_server.model.records import Comment, Story
from widget_server.operations.services import Services
from widget_server.store.writing.actions import Moderate, UpdateStory

Verb = Literal["approve", "remove", "pin", "unpin"]


async def moderate(services: Services, comment: str, verb: Verb) -> Comment:
    """Approve, remove, pin or unpin a comment. Raises `NotFoundError`, `UnavailableError`."""
    story = await services.discussions.find_comment(comment)
    if story is None:
        raise NotFoundError("There is no comment with this id.")
    # Known from now on, so that what is announced follows the rules of the story's site.
    services.cache.put(story)
    await services.cache.site(story.site)
    return await services.writer.submit(Moderate(story.id, comment, verb, services.now_ms()))


async def set_closed(services: Services, code: str, *, closed: bool) -> Story:
    """Close a story's discussion for everything new, or open it again. Raises `NotFoundError`."""
    return await _change(services, code, {"closed": closed})


async def set_notice(services: Services, code: str, notice: str | None) -> Story:
    """Set the line that stands above a discussion, or take it away. Raises `NotFoundError`."""
    return await _change(services, code, {"notice": notice})


async def _change(services: Services, code: str, columns: dict[str, str | bool | None]) -> Story:
    story = await services.discussions.story(code)
    if story is None:
        raise NotFoundError("There is no story with this code.")
    services.cache.put(story)
    await services.cache.site(story.site)
    changed = await services.writer.submit(UpdateStory(story.id, columns))
    services.cache.put(changed)
    return changed


async def pending_comments(
    services: Services, site: str, limit: int = 100
) -> list[tuple[str, Comment]]:
    """Code of the story and comment for all that waits for a moderator, oldest first."""
    return await services.discussions.pending(site, limit)
