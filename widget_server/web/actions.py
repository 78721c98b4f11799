"""Execute a reader action. The WebSocket and `POST /v1/actions` both call `execute`."""

from typing import Any

from widget_server.model.claims import ReaderClaims
from widget_server.model.records import Comment
from widget_server.operations.readers import comment as comments, identify, react as reactions
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.services import Services
from widget_server.protocol import client_messages, serializers, server_messages


async def execute(
    services: Services,
    grant: Grant,
    reader: ReaderClaims | None,
    network: str,
    action: client_messages.Action,
) -> tuple[bytes, ReaderClaims]:
    """Execute the action; return the encoded `ok` message and the reader's claims afterwards.

    Returns after the commit. `reader` has the claims of the client's reader token, if valid. Raises
    the `ProblemError`s of the operations.
    """
    actor = identify.act(services, grant, reader, network, client_messages.first_of(action))
    result: dict[str, Any] = {"story": grant.story.code}
    match action:
        case client_messages.React():
            tally = await reactions.react(services, grant, actor, action.reaction, action.comment)
            result |= {"tally": serializers.tally(tally), "reaction": action.reaction}
            if action.comment is not None:
                result["comment"] = action.comment
        case client_messages.Comment():
            new = comments.NewComment(
                action.key,
                action.body,
                action.name,
                action.email,
                action.website,
                action.parent,
                reconsider=action.reconsider is True,
            )
            result["comment"] = _own_comment(
                grant, await comments.post(services, grant, actor, new)
            )
        case client_messages.Edit():
            edited = await comments.edit(services, grant, actor, action.comment, action.body)
            result["comment"] = _own_comment(grant, edited)
        case client_messages.Delete():
            deleted = await comments.delete(services, grant, actor, action.comment)
            result["comment"] = _own_comment(grant, deleted)
        case client_messages.Report():
            await comments.report(services, grant, actor, action.comment, action.reason)
        case client_messages.Forget():
            await identify.erase(services, grant, actor)
    if actor.new_token is not None and not isinstance(action, client_messages.Forget):
        result["reader"] = actor.new_token
    if reader is not None and reader.sign_in_error is not None:
        result["identity"] = reader.sign_in_error
    return server_messages.encode_ok(action.ref, **result), actor.claims


def _own_comment(grant: Grant, comment: Comment) -> dict[str, Any]:
    settings = grant.site.settings
    return serializers.own_comment(comment, settings.edit_window, show_copy=settings.show_copy)
