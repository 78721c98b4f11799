"""Reports of several networks hide a comment until a person has looked, only where a site wants it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.publisher import Story
from tests.operations.operations_harness import OPERATOR, new_comment, open_server
from tests.operations.test_bans import DAY, NOON, Raid
from widget_server.model.actors import shell
from widget_server.model.decisions import Decision
from widget_server.model.errors import NotPermittedError
from widget_server.model.records import CommentState
from widget_server.model.settings import SiteSettings
from widget_server.operations.moderation.decide import decide, undo
from widget_server.operations.owners import sites
from widget_server.operations.readers import comment as comments, identify
from widget_server.store.queries.decisions import LogFilter
from widget_server.store.schema_readers import network_traces

THREE = ("198.51.100.1", "198.51.100.2", "198.51.100.3")


class Hall:
    """A story with one comment, and readers on many networks who report it."""

    def __init__(self, raid: Raid, story: Story, writer: identify.Actor, comment: str) -> None:
        self.raid = raid
        self.story = story
        self.writer = writer
        self.comment = comment

    async def report(self, *addresses: str) -> None:
        """Report the comment, from each of these addresses as a new reader."""
        services = self.raid.services
        # As a page does that reads the settings of now.
        grant = await self.raid.server.grant(self.story)
        for address in addresses:
            actor = identify.act(services, grant, None, self.raid.network(address), None)
            await comments.report(services, grant, actor, self.comment, None, "hate")

    async def is_hidden(self) -> bool:
        """Return whether the comment is a tombstone that waits for a person."""
        found = await self.raid.services.decisions.comment(self.comment)
        waits = await self.raid.services.queue.counts("paper")
        hidden = found is not None and found.state is CommentState.REMOVED
        assert hidden == ("held" in waits)
        return hidden

    async def last_entry(self) -> Decision:
        """Return the last entry of the log about the comment."""
        chosen = LogFilter(comment=self.comment)
        return (await self.raid.services.decisions.log("paper", chosen, None, 1))[0]

    async def decide(self, verb: Any, **more: Any) -> None:
        """Decide about the comment as a person."""
        await decide(self.raid.services, OPERATOR, verb, self.comment, **more)


@pytest.fixture
async def hall(tmp_path: Path, migrated_url: str) -> AsyncIterator[Hall]:
    """Return a comment on a site whose settings are as they are at first, on each engine."""
    async with open_server(tmp_path, migrated_url) as server:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        raid = Raid(server, NOON)
        story = server.publisher.story()
        grant = await server.grant(story)
        actor = identify.act(raid.services, grant, None, raid.network("192.0.2.1"), None)
        made = await comments.post(raid.services, grant, actor, new_comment("words"))
        yield Hall(raid, story, actor, made.id)


async def test_by_default_no_number_of_reports_hides_and_no_network_is_stored(hall: Hall) -> None:
    assert SiteSettings().reports_hide == 0
    await hall.report(*(f"198.51.100.{number}" for number in range(1, 9)))
    assert not await hall.is_hidden()

    async def traces(connection: Any) -> int:
        return len((await connection.execute(network_traces.select())).all())

    assert await hall.raid.server.components.database.read(traces) == 0


async def test_three_networks_of_one_day_hide_it_until_a_person_has_looked(hall: Hall) -> None:
    await hall.raid.server.set(("reports_hide", "3"))
    # Many readers of one network are one, and so are the addresses of one household (IPv6).
    await hall.report(THREE[0], THREE[0], THREE[0], "2001:db8::1", "2001:db8::2")
    assert not await hall.is_hidden()
    await hall.report(THREE[1])
    assert await hall.is_hidden()
    await hall.decide("approve")
    assert not await hall.is_hidden()
    await hall.report(*THREE, "203.0.113.1", "203.0.113.2")
    assert not await hall.is_hidden()


async def test_what_reports_hid_and_a_person_brought_back_by_undo_is_not_hidden_by_further_reports(
    hall: Hall,
) -> None:
    await hall.raid.server.set(("reports_hide", "3"))
    services = hall.raid.services
    await hall.report(*THREE)
    assert await hall.is_hidden()
    hidden = await hall.last_entry()
    hall.raid.clock.at += 1
    await undo(services, OPERATOR, hidden.id)
    assert not await hall.is_hidden()
    # The reports wait in their case as before: an undo settles none of them, and it cannot be undone.
    assert (await services.queue.counts("paper"))["reported"][0] == 1
    undone = await hall.last_entry()
    assert (undone.verb, undone.undoes) == ("undo", hidden.id)
    with pytest.raises(NotPermittedError):
        await undo(services, OPERATOR, undone.id)
    await hall.report(*THREE, "203.0.113.1")
    assert not await hall.is_hidden()
    # The words that its writer puts in their place have been seen by no person.
    grant, writer = await hall.raid.server.grant(hall.story), hall.writer
    await comments.edit(services, grant, writer, hall.comment, "other words")
    await hall.report("203.0.113.2")
    assert await hall.is_hidden()


async def test_one_reader_on_three_networks_counts_once(hall: Hall) -> None:
    await hall.raid.server.set(("reports_hide", "3"))
    services = hall.raid.services
    grant = await hall.raid.server.grant(hall.story)
    first = identify.act(services, grant, None, hall.raid.network(THREE[0]), None)
    for address in THREE:
        actor = identify.act(services, grant, first.claims, hall.raid.network(address), None)
        await comments.report(services, grant, actor, hall.comment, None, "hate")
    assert not await hall.is_hidden()
    await hall.report(THREE[1])
    assert not await hall.is_hidden()
    await hall.report(THREE[2])
    assert await hall.is_hidden()


async def test_one_network_on_three_days_is_one_network(hall: Hall) -> None:
    await hall.raid.server.set(("reports_hide", "3"))
    for _ in range(3):
        await hall.report(THREE[0])
        hall.raid.clock.at += DAY
    assert not await hall.is_hidden()


async def test_a_network_that_stays_connected_past_midnight_counts_once(hall: Hall) -> None:
    await hall.raid.server.set(("reports_hide", "3"))
    services = hall.raid.services
    connected = hall.raid.network(THREE[0])
    hall.raid.clock.at += DAY
    await hall.report(THREE[0], THREE[1])
    grant = await hall.raid.server.grant(hall.story)
    actor = identify.act(services, grant, None, connected, None)
    await comments.report(services, grant, actor, hall.comment, None, "hate")
    assert not await hall.is_hidden()
    await hall.report(THREE[2])
    assert await hall.is_hidden()
