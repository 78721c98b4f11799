"""What a local moderator hides reaches the readers of one copy, on both servers, and no others."""

import asyncio
import json
from typing import Any

from tests.e2e.client import Client
from tests.e2e.event_stream import EventStream
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.loopback import http_client
from tests.waiting import eventually

TOLD_S = 5.0
"""Seconds within which open pages are told: docs/developers/protocol.md, guarantee 8."""


def last_hidden(client: Client) -> list[str] | None:
    """Return what the last snapshot of a client says about its copy."""
    for message in reversed(client.messages):
        if message["type"] == "snapshot":
            hidden: list[str] = message["copy"].get("hidden", [])
            return hidden
    return None


async def run(pair: Pair, *words: str) -> Any:
    """Run a command beside the servers, and return its JSON."""
    return json.loads(await asyncio.to_thread(pair.cli, *words))


async def test_open_pages_of_one_copy_get_the_change_on_both_servers_and_other_copies_nothing(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code, origin = story.code, "https://copy-0.example"
    async with pair.readers(story) as (here, there), Client(pair.other.url, origin) as same:
        await same.subscribe(story.token)
        top = await there.comment(code, "Not for this town.", name="Ana")
        reply = await here.comment(code, "A reply.", parent=top["id"])
        await all_in_sync(code, here, there, same)
        listed = await run(pair, "copy", "list", publisher.site, "--story", code, "--json")
        (copy,) = [str(one["id"]) for one in listed["copies"] if one["origin"] == origin]
        elsewhere = len(there.messages)
        await run(pair, "copy", "hide", publisher.site, copy, top["id"], "--json")
        for page in (here, same):
            await eventually(
                lambda page=page: last_hidden(page) == [top["id"]], "the hidden id", TOLD_S
            )
        later = await there.comment(code, "Another.", parent=reply["id"])
        await all_in_sync(code, here, there, same)
        assert later["id"] in here.state(code).comments
        assert [one["type"] for one in there.messages[elsewhere:]].count("snapshot") == 0
        handle = story.token[-9:]
        async with http_client() as http:
            for server in pair.servers:
                path = f"{server.url}/v1/stories/{code}?copy={handle}"
                own = await http.get(path, headers={"Origin": origin})
                other = await http.get(path, headers={"Origin": "https://copy-1.example"})
                assert own.json()["copy"]["hidden"] == [top["id"]]
                assert own.headers["ETag"] != other.headers["ETag"]
                assert own.headers["Vary"] == "Accept-Encoding, Origin"
                assert "copy" not in other.json()
                again = await http.get(
                    path, headers={"Origin": origin, "If-None-Match": own.headers["ETag"]}
                )
                assert again.status_code == 304
        await run(pair, "copy", "show", publisher.site, copy, top["id"], "--json")
        for page in (here, same):
            await eventually(lambda page=page: last_hidden(page) == [], "nothing hidden", TOLD_S)
        await all_in_sync(code, here, there, same)


async def test_an_event_stream_gets_what_its_copy_hides_as_a_socket_does(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code, origin = story.code, "https://copy-0.example"
    handle = f"{code}:{story.token[-9:]}"
    async with pair.readers(story) as (here, there):
        top = await there.comment(code, "Not for this town.", name="Ana")
        listed = await run(pair, "copy", "list", publisher.site, "--story", code, "--json")
        (copy,) = [str(one["id"]) for one in listed["copies"] if one["origin"] == origin]
        async with (
            EventStream(pair.one.url, code, origin=origin, copy=handle) as stream,
            EventStream(pair.other.url, code) as others,
        ):
            assert (await stream.first())["copy"] is None
            await run(pair, "copy", "hide", publisher.site, copy, top["id"], "--json")

            def told() -> list[str] | None:
                found = [one["copy"] for one in stream.messages if one["type"] == "snapshot"]
                return None if found[-1] is None else found[-1]["hidden"]

            await eventually(lambda: told() == [top["id"]], "the hidden id", TOLD_S)
            async with EventStream(pair.other.url, code, origin=origin, copy=handle) as late:
                assert (await late.first())["copy"]["hidden"] == [top["id"]]
            await run(pair, "copy", "show", publisher.site, copy, top["id"], "--json")
            await eventually(lambda: told() is None, "nothing is hidden", TOLD_S)
            await here.comment(code, "For all.")
            await stream.wait_in_sync(code, here)
            await others.wait_in_sync(code, here)
            snapshots = [one for one in others.messages if one["type"] == "snapshot"]
            assert len(snapshots) == 1
            assert "copy" not in snapshots[0]
