"""Close the stories whose date has passed, or whose site's days are over."""

from widget_server.model.actors import SCHEDULE, Actor
from widget_server.operations.moderation.decide import DAY_MS, decide_story
from widget_server.operations.services import Services

STORIES = 500
"""Stories that one run of `close_due` closes. The next run takes the rest."""


async def close_if_due(services: Services, by: Actor, code: str) -> None:
    """Close a story if its date has passed. A story that is gone, or has another date, is left alone."""
    story = await services.discussions.story(code)
    if story is None or story.closes_at is None or story.closes_at > services.now_ms():
        return
    await decide_story(services, by, "close", code)


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
        await decide_story(services, by, "close", code)
    return len(codes)
