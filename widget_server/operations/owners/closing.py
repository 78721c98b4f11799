"""Close stories at a date, or a number of days after they began or were last commented on."""

from widget_server.auth import permissions
from widget_server.model.actors import SCHEDULE, Actor
from widget_server.model.errors import NotFoundError
from widget_server.model.records import Story
from widget_server.model.settings import SiteSettings
from widget_server.operations.services import Services
from widget_server.store.queries.schedule import put_in_schedule, take_out_of_schedule
from widget_server.store.writing.actions import UpdateStory

CLOSE_STORY = "close_story"
"""Kind of the scheduled work that closes one story at its date. Its subject is the story's code."""
DAY_MS = 86_400_000
STORIES = 500
"""Stories that one run of `close_due` closes. The next run takes the rest."""


async def set_closing_date(services: Services, by: Actor, code: str, at: int | None) -> Story:
    """Set the date (milliseconds) at which a story is closed; None: the site's settings decide.

    A date that has passed closes the story within seconds. Raises `NotFoundError` and
    `NotPermittedError`.
    """
    story = await _find(services, code)
    permissions.require(by, "close", story.site)
    # The schedule first: if this process ends in between, the work finds a story without a date and
    # does nothing. In the other order a date would wait for the hourly run.
    await services.writer.run_in_transaction(
        take_out_of_schedule(CLOSE_STORY, code)
        if at is None
        else put_in_schedule(CLOSE_STORY, code, at)
    )
    changed = await services.writer.submit(UpdateStory(story.id, {"closes_at": at}))
    services.cache.put(changed)
    return changed


def date_after_opening(settings: SiteSettings, now: int) -> int | None:
    """Return the closing date of a story that is opened by hand now, or None for no date.

    Without it, the next run would close the story again, because it is as old as before.
    """
    days = settings.close_after_days
    return now + days * DAY_MS if days else None


async def close_if_due(services: Services, by: Actor, code: str) -> None:
    """Close a story if its date has passed. A story that is gone, or has another date, is left alone."""
    story = await services.discussions.story(code)
    if story is None or story.closes_at is None or story.closes_at > services.now_ms():
        return
    await _close(services, by, story)


async def close_due(services: Services, by: Actor = SCHEDULE) -> int:
    """Close the stories whose date has passed, or whose site's days are over. Return their number."""
    codes = await services.closings.due(services.now_ms(), STORIES)
    for site in await services.cache.all_sites():
        settings = site.settings
        if settings.close_after_days:
            codes += await services.closings.idle(
                site.slug,
                services.now_ms() - settings.close_after_days * DAY_MS,
                by_comment=settings.close_after == "comment",
                limit=STORIES,
            )
    for code in codes:
        await _close(services, by, await _find(services, code))
    return len(codes)


async def _close(services: Services, by: Actor, story: Story) -> None:
    """Close a story by the writer, so that every open page shows it, and forget its date."""
    permissions.require(by, "close", story.site)
    # Cache story and site: the published event is encoded with the site's cached settings.
    services.cache.put(story)
    await services.cache.site(story.site)
    changed = await services.writer.submit(
        UpdateStory(story.id, {"closed": True, "closes_at": None})
    )
    services.cache.put(changed)


async def _find(services: Services, code: str) -> Story:
    story = await services.discussions.story(code)
    if story is None:
        raise NotFoundError("There is no story with this code.")
    return story
