"""A muted reader's reports are taken and answered, and count for nothing: on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.e2e.publisher import Story
from tests.operations.operations_harness import OPERATOR, new_comment, open_server
from tests.operations.test_bans import NOON, Raid
from widget_server.model.actors import Actor as By, shell
from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    StaleError,
)
from widget_server.model.priority import LEAST_URGENT
from widget_server.model.queue import ReportGiven
from widget_server.model.records import CommentState
from widget_server.model.report_mutes import ReportMute, report_id
from widget_server.operations.moderation import discussion, expire, report_mutes
from widget_server.operations.moderation.decide import decide
from widget_server.operations.owners import sites, take_back
from widget_server.operations.readers import comment as comments, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.store.queries.own_outcomes import read_reports
from widget_server.store.schema import cases, reports, site_decisions
from widget_server.store.schema_queue import case_counts
from widget_server.store.schema_readers import report_mutes as mutes_table

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Desk:
    """A site with a story, readers who report, and a clock that moves."""

    def __init__(self, raid: Raid, story: Story, grant: Grant) -> None:
        self.raid = raid
        self.services = raid.services
        self.story = story
        self.grant = grant

    def reader(self, address: str, claims: ReaderClaims | None = None) -> Actor:
        """Return a reader on the network of this address."""
        return identify.act(self.services, self.grant, claims, self.raid.network(address), None)

    async def write(self) -> str:
        """Return the id of a new comment."""
        made = await comments.post(
            self.services, self.grant, self.reader("192.0.2.9"), new_comment("words")
        )
        return made.id

    async def report(self, by: Actor, comment: str, category: str = "attack") -> None:
        """Report a comment, as a page does that reads the settings of now."""
        self.raid.clock.at += 1
        grant = await self.raid.server.grant(self.story)
        await comments.report(self.services, grant, by, comment, None, category)

    async def mute(self, by: Actor, comment: str, until: int | None = None) -> ReportMute:
        """Mute a reader at their report of a comment."""
        self.raid.clock.at += 1
        name = report_id(comment, by.reader_id)
        return await report_mutes.mute(self.services, OPERATOR, "paper", comment, name, until=until)

    async def priority(self, comment: str) -> int | None:
        """Return the priority of the open case about a reported comment, or None without one."""

        async def read(connection: Any) -> list[Any]:
            query = select(cases.c.priority).where(
                cases.c.comment == comment,
                cases.c.queue == "reported",
                cases.c.closed_at.is_(None),
            )
            return list((await connection.execute(query)).scalars())

        found = await self.raid.server.components.database.read(read)
        assert len(found) < 2
        await self.counts_are_right()
        return found[0] if found else None

    async def counts_are_right(self) -> None:
        """Check the counter of open cases against the cases."""

        async def read(connection: Any) -> tuple[int, int]:
            named = (cases.c.queue == "reported") & cases.c.closed_at.is_(None)
            rows = len((await connection.execute(select(cases.c.id).where(named))).all())
            number = select(case_counts.c.number).where(case_counts.c.queue == "reported")
            return rows, (await connection.execute(number)).scalar_one_or_none() or 0

        rows, counted = await self.raid.server.components.database.read(read)
        assert rows == counted

    async def given(self, comment: str) -> list[ReportGiven]:
        """Return the reports of a comment as its card shows them."""
        page = await discussion.comment_page(self.services, OPERATOR, "paper", comment)
        return page.context.reports

    async def outcome(self, by: Actor, comment: str) -> str:
        """Return what the reader is told about their report."""

        async def read(connection: Any) -> Any:
            return await read_reports(connection, self.grant.story.id, [by.reader_id])

        told = await self.raid.server.components.database.read(read)
        return next(str(one.state) for _, one in told if one.comment == comment)


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a desk on each engine."""
    async with open_server(tmp_path, migrated_url) as server:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        raid = Raid(server, NOON)
        story = server.publisher.story()
        yield Desk(raid, story, await server.grant(story))


async def test_what_a_muted_reader_reported_before_loses_its_weight_and_gets_it_back(
    desk: Desk,
) -> None:
    noisy, calm = desk.reader("198.51.100.1"), desk.reader("198.51.100.2")
    both, alone = await desk.write(), await desk.write()
    await desk.report(calm, both, "spam")
    before = await desk.priority(both)
    await desk.report(noisy, both, "threat")
    await desk.report(noisy, alone, "threat")
    urgent, only = await desk.priority(both), await desk.priority(alone)
    assert before is not None
    assert urgent is not None
    assert only is not None
    assert urgent < before
    made = await desk.mute(noisy, both)
    # As if the reader had not reported; what only they reported waits at the end, and is not lost.
    assert await desk.priority(both) == before
    assert await desk.priority(alone) == LEAST_URGENT
    assert [one.muted for one in await desk.given(both)] == [False, True]
    await report_mutes.lift(desk.services, OPERATOR, "paper", made.id)
    assert (await desk.priority(both), await desk.priority(alone)) == (urgent, only)
    assert [one.muted for one in await desk.given(both)] == [False, False]


async def test_a_muted_reader_opens_no_case_and_raises_no_priority_and_is_answered(
    desk: Desk,
) -> None:
    noisy, calm = desk.reader("198.51.100.1"), desk.reader("198.51.100.2")
    first, quiet, later = await desk.write(), await desk.write(), await desk.write()
    await desk.report(noisy, first)
    await desk.mute(noisy, first)
    await desk.report(noisy, quiet, "threat")
    assert await desk.priority(quiet) is None
    assert [one.muted for one in await desk.given(quiet)] == [True]
    assert await desk.outcome(noisy, quiet) == "waiting"
    await desk.report(calm, later, "spam")
    before = await desk.priority(later)
    await desk.report(noisy, later, "threat")
    assert await desk.priority(later) == before
    # Another reader's report weighs as much as it does without the muted one.
    await desk.report(calm, quiet, "spam")
    assert await desk.priority(quiet) == before
    await decide(desk.services, OPERATOR, "remove", quiet)
    assert await desk.outcome(noisy, quiet) == "removed"
    await desk.report(noisy, last := await desk.write())
    await decide(desk.services, OPERATOR, "remove", last)
    assert await desk.outcome(noisy, last) == "removed"


async def test_lifting_opens_the_cases_that_the_reports_did_not_open(desk: Desk) -> None:
    noisy = desk.reader("198.51.100.1")
    first, missed = await desk.write(), await desk.write()
    await desk.report(noisy, first, "hate")
    usual = await desk.priority(first)
    made = await desk.mute(noisy, first)
    await desk.report(noisy, missed, "hate")
    assert await desk.priority(missed) is None
    await report_mutes.lift(desk.services, OPERATOR, "paper", made.id)
    assert await desk.priority(missed) == await desk.priority(first) == usual
    with pytest.raises(NotFoundError):
        await report_mutes.lift(desk.services, OPERATOR, "paper", made.id)


async def test_a_mute_and_its_lifting_are_each_undone(desk: Desk) -> None:
    noisy = desk.reader("198.51.100.1")
    comment, other = await desk.write(), await desk.write()
    await desk.report(noisy, comment)
    usual = await desk.priority(comment)
    made = await desk.mute(noisy, comment)
    undo = take_back.take_back
    await undo(desk.services, OPERATOR, "paper", made.id)
    assert await desk.priority(comment) == usual
    with pytest.raises(StaleError):
        await undo(desk.services, OPERATOR, "paper", made.id)
    assert not await report_mutes.list_mutes(desk.services, OPERATOR, "paper")
    again = await desk.mute(noisy, comment)
    await report_mutes.lift(desk.services, OPERATOR, "paper", again.id)
    entries = await desk.services.decisions.of_site("paper", again.id)
    assert entries is not None
    assert entries.actor == OPERATOR.id
    assert entries.verb == "mute"
    lifted = await _last_entry(desk)
    # The older entry cannot be undone while a later one stands.
    with pytest.raises(StaleError):
        await undo(desk.services, OPERATOR, "paper", again.id)
    await undo(desk.services, OPERATOR, "paper", lifted)
    assert await desk.priority(comment) == LEAST_URGENT
    await desk.report(noisy, other)
    assert await desk.priority(other) is None
    assert [one.mute.until for one in await _listed(desk)] == [None]


async def test_a_mute_that_has_ended_is_not_undone_once_the_reader_is_muted_anew(
    desk: Desk,
) -> None:
    noisy, comment = desk.reader("198.51.100.1"), await desk.write()
    await desk.report(noisy, comment)
    first = await desk.mute(noisy, comment, desk.services.now_ms() + HOUR_MS)
    desk.raid.clock.at += 3_600
    await desk.mute(noisy, comment)
    with pytest.raises(StaleError):
        await take_back.take_back(desk.services, OPERATOR, "paper", first.id)
    # The reader is muted, so nothing that they reported counts.
    assert await desk.priority(comment) == LEAST_URGENT
    assert [one.muted for one in await desk.given(comment)] == [True]


async def test_a_lifting_is_undone_once_and_what_came_after_the_end_of_the_mute_counts(
    desk: Desk,
) -> None:
    noisy = desk.reader("198.51.100.1")
    comment, later = await desk.write(), await desk.write()
    await desk.report(noisy, comment)
    made = await desk.mute(noisy, comment, desk.services.now_ms() + HOUR_MS)
    await report_mutes.lift(desk.services, OPERATOR, "paper", made.id)
    lifted = await _last_entry(desk)
    desk.raid.clock.at += 3_600
    await desk.report(noisy, later)
    usual = await desk.priority(later)
    await take_back.take_back(desk.services, OPERATOR, "paper", lifted)
    # As if it had not been lifted: it would have ended by itself.
    assert (await desk.priority(comment), await desk.priority(later)) == (LEAST_URGENT, usual)
    with pytest.raises(StaleError):
        await take_back.take_back(desk.services, OPERATOR, "paper", lifted)


async def _last_entry(desk: Desk) -> str:
    """Return the id of the last entry of the site's log."""

    async def read(connection: Any) -> str:
        last = select(site_decisions.c.id).order_by(site_decisions.c.number.desc()).limit(1)
        return str((await connection.execute(last)).scalar_one())

    return str(await desk.raid.server.components.database.read(read))


async def _listed(desk: Desk) -> Any:
    return await report_mutes.list_mutes(desk.services, OPERATOR, "paper")


async def test_after_its_end_new_reports_count_again(desk: Desk) -> None:
    noisy = desk.reader("198.51.100.1")
    comment, during, later = await desk.write(), await desk.write(), await desk.write()
    await desk.report(noisy, comment)
    usual = await desk.priority(comment)
    await desk.mute(noisy, comment, desk.services.now_ms() + HOUR_MS)
    await desk.report(noisy, during)
    assert await desk.priority(during) is None
    desk.raid.clock.at += 3_600
    await desk.report(noisy, later)
    assert await desk.priority(later) == usual
    assert await desk.priority(comment) == LEAST_URGENT
    assert not await _listed(desk)
    # A reader whose time is over can be muted anew.
    await desk.mute(noisy, later)
    assert await desk.priority(later) == LEAST_URGENT


async def test_the_mute_outlives_forgetting_and_its_hash_goes_two_days_after_its_end(
    desk: Desk,
) -> None:
    noisy = desk.reader("198.51.100.1")
    comment, other = await desk.write(), await desk.write()
    await desk.report(noisy, comment)
    made = await desk.mute(noisy, comment)
    await identify.erase(desk.services, desk.grant, noisy)

    async def rows(connection: Any) -> tuple[int, list[Any]]:
        left = len((await connection.execute(select(reports.c.reader))).all())
        return left, list((await connection.execute(select(mutes_table))).all())

    read = desk.raid.server.components.database.read
    left, stored = await read(rows)
    assert left == 0
    assert noisy.reader_id not in str(stored)
    assert len(stored) == 1
    await desk.report(noisy, other)
    assert await desk.priority(other) is None
    # Who they were is not known any more, so undoing the lifting is about their next reports.
    await report_mutes.lift(desk.services, OPERATOR, "paper", made.id)
    assert await desk.priority(other) is not None
    desk.raid.clock.at += 2 * DAY_MS / 1000
    await expire.erase_expired_texts(desk.services)
    assert len((await read(rows))[1]) == 1
    desk.raid.clock.at += 1
    await expire.erase_expired_texts(desk.services)
    assert (await read(rows))[1] == []


async def test_of_three_networks_that_hide_one_is_not_a_muted_readers(desk: Desk) -> None:
    await desk.raid.server.set(("reports_hide", "3"))
    readers = [desk.reader(f"198.51.100.{number}") for number in range(1, 6)]
    first, after, before = await desk.write(), await desk.write(), await desk.write()

    async def is_hidden(comment: str) -> bool:
        found = await desk.services.decisions.comment(comment)
        return found is not None and found.state is CommentState.REMOVED

    # Reported before the mute: it counted, and does so no more.
    for reader in readers[:2]:
        await desk.report(reader, before)
    await desk.report(readers[0], first)
    await desk.mute(readers[0], first)
    await desk.report(readers[2], before)
    assert not await is_hidden(before)
    await desk.report(readers[3], before)
    assert await is_hidden(before)
    # Reported after it.
    for reader in readers[:3]:
        await desk.report(reader, after)
    assert not await is_hidden(after)
    await desk.report(readers[3], after)
    assert await is_hidden(after)


async def test_who_may_not_is_refused_and_what_is_wrong_is_said(desk: Desk) -> None:
    noisy, own = (
        desk.reader("198.51.100.1"),
        desk.reader("198.51.100.2", ReaderClaims("paper", "f" * 32, author=True)),
    )
    comment = await desk.write()
    await desk.report(noisy, comment)
    name = report_id(comment, noisy.reader_id)
    services = desk.services
    mute = report_mutes.mute
    for role in ("auditor", "local"):
        other = By("account", "a" * 16, "dashboard", "paper", role)
        with pytest.raises(NotPermittedError):
            await mute(services, other, "paper", comment, name, until=None)
        with pytest.raises(NotPermittedError):
            await report_mutes.lift(services, other, "paper", "x")
    with pytest.raises(MalformedError):
        await mute(services, OPERATOR, "paper", comment, name, until=1)
    with pytest.raises(NotFoundError):
        await mute(services, OPERATOR, "paper", comment, "0" * 16, until=None)
    await sites.create_site(services, shell("test"), "other", "Another")
    with pytest.raises(NotFoundError):
        await mute(services, OPERATOR, "other", comment, name, until=None)
    # A person of the site's own who reports is never muted.
    grant = await desk.raid.server.grant(desk.story)
    await comments.post(services, grant, own, new_comment("an answer of the author"))
    await desk.report(own, comment)
    with pytest.raises(NotPermittedError):
        await desk.mute(own, comment)
    made = await desk.mute(noisy, comment)
    with pytest.raises(StaleError):
        await desk.mute(noisy, comment)
    assert [one.mute.id for one in await _listed(desk)] == [made.id]
    assert (await _listed(desk))[0].by == OPERATOR.id
    await report_mutes.lift_of_report(services, OPERATOR, "paper", comment, name)
    assert not await _listed(desk)
