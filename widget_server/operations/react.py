"""One tap: set, change or take back the one reaction that a reader has."""

from widget_server.model.errors import UnknownReaction
from widget_server.model.records import Tally
from widget_server.operations import copies
from widget_server.operations.admit import Grant
from widget_server.operations.readers import Actor
from widget_server.operations.services import Services
from widget_server.store.deeds import React


async def react(
    services: Services, grant: Grant, actor: Actor, reaction: str | None, comment: str | None
) -> Tally:
    """Count one reader's reaction to a story or a comment; the others see it with the next tick.

    Raises `NotPermitted` (or why the copy only reads), `UnknownReaction`, `RateLimited`,
    `NotFound`, `StoryClosed`, `Unavailable`.
    """
    grant.require("react")
    settings = grant.site.settings
    if reaction is not None and reaction not in settings.reaction_keys():
        raise UnknownReaction
    services.paces.spend_of(settings.pace_react, "react", actor.key)
    copy = await copies.used(services, grant, actor.network) if reaction is not None else None
    place = copy.id if copy is not None else None
    deed = React(grant.story.id, comment, actor.key, reaction, place, services.now_ms())
    return await services.writer.submit(deed)
