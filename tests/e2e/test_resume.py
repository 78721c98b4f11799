"""A client that resumes gets exactly the changes that it missed, and the reader's own things."""

from tests.e2e.client import Client
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.loopback import http_client
from tests.waiting import eventually


async def test_resuming_on_the_other_server_returns_exactly_the_missed_changes(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        first = await there.comment(code, "One.")
        second = await there.comment(code, "Two.")
        await all_in_sync(code, here, there)
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
            await all_in_sync(code, back, there)
            await there.comment(code, "Four.")
            await all_in_sync(code, back, there)


async def test_resuming_without_changes_returns_only_the_latest_tallies(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        comment = await there.comment(code, "One.")
        await all_in_sync(code, here, there)
        await here.socket.close()
        await there.react(code, "happy", comment=comment["id"])
        async with Client(pair.one.url, after=here) as back:
            snapshot = await back.subscribe(story.token, since=back.state(code).position())
            assert (snapshot["resumed"], snapshot["changes"]) == (True, [])
            await all_in_sync(code, back, there)


async def test_another_epoch_or_a_future_position_returns_a_full_snapshot(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        await here.comment(story.code, "One.")
        await all_in_sync(story.code, here, there)
        position = here.state(story.code).position()
        for since in ({**position, "epoch": "of another time"}, {**position, "seq": 99}):
            async with Client(pair.other.url) as back:
                snapshot = await back.subscribe(story.token, since=since)
                assert snapshot["resumed"] is False
                assert len(snapshot["comments"]["threads"]) == 1
                await all_in_sync(story.code, back)


async def test_after_more_than_five_hundred_changes_a_full_snapshot_is_sent(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        await here.socket.close()
        since = here.state(code).position()
        await pair.post_comments(story, 500)
        for server in pair.servers:
            async with Client(server.url, after=here) as back:
                snapshot = await back.subscribe(story.token, since=since)
                assert snapshot["resumed"] is True
                assert len(snapshot["changes"]) == 500
                await all_in_sync(code, back, there)
        await pair.post_comments(story, 1)
        for server in pair.servers:
            async with Client(server.url, after=here) as back:
                snapshot = await back.subscribe(story.token, since=since)
                assert snapshot["resumed"] is False
                assert snapshot["comments"]["next"] is not None
                await all_in_sync(code, back, there)


async def test_polling_with_since_returns_the_same_as_a_socket(
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

            await eventually(caught_up, "polling returns what the snapshot shows")
            await here.react(code, "sad", comment=first["id"])
            await eventually(caught_up, "polling also returns tallies without a comment change")


async def test_own_reactions_and_comments_are_returned_by_either_server(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        own = await here.comment(code, "Mine, *as typed*.")
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
                    assert mine["comments"][0]["body"] == "Mine, *as typed*."
        async with Client(pair.one.url) as stranger:
            assert (await stranger.subscribe(story.token))["mine"]["comments"] == []


async def test_an_unsubscribed_story_sends_nothing_and_a_hidden_page_gets_comments_only(
    pair: Pair, publisher: Publisher
) -> None:
    story, silent = publisher.story(), publisher.story()
    async with pair.readers(story) as (here, there):
        await here.subscribe(silent.token)
        await there.subscribe(silent.token)
        await here.action("unsubscribe", silent.code)
        await here.request({"type": "visible", "value": False})
        before = len(here.messages)
        await there.comment(silent.code, "Not delivered.")
        await there.react(story.code, "happy")
        comment = await there.comment(story.code, "Delivered.")
        await there.react(story.code, "sad", comment=comment["id"])
        await here.wait_for("comment", story=story.code)
        await there.wait_in_sync(story.code)
        await there.comment(story.code, "And this.")
        await eventually(
            lambda: here.state(story.code).count == 2, "the second comment has arrived"
        )
        assert {message["type"] for message in here.messages[before:]} == {"comment"}
        assert {message["story"] for message in here.messages[before:]} == {story.code}
        await here.request({"type": "visible", "value": True})
        await all_in_sync(story.code, here, there)
        assert here.state(story.code).tally["counts"]["happy"] == 1
