"""Whether a comment or an edit can be written now: opening hours and capacity. Decided without I/O, from the cached site."""

from dataclasses import dataclass
from datetime import UTC, datetime

from widget_server.model.errors import StoryClosedError
from widget_server.model.hours import opening_at
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.services import Services


@dataclass(frozen=True, slots=True)
class Opening:
    """What the hours and the capacity say about a text that is written now."""

    waits: bool = False
    """Whether it waits for a person."""
    refusal: StoryClosedError | None = None
    most_waiting: int | None = None
    """Open cases of the site above which it is refused if it would wait."""


async def check(services: Services, grant: Grant) -> Opening:
    """Return what the opening hours and the capacity of the story's site say. Raises `UnavailableError`."""
    # A grant may be older than the cached site.
    known = await services.cache.site(grant.site.slug)
    site = grant.site if known is None else known.for_story(grant.story.code)
    settings = site.settings
    if settings.hours is None and settings.capacity is None:
        return Opening()
    now = opening_at(settings.hours, settings.full, services.now_ms())
    limit = settings.capacity.closed.cases if settings.capacity is not None else 0
    refusal = None
    if now.mode == "closed":
        refusal = StoryClosedError(closed_until(now.opens_at))
    return Opening(now.mode == "approval", refusal, limit or None)


def is_closed(services: Services, grant: Grant) -> bool:
    """Return whether hours or capacity close comments now, by the settings that the grant was made with."""
    settings = grant.site.settings
    if settings.hours is None:
        return settings.full == "closed"
    return opening_at(settings.hours, settings.full, services.now_ms()).mode == "closed"


def closed_until(opens_at: int | None) -> str:
    """Return the sentence for a reader who writes while comments are closed."""
    if opens_at is None:
        return "Comments are closed for now. Keep your text and send it later."
    at = datetime.fromtimestamp(opens_at // 1000, UTC)
    return (
        f"Comments are closed. They open again on {at:%Y-%m-%d} at {at:%H:%M} UTC. Keep your text."
    )
