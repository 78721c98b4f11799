"""Reports count again or no more while the comment is hidden: bringing it back finds their case as it should be."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.operations.operations_harness import OPERATOR, open_server
from tests.operations.test_bans import NOON, Raid
from tests.operations.test_report_mutes import DAY_MS, HOUR_MS, Desk
from widget_server.auth.sealing import Sealer
from widget_server.model.actors import shell
from widget_server.model.errors import StaleError
from widget_server.model.priority import LEAST_URGENT
from widget_server.model.records import CommentState
from widget_server.operations.moderation import match, report_mutes
from widget_server.operations.moderation.decide import decide, undo
from widget_server.operations.owners import sites, take_back
from widget_server.operations.readers import identify
from widget_server.store.schema import cases
from widget_server.store.schema_readers import network_traces


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a desk on each engine."""
    async with open_server(tmp_path, migrated_url) as server:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        story = server.publisher.story()
        yield Desk(Raid(server, NOON), story, await server.grant(story))


async def reasons(desk: Desk, comment: str) -> list[str] | None:
    """Return the reasons of the open case about a reported comment, or None without one."""

    async def read(connection: Any) -> Any:
        own = (cases.c.comment == comment) & (cases.c.queue == "reported")
        query = select(cases.c.reasons).where(own, cases.c.closed_at.is_(None))
        return (await connection.execute(query)).scalar_one_or_none()

    found = await desk.raid.server.components.database.read(read)
    await desk.counts_are_right()
    return None if found is None else list(json.loads(found))


async def act(desk: Desk, verb: Any, comment: str) -> str:
    """Decide about a comment, a moment later. Return the id of the decision."""
    desk.raid.clock.at += 1
    done = await decide(desk.services, OPERATOR, verb, comment)
    assert done.decision is not None
    return done.decision.id


async def reported_by_a_muted_reader(desk: Desk) -> tuple[str, str]:
    """Return a comment that a muted reader reported for hate, which opened no case, and the id of the mute."""
    noisy = desk.reader("198.51.100.1")
    first, comment = await desk.write(), await desk.write()
    await desk.report(noisy, first)
    made = await desk.mute(noisy, first)
    await desk.report(noisy, comment, "hate")
    assert await reasons(desk, comment) is None
    return comment, made.id


@pytest.mark.parametrize("way", ["undo", "restore", "approve"])
async def test_a_held_comment_has_at_once_the_case_of_reports_that_count_again(
    desk: Desk, way: str
) -> None:
    comment, mute = await reported_by_a_muted_reader(desk)
    hold = await act(desk, "hold", comment)
    await report_mutes.lift(desk.services, OPERATOR, "paper", mute)
    assert await reasons(desk, comment) == ["hate"]
    if way == "undo":
        await undo(desk.services, OPERATOR, hold)
    else:
        await act(desk, way, comment)
    # Approving the comment settles its reports. Bringing it back does not.
    settled = None if way == "approve" else ["hate"]
    assert await reasons(desk, comment) == settled
    await match.match_waiting_cases(desk.services)
    assert await reasons(desk, comment) == settled


@pytest.mark.parametrize("way", ["undo", "restore"])
async def test_a_removal_has_settled_reports_that_count_again_unless_it_is_undone(
    desk: Desk, way: str
) -> None:
    comment, mute = await reported_by_a_muted_reader(desk)
    removal = await act(desk, "remove", comment)
    await report_mutes.lift(desk.services, OPERATOR, "paper", mute)
    assert await reasons(desk, comment) is None
    if way == "undo":
        await undo(desk.services, OPERATOR, removal)
    else:
        await act(desk, way, comment)
    settled = ["hate"] if way == "undo" else None
    assert await reasons(desk, comment) == settled
    await match.match_waiting_cases(desk.services)
    assert await reasons(desk, comment) == settled


async def test_a_case_that_an_undo_opens_again_is_weighed_by_the_reports_that_count_now(
    desk: Desk,
) -> None:
    noisy, calm = desk.reader("198.51.100.1"), desk.reader("198.51.100.2")
    comment = await desk.write()
    await desk.report(noisy, comment, "threat")
    await desk.report(calm, comment, "spam")
    removal = await act(desk, "remove", comment)
    await desk.mute(noisy, comment)
    await undo(desk.services, OPERATOR, removal)
    assert await reasons(desk, comment) == ["spam"]
    removal = await act(desk, "remove", comment)
    await desk.mute(calm, comment)
    await undo(desk.services, OPERATOR, removal)
    assert await reasons(desk, comment) == []
    assert await desk.priority(comment) == LEAST_URGENT


async def test_a_case_has_the_reasons_of_reports_that_count_again_from_before_it_was_opened(
    desk: Desk,
) -> None:
    comment, mute = await reported_by_a_muted_reader(desk)
    await desk.report(desk.reader("198.51.100.2"), comment, "spam")
    await report_mutes.lift(desk.services, OPERATOR, "paper", mute)
    assert await reasons(desk, comment) == ["hate", "spam"]


async def test_a_muted_readers_network_does_not_count_again_after_they_erased_their_reports(
    desk: Desk,
) -> None:
    await desk.raid.server.set(("reports_hide", "3"))
    noisy = desk.reader("198.51.100.1")
    comment = await desk.write()
    await desk.report(noisy, comment)
    await desk.report(desk.reader("198.51.100.2"), comment)
    made = await desk.mute(noisy, comment)
    await identify.erase(desk.services, desk.grant, noisy)
    await desk.report(desk.reader("198.51.100.3"), comment)

    async def is_hidden() -> bool:
        found = await desk.services.decisions.comment(comment)
        return found is not None and found.state is CommentState.REMOVED

    assert not await is_hidden()

    async def read(connection: Any) -> list[Any]:
        erased = network_traces.select().where(network_traces.c.kind == "erased")
        return list((await connection.execute(erased)).mappings())

    kept = await desk.raid.server.components.database.read(read)
    assert [(one["comment"], one["day"]) for one in kept] == [
        (comment, desk.services.now_ms() // DAY_MS)
    ]
    assert noisy.reader_id not in str(kept)
    assert made.id not in str(kept)
    await desk.report(desk.reader("198.51.100.4"), comment)
    assert await is_hidden()


async def test_after_a_change_of_the_secret_a_mute_is_not_undone_below_a_newer_one(
    desk: Desk,
) -> None:
    people = desk.services.people
    noisy, comment = desk.reader("198.51.100.1"), await desk.write()
    people.sealer = Sealer(["an earlier secret"])
    await desk.report(noisy, comment)
    first = await desk.mute(noisy, comment, desk.services.now_ms() + HOUR_MS)
    desk.raid.clock.at += 3_600
    people.sealer = Sealer(["a new secret", "an earlier secret"])
    second = await desk.mute(noisy, comment)
    with pytest.raises(StaleError):
        await take_back.take_back(desk.services, OPERATOR, "paper", first.id)
    assert await desk.priority(comment) == LEAST_URGENT
    # Once the newer one is undone, it was no change.
    await take_back.take_back(desk.services, OPERATOR, "paper", second.id)
    await take_back.take_back(desk.services, OPERATOR, "paper", first.id)
    assert await desk.priority(comment) != LEAST_URGENT
