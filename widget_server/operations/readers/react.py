"""One tap: set, change or take back the one reaction that a reader has."""

from widget_server.model.errors import UnknownReactionError
from widget_server.model.records import Tally
from widget_server.operations.readers import copies
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.operations.services import Services
from widget_server.store.writing.actions import React


async def react(
    services: Services, grant: Grant, actor: Actor, reaction: str | None, comment: str | None
) -> Tally:
    """Count one reader's reaction to a story or a comment; the others see it with the next tick.

    Raises `NotPermittedError` (or why the copy only reads), `UnknownReactionError`, `RateLimitedError`,
    `NotFoundError`, `StoryClosedError`, `UnavailableError`.
    """
    grant.require("react")
    settings = grant.site.settings
    if reaction is not None and reaction not in settings.reaction_keys():
        raise UnknownReactionError
    services.rate_limiters.hit_reader(settings.rate_limit_react, "react", actor.reader_id)
    copy = (
        await copies.record_used(services, grant, actor.network) if reaction is not None else None
    )
    place = copy.id if copy is not None else None
    action = React(grant.story.id, comment, actor.reader_id, reaction, place, services.now_ms())
    return await services.writer.submit(action)
