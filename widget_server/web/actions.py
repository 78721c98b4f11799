"""Execute a reader action. The WebSocket and `POST /v1/actions` both call `execute`."""

from typing import Any

from widget_server.model.claims import ReaderClaims
from widget_server.model.records import Comment
from widget_server.operations.readers import (
    appeal as appeals,
    bans,
    comment as comments,
    hint as hints,
    identify,
    react as reactions,
)
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.services import Services
from widget_server.protocol import client_messages, serializers, server_messages


async def execute(
    services: Services,
    grant: Grant,
    reader: ReaderClaims | None,
    network: str,
    action: client_messages.Action,
    *,
    form: bool = False,
) -> tuple[bytes, ReaderClaims | None]:
    """Execute the action; return the encoded `ok` message and the reader's claims afterwards.

    The claims are None if there is no reader: after `forget`, and if one without a token only reads. Returns
    after the commit. `reader` has the claims of the client's reader token, if valid. `form`: the client runs
    no script. Raises the
    `ProblemError`s of the operations.
    """
    result: dict[str, Any] = {"story": grant.story.code}
    if reader is None and isinstance(action, client_messages.Mine):
        # Reading makes no reader.
        result["mine"] = serializers.own_items({}, [], grant.site.settings)
        return server_messages.encode_ok(action.ref, **result), None
    actor = identify.act(services, grant, reader, network, client_messages.first_of(action))
    grant = await bans.with_ban(services, grant, actor.reader_id, network, actor.claims)
    forgotten = False
    match action:
        case client_messages.React():
            tally = await reactions.react(services, grant, actor, action.reaction, action.comment)
            result |= {"tally": serializers.tally(tally), "reaction": action.reaction}
            if action.comment is not None:
                result["comment"] = action.comment
        case client_messages.Appeal() | client_messages.Hint() | client_messages.Mine():
            result |= await _about_reader(services, grant, actor, action)
        case client_messages.Forget():
            await identify.erase(services, grant, actor)
            # The content is forgotten, a ban is not: the page then keeps its reader token.
            forgotten = grant.ban is None
            if not forgotten:
                result["reader"] = services.keyring.issue_reader(grant.site.slug, actor.claims)
        case _:
            result |= await _about_comment(services, grant, actor, action, form)
    if actor.new_token is not None and not forgotten:
        result["reader"] = actor.new_token
    if reader is not None and reader.sign_in_error is not None:
        result["identity"] = reader.sign_in_error
    return server_messages.encode_ok(action.ref, **result), None if forgotten else actor.claims


async def _about_comment(
    services: Services,
    grant: Grant,
    actor: identify.Actor,
    action: client_messages.Comment
    | client_messages.Edit
    | client_messages.Delete
    | client_messages.Report,
    form: bool,
) -> dict[str, Any]:
    """Execute an action on a comment; return what the answer says of the comment."""
    match action:
        case client_messages.Comment():
            new = comments.NewComment(
                action.key,
                action.body,
                action.name,
                action.email,
                action.website,
                action.parent,
                reconsider=action.reconsider is True,
                proof=action.proof,
                form=form,
            )
            return {
                "comment": _own_comment(grant, await comments.post(services, grant, actor, new))
            }
        case client_messages.Edit():
            edited = await comments.edit(services, grant, actor, action.comment, action.body)
            return {"comment": _own_comment(grant, edited)}
        case client_messages.Delete():
            deleted = await comments.delete(services, grant, actor, action.comment)
            return {"comment": _own_comment(grant, deleted)}
        case client_messages.Report():
            await comments.report(
                services, grant, actor, action.comment, action.reason, action.category
            )
            return {}


async def _about_reader(
    services: Services,
    grant: Grant,
    actor: identify.Actor,
    action: client_messages.Appeal | client_messages.Hint | client_messages.Mine,
) -> dict[str, Any]:
    """Execute an action whose answer has all that the reader may know about their own items."""
    fields: dict[str, Any] = {}
    if isinstance(action, client_messages.Appeal):
        await appeals.appeal(services, grant, actor, action.comment, action.text)
    elif isinstance(action, client_messages.Hint):
        sent = hints.NewHint(action.text, action.passage, action.credit)
        fields["hint"] = serializers.hint(await hints.send(services, grant, actor, sent))
    return fields | await _mine(services, grant, actor)


async def _mine(services: Services, grant: Grant, actor: identify.Actor) -> dict[str, Any]:
    """Return what the reader may know about decisions, for this reader alone."""
    own = await appeals.own_items(services, grant, actor)
    comments = [*own.comments, *own.removed]
    mine = serializers.own_items(
        own.reactions, comments, grant.site.settings, own.outcomes, own.reports, own.hints
    )
    fields: dict[str, Any] = {"mine": mine}
    ban = await appeals.own_ban(services, grant)
    if ban is not None:
        fields["ban"] = serializers.ban(ban.ban, may_appeal=ban.may_appeal, appeal=ban.appeal)
    return fields


def _own_comment(grant: Grant, comment: Comment) -> dict[str, Any]:
    settings = grant.site.settings
    return serializers.own_comment(comment, settings.edit_window, show_copy=settings.show_copy)
