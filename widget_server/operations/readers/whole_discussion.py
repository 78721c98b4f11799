"""All public comments of a discussion, part by part: memory does not grow with the story."""

from collections.abc import AsyncIterator

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.operations.readers import open_data
from widget_server.operations.readers.open_data import OpenStory
from widget_server.operations.services import Services
from widget_server.store.queries.whole_discussion import Part, Place

__all__ = ["Part"]


async def open_whole(services: Services, code: str, network: str) -> OpenStory:
    """Return a story that everyone may read, to be downloaded by this network.

    Raises `NotFoundError`, `RateLimitedError`, `UnavailableError`.
    """
    found = await open_data.open_story(services, code)
    services.rate_limiters.hit_network("download", network)
    return found


async def open_for_staff(services: Services, by: Actor, site: str, code: str) -> OpenStory:
    """Return a story of the actor's site, to be downloaded by them, whether or not everyone may read it.

    Raises `NotFoundError`, `UnavailableError`, `NotPermittedError`: also for those whose role is limited to
    some copies, because the discussion is that of all copies.
    """
    require(by, "export_public", site)
    if by.copies is not None:
        raise NotPermittedError
    story, known = await services.cache.story(code, fresh=True), await services.cache.site(site)
    if story is None or known is None or story.site != site:
        raise NotFoundError
    return OpenStory(story, known.for_story(code), services.discussions.epoch)


async def parts(services: Services, story: int) -> AsyncIterator[Part]:
    """Yield the discussion of a story in the order of its threads, oldest first.

    Each part is read by itself: no transaction is open while the client takes the part before. Raises
    `UnavailableError`.
    """
    place: Place | None = Place()
    while place is not None:
        part = await services.discussions.part(story, place)
        place = part.next
        if part.comments:
            yield part
