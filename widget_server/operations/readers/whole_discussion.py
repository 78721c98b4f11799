"""All public comments of a discussion, part by part: memory does not grow with the story."""

from collections.abc import AsyncIterator

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
