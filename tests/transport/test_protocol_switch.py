"""ProtocolSwitch: a handshake is accepted or rejected as the HTTP protocol would do it, only earlier."""

import asyncio
import gc
import re
import socket
import weakref
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import uvloop

from tests.transport.serving import HANDSHAKE, Client, Served, connected, send_in_two, serving
from tests.waiting import eventually
from widget_server.auth.rate_limit import Rate, RateLimiter
from widget_server.model.errors import UnavailableError
from widget_server.transport.admission import HandshakeLimiter
from widget_server.transport.protocol_switch import ProtocolSwitch
from widget_server.transport.settings import HttpLimits

ON_BOTH_LOOPS = True

GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


QUICK = HttpLimits(linger_s=0.2)


class App:
    """Rejects each socket with 418, answers each request with 204, and records the scopes."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        kind, status = ("websocket.http", 418) if scope["type"] == "websocket" else ("http", 204)
        await receive()
        await send({"type": f"{kind}.response.start", "status": status, "headers": []})
        await send({"type": f"{kind}.response.body", "body": b""})


async def request(served: Served, data: bytes, *, in_two: bool = False) -> bytes:
    """Send `data` on a new connection. Return the whole response."""
    async with connected(served.port) as client:
        await (send_in_two(served, client, data) if in_two else client.send(data))
        return await client.read_to_end()


def status(response: bytes) -> bytes:
    return response[9:12]


WITHOUT_HOST = HANDSHAKE.replace(b"Host: localhost\r\n", b"")
ODD = {
    "as sent by browsers": (HANDSHAKE, b"418"),
    "in small letters, without spaces": (
        HANDSHAKE.replace(b": ", b":").replace(b"Upgrade", b"upgrade"),
        b"418",
    ),
    "in capitals": (HANDSHAKE.replace(b"websocket", b"WebSocket"), b"418"),
    "kept alive too": (HANDSHAKE.replace(b": Upgrade", b": keep-alive, Upgrade"), b"418"),
    "twice the same name": (HANDSHAKE[:-2] + b"X: a\r\nX: b\r\n\r\n", b"418"),
    "no host": (WITHOUT_HOST, b"400"),
    "two hosts": (HANDSHAKE[:-2] + b"Host: other\r\n\r\n", b"400"),
    "a folded line": (HANDSHAKE[:-2] + b"X: a\r\n b\r\n\r\n", b"400"),
    "a bare line feed": (HANDSHAKE[:-2] + b"X: a\nY: b\r\n\r\n", b"400"),
    "a zero byte": (HANDSHAKE[:-2] + b"X: a\0b\r\n\r\n", b"400"),
    "a space before the colon": (HANDSHAKE[:-2] + b"X : a\r\n\r\n", b"400"),
    "no name": (HANDSHAKE[:-2] + b": a\r\n\r\n", b"400"),
    "HTTP/2.0": (HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/2.0"), b"400"),
    "a body of chunks": (HANDSHAKE[:-2] + b"Transfer-Encoding: chunked\r\n\r\n", b""),
    "two Upgrade headers": (HANDSHAKE[:-2] + b"Upgrade: h2c\r\n\r\n", b"204"),
    "no upgrade in Connection": (
        HANDSHAKE.replace(b"Connection: Upgrade", b"Connection: close"),
        b"204",
    ),
    "too long": (
        HANDSHAKE[:-2] + b"X: " + bytes(33_000).replace(b"\0", b"x") + b"\r\n\r\n",
        b"431",
    ),
}


@pytest.mark.parametrize(("request_", "expected"), ODD.values(), ids=ODD)
async def test_the_switch_and_the_http_protocol_agree_on_every_handshake(
    request_: bytes, expected: bytes
) -> None:
    app = App()
    async with serving(app, http=QUICK) as served:
        responses = [await request(served, request_), await request(served, request_, in_two=True)]
    assert [status(response) for response in responses] == [expected, expected]
    if app.scopes:
        one, other = app.scopes
        for name in ("type", "path", "raw_path", "query_string", "headers", "subprotocols"):
            assert one.get(name) == other.get(name), name


@pytest.mark.parametrize("in_two", [False, True])
@pytest.mark.parametrize(
    ("proxies", "statuses"),
    [
        ("127.0.0.1", [b"418", b"429", b"418", b"429"]),
        ("10.0.0.1", [b"418", b"429", b"429", b"429"]),
    ],
)
async def test_too_many_handshakes_of_a_network_get_429_also_behind_a_proxy(
    proxies: str, statuses: list[bytes], in_two: bool
) -> None:
    limiter = RateLimiter({"handshake": Rate(1, 3600)})

    def hit(address: str | None) -> None:
        limiter.hit("handshake", str(address))

    app = App()
    async with serving(app, http=QUICK, handshakes=HandshakeLimiter(hit, proxies)) as served:
        responses = []
        for reader in (None, b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-For: 192.0.2.1", None):
            data = HANDSHAKE if reader is None else HANDSHAKE[:-2] + reader + b"\r\n\r\n"
            responses.append(await request(served, data, in_two=in_two))
        assert status(await request(served, GET)) == b"204", "HTTP requests are still served"
    assert [status(response) for response in responses] == statuses
    waits = [re.findall(rb"\r\nretry-after: ([0-9]+)\r\n", response) for response in responses]
    assert [bool(wait) for wait in waits] == [one == b"429" for one in statuses]
    assert all(3500 < int(wait[0]) <= 3600 for wait in waits if wait)
    assert len(app.scopes) == statuses.count(b"418") + 1, (
        "the application does not run for rejected handshakes"
    )
    rejected = served.metrics.http.requests_rejected.counts["429", "handshakes"]
    assert rejected == statuses.count(b"429")


@pytest.mark.parametrize("in_two", [False, True])
async def test_a_handshake_above_the_total_limit_gets_503_with_retry_after(in_two: bool) -> None:
    def hit(_: str | None) -> None:
        raise UnavailableError(retry_after=6.2)

    limiter = HandshakeLimiter(hit)
    async with serving(App(), http=QUICK, handshakes=limiter) as served:
        response = await request(served, HANDSHAKE, in_two=in_two)
        assert status(await request(served, GET)) == b"204", "HTTP requests are still served"
    assert status(response) == b"503"
    assert b"\r\nretry-after: 7\r\n" in response


async def test_a_silent_connection_is_closed() -> None:
    async with serving(App(), http=replace(QUICK, header_s=0.1)) as served:
        assert await request(served, b"") == b""
        await eventually(lambda: not served.connections, "the connection is gone")
    assert served.metrics.http.request_timeouts == 1


@pytest.mark.parametrize(("request_", "expected"), [(HANDSHAKE, b"503"), (GET, b"204")])
async def test_a_request_on_its_way_at_shutdown_is_answered(
    request_: bytes, expected: bytes
) -> None:
    limits = HttpLimits(linger_s=10)
    async with serving(App(), http=limits) as served, connected(served.port) as client:
        await eventually(lambda: served.connections, "it is connected")
        (protocol_switch,) = served.connections
        assert isinstance(protocol_switch, ProtocolSwitch)
        protocol_switch.shutdown()
        await client.send(request_)
        assert status(await client.read_to_end()) == expected


async def test_a_silent_connection_does_not_delay_the_shutdown() -> None:
    async with serving(App(), http=QUICK) as served, connected(served.port) as client:
        await eventually(lambda: served.connections, "it is connected")
        await served.stop()
        assert await client.read_to_end() == b""


async def test_a_client_that_disconnects_silently_is_removed() -> None:
    async with serving(App(), http=QUICK) as served:
        async with connected(served.port) as client:
            await eventually(lambda: served.connections, "it is connected")
            assert isinstance(client, Client)
        await eventually(lambda: not served.connections, "the connection is gone")


@pytest.mark.parametrize("request_", [HANDSHAKE, GET])
async def test_the_switch_is_freed_after_the_hand_over(request_: bytes) -> None:
    async with serving(App(), http=QUICK) as served, connected(served.port) as client:
        await eventually(lambda: served.connections, "it is connected")
        protocol_switch = weakref.ref(served.connections[0])
        gc.collect()
        gc.disable()
        try:
            await client.send(request_)
            assert await client.read_to_end()
            await eventually(lambda: protocol_switch() is None, "it is freed")
        finally:
            gc.enable()


def test_uvloop_accepts_one_connection_per_iteration() -> None:
    """The protocols rely on this in uvloop: other tasks run between two new connections."""

    async def count_per_iteration() -> list[int]:
        made: list[asyncio.Protocol] = []
        seen = []

        class Counted(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                made.append(self)

        with ExitStack() as stack:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            server = await asyncio.get_running_loop().create_server(Counted, sock=listener)
            for _ in range(50):
                stack.enter_context(socket.create_connection(listener.getsockname()))
            while len(made) < 50:
                await asyncio.sleep(0)
                seen.append(len(made))
            server.close()
        return seen

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(count_per_iteration())
    assert all(after - before <= 1 for before, after in pairwise(seen))
