"""What people see of a raid in the dashboard, and what they can do about it, without JavaScript."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dashboard.desk import Desk, buttons, open_desk, texts, words
from tests.operations.operations_harness import new_comment
from widget_server.model.actors import shell
from widget_server.operations.moderation import raids
from widget_server.operations.readers import comment as comments, react as reactions

BAND = "A raid is on"


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def test_home_and_queue_say_that_a_raid_is_on_until_it_is_ended(desk: Desk) -> None:
    for place in ("home", "queue", "queue?queue=all&view=list"):
        assert BAND not in words(await desk.owner.get(place))
    page = await desk.owner.get("raids")
    assert texts(page, ".empty h2") == ["No raid is on"]
    page = await desk.owner.press(buttons(page, "Switch on")[0], hours="24")
    (row,) = page.css("tbody tr")
    assert "Switched on by hand" in row.text()
    (raid,) = await raids.raids_on(desk.services, "paper")
    assert raid.until - raid.began_at == 24 * 3_600_000
    for place in ("home", "queue", "queue?queue=all&view=list"):
        assert BAND in words(await desk.owner.get(place))
    page = await desk.owner.press(buttons(page, "End")[0])
    assert texts(page, ".empty h2") == ["No raid is on"]
    for place in ("home", "queue", "queue?queue=all&view=list"):
        assert BAND not in words(await desk.owner.get(place))
    log = await desk.owner.get("log")
    for word in ("Raid began", "Raid ended"):
        assert word in words(log)
    # The end is taken back in the log.
    await desk.owner.press(buttons(log, "Undo")[0])
    assert BAND in words(await desk.owner.get("home"))


async def test_the_switch_says_which_story_it_does_not_find(desk: Desk) -> None:
    answer = await desk.owner.post("raids", hours="6", story="unknown00000")
    assert answer.status_code == 422
    assert "There is no story with this code." in answer.text
    assert 'value="unknown00000"' in answer.text


async def test_a_case_of_a_flood_says_so_and_the_queue_is_filtered_by_it(desk: Desk) -> None:
    grant = await desk.carried()
    await raids.switch_on(desk.services, shell("test"), "paper", story=grant.story.code)
    form = new_comment("By a form in a raid", form=True)
    await comments.post(desk.services, grant, desk.reader(grant), form)
    for place in ("queue?queue=held&reason=flood", "queue?queue=held&reason=flood&view=list"):
        assert "By a form in a raid" in words(await desk.owner.get(place))
    assert "Held in a flood" in words(await desk.owner.get("queue?queue=held"))
    other = await desk.owner.get("queue?queue=held&reason=spam")
    assert "By a form in a raid" not in words(other)


async def test_numbers_and_the_list_say_which_reactions_of_a_raid_are_of_known_readers(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    known, stranger = desk.reader(grant), desk.reader(grant)
    await desk.server.post(grant, known, "Here before the raid")
    assert "A raid was on" not in words(await desk.owner.get("numbers"))
    await raids.switch_on(desk.services, shell("test"), "paper")
    for actor in (known, stranger):
        await reactions.react(desk.services, grant, actor, "happy", None)
    (one,) = await raids.list_raids(desk.services, shell("test"), "paper")
    assert (one.reactions, one.known_reactions) == (2, 1)
    assert "1 of readers who were here before" in words(await desk.owner.get("raids"))
    assert "A raid was on in this time." in words(await desk.owner.get("numbers"))
