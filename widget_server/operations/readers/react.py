"""Set, change or remove a reader's one reaction to a story or comment."""

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
    """Store a reader's reaction (None removes it) to a comment, or to the story if `comment` is None.

    Other readers receive the new tally with the next flush. Raises `NotPermittedError` (or the grant's
    denial), `UnknownReactionError`, `RateLimitedError`, `NotFoundError`, `StoryClosedError`,
    `UnavailableError`.
    """
    grant.require("react")
    settings = grant.site.settings
    if reaction is not None and reaction not in settings.reaction_keys():
        raise UnknownReactionError
    services.rate_limiters.hit_reader(settings.rate_limit_react, "react", actor.reader_id)
    copy = (
        await copies.record_used(services, grant, actor.network) if reaction is not None else None
    )
    copy_id = copy.id if copy is not None else None
    action = React(grant.story.id, comment, actor.reader_id, reaction, copy_id, services.now_ms())
    return await services.writer.submit(action)
