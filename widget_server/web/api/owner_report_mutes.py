"""Readers whose reports do not count, for programs."""

from widget_server.model.cursors import encode_cursor, place_after
from widget_server.model.report_mutes import ReportMute
from widget_server.operations.moderation import report_mutes, targets as own_targets
from widget_server.protocol import (
    owner_answers_comments as comment_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import time_of


async def list_report_mutes(call: Call) -> Answer:
    """Handle `GET …/report_mutes`."""
    query: requests.Page = call.query
    after = place_after(query.after, "report_mutes")
    found = await report_mutes.list_mutes(
        call.services, call.actor, call.site, after=after, limit=query.limit
    )
    more = len(found) == query.limit
    last = encode_cursor("report_mutes", found[-1].mute.at, found[-1].mute.id) if more else None
    rows = [
        comment_answers.ListedMuteAnswer(**_fields(one.mute), story=one.story, by=one.by)
        for one in found
    ]
    return Answer(comment_answers.ReportMuteList(mutes=rows, next=last))


async def mute_reporter(call: Call) -> Answer:
    """Handle `POST …/report_mutes`."""
    body: requests.MuteReporter = call.body
    await own_targets.require_own_comment(call.services, call.site, body.comment)
    made = await report_mutes.mute(
        call.services,
        call.actor,
        call.site,
        body.comment,
        body.report,
        until=None if body.until is None else int(body.until.timestamp() * 1000),
    )
    return Answer(comment_answers.ReportMuteAnswer(**_fields(made)))


async def lift_report_mute(call: Call) -> Answer:
    """Handle `POST …/report_mutes/{decision}:lift`."""
    made = await report_mutes.lift(call.services, call.actor, call.site, call.path["decision"])
    return Answer(comment_answers.ReportMuteAnswer(**_fields(made)))


def _fields(mute: ReportMute) -> dict[str, str | None]:
    return {
        "id": mute.id,
        "comment": mute.comment,
        "at": rfc3339(mute.at),
        "until": time_of(mute.until),
    }
