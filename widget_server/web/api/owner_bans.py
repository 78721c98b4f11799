"""Bans of readers, for programs."""

from widget_server.model.cursors import encode_cursor, place_after
from widget_server.model.decisions import Decided
from widget_server.operations.moderation import bans, targets as own_targets
from widget_server.protocol import (
    owner_answers_comments as comment_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import time_of


async def list_bans(call: Call) -> Answer:
    """Handle `GET …/bans`."""
    query: requests.Page = call.query
    after = place_after(query.after, "bans")
    found = await bans.list_bans(
        call.services, call.actor, call.site, after=after, limit=query.limit
    )
    more = len(found) == query.limit
    last = encode_cursor("bans", found[-1].ban.at, found[-1].ban.decision) if more else None
    rows = [
        comment_answers.BanAnswer(
            id=one.ban.decision,
            kind=one.ban.kind,
            mode=one.ban.mode,
            comment=one.ban.comment,
            story=one.story,
            name=one.name,
            by=one.by,
            reason=one.ban.reason,
            note=one.note if call.has("read_notes") else None,
            at=rfc3339(one.ban.at),
            until=time_of(one.ban.until),
            appealed_at=time_of(one.appealed_at),
        )
        for one in found
    ]
    return Answer(comment_answers.BanList(bans=rows, next=last))


async def ban(call: Call) -> Answer:
    """Handle `POST …/bans`."""
    body: requests.Ban = call.body
    await own_targets.require_own_comment(call.services, call.site, body.comment)
    decided = await bans.ban(
        call.services,
        call.actor,
        body.comment,
        until=None if body.until is None else int(body.until.timestamp() * 1000),
        mode=body.mode,
        reason=body.reason,
        note=body.note,
        network=body.network,
    )
    return Answer(_done(decided))


async def unban(call: Call) -> Answer:
    """Handle `POST …/bans/{decision}:lift`."""
    body: requests.LiftBan = call.body
    decided = await bans.unban(
        call.services, call.actor, call.path["decision"], site=call.site, note=body.note
    )
    return Answer(_done(decided))


def _done(decided: Decided) -> comment_answers.Done:
    comment = decided.comment
    return comment_answers.Done(
        decision=decided.decision.id if decided.decision else None,
        comment=comment.id if comment else None,
        state=comment.state.value if comment else None,
        revision=comment.revision if comment else None,
    )
