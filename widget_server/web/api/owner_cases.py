"""Cases for programs: list them, take them, decide about them, give them back."""

from collections.abc import Mapping, Sequence
from typing import Any

from widget_server.hub.readers_now import StoryReaders
from widget_server.model.bans import AppealRead
from widget_server.model.cursors import decode_cursor, encode_cursor
from widget_server.model.decisions import Case
from widget_server.model.queue import Card, CaseFilter, degrees_of
from widget_server.operations.moderation import bans, cases, hand_over, queue
from widget_server.operations.owners.readers_now import readers_now
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
    rows = [
        comment_answers.CaseAnswer(
            **_case_fields(one, call.services.now_ms()), appeals=await _appeals(call, one)
        )
        for one in found
    ]
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
    now = await readers_now(call.services)
    rows = [_card(call, card, _readers(now, card)) for card in cards]
    # Words of readers are not stored beside the comment: erasing it must erase them all.
    wordless = [
        one.model_copy(
            update={
                "comment": one.comment.model_copy(update={"body": "", "name": None}),
                "reports": None,
                "appeals": None,
                "reported_texts": [],
                "suspects": [],
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
    now = await readers_now(call.services)
    return Answer(_card(call, card, _readers(now, card)))


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
        tag=body.tag,
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


async def hand_over_case(call: Call) -> Answer:
    """Handle `POST …/cases/{case}:hand_over`."""
    body: requests.HandOverCase = call.body
    handed = await hand_over.hand_over(
        call.services, call.actor, call.site, int(call.path["case"]), body.to, body.note
    )
    return Answer(
        comment_answers.CaseHandedOver(handed_to=body.to, handed_until=rfc3339(handed.until))
    )


async def take_back_case(call: Call) -> Answer:
    """Handle `POST …/cases/{case}:take_back`."""
    case = int(call.path["case"])
    await hand_over.take_back_case(call.services, call.actor, call.site, case)
    return Answer(comment_answers.CaseHandedOver(handed_to=None, handed_until=None))


async def _appeals(call: Call, case: Case) -> list[comment_answers.AppealAnswer] | None:
    if case.queue != "appeals":
        return None
    found = await bans.appeals_of(call.services, call.actor, call.site, case.comment.id)
    return _appeal_answers(found)


def _appeal_answers(found: Sequence[AppealRead]) -> list[comment_answers.AppealAnswer]:
    return [
        comment_answers.AppealAnswer(
            decision=one.decision, verb=one.verb, at=rfc3339(one.at), text=one.text
        )
        for one in found
    ]


def _filter(asked: requests.CasesQuery | requests.TakeCases) -> CaseFilter:
    return cases.filter_of(
        asked.queue,
        asked.story,
        asked.copy_id,
        asked.lang,
        asked.reason,
        asked.age,
        asked.watch,
        asked.tag,
    )


def _case_fields(case: Case, now: int) -> dict[str, Any]:
    return {
        "id": case.id,
        "queue": case.queue,
        "reasons": list(case.reasons),
        "priority": case.priority,
        "opened_at": rfc3339(case.opened_at),
        "revision": case.revision,
        **_handed_fields(case, now),
        "comment": comment_answers.CommentAnswer(
            **comment_fields(case.story, cases.waiting_version(case))
        ),
    }


def _handed_fields(case: Case, now: int) -> dict[str, str]:
    """Return to whom a case is handed over now. What was written to that person is not for programs."""
    handed = case.handed
    if handed is None or handed.until <= now:
        return {}
    return {
        "handed_to": handed.to.removeprefix("account:"),
        "handed_until": rfc3339(handed.until),
    }


def _readers(now: Mapping[str, StoryReaders], card: Card) -> int:
    story = now.get(card.case.story)
    return 0 if story is None else story.readers


def _card(call: Call, card: Card, readers: int) -> comment_answers.CaseCard:
    known = card.context
    degrees = degrees_of(card.case, known, readers) or (None, None, None)
    reports = None
    if call.has("read_reports"):
        reports = [
            comment_answers.ReportAnswer(
                id=one.id,
                reason=one.reason,
                at=rfc3339(one.at),
                category=one.category,
                muted=one.muted,
            )
            for one in known.reports
        ]
    return comment_answers.CaseCard(
        **_case_fields(card.case, call.services.now_ms()),
        appeals=_appeal_answers(card.appeals) if card.case.queue == "appeals" else None,
        taken_until=time_of(card.leased_until),
        writer=known.writer,
        writer_since=time_of(known.writer_since),
        reports=reports,
        reporters_right=known.reporters.right,
        reporters_wrong=known.reporters.wrong,
        reported_texts=[
            comment_answers.ReportedTextAnswer(
                revision=one.revision, at=rfc3339(one.at), body=one.source
            )
            for one in card.reported
        ],
        suspects=[*card.suspects.words, *card.suspects.beside],
        harm=degrees[0],
        reach=degrees[1],
        trust=degrees[2],
    )
