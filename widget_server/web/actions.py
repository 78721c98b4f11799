"""A deed, whichever door it comes through: the same checks, the same verb, the same answer."""

from typing import Any

from widget_server.model.claims import ReaderClaims
from widget_server.model.records import Comment
from widget_server.operations import comment as comments, react as reactions, readers
from widget_server.operations.admit import Grant
from widget_server.operations.services import Services
from widget_server.wire import frames, messages, views


async def execute(
    services: Services,
    grant: Grant,
    known: ReaderClaims | None,
    network: str,
    action: messages.Action,
) -> tuple[bytes, ReaderClaims]:
    """Do it; answers the `ok` frame, once it is on disk, and who the reader is from now on.

    Raises the refusals of the verbs.
    """
    actor = readers.act(services, grant, known, network, messages.first_of(action))
    result: dict[str, Any] = {"story": grant.story.code}
    match action:
        case messages.React():
            tally = await reactions.react(services, grant, actor, action.reaction, action.comment)
            result |= {"tally": views.tally(tally), "reaction": action.reaction}
            if action.comment is not None:
                result["comment"] = action.comment
        case messages.Comment():
            words = comments.NewComment(
                action.key, action.body, action.name, action.email, action.website, action.parent
            )
            result["comment"] = _own_comment(
                grant, await comments.post(services, grant, actor, words)
            )
        case messages.Edit():
            edited = await comments.edit(services, grant, actor, action.comment, action.body)
            result["comment"] = _own_comment(grant, edited)
        case messages.Delete():
            gone = await comments.delete(services, grant, actor, action.comment)
            result["comment"] = _own_comment(grant, gone)
        case messages.Report():
            await comments.report(services, grant, actor, action.comment, action.reason)
        case messages.Forget():
            await readers.erase(services, grant, actor)
    if actor.new_token is not None and not isinstance(action, messages.Forget):
        result["reader"] = actor.new_token
    if known is not None and known.ended is not None:
        result["identity"] = known.ended
    return frames.encode_ok(action.ref, **result), actor.claims


def _own_comment(grant: Grant, comment: Comment) -> dict[str, Any]:
    settings = grant.site.settings
    return views.own_comment(comment, settings.edit_window, show_copy=settings.show_copy)
