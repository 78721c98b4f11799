"""Corrections of a story, for programs: list, publish. They are withdrawn as decisions are undone."""

from widget_server.operations.owners import corrections, stories
from widget_server.operations.owners.corrections import Correction, TypedCorrection
from widget_server.protocol import owner_answers as answers, owner_requests as requests
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import time_of


async def list_corrections(call: Call) -> Answer:
    """Handle `GET …/stories/{code}/corrections`."""
    found = await corrections.list_corrections(
        call.services, call.actor, call.site, call.path["code"]
    )
    return Answer(answers.CorrectionList(corrections=[correction_answer(one) for one in found]))


async def correct_story(call: Call) -> Answer:
    """Handle `POST …/stories/{code}/corrections`."""
    body: requests.CorrectStory = call.body
    code = call.path["code"]
    await stories.require_own(call.services, call.site, code)
    typed = TypedCorrection(body.text, body.kind, body.texts, body.passage, body.credit)
    made, _ = await corrections.correct(call.services, call.actor, code, typed, note=body.note)
    return Answer(correction_answer(made))


def correction_answer(one: Correction) -> answers.CorrectionAnswer:
    """Return a correction as the owner API answers it."""
    return answers.CorrectionAnswer(
        id=one.id,
        at=rfc3339(one.at),
        kind=one.kind,
        text=one.text,
        texts=dict(one.texts),
        passage=one.passage,
        credit=one.credit,
        withdrawn_at=time_of(one.withdrawn_at),
    )
