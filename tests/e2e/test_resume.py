"""A reader who comes back gets exactly what changed, and finds what was theirs."""

from tests.e2e.client import Client
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, agree
from tests.loopback import http_client
from tests.waiting import eventually


async def test_resuming_on_the_other_server_brings_exactly_what_changed(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        first = await there.comment(code, "One.")
        second = await there.comment(code, "Two.")
        await agree(code, here, there)
        await here.socket.close()
        await there.action("edit", code, comment=first["id"], body="One, edited.")
        await there.action("delete", code, comment=second["id"])
        third = await there.comment(code, "Three.")
        await there.react(code, "happy", comment=third["id"])
        await there.react(code, "sad")
        async with Client(pair.other.url, after=here) as back:
            since = back.state(code).position()
            snapshot = await back.subscribe(story.token, since=since)
            assert snapshot["resumed"] is True
            assert [c["id"] for c in snapshot["changes"]] == [
                first["id"],
                second["id"],
                third["id"],
            ]
            await agree(code, back, there)
            await there.comment(code, "Four.")
            await agree(code, back, there)


async def test_resuming_without_a_change_brings_none_but_the_latest_tallies(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        comment = await there.comment(code, "One.")
        await agree(code, here, there)
        await here.socket.close()
        await there.react(code, "happy", comment=comment["id"])
        async with Client(pair.one.url, after=here) as back:
            snapshot = await back.subscribe(story.token, since=back.state(code).position())
            assert (snapshot["resumed"], snapshot["changes"]) == (True, [])
            await agree(code, back, there)


async def test_another_epoch_or_a_position_of_the_future_brings_a_full_snapshot(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        await here.comment(story.code, "One.")
        await agree(story.code, here, there)
        position = here.state(story.code).position()
        for since in ({**position, "epoch": "of another time"}, {**position, "seq": 99}):
            async with Client(pair.other.url) as back:
                snapshot = await back.subscribe(story.token, since=since)
                assert snapshot["resumed"] is False
                assert len(snapshot["comments"]["threads"]) == 1
                await agree(story.code, back)


async def test_after_more_than_five_hundred_changes_a_full_snapshot_is_sent(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        await here.socket.close()
        since = here.state(code).position()
        await pair.posts(story, 500)
        for server in pair.servers:
            async with Client(server.url, after=here) as back:
                snapshot = await back.subscribe(story.token, since=since)
                assert snapshot["resumed"] is True
                assert len(snapshot["changes"]) == 500
                await agree(code, back, there)
        await pair.posts(story, 1)
        for server in pair.servers:
            async with Client(server.url, after=here) as back:
                snapshot = await back.subscribe(story.token, since=since)
                assert snapshot["resumed"] is False
                assert snapshot["comments"]["next"] is not None
                await agree(code, back, there)


async def test_polling_with_since_tells_the_same_as_a_socket(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, _):
        polling = await here.fresh(code)
        first = await here.comment(code, "One.")
        await here.action("edit", code, comment=first["id"], body="One, edited.")
        await here.react(code, "sad")
        await here.react(code, "happy", comment=first["id"])
        async with http_client(base_url=pair.other.url) as http:

            async def caught_up() -> bool:
                at = polling.position()
                answer = await http.get(
                    f"/v1/stories/{code}", params={"since": f"{at['epoch']}:{at['seq']}"}
                )
                snapshot = answer.json()
                assert snapshot["resumed"] is True
                polling.apply(snapshot)
                return not polling.differences(await here.fresh(code))

            await eventually(caught_up, "polling brings what the snapshot shows")
            await here.react(code, "sad", comment=first["id"])
            await eventually(caught_up, "also what was counted without a change of a comment")


async def test_own_reaction_and_comment_are_known_again_on_either_server(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        own = await here.comment(code, "Mine, *typed so*.")
        other = await there.comment(code, "Not mine.")
        await here.react(code, "fired_up")
        await here.react(code, "happy", comment=other["id"])
        for server in pair.servers:
            for since in (None, here.state(code).position()):
                async with Client(server.url, after=here) as back:
                    mine = (await back.subscribe(story.token, since=since))["mine"]
                    assert mine["reaction"] == "fired_up"
                    assert mine["reactions"] == {other["id"]: "happy"}
                    assert [c["id"] for c in mine["comments"]] == [own["id"]]
                    assert mine["comments"][0]["body"] == "Mine, *typed so*."
        async with Client(pair.one.url) as stranger:
            assert (await stranger.subscribe(story.token))["mine"]["comments"] == []


async def test_an_unsubscribed_story_is_silent_and_a_hidden_page_gets_comments_only(
    pair: Pair, publisher: Publisher
) -> None:
    story, silent = publisher.story(), publisher.story()
    async with pair.readers(story) as (here, there):
        await here.subscribe(silent.token)
        await there.subscribe(silent.token)
        await here.action("unsubscribe", silent.code)
        await here.ask({"type": "visible", "value": False})
        before = len(here.frames)
        await there.comment(silent.code, "No one hears this.")
        await there.react(story.code, "happy")
        comment = await there.comment(story.code, "This one is heard.")
        await there.react(story.code, "sad", comment=comment["id"])
        await here.saw("comment", story=story.code)
        await there.agrees(story.code)
        await there.comment(story.code, "And this.")
        await eventually(lambda: here.state(story.code).count == 2, "the second came")
        assert {frame["type"] for frame in here.frames[before:]} == {"comment"}
        assert {frame["story"] for frame in here.frames[before:]} == {story.code}
        await here.ask({"type": "visible", "value": True})
        await agree(story.code, here, there)
        assert here.state(story.code).tally["counts"]["happy"] == 1
