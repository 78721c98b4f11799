"""Cases for programs: list them, take them, decide about them, give them back."""

from typing import Any

from widget_server.model.cursors import decode_cursor, encode_cursor
from widget_server.model.decisions import Case
from widget_server.model.queue import Card, CaseFilter
from widget_server.operations.moderation import cases, queue
from widget_server.protocol import (
    owner_answers_comments as comment_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import comment_fields, time_of


async def list_cases(call: Call) -> Answer:
    """Handle `GET …/cases`."""
    query: requests.CasesQuery = call.query
    after = None
    if query.after:
        place = decode_cursor(query.after, f"cases-{query.queue}", (int, int, int))
        after = int(place[0]), int(place[1]), int(place[2])
    found = await cases.open_cases(
        call.services, call.actor, call.site, _filter(query), after=after, limit=query.limit
    )
    more = len(found) == query.limit
    last = encode_cursor(f"cases-{query.queue}", *cases.cursor_of(found[-1])) if more else None
    rows = [comment_answers.CaseAnswer(**_case_fields(one)) for one in found]
    return Answer(comment_answers.CaseList(cases=rows, next=last))


async def take_cases(call: Call) -> Answer:
    """Handle `POST …/cases:take`."""
    body: requests.TakeCases = call.body
    cards = await queue.take(
        call.services,
        call.actor,
        call.site,
        _filter(body),
        limit=body.limit,
        seconds=body.seconds,
    )
    rows = [_card(call, card) for card in cards]
    # Words of readers are not stored beside the comment: erasing it must erase them all.
    wordless = [
        one.model_copy(
            update={
                "comment": one.comment.model_copy(update={"body": "", "name": None}),
                "reports": None,
            }
        )
        for one in rows
    ]
    return Answer(comment_answers.TakenCases(cases=rows), once={"cases": wordless})


async def give_back_cases(call: Call) -> Answer:
    """Handle `POST …/cases:give_back`."""
    body: requests.GiveBackCases = call.body
    number = await queue.give_cases_back(call.services, call.actor, call.site, body.cases)
    return Answer(comment_answers.GivenBack(given_back=number))


async def show_case(call: Call) -> Answer:
    """Handle `GET …/cases/{case}`."""
    card = await queue.find_card(call.services, call.actor, call.site, int(call.path["case"]))
    return Answer(_card(call, card))


async def decide_case(call: Call) -> Answer:
    """Handle `POST …/cases/{case}:decide`."""
    body: requests.DecideCase = call.body
    call.require(body.verb)
    decided = await queue.decide_case(
        call.services,
        call.actor,
        call.site,
        int(call.path["case"]),
        body.verb,
        reason=body.reason,
        note=body.note,
        revision=body.revision,
    )
    comment = decided.comment
    if comment is None:
        raise LookupError("A decision about a case has a comment.")
    return Answer(
        comment_answers.CaseDecided(
            decision=decided.decision.id if decided.decision else None,
            comment=comment.id,
            state=comment.state.value,
            revision=comment.revision,
        )
    )


def _filter(asked: requests.CasesQuery | requests.TakeCases) -> CaseFilter:
    return cases.filter_of(
        asked.queue, asked.story, asked.copy_id, asked.lang, asked.reason, asked.age
    )


def _case_fields(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "queue": case.queue,
        "reasons": list(case.reasons),
        "priority": case.priority,
        "opened_at": rfc3339(case.opened_at),
        "revision": case.revision,
        "comment": comment_answers.CommentAnswer(
            **comment_fields(case.story, cases.waiting_version(case))
        ),
    }


def _card(call: Call, card: Card) -> comment_answers.CaseCard:
    known = card.context
    reports = None
    if call.has("read_reports"):
        reports = [
            comment_answers.ReportAnswer(reason=reason, at=rfc3339(at))
            for reason, at in known.reports
        ]
    return comment_answers.CaseCard(
        **_case_fields(card.case),
        taken_until=time_of(card.leased_until),
        writer=known.writer,
        writer_since=time_of(known.writer_since),
        reports=reports,
        reporters_right=known.reporters.right,
        reporters_wrong=known.reporters.wrong,
    )
