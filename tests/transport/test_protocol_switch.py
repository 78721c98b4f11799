"""The protocol switch: a handshake is judged before anything is made for it, as the long way would judge it."""

import asyncio
import gc
import re
import socket
import weakref
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
import uvloop

from tests.transport.serving import HANDSHAKE, Client, Served, connected, send_in_two, serving
from tests.waiting import eventually
from widget_server.auth.rate_limit import Rate, RateLimiter
from widget_server.model.errors import UnavailableError
from widget_server.transport.admission import HandshakeLimiter
from widget_server.transport.http_protocol import HardenedHttpProtocol
from widget_server.transport.metrics import HTTP_METRICS
from widget_server.transport.protocol_switch import ProtocolSwitch

ON_BOTH_LOOPS = True

GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


class Inside(HardenedHttpProtocol):
    linger_s = 0.2


class App:
    """Refuses each socket with 418 and answers each request with 204; keeps what it was asked."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        kind, status = ("websocket.http", 418) if scope["type"] == "websocket" else ("http", 204)
        await receive()
        await send({"type": f"{kind}.response.start", "status": status, "headers": []})
        await send({"type": f"{kind}.response.body", "body": b""})


async def asked(served: Served, request: bytes, *, in_two: bool = False) -> bytes:
    """The whole answer to this on a connection of its own."""
    async with connected(served.port) as client:
        await (send_in_two(served, client, request) if in_two else client.send(request))
        return await client.read_to_end()


def status(answer: bytes) -> bytes:
    return answer[9:12]


WITHOUT_HOST = HANDSHAKE.replace(b"Host: localhost\r\n", b"")
ODD = {
    "as browsers ask": (HANDSHAKE, b"418"),
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
    "two ways to upgrade": (HANDSHAKE[:-2] + b"Upgrade: h2c\r\n\r\n", b"204"),
    "no wish to upgrade": (HANDSHAKE.replace(b"Connection: Upgrade", b"Connection: close"), b"204"),
    "too long": (
        HANDSHAKE[:-2] + b"X: " + bytes(33_000).replace(b"\0", b"x") + b"\r\n\r\n",
        b"431",
    ),
}


@pytest.mark.parametrize(("request_", "expected"), ODD.values(), ids=ODD)
async def test_a_handshake_is_judged_on_the_doorstep_as_inside(
    request_: bytes, expected: bytes
) -> None:
    app = App()
    async with serving(app, http=Inside) as served:
        answers = [await asked(served, request_), await asked(served, request_, in_two=True)]
    assert [status(answer) for answer in answers] == [expected, expected]
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
async def test_a_network_that_asks_for_too_many_sockets_is_429_also_behind_a_proxy(
    proxies: str, statuses: list[bytes], in_two: bool
) -> None:
    pace = RateLimiter({"handshake": Rate(1, 3600)})

    class Paced(Inside):
        handshakes = HandshakeLimiter(lambda address: pace.hit("handshake", str(address)), proxies)

    refused = HTTP_METRICS.requests_rejected.counts["429", "handshakes"]
    app = App()
    async with serving(app, http=Paced) as served:
        answers = []
        for reader in (None, b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-For: 192.0.2.1", None):
            request = HANDSHAKE if reader is None else HANDSHAKE[:-2] + reader + b"\r\n\r\n"
            answers.append(await asked(served, request, in_two=in_two))
        assert status(await asked(served, GET)) == b"204", "all but sockets is served"
    assert [status(answer) for answer in answers] == statuses
    waits = [re.findall(rb"\r\nretry-after: ([0-9]+)\r\n", answer) for answer in answers]
    assert [bool(wait) for wait in waits] == [one == b"429" for one in statuses]
    assert all(3500 < int(wait[0]) <= 3600 for wait in waits if wait)
    assert len(app.scopes) == statuses.count(b"418") + 1, "for the others nothing was made"
    assert HTTP_METRICS.requests_rejected.counts["429", "handshakes"] - refused == statuses.count(
        b"429"
    )


@pytest.mark.parametrize("in_two", [False, True])
async def test_who_comes_when_too_many_do_is_503_and_told_when_to_come(in_two: bool) -> None:
    def spend(_: str | None) -> None:
        raise UnavailableError(retry_after=6.2)

    class Full(Inside):
        handshakes = HandshakeLimiter(spend, "")

    async with serving(App(), http=Full) as served:
        answer = await asked(served, HANDSHAKE, in_two=in_two)
        assert status(await asked(served, GET)) == b"204", "all but sockets is served"
    assert status(answer) == b"503"
    assert b"\r\nretry-after: 7\r\n" in answer


async def test_a_client_that_says_nothing_is_not_kept() -> None:
    class Hasty(Inside):
        header_s = 0.1

    before = HTTP_METRICS.request_timeouts
    async with serving(App(), http=Hasty) as served:
        assert await asked(served, b"") == b""
        await eventually(lambda: not served.connections, "the connection is gone")
    assert HTTP_METRICS.request_timeouts == before + 1


@pytest.mark.parametrize(("request_", "expected"), [(HANDSHAKE, b"503"), (GET, b"204")])
async def test_what_is_on_its_way_when_the_server_leaves_is_answered(
    request_: bytes, expected: bytes
) -> None:
    class Patient(Inside):
        linger_s = 10

    async with serving(App(), http=Patient) as served, connected(served.port) as client:
        await eventually(lambda: served.connections, "it is connected")
        (protocol_switch,) = served.connections
        assert isinstance(protocol_switch, ProtocolSwitch)
        protocol_switch.shutdown()
        await client.send(request_)
        assert status(await client.read_to_end()) == expected


async def test_a_client_that_says_nothing_does_not_hold_up_a_server_that_leaves() -> None:
    async with serving(App(), http=Inside) as served, connected(served.port) as client:
        await eventually(lambda: served.connections, "it is connected")
        await served.stop()
        assert await client.read_to_end() == b""


async def test_one_who_leaves_without_a_word_leaves_nothing() -> None:
    async with serving(App(), http=Inside) as served:
        async with connected(served.port) as client:
            await eventually(lambda: served.connections, "it is connected")
            assert isinstance(client, Client)
        await eventually(lambda: not served.connections, "the connection is gone")


@pytest.mark.parametrize("request_", [HANDSHAKE, GET])
async def test_the_doorstep_is_left_to_no_one(request_: bytes) -> None:
    async with serving(App(), http=Inside) as served, connected(served.port) as client:
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


def test_connections_that_come_in_one_instant_are_taken_one_a_turn() -> None:
    """What is relied upon in uvloop: between two of them everyone else has a turn."""

    async def taken() -> list[int]:
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
        seen = runner.run(taken())
    assert all(after - before <= 1 for before, after in pairwise(seen))
