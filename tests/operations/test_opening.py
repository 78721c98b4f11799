"""Opening hours and capacity: what readers can write, what pages are told, and what is logged."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.replay import Replay
from tests.operations.operations_harness import (
    OPERATOR,
    RecordingConnection,
    Server,
    new_comment,
    open_server,
)
from tests.operations.owner_harness import carry, person
from tests.waiting import eventually
from widget_server.model.actors import shell
from widget_server.model.errors import StoryClosedError
from widget_server.model.queue import CaseFilter
from widget_server.model.records import CommentState
from widget_server.operations.moderation import capacity, decide, local_copies, log
from widget_server.operations.owners import settings, sites
from widget_server.operations.readers import comment as comments, react
from widget_server.store.queries.decisions import LogFilter

MINUTE_S = 60
SIGNED = 1_600_000_000
"""Seconds since 1970: before the times to which the clock is set."""
DAY_HOURS = "Europe/Lisbon; mon-sun 06:00-20:00 open; mon-sun 20:00-23:00 approval"


class Clock:
    """A clock that a test moves."""

    def __init__(self, *date: int) -> None:
        self.now = datetime(*date, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands at noon of 28 March 2026: the night after it has an hour less."""
    return Clock(2026, 3, 28, 12)


@pytest.fixture
async def server(tmp_path: Path, migrated_url: str, clock: Clock) -> AsyncIterator[Server]:
    """Return the components of one process whose clock the test moves."""
    async with open_server(tmp_path, migrated_url, clock=clock, rate_limits="off") as opened:
        await sites.create_site(opened.services, shell("test"), "paper", "A paper")
        yield opened


def at(clock: Clock, *date: int) -> None:
    """Set the clock to a time in UTC."""
    clock.now = datetime(*date, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


async def snapshot(server: Server, code: str) -> dict[str, Any]:
    """Return a story's snapshot as pages receive it."""
    found: dict[str, Any] = json.loads(await server.services.hub.public_snapshot(code, None))
    return found


def replayed(page: RecordingConnection) -> Replay:
    """Return the state of a page after all its messages."""
    replay = Replay.of(page.of_type("snapshot")[0])
    for message in page.messages[1:]:
        replay.apply(message)
    return replay


@pytest.mark.parametrize(
    ("before", "opens", "after"),
    [
        # Lisbon is one hour ahead of UTC from 29 March 01:00 UTC to 25 October 01:00 UTC.
        ((2026, 3, 28, 5, 59, 59), (2026, 3, 28, 6), "2026-03-28T06:00:00.000Z"),
        ((2026, 3, 29, 4, 59, 59), (2026, 3, 29, 5), "2026-03-29T05:00:00.000Z"),
        ((2026, 10, 24, 4, 59, 59), (2026, 10, 24, 5), "2026-10-24T05:00:00.000Z"),
        ((2026, 10, 25, 5, 59, 59), (2026, 10, 25, 6), "2026-10-25T06:00:00.000Z"),
    ],
)
async def test_comments_open_to_the_second_on_the_mornings_around_both_changes_of_the_clock(
    server: Server,
    clock: Clock,
    before: tuple[int, ...],
    opens: tuple[int, ...],
    after: str,
) -> None:
    await server.set(("hours", DAY_HOURS))
    at(clock, *before)
    grant = await server.grant(iat=SIGNED)
    shown = (await snapshot(server, grant.story.code))["settings"]
    assert (shown["mode"], shown["opens_at"]) == ("closed", after)
    writer = server.actor(grant)
    with pytest.raises(StoryClosedError, match=after[:10]):
        await server.post(grant, writer, "too early")
    at(clock, *opens)
    assert (await server.post(grant, writer, "good morning")).state is CommentState.PUBLISHED
    # The kept snapshot is out of date although nothing was written to the story's settings.
    again = await snapshot(server, grant.story.code)
    assert (again["settings"]["mode"], again["settings"]["opens_at"]) == ("open", None)
    assert again["settings"]["closes_at"].startswith(after[:10])


async def test_in_the_evening_comments_wait_and_at_night_only_reading_reacting_and_deleting_are_left(
    server: Server, clock: Clock
) -> None:
    await server.set(("hours", DAY_HOURS))
    grant = await server.grant(iat=SIGNED)
    reader = server.actor(grant)
    early = await server.post(grant, reader, "by day")
    clock.now = datetime(2026, 3, 28, 22, tzinfo=UTC).timestamp()
    late = await server.post(grant, server.actor(grant), "in the evening")
    assert late.state is CommentState.PENDING
    clock.now = early.created_at / 1000 + 60
    await server.set(("hours", "UTC; otherwise closed"))
    sent = new_comment("at night")
    for work in (
        comments.post(server.services, grant, server.actor(grant), sent),
        comments.edit(server.services, grant, reader, early.id, "changed"),
    ):
        with pytest.raises(StoryClosedError, match="closed for now"):
            await work
    tally = await react.react(server.services, grant, server.actor(grant), "happy", None)
    assert tally.counts["happy"] == 1
    deleted = await comments.delete(server.services, grant, reader, early.id)
    assert deleted.state is CommentState.REMOVED


async def test_a_comment_that_was_stored_before_the_edge_is_answered_again_after_it(
    server: Server, clock: Clock
) -> None:
    await server.set(("hours", DAY_HOURS))
    grant = await server.grant(iat=SIGNED)
    reader, sent = server.actor(grant), new_comment("just in time")
    first = await comments.post(server.services, grant, reader, sent)
    at(clock, 2026, 3, 29, 0)
    again = await comments.post(server.services, grant, reader, sent)
    assert again.id == first.id


async def test_a_story_has_its_own_hours_and_can_be_open_always(
    server: Server, clock: Clock
) -> None:
    await server.set(("hours", "UTC; otherwise closed"))
    grant, other = await server.grant(iat=SIGNED), await server.grant(iat=SIGNED)
    code = grant.story.code
    await settings.change_settings(server.services, OPERATOR, "paper", {"hours": ""}, story=code)
    assert "mode" not in (await snapshot(server, code))["settings"]
    await server.post(grant, server.actor(grant), "always")
    with pytest.raises(StoryClosedError):
        await server.post(other, server.actor(other), "never")
    # None gives the story the hours of its site again.
    await settings.change_settings(server.services, OPERATOR, "paper", {"hours": None}, story=code)
    with pytest.raises(StoryClosedError):
        await server.post(grant, server.actor(grant), "no more")


async def test_open_pages_follow_new_hours_and_taking_them_back_restores_every_byte(
    server: Server, clock: Clock
) -> None:
    grant = await server.grant(iat=SIGNED)
    code = grant.story.code
    page = await server.subscribe(code)
    await eventually(lambda: page.of_type("snapshot"), "the page is subscribed")
    before = (await snapshot(server, code))["settings"]
    changed = await settings.change_settings(
        server.services, OPERATOR, "paper", {"hours": DAY_HOURS}
    )
    await eventually(lambda: page.of_type("story"), "the page follows")
    now = (await snapshot(server, code))["settings"]
    assert replayed(page).settings == now
    assert [edge["mode"] for edge in now["edges"][:4]] == ["approval", "closed", "open", "approval"]
    assert changed.decision is not None
    clock.now += 1
    await settings.take_back(server.services, OPERATOR, "paper", changed.decision)
    assert (await snapshot(server, code))["settings"] == before
    entry, *_ = await log.read_log(server.services, OPERATOR, "paper", LogFilter())
    assert (entry.verb, entry.undoes) == ("undo", changed.decision)


# Capacity -------------------------------------------------------------------------------------------


async def waiting(server: Server) -> int:
    """Return how many cases wait."""
    return sum(number for number, _ in (await server.services.queue.counts("paper")).values())


async def test_a_flood_of_five_thousand_never_fills_the_queue_above_its_limit_and_opens_again_after_decisions(
    server: Server, clock: Clock
) -> None:
    await server.set(("moderation", "post"), ("capacity", "approval 20; closed 50"))
    grant = await server.grant(iat=SIGNED)
    page = await server.subscribe(grant.story.code)
    # Reports fill the queue although comments are shown at once.
    for number in range(20):
        shown = await server.post(grant, server.actor(grant), f"shown {number}")
        await comments.report(server.services, grant, server.actor(grant), shown.id, None)
    assert await capacity.adjust_sites(server.services) == 1
    await eventually(
        lambda: page.of_type("story")[-1:] and page.of_type("story")[-1]["settings"]["mode"],
        "the page is told",
    )
    assert page.of_type("story")[-1]["settings"]["mode"] == "approval"
    most, accepted = 0, 0
    for batch in range(50):
        clock.now += 1
        sent = [
            comments.post(
                server.services, grant, server.actor(grant), new_comment(f"flood {batch} {number}")
            )
            for number in range(100)
        ]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        accepted += sum(not isinstance(answer, StoryClosedError) for answer in answers)
        most = max(most, await waiting(server))
        if batch % 10 == 0:
            await capacity.adjust_sites(server.services)
    assert (accepted, most) == (30, 50)
    shown_now = (await snapshot(server, grant.story.code))["settings"]
    assert (shown_now["mode"], shown_now["opens_at"], shown_now["edges"]) == ("closed", None, [])
    # People work the queue off: it opens in steps.
    seen = []
    while await waiting(server):
        clock.now += 1
        page_of_cases = await server.services.queue.page(
            "paper", CaseFilter(), server.services.now_ms(), None, 10
        )
        for case in page_of_cases:
            assert case.queue != "new"
            await decide.decide(
                server.services,
                OPERATOR,
                "approve",
                case.comment.id,
                queue=case.queue,
                case=case.id,
            )
        if await capacity.adjust_sites(server.services):
            seen.append((await snapshot(server, grant.story.code))["settings"]["mode"])
    assert seen == ["approval", "open"]
    await server.post(grant, server.actor(grant), "hello again")
    now = (await snapshot(server, grant.story.code))["settings"]
    await eventually(lambda: replayed(page).settings == now, "the page has what a new one gets")
    logged = await log.read_log(server.services, OPERATOR, "paper", LogFilter(verb="capacity"))
    steps = [(one.before["mode"], one.after["mode"]) for one in reversed(logged)]
    assert steps == [
        ("open", "approval"),
        ("approval", "closed"),
        ("closed", "approval"),
        ("approval", "open"),
    ]


async def test_what_waits_only_for_a_local_moderator_leaves_the_site_open(
    server: Server, clock: Clock
) -> None:
    await server.set(("moderation", "post"), ("capacity", "approval 2/60; closed 4"))
    story = server.publisher.story(iat=SIGNED)
    here, copy = await carry(server, story, "https://here.example")
    there, _ = await carry(server, story, "https://there.example")
    local = person("local", copies=frozenset({copy}))
    await local_copies.let_wait(server.services, local, "paper", copy, on=True)
    for number in range(6):
        written = await server.post(here, server.actor(here), f"waits {number}")
        assert written.state is CommentState.PENDING
    together = (server.post(here, server.actor(here), f"also {number}") for number in range(6))
    await asyncio.gather(*together)
    clock.now += 61 * MINUTE_S
    shown = await capacity.show_capacity(server.services, OPERATOR, "paper")
    assert (shown.load.cases, shown.load.oldest) == (0, None)
    assert await capacity.adjust_sites(server.services) == 0
    # What the site's own people look at still fills their queues.
    for number in range(4):
        seen = await server.post(there, server.actor(there), f"shown {number}")
        await comments.report(server.services, there, server.actor(there), seen.id, None)
    shown = await capacity.show_capacity(server.services, OPERATOR, "paper")
    assert (shown.load.cases, shown.load.oldest) == (4, server.services.now_ms())
    # Not yet closed by the rule: the last place is refused to what waits for the site.
    await server.set(("moderation", "pre"))
    strict, _ = await carry(server, story, "https://there.example")
    with pytest.raises(StoryClosedError):
        await server.post(strict, server.actor(strict), "one too many")
    await server.set(("moderation", "post"))
    lax, _ = await carry(server, story, "https://here.example")
    last = await server.post(lax, server.actor(lax), "for the local moderator")
    assert last.state is CommentState.PENDING


async def test_the_age_of_the_oldest_case_narrows_comments_and_ten_minutes_within_the_limit_widen_them(
    server: Server, clock: Clock
) -> None:
    await server.set(("moderation", "pre"), ("capacity", "approval 0/30"))
    grant = await server.grant(iat=SIGNED)
    await server.post(grant, server.actor(grant), "waits")
    assert await capacity.adjust_sites(server.services) == 0
    clock.now += 30 * MINUTE_S
    assert await capacity.adjust_sites(server.services) == 1
    shown = await capacity.show_capacity(server.services, OPERATOR, "paper")
    assert (shown.state.mode, shown.load.cases) == ("approval", 1)
    # More than half of a limit of an hour: ten minutes must have passed since comments narrowed.
    await server.set(("capacity", "approval 0/60"))
    clock.now += 9 * MINUTE_S
    assert await capacity.adjust_sites(server.services) == 0
    clock.now += MINUTE_S
    assert await capacity.adjust_sites(server.services) == 1
    assert (await snapshot(server, grant.story.code))["settings"]["mode"] == "open"


async def test_without_a_limit_narrowed_comments_open(server: Server, clock: Clock) -> None:
    await server.set(("moderation", "pre"), ("capacity", "approval 0/30"))
    grant = await server.grant(iat=SIGNED)
    await server.post(grant, server.actor(grant), "waits")
    clock.now += 30 * MINUTE_S
    assert await capacity.adjust_sites(server.services) == 1
    # Without limits nothing is left to wait for.
    await server.set(("capacity", ""))
    assert await capacity.adjust_sites(server.services) == 1
    assert await capacity.adjust_sites(server.services) == 0
    assert "mode" not in (await snapshot(server, grant.story.code))["settings"]


async def test_two_processes_narrow_a_site_once(
    tmp_path: Path, migrated_url: str, clock: Clock, server: Server
) -> None:
    await server.set(("moderation", "pre"), ("capacity", "approval 1"))
    grant = await server.grant(iat=SIGNED)
    await server.post(grant, server.actor(grant), "waits")
    async with open_server(
        tmp_path / "other", migrated_url, clock=clock, rate_limits="off"
    ) as other:
        changed = await asyncio.gather(
            capacity.adjust_sites(server.services), capacity.adjust_sites(other.services)
        )
        assert sum(changed) == 1
        logged = await log.read_log(other.services, OPERATOR, "paper", LogFilter(verb="capacity"))
        assert len(logged) == 1
