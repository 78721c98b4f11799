"""What a reader is told about decisions against their comments or against them, and objections."""

from dataclasses import dataclass

from widget_server.content import text
from widget_server.model.bans import Ban
from widget_server.model.errors import NotFoundError, TooLargeError
from widget_server.model.outcomes import MAX_APPEAL, AppealState, ban_appeal, standing
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.operations.services import Services
from widget_server.store.queries.own_items import OwnItems
from widget_server.store.writing.actions import Appeal


@dataclass(frozen=True, slots=True)
class OwnBan:
    """A ban as the banned reader sees it."""

    ban: Ban
    may_appeal: bool
    appeal: AppealState | None


async def appeal(
    services: Services, grant: Grant, actor: Actor, comment: str | None, words: str | None
) -> None:
    """Object to what was decided against one's own comment, or without a comment to one's ban.

    The banned may do it too. Raises `OriginNotAllowedError`, `RateLimitedError`, `TextRejectedError`,
    `TooLargeError`, `NotFoundError`, `NotPermittedError`, `ErasedError`, `UnavailableError`.
    """
    grant.require_origin()
    if words is not None:
        text.check_characters(words)
        if len(words) > MAX_APPEAL:
            raise TooLargeError(f"An objection is at most {MAX_APPEAL:,} characters long.")
    services.rate_limiters.hit_network("report", actor.network)
    at = services.now_ms()
    words = (words or "").strip() or None
    if comment is not None:
        await services.writer.submit(Appeal(grant.story.id, comment, actor.reader_id, words, at))
        return
    ban = grant.ban
    if ban is None:
        raise NotFoundError("There is no ban to object to.")
    story = await services.discussions.find_story_of_comment(ban.comment)
    if story is None:
        raise NotFoundError
    await services.writer.submit(
        Appeal(story.id, ban.comment, actor.reader_id, words, at, decision=ban.decision)
    )


async def own_ban(services: Services, grant: Grant) -> OwnBan | None:
    """Return the ban in the grant with the state of the objection, or None."""
    if grant.ban is None:
        return None
    entries, appealed = await services.bans.log_of(grant.ban.comment)
    state = ban_appeal(entries, appealed, grant.ban.decision)
    known = grant.ban.decision in {one.id for one in standing(entries)}
    return OwnBan(grant.ban, known and state is None, state)


async def own_items(services: Services, grant: Grant, actor: Actor) -> OwnItems:
    """Return what the reader left in the story, and what became of it."""
    return (await services.discussions.own(grant.story.id, [actor.reader_id]))[actor.reader_id]
