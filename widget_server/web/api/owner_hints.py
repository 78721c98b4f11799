"""Error reports of readers about stories, for programs: list, follow with a correction, decline."""

from widget_server.model.cursors import encode_cursor, place_after
from widget_server.model.hints import HintCase
from widget_server.operations.moderation import hints
from widget_server.protocol import (
    owner_answers_hints as hint_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_corrections import correction_answer


async def list_hints(call: Call) -> Answer:
    """Handle `GET …/hints`."""
    query: requests.HintsQuery = call.query
    after = place_after(query.after, "hints")
    found = await hints.open_hints(
        call.services, call.actor, call.site, story=query.story, after=after, limit=query.limit
    )
    more = len(found) == query.limit
    last = encode_cursor("hints", *hints.cursor_of(found[-1])) if more else None
    return Answer(hint_answers.HintList(hints=[_answer(one) for one in found], next=last))


async def accept_hint(call: Call) -> Answer:
    """Handle `POST …/hints/{hint}:accept`."""
    body: requests.AcceptHint = call.body
    made, _ = await hints.accept(
        call.services,
        call.actor,
        call.site,
        call.path["hint"],
        body.kind,
        body.text,
        texts=body.texts,
        passage=body.passage,
        credit=body.credit,
        answer=body.answer,
    )
    # The name of a reader is not stored beside the correction: erasing it must erase it everywhere.
    return Answer(correction_answer(made), once={"credit": None})


async def decline_hint(call: Call) -> Answer:
    """Handle `POST …/hints/{hint}:decline`."""
    body: requests.DeclineHint = call.body
    name = call.path["hint"]
    decision = await hints.decline(call.services, call.actor, call.site, name, answer=body.answer)
    return Answer(hint_answers.HintDeclined(hint=name, decision=decision))


def _answer(case: HintCase) -> hint_answers.HintAnswer:
    one = case.hint
    return hint_answers.HintAnswer(
        id=one.id,
        queue="corrections",
        comment=None,
        story=case.story,
        title=case.title,
        url=case.url,
        opened_at=rfc3339(one.at),
        text=one.text or "",
        passage=one.passage,
        credit=one.credit,
        given=case.given,
        followed=case.followed,
    )
