"""Raids of a site, for programs."""

from widget_server.model.raids import Raid, RaidPhase
from widget_server.operations.moderation import raids
from widget_server.protocol import (
    owner_answers_rules as answers,
    owner_requests_rules as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call


async def list_raids(call: Call) -> Answer:
    """Handle `GET …/raids`."""
    found = await raids.list_raids(call.services, call.actor, call.site)
    rows = [_raid(one.raid, one.phase, one.reactions, one.known_reactions) for one in found]
    return Answer(answers.RaidList(on=any(row.phase for row in rows), raids=rows))


async def switch_on(call: Call) -> Answer:
    """Handle `POST …/raids`."""
    body: requests.SwitchRaid = call.body
    raid = await raids.switch_on(
        call.services, call.actor, call.site, story=body.story, hours=body.hours
    )
    return Answer(_raid(raid, raid.phase(call.services.now_ms())))


async def end(call: Call) -> Answer:
    """Handle `POST …/raids/{raid}:end`."""
    raid = await raids.end(call.services, call.actor, call.site, call.path["raid"])
    return Answer(_raid(raid, raid.phase(call.services.now_ms())))


def _raid(
    raid: Raid, phase: RaidPhase | None, reactions: int | None = None, known: int | None = None
) -> answers.RaidAnswer:
    return answers.RaidAnswer(
        id=raid.id,
        kind=raid.kind,
        story=raid.story,
        phase=phase,
        began_at=rfc3339(raid.began_at),
        held_until=rfc3339(raid.held_until),
        until=rfc3339(raid.until),
        ended_at=None if raid.ended_at is None else rfc3339(raid.ended_at),
        by=raid.by or None,
        held=raid.held,
        reactions=reactions,
        known_reactions=known,
    )
