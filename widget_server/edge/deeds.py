"""A deed, whichever door it comes through: the same checks, the same verb, the same answer."""

from typing import Any

from widget_server.model.claims import ReaderClaims
from widget_server.model.records import Comment
from widget_server.operations import comment as comments, react as reactions, readers
from widget_server.operations.admit import Grant
from widget_server.operations.services import Services
from widget_server.wire import frames, messages, views


async def perform(
    services: Services,
    grant: Grant,
    known: ReaderClaims | None,
    network: str,
    deed: messages.Deed,
) -> tuple[bytes, ReaderClaims]:
    """Do it; answers the `ok` frame, once it is on disk, and who the reader is from now on.

    Raises the refusals of the verbs.
    """
    actor = readers.act(services, grant, known, network, messages.first_of(deed))
    result: dict[str, Any] = {"story": grant.story.code}
    match deed:
        case messages.React():
            tally = await reactions.react(services, grant, actor, deed.reaction, deed.comment)
            result |= {"tally": views.tally(tally), "reaction": deed.reaction}
            if deed.comment is not None:
                result["comment"] = deed.comment
        case messages.Comment():
            words = comments.Words(
                deed.key, deed.body, deed.name, deed.email, deed.website, deed.parent
            )
            result["comment"] = _own(grant, await comments.post(services, grant, actor, words))
        case messages.Edit():
            edited = await comments.edit(services, grant, actor, deed.comment, deed.body)
            result["comment"] = _own(grant, edited)
        case messages.Delete():
            gone = await comments.delete(services, grant, actor, deed.comment)
            result["comment"] = _own(grant, gone)
        case messages.Report():
            await comments.report(services, grant, actor, deed.comment, deed.reason)
        case messages.Forget():
            await readers.forget(services, grant, actor)
    if actor.issued is not None and not isinstance(deed, messages.Forget):
        result["reader"] = actor.issued
    if known is not None and known.ended is not None:
        result["identity"] = known.ended
    return frames.ok_frame(deed.ref, **result), actor.claims


def _own(grant: Grant, comment: Comment) -> dict[str, Any]:
    settings = grant.site.settings
    return views.own_comment(comment, settings.edit_window, show_copy=settings.show_copy)
