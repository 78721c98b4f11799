"""Bans on open sockets of two servers: of a network, and one that ends by itself while the page is open."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.e2e.client import Client
from tests.e2e.publisher import Publisher
from tests.e2e.test_readers import code_of, run
from tests.e2e.test_rights import wait_for_permissions
from tests.e2e.two_servers import Pair, all_in_sync
from tests.loopback import http_client
from tests.waiting import eventually

DAY = timedelta(days=1)


async def key_of(pair: Pair, site: str) -> str:
    """Return a key of the owner API with which a program may ban."""
    words = ("key", "create", site, "--label", uuid.uuid4().hex, "--days", "1", "--scope", "ban")
    return await asyncio.to_thread(pair.cli, *words)


async def ban(pair: Pair, site: str, key: str, body: dict[str, Any]) -> httpx.Response:
    """Ban over the owner API of one server."""
    async with http_client(headers={"Authorization": f"Bearer {key}"}) as http:
        return await http.post(f"{pair.one.url}/v1/sites/{site}/bans", json=body)


async def test_a_ban_ends_by_itself_on_the_open_page_within_five_seconds(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        bad = await here.comment(code, "A bad word.")
        key = await key_of(pair, publisher.site)
        until = datetime.now(UTC) + timedelta(seconds=5)
        body = {"comment": bad["id"], "until": until.isoformat(), "reason": "attack"}
        answer = await ban(pair, publisher.site, key, body)
        assert answer.status_code == 201, answer.text
        await wait_for_permissions(here, code, "banned")
        assert await code_of(here.react(code, "sad")) == "banned"
        since = len(here.messages)
        later = (until - datetime.now(UTC)).total_seconds()
        snapshot = await wait_for_permissions(here, code, None, since, max(0, later))
        assert datetime.now(UTC) >= until
        assert snapshot["ban"] is None
        await here.comment(code, "Back.")
        await all_in_sync(code, here, there)


async def test_a_ban_of_a_network_holds_on_its_open_pages_and_for_new_readers_and_is_lifted(
    pair: Pair, publisher: Publisher
) -> None:
    site = publisher.site
    await asyncio.to_thread(pair.cli, "site", "set", site, "network_bans=on")
    story, quiet = publisher.story(), publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there), Client(pair.other.url) as late:
        # The raid is in another story: there, new readers would first do a proof of work.
        await late.subscribe(quiet.token)
        await run(pair, "raid", "on", site, "--story", quiet.code)

        async def banned() -> str | None:
            # Of a comment that was written before the process read the new setting no network is known.
            bad = await here.comment(code, "A bad word.")
            body = {"comment": bad["id"], "network": True, "reason": "spam"}
            answer = await ban(pair, site, key, body)
            return answer.json()["decision"] if answer.status_code == 201 else None

        key = await key_of(pair, site)
        decision: str = await eventually(banned, "the network is banned", 5.0)
        for client in (here, there):
            snapshot = await wait_for_permissions(client, code, "banned")
            end = datetime.fromisoformat(snapshot["ban"]["until"])
            assert DAY < end - datetime.now(UTC) <= 2 * DAY
        assert (await late.subscribe(story.token))["read_only"] == "banned"
        assert await code_of(late.comment(code, "I am new.")) == "banned"
        listed = await run(pair, "reader", "list", site)
        assert [one["kind"] for one in listed if one["id"] == decision] == ["network"]
        since = len(here.messages), len(there.messages)
        await run(pair, "reader", "unban", decision)
        for client, before in zip((here, there), since, strict=True):
            await wait_for_permissions(client, code, None, before)
        await there.comment(code, "Good words.")
        await all_in_sync(code, here, there)
        wire = json.dumps([*here.messages, *there.messages])
        assert "127.0.0.1" not in wire
