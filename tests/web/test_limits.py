"""Limits of open sockets, subscriptions, kernel buffers, request headers and caches."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.transport.serving import CLOSE, HANDSHAKE, TEXT, connected, frame, serving, upgraded
from tests.waiting import eventually
from tests.web.shared_server import SharedServer
from widget_server.app import Components
from widget_server.auth.tokens import story_code
from widget_server.config import load
from widget_server.model.actors import shell
from widget_server.model.claims import Attribution
from widget_server.model.records import Copy
from widget_server.operations import cache, counts_cache
from widget_server.operations.owners import sites
from widget_server.protocol import codes
from widget_server.server.worker import BACKLOG, uvicorn_config
from widget_server.store import migrate
from widget_server.store.queries.stories import insert_story
from widget_server.transport.settings import TransportSettings, WebSocketLimits
from widget_server.web import live as live_socket
from widget_server.web.routes import create_asgi_app

UPGRADE_REQUEST = HANDSHAKE[:-2] + b"Sec-WebSocket-Protocol: widget.v1\r\n\r\n"


async def test_a_network_has_a_limit_of_open_sockets(tmp_path: Path) -> None:
    config = load(data_dir=tmp_path, redis_url="unix:///nowhere", sockets_per_network=2)
    components = Components(config)
    app = create_asgi_app(components.services, components.health(), config.socket_limit)

    async def handshake_status(client: Any) -> bytes:
        await client.send(UPGRADE_REQUEST)
        while b"\r\n\r\n" not in client.raw and not client.ended:
            client.raw += await client.read()
        return bytes(client.raw.split()[1])

    async with serving(app) as served:
        async with connected(served.port) as first, connected(served.port) as second:
            assert (await handshake_status(first), await handshake_status(second)) == (
                b"101",
                b"101",
            )
            async with connected(served.port) as third:
                assert await handshake_status(third) == b"429"
                assert b"retry-after: 30" in third.raw

        async def accepted() -> bool:
            async with connected(served.port) as again:
                return await handshake_status(again) == b"101"

        await eventually(accepted, "a closed socket is not counted")


async def test_rejected_subscriptions_do_not_restart_the_subscribe_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "SUBSCRIBE_TIMEOUT_S", 1.5)
    monkeypatch.setattr(live_socket, "REJECTED_TIMEOUT_S", 1.0)
    config = load(data_dir=tmp_path, redis_url="unix:///nowhere")
    components = Components(config)
    app = create_asgi_app(components.services, components.health(), config.socket_limit)
    wrong = b'{"type":"subscribe","token":"w1.paper.1.e30.%b"}' % (b"A" * 43)
    loop = asyncio.get_running_loop()
    async with serving(app) as served, upgraded(served.port, handshake=UPGRADE_REQUEST) as client:
        begun = loop.time()

        async def keep_subscribing() -> None:
            while True:
                await client.send(frame(TEXT, wrong))
                await asyncio.sleep(0.3)

        subscribing = asyncio.create_task(keep_subscribing())
        try:
            assert await client.close_code() == codes.CloseCode.TOKEN_REFUSED
        finally:
            subscribing.cancel()
        assert loop.time() - begun >= 1.5


async def test_a_client_is_closed_after_more_rejections_than_a_page_has_stories(
    tmp_path: Path,
) -> None:
    config = load(data_dir=tmp_path, redis_url="unix:///nowhere")
    components = Components(config)
    app = create_asgi_app(components.services, components.health(), config.socket_limit)
    wrong = frame(TEXT, b'{"type":"subscribe","token":"w1.paper.1.e30.%b"}' % (b"A" * 43))
    allowed = live_socket.MAX_STORIES + live_socket.MAX_PROTOCOL_ERRORS
    async with serving(app) as served, upgraded(served.port, handshake=UPGRADE_REQUEST) as client:
        await client.send(wrong * allowed)
        received = await client.frames(CLOSE)
    assert sum(one.opcode == TEXT for one in received) >= live_socket.MAX_STORIES
    assert int.from_bytes(bytes(received[-1].data[:2]), "big") == codes.CloseCode.MALFORMED


async def test_kernel_buffers_and_timeouts_of_a_socket_are_limited() -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()

    async with serving(app) as served, upgraded(served.port):
        (connection,) = served.connections
        sock = connection.transport.get_extra_info("socket")
        unsent = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
        connection._connection.close(1000)
        user_timeout = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert unsent == WebSocketLimits.notsent_lowat
        assert user_timeout == WebSocketLimits.tcp_user_timeout_s * 1000
        limits = connection.transport.get_write_buffer_limits()
        assert limits == (WebSocketLimits.write_limit_low, WebSocketLimits.write_limit_high)


def test_a_worker_has_the_documented_limits(tmp_path: Path) -> None:
    async def nothing(*_: object) -> None: ...

    settings = uvicorn_config(load(data_dir=tmp_path), nothing, TransportSettings())
    assert settings.backlog == BACKLOG
    assert settings.ws_max_size == 32 * 1024
    protocol_switch: Any = settings.http
    assert protocol_switch.keywords["settings"].http.max_header_bytes == 32 * 1024


HEADERS: dict[str, Callable[[int], bytes]] = {
    "one long cookie": lambda size: b"Cookie: a=" + b"x" * (size - 12) + b"\r\n",
    "many cookies": lambda size: b"Cookie: a=b; c=d\r\n" * (size // 18),
    "something else": lambda size: b"X-Trace: " + b"x" * (size - 11) + b"\r\n",
}


@pytest.mark.parametrize("requested", ["page", "websocket", "websocket in two pieces"])
@pytest.mark.parametrize("header", HEADERS)
async def test_a_request_header_may_have_32_kib(
    shared_server: SharedServer, requested: str, header: str
) -> None:
    def request(size: int) -> bytes:
        page = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        start = page if requested == "page" else UPGRADE_REQUEST
        return start[:-2] + HEADERS[header](size - len(start)) + b"\r\n"

    async def status(size: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", shared_server.server.port)
        data = request(size * 1024)
        pieces = [data] if "pieces" not in requested else [data[:9_000], data[9_000:]]
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        line = await reader.readline()
        writer.transport.abort()
        return line[9:12]

    assert await status(31) == (b"200" if requested == "page" else b"101")
    assert await status(33) == b"431"


async def test_caches_of_stories_tokens_and_counts_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MAX_STORIES", 2)
    monkeypatch.setattr(cache, "MAX_TOKENS", 2)
    monkeypatch.setattr(counts_cache, "MAX_STORIES", 2)
    config = load(data_dir=tmp_path, redis_url="unix:///nowhere")
    await migrate.upgrade(config.database)
    components = Components(config)
    codes = [story_code("paper", key) for key in "abc"]
    async with components.running():
        await sites.create_site(components.services, shell("test"), "paper", "A paper")
        for key, code in zip("abc", codes, strict=True):
            await components.writer.run_in_transaction(
                insert_story(code, "paper", key, 1, Attribution(), {})
            )
        for _ in range(2):
            for code in codes:
                found = await components.cache.story(code)
                assert found is not None
                assert found.code == code
                assert code.encode() in await components.cache.counts_cache.counts([code])
        assert list(components.cache._by_code) == codes[1:]
        assert len(components.cache.counts_cache._fragments) <= 2
        claims: Any = object()
        for token in codes:
            components.cache.put_claims(token, claims)
        assert [components.cache.claims(token) for token in codes] == [None, claims, claims]
        for number, code in enumerate(codes):
            copy = Copy(number, None, "")
            components.cache.put_copy((number, code, ""), copy, used=False)
        assert len(components.cache._copies) == 2
