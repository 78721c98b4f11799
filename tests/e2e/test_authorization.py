"""Tokens, identities and origins decide what a page may do, and each rejection names its reason."""

import asyncio
import time

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.e2e.client import Client, RejectedError, eventually_rejected
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.loopback import http_client


async def test_a_vouched_reader_has_the_sites_name_and_is_the_same_on_every_device(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with Client(pair.one.url) as phone, Client(pair.other.url) as laptop:
        identity = publisher.identity("user-7", "Zoë", author=True)
        first = await phone.subscribe(story.token, identity=identity)
        assert first["reader"], "a reader token, because an identity token is valid only once"
        comment = await phone.comment(code, "By me.", name="Someone else")
        assert comment["author"] == {
            "name": "Zoë",
            "website": None,
            "role": "author",
            "vouched": True,
        }
        await phone.react(code, "happy")
        again = await laptop.subscribe(story.token, identity=publisher.identity("user-7", "Zoë"))
        assert again["mine"]["reaction"] == "happy"
        assert [own["id"] for own in again["mine"]["comments"]] == [comment["id"]]
        await laptop.action("edit", code, comment=comment["id"], body="By me, edited.")
        await laptop.react(code, "sad")
        await all_in_sync(code, phone, laptop)
        assert laptop.state(code).tally["counts"]["happy"] == 0
        async with Client(pair.other.url) as thief:
            snapshot = await thief.subscribe(story.token, identity=identity)
            assert snapshot["identity"] == "token_invalid"
            assert "reader" not in snapshot
            assert "mine" not in snapshot or not snapshot["mine"]["comments"]


async def test_a_page_with_an_expired_token_can_read_and_gets_the_reason(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    expired = publisher.token(story.key, exp=int(time.time()) - 1)
    async with pair.readers(story) as (_, there), Client(pair.one.url) as late:
        snapshot = await late.subscribe(expired)
        assert (snapshot["can"], snapshot["read_only"]) == (["read"], "token_expired")
        for action in (late.react(story.code, "happy"), late.comment(story.code, "Too late.")):
            with pytest.raises(RejectedError, match="token_expired"):
                await action
        await there.comment(story.code, "Still readable.")
        await all_in_sync(story.code, late, there)


async def test_actions_of_an_open_page_are_rejected_once_its_token_expires(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story(exp=int(time.time()) + 2)
    async with Client(pair.one.url) as client:
        await client.subscribe(story.token)
        await eventually_rejected(lambda: client.react(story.code, "happy"), "token_expired")


async def test_a_page_without_a_token_has_the_permissions_that_the_site_allows(pair: Pair) -> None:
    open_site, closed_site = pair.site(), pair.site("open_republishing=off", "open_reading=off")
    story = open_site.story()
    async with pair.readers(story) as (_, there), Client(pair.one.url) as bare:
        snapshot = await bare.subscribe(code=story.code)
        assert snapshot["can"] == ["read", "react", "comment"]
        await bare.react(story.code, "happy")
        await all_in_sync(story.code, bare, there)
    secret = closed_site.story()
    async with pair.readers(secret), Client(pair.one.url) as bare:
        with pytest.raises(RejectedError, match="not_permitted"):
            await bare.subscribe(code=secret.code)
        assert await bare.wait_closed() == 4501
    async with http_client() as http:
        answer = await http.get(f"{pair.one.url}/v1/stories/{secret.code}")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize(
    ("origin", "broken", "code", "close"),
    [
        ("https://copy.example", True, "token_invalid", 4501),
        ("https://copy.elsewhere", False, "origin_not_allowed", 4503),
        ("null", False, "origin_not_allowed", 4503),
    ],
)
async def test_a_rejected_page_gets_the_reason_and_its_socket_is_closed_soon(
    pair: Pair, publisher: Publisher, origin: str, broken: bool, code: str, close: int
) -> None:
    token = publisher.story().token
    async with Client(pair.one.url, origin) as client:
        with pytest.raises(RejectedError, match=code):
            await client.subscribe(token[:-3] + "AAA" if broken else token)
        rejected_at = time.monotonic()
        assert await client.wait_closed(timeout=3) == close
        waited = time.monotonic() - rejected_at
        assert waited > 0.5, "the page has time to subscribe to another story"


async def test_a_rejected_subscription_does_not_end_the_others_of_its_page(
    pair: Pair, publisher: Publisher
) -> None:
    first, second, broken = (
        publisher.story(),
        publisher.story(),
        publisher.story().token[:-3] + "AAA",
    )
    async with pair.readers(first) as (here, there):
        with pytest.raises(RejectedError, match="token_invalid"):
            await here.subscribe(broken)
        await there.comment(first.code, "Still here?")
        await all_in_sync(first.code, here, there)
    async with Client(pair.one.url) as late:
        with pytest.raises(RejectedError, match="token_invalid"):
            await late.subscribe(broken)
        await late.subscribe(second.token)
        with pytest.raises(TimeoutError):
            await late.wait_closed(timeout=1.5)


# Only on SQLite: the test takes ten seconds and does not depend on the database.
@pytest.mark.parametrize("running_pair", ["sqlite"], indirect=True)
async def test_a_socket_that_subscribes_to_nothing_is_closed(pair: Pair) -> None:
    async with Client(pair.one.url) as client:
        assert await client.wait_closed(timeout=15) == 4408


async def test_an_action_without_a_subscription_is_rejected(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story), Client(pair.one.url) as client:
        with pytest.raises(RejectedError, match="not_permitted"):
            await client.react(story.code, "happy")


async def test_malformed_messages_are_answered_and_the_tenth_ends_the_socket(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        answer = await here.request({"type": "nonsense"})
        assert (answer["type"], answer["code"]) == ("error", "malformed")
        for text in ("", "[]", "{", "\x00\x01", '{"type": "react", "ref": "x"}'):
            await here.send(text)
        await there.comment(story.code, "It goes on.")
        await all_in_sync(story.code, here, there)
        for _ in range(4):
            await here.send("?")
        assert await here.wait_closed() == 4400


async def test_a_handshake_without_the_subprotocol_is_rejected_over_http(pair: Pair) -> None:
    url = pair.one.url.replace("http", "ws", 1) + "/v1/live"
    for offered in (None, [Subprotocol("chat"), Subprotocol("widget.v9")]):
        with pytest.raises(InvalidStatus) as rejection:
            async with connect(
                url, origin=Origin("https://copy.example"), subprotocols=offered, proxy=None
            ):
                pass
        assert rejection.value.response.status_code == 400


async def test_a_handshake_on_another_path_gets_404_with_the_right_path(pair: Pair) -> None:
    url = pair.one.url.replace("http", "ws", 1)
    for path in ("/", "/v1/life", "/healthz"):
        with pytest.raises(InvalidStatus) as rejection:
            async with connect(url + path, subprotocols=[Subprotocol("widget.v1")], proxy=None):
                pass
        answer = rejection.value.response
        assert answer.status_code == 404
        assert b"/v1/live" in (answer.body or b"")


async def test_a_client_that_disconnects_during_a_request_causes_no_server_error(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", pair.one.port)
        writer.write(b"POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    async with pair.readers(story) as (here, there):
        await here.comment(story.code, "It goes on.")
        await all_in_sync(story.code, here, there)
    assert "Traceback" not in pair.one.log()
