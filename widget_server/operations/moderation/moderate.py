"""Moderator actions. The callers decide who may use them."""

from typing import Literal

from widget_server.model.errors import NotFoundError
from widget_server.model.records import Comment, Story
from widget_server.operations.services import Services
from widget_server.store.writing.actions import Moderate, UpdateStory

Verb = Literal["approve", "remove", "pin", "unpin"]


async def moderate(services: Services, comment: str, verb: Verb) -> Comment:
    """Approve, remove, pin or unpin a comment. Raises `NotFoundError`, `UnavailableError`."""
    story = await services.discussions.find_story_of_comment(comment)
    if story is None:
        raise NotFoundError("There is no comment with this id.")
    # Cache story and site: the published event is encoded with the site's cached settings.
    services.cache.put(story)
    await services.cache.site(story.site)
    return await services.writer.submit(Moderate(story.id, comment, verb, services.now_ms()))


async def set_closed(services: Services, code: str, *, closed: bool) -> Story:
    """Close a story's discussion for new actions, or open it again. Raises `NotFoundError`."""
    return await _change(services, code, {"closed": closed})


async def set_notice(services: Services, code: str, notice: str | None) -> Story:
    """Set the notice above a discussion, or remove it (None). Raises `NotFoundError`."""
    return await _change(services, code, {"notice": notice})


async def get_story(services: Services, code: str) -> Story:
    """Return a story as it is stored. Raises `NotFoundError`."""
    story = await services.discussions.story(code)
    if story is None:
        raise NotFoundError("There is no story with this code.")
    return story


async def _change(services: Services, code: str, columns: dict[str, str | bool | None]) -> Story:
    story = await get_story(services, code)
    services.cache.put(story)
    await services.cache.site(story.site)
    changed = await services.writer.submit(UpdateStory(story.id, columns))
    services.cache.put(changed)
    return changed


async def pending_comments(
    services: Services, site: str, limit: int = 100
) -> list[tuple[str, Comment]]:
    """Return pending comments and edits of a site with their story's code, oldest first."""
    return await services.discussions.pending(site, limit)
