"""A reader of Server-Sent Events sees what a reader of the socket sees, and comes back as exactly."""

import asyncio
from collections.abc import Callable

from tests.e2e.client import Client
from tests.e2e.event_stream import EventStream
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import SECRET, Pair
from tests.loopback import http_client
from tests.waiting import eventually


async def test_a_stream_is_sent_every_change_of_both_servers(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there), EventStream(pair.one.url, code) as stream:
        snapshot = await stream.first()
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["access-control-allow-origin"] == "*"
        assert "content-encoding" not in stream.response.headers
        assert not {"mine", "can", "copy", "reader", "ref"} & set(snapshot)
        first = await here.comment(code, 'One\nline, “quoted” "position":{"epoch":"x","seq":9}')
        second = await there.comment(code, "Two", parent=first["id"])
        await there.react(code, "happy")
        await here.react(code, "sad", comment=second["id"])
        await here.action("edit", code, comment=first["id"], body="One, edited")
        await there.action("delete", code, comment=second["id"])
        await stream.wait_in_sync(code, here)
        position = stream.replays[code].position()
        assert stream.last_id == f"{code}:{position['epoch']}:{position['seq']}"


async def test_a_browser_that_connects_again_gets_exactly_what_it_missed(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        await here.comment(code, "One")
        async with EventStream(pair.one.url, code) as stream:
            await stream.wait_in_sync(code, here)
        missed = await there.comment(code, "Two")
        await there.react(code, "happy", comment=missed["id"])
        # On the other server, by the id of the last event.
        async with EventStream(pair.other.url, code, after=stream) as back:
            snapshot = await back.first()
            assert snapshot["resumed"] is True
            assert [one["id"] for one in snapshot["changes"]] == [missed["id"]]
            await there.comment(code, "Three")
            await back.wait_in_sync(code, here)
        position = stream.replays[code].position()
        since = f"{position['epoch']}:{position['seq']}"
        again = EventStream(pair.one.url, code, after=stream, since=since)
        again.last_id = ""
        async with again:
            snapshot = await again.first()
            assert snapshot["resumed"] is True
            assert len(snapshot["changes"]) == 2
        async with EventStream(pair.one.url, code, since=f"other:{position['seq']}") as new:
            assert (await new.first())["resumed"] is False
            await new.wait_in_sync(code, here)


async def test_one_stream_carries_all_stories_of_a_page(pair: Pair, publisher: Publisher) -> None:
    stories = [publisher.story() for _ in range(3)]
    codes = [story.code for story in stories]
    async with Client(pair.one.url) as reader:
        for story in stories:
            await reader.subscribe(story.token)
        async with EventStream(pair.one.url, *codes) as stream:
            for code in codes:
                await reader.comment(code, f"on {code}")
            for code in codes:
                await stream.wait_in_sync(code, reader)
        await reader.comment(codes[0], "missed")
        async with EventStream(pair.one.url, *codes, after=stream) as back:
            for code in codes:
                await back.wait_in_sync(code, reader)


async def test_every_story_of_a_stream_continues_at_its_own_position(
    pair: Pair, publisher: Publisher
) -> None:
    stories = [publisher.story() for _ in range(3)]
    codes = [story.code for story in stories]
    async with Client(pair.one.url) as reader:
        for story in stories:
            await reader.subscribe(story.token)
        async with EventStream(pair.one.url, *codes) as stream:
            for code in codes:
                await reader.comment(code, "before")
            for code in codes:
                await stream.wait_in_sync(code, reader)
        missed = {code: await reader.comment(code, "missed") for code in codes[:2]}
        positions = {code: stream.replays[code].position() for code in codes}
        since = [f"{code}:{at['epoch']}:{at['seq']}" for code, at in positions.items()]
        back = EventStream(pair.other.url, *codes, after=stream, since=since)
        back.last_id = ""
        async with back:
            for code in codes:
                await back.wait_in_sync(code, reader)
            snapshots = {one["story"]["code"]: one for one in back.messages if "settings" in one}
            assert [snapshots[code]["resumed"] for code in codes] == [True] * 3
            changed = {code: [one["id"] for one in snapshots[code]["changes"]] for code in codes}
        ids = {code: [missed[code]["id"]] if code in missed else [] for code in codes}
        assert changed == ids


async def test_a_further_story_that_may_not_be_read_leaves_the_others_in_the_stream(
    pair: Pair, publisher: Publisher
) -> None:
    open_to_all, closed = publisher.story(), pair.site("open_reading=off").story()
    async with Client(pair.one.url) as reader:
        await reader.subscribe(open_to_all.token)
        await reader.subscribe(closed.token)
        codes = (open_to_all.code, closed.code, "unknownCode2")
        async with EventStream(pair.one.url, *codes) as stream:
            await reader.comment(closed.code, "For those with a token")
            await reader.comment(open_to_all.code, "For all")
            await stream.wait_in_sync(open_to_all.code, reader)
            errors = {m["story"]: m["code"] for m in stream.messages if m["type"] == "error"}
            assert errors == {closed.code: "not_permitted", "unknownCode2": "not_found"}
            assert set(stream.replays) == {open_to_all.code}


async def test_a_stream_ends_within_seconds_when_reading_is_closed(pair: Pair) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with Client(pair.one.url) as reader:
        await reader.subscribe(story.token)
        async with EventStream(pair.one.url, story.code) as stream:
            await stream.first()
            pair.one.cli("site", "set", publisher.site, "open_reading=off")
            await eventually(lambda: stream.ended, "the stream has ended", 5)
            assert stream.messages[-1]["type"] == "error"
            assert stream.messages[-1]["code"] == "not_permitted"
    async with http_client() as http:
        closed = await http.get(f"{pair.one.url}/v1/stories/{story.code}/events")
        assert closed.status_code == 403


async def test_what_cannot_be_streamed_is_an_error_response(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story), http_client() as http:
        path = f"{pair.one.url}/v1/stories/{story.code}/events"
        for address, status in (
            (f"{pair.one.url}/v1/stories/unknownCode1/events", 404),
            (f"{pair.one.url}/v1/stories/x/events", 404),
            (f"{path}?story=%00", 404),
            (f"{path}?since=nothing", 400),
            (f"{path}?since=epoch:1&since=nothing", 400),
            (path + "?" + "&".join(f"story=unknownCod{n:03}" for n in range(60)), 400),
        ):
            answer = await http.get(address)
            assert answer.status_code == status, address
            assert answer.headers["content-type"] == "application/problem+json"
        head = await http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        # An id of another version of the server is passed over: the client gets a full snapshot.
        async with EventStream(pair.one.url, story.code) as stream:
            stream.last_id = "what is this"
        async with EventStream(pair.one.url, story.code, after=stream) as again:
            assert (await again.first())["resumed"] is False


async def test_sockets_and_streams_of_one_network_are_counted_together(
    new_server: Callable[..., ServerProcess],
) -> None:
    server = new_server(SOCKETS_PER_NETWORK="2", SECRET_KEYS=SECRET)
    server.cli("migrate")
    server.cli("site", "create", "press", "--name", "Press")
    await server.start()
    story = Publisher("press", SECRET).story()
    path = f"{server.url}/v1/stories/{story.code}/events"
    async with Client(server.url) as reader, http_client() as http:
        await reader.subscribe(story.token)
        async with EventStream(server.url, story.code) as stream:
            await stream.first()
            full = await http.get(path)
            assert full.status_code == 429
            assert full.json()["code"] == "rate_limited"
            assert int(full.headers["retry-after"]) >= 1

        async def free() -> bool:
            async with http.stream("GET", path) as answer:
                return answer.status_code == 200

        await eventually(free, "the place of the closed stream is free")


async def test_a_server_that_leaves_says_goodbye_and_does_not_wait_for_streams(
    new_server: Callable[..., ServerProcess],
) -> None:
    server = new_server(SECRET_KEYS=SECRET)
    server.cli("migrate")
    server.cli("site", "create", "press", "--name", "Press")
    await server.start()
    story = Publisher("press", SECRET).story()
    async with Client(server.url) as reader:
        await reader.subscribe(story.token)
        async with EventStream(server.url, story.code) as stream:
            await stream.first()
            status = asyncio.create_task(server.terminate())
            goodbye = await stream.first("goodbye")
            assert stream.retry == goodbye["retry_after_ms"]
            await eventually(lambda: stream.ended, "the stream has ended")
            assert await status == 0
    assert "level=error" not in server.log()
