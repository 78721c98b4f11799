"""Raids of a site: which are on, which were, switching one on by hand, and ending one."""

from dataclasses import dataclass

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.decisions import decided_by, decision_id
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.raids import SWITCHED_HOURS, Raid, RaidKind, RaidPhase, in_effect
from widget_server.operations.made_before import made_before
from widget_server.operations.services import Services
from widget_server.store.queries.raids import end_raid, put_raid
from widget_server.store.writing.floods import terms

HOUR_MS = 3_600_000
MONTH_MS = 30 * 24 * HOUR_MS
SHOWN = 50
DEFAULT_HOURS = 6


@dataclass(frozen=True, slots=True)
class ListedRaid:
    """A raid with what the defence does now; None: it is over. `title` is its story's.

    `known_reactions` of the `reactions` to its stories in its time are of readers who were there before:
    the others may come from few people.
    """

    raid: Raid
    phase: RaidPhase | None
    title: str | None
    reactions: int
    known_reactions: int


async def list_raids(services: Services, by: Actor, site: str) -> list[ListedRaid]:
    """Return the raids that are on and those of the last 30 days, the newest first; at most 50.

    Raises `NotPermittedError`, `UnavailableError`.
    """
    permissions.require(by, "read_rules", site)
    now = services.now_ms()
    found = await services.raids.past(site, now - MONTH_MS, SHOWN)
    counted = await services.raids.reactions_in(found, now)
    listed = []
    for raid, (reactions, known) in zip(found, counted, strict=True):
        story = None if raid.story is None else await services.cache.story(raid.story)
        title = None if story is None else story.title or story.key
        listed.append(ListedRaid(raid, raid.phase(now), title, reactions, known))
    return listed


async def raids_on(services: Services, site: str) -> list[Raid]:
    """Return the raids that are on, the newest first, from what this process knows."""
    cached = await services.cache.site(site)
    return [] if cached is None else in_effect(cached.raids, services.now_ms())


async def raids_between(services: Services, by: Actor, site: str, start: int, end: int) -> int:
    """Return how many raids were on between two times (milliseconds), counted up to 50.

    Raises `NotPermittedError`, `UnavailableError`.
    """
    permissions.require(by, "read_numbers", site)
    found = await services.raids.past(site, start, SHOWN)
    return sum(raid.began_at < end for raid in found)


async def switch_on(
    services: Services,
    by: Actor,
    site: str,
    *,
    story: str | None = None,
    hours: int = DEFAULT_HOURS,
) -> Raid:
    """Switch the defence on by hand for the whole site or for one story (its code), and return the raid.

    From now on new readers do a proof of work, until it is ended or the hours are over. It is logged.
    Raises `MalformedError`, `NotFoundError`, `NotPermittedError`, `UnavailableError`.
    """
    permissions.require(by, "raid", site)
    if hours not in SWITCHED_HOURS:
        raise MalformedError.in_field("hours", "Choose from 1 to 72 hours.")
    found = None if story is None else await services.discussions.story(story)
    if story is not None and (found is None or found.site != site):
        raise NotFoundError("There is no story with this code.")
    if made := await made_before(services, by, "raid"):
        before = await services.raids.find(site, made["raid"].targets[0])
        if before is not None:
            return before
    now = services.now_ms()
    kind: RaidKind = "site" if found is None else "story"
    raid = Raid(
        id=decision_id(by, "switched raid"),
        site=site,
        kind=kind,
        subject="" if found is None else str(found.id),
        began_at=now,
        held_until=now,
        until=now + hours * HOUR_MS,
        by=f"{by.kind}:{by.id}"[:120],
        story=story,
    )
    decision = decided_by(
        by, "raid", now, targets=(raid.id,), before={"on": False}, after=terms(raid, on=True)
    )
    change = put_raid(raid, None if found is None else found.id, decision)
    await services.writer.run_in_transaction(change)
    await services.cache.site(site, max_age=0)
    return raid


async def end(services: Services, by: Actor, site: str, raid: str) -> Raid:
    """End a raid, found by the server or a person, and return it.

    The same flood begins none for an hour. It is logged.

    Raises `NotFoundError` (no such raid is on), `NotPermittedError`, `UnavailableError`.
    """
    permissions.require(by, "raid", site)
    found = await services.raids.find(site, raid)
    if found is None:
        raise NotFoundError("There is no raid with this id.")
    if await made_before(services, by, "raid"):
        return found
    now = services.now_ms()
    decision = decided_by(
        by, "raid", now, targets=(raid,), before=terms(found, on=True), after=terms(found, on=False)
    )
    if not await services.writer.run_in_transaction(end_raid(site, raid, now, decision)):
        raise NotFoundError("This raid is over already.")
    await services.cache.site(site, max_age=0)
    ended = await services.raids.find(site, raid)
    return found if ended is None else ended
