"""HardenedHttpProtocol: requests that are too large, too slow or ambiguous are rejected once."""

import asyncio
import gc
import inspect
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httptools
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tests.transport.serving import HANDSHAKE, Client, Served, connected, serving
from tests.waiting import eventually
from widget_server.transport.admission import HttpConnectionSlots
from widget_server.transport.http_protocol import HardenedHttpProtocol
from widget_server.transport.settings import HttpLimits

ON_BOTH_LOOPS = True

GET = b"GET /path?q=1 HTTP/1.1\r\nHost: h\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\n"


QUICK = HttpLimits(header_s=0.3, body_s=0.3, write_s=0.3, linger_s=0.2)
#: Enough time for a client that reads, on a busy machine.
STEADY = replace(QUICK, write_s=3)
#: Timeouts that no test waits for.
LONG_TIMEOUTS = HttpLimits(header_s=60, body_s=60, write_s=60, linger_s=0.2)


class Echo:
    """Responds with the request's body; `/slow` waits for `go`, `/large` responds with 32 MB."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.disconnects = 0
        self.ended = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.respond(scope, receive, send)
        finally:
            self.ended += 1

    async def respond(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        if scope["path"] == "/slow":
            await self.go.wait()
        body = b""
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                self.disconnects += 1
                return
            body += event["body"]
            if not event["more_body"]:
                break
        self.bodies.append(body)
        if scope["path"] == "/large":
            body = bytes(32 << 20)
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def echo_connection(
    limits: HttpLimits = LONG_TIMEOUTS,
    *,
    receive_buffer: int | None = None,
    slots: HttpConnectionSlots | None = None,
) -> AsyncIterator[tuple[Echo, Client, Served]]:
    app = Echo()
    async with (
        serving(app, http=limits, connection_slots=slots) as served,
        connected(served.port, receive_buffer=receive_buffer) as client,
    ):
        yield app, client, served


async def statuses(client: Client) -> list[bytes]:
    """Return the statuses of all responses until the server closes."""
    raw = await client.read_to_end()
    return [part[:3] for part in raw.split(b"HTTP/1.1 ")[1:]]


async def read_until(client: Client, text: bytes) -> None:
    """Read until `text` was received."""
    async with asyncio.timeout(20):
        while text not in client.raw and not client.ended:
            client.raw += await client.read()
    assert text in client.raw


# Accepted requests


async def test_requests_on_one_connection_are_answered_in_order() -> None:
    async with echo_connection() as (app, client, _served):
        await client.send(GET + b"\r\n")
        await read_until(client, b"200 OK")
        await client.send(POST + b"Content-Length: 5\r\n\r\nfirst")
        await read_until(client, b"first")
        await client.send(
            POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n"
        )
        await read_until(client, b"second")
        assert app.bodies == [b"", b"first", b"second"]


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with echo_connection() as (app, client, _served):
        names = [b"%03d" % n for n in range(5)]
        await client.send(b"".join(POST + b"Content-Length: 3\r\n\r\n" + n for n in names))
        await read_until(client, names[-1])
        assert app.bodies == names


async def test_a_request_received_byte_by_byte_is_served() -> None:
    async with echo_connection() as (_app, client, _served):
        for byte in POST + b"Content-Length: 5\r\n\r\nhello":
            await client.send(bytes([byte]))
            await asyncio.sleep(0)
        await read_until(client, b"hello")


async def test_a_header_and_a_body_of_the_maximum_size_are_accepted() -> None:
    async with echo_connection() as (app, client, _served):
        head = POST + b"Content-Length: 65536\r\nX: "
        await client.send(head + b"x" * (32 * 1024 - len(head) - 4) + b"\r\n\r\n" + b"y" * 65536)
        await read_until(client, b"200 OK")
        assert app.bodies == [b"y" * 65536]


# Size limits


@pytest.mark.parametrize(
    "header",
    [
        b"X: " + b"x" * 32 * 1024,
        b"x" * 40_000,
        b"X: y\r\n" * 6000,
        b"X: " + b"x" * 5_000_000,
    ],
)
async def test_a_header_block_over_32_kib_is_431(header: bytes) -> None:
    async with echo_connection() as (app, client, _served):
        sending = asyncio.create_task(client.send(GET + header))
        assert await statuses(client) == [b"431"]
        await sending
        assert not app.paths


async def test_a_header_one_byte_over_the_limit_is_431() -> None:
    async with echo_connection() as (app, client, _served):
        head = GET + b"X: "
        await client.send(head + b"x" * (32 * 1024 + 1 - len(head) - 4) + b"\r\n\r\n")
        assert await statuses(client) == [b"431"]
        assert not app.paths


async def test_the_second_header_on_a_connection_has_the_same_limit() -> None:
    async with echo_connection() as (_app, client, _served):
        await client.send(GET + b"X: " + b"x" * 20_000 + b"\r\n\r\n")
        await read_until(client, b"200 OK")
        await client.send(GET + b"X: " + b"x" * 20_000 + b"\r\n\r\n")
        await read_until(client, b"200 OK")
        await client.send(GET + b"X: " + b"x" * 40_000)
        assert await statuses(client) == [b"200", b"200", b"431"]


async def test_a_content_length_over_the_limit_is_413_before_the_body_is_sent() -> None:
    async with echo_connection() as (app, client, _served):
        await client.send(POST + b"Content-Length: 65537\r\n\r\n")
        assert await statuses(client) == [b"413"]
        assert not app.paths


async def test_chunks_over_the_body_limit_are_413() -> None:
    async with echo_connection() as (app, client, _served):
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        await eventually(lambda: app.paths, "the application has begun")
        await client.send((b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 3)
        assert await statuses(client) == [b"413"]
        await eventually(lambda: app.ended == 1, "the application has ended")
        assert app.disconnects == 1


async def test_too_many_pipelined_requests_close_the_connection() -> None:
    async with echo_connection() as (app, client, served):
        await client.send(GET.replace(b"/path", b"/slow") + b"\r\n" + (GET + b"\r\n") * 5000)
        assert await statuses(client) == []
        app.go.set()
        await eventually(lambda: not served.connections, "the connection is gone")
        assert len(app.paths) == 1


# Timeouts


async def test_a_silent_connection_is_closed_without_a_response() -> None:
    async with echo_connection(QUICK) as (_app, client, _served):
        assert await client.read_to_end() == b""


@pytest.mark.parametrize("beginning", [b"G", b"\r\n", GET, GET + b"X: y\r\n"])
async def test_a_header_that_is_not_complete_in_time_is_408(beginning: bytes) -> None:
    async with echo_connection(QUICK) as (app, client, _served):
        await client.send(beginning)
        assert await statuses(client) == [b"408"]
        assert not app.paths


async def drip(client: Client, piece: bytes) -> None:
    """Send `piece` every 20 ms until the server closes."""
    while not client.ended:
        await client.send(piece)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("piece", [b"x", b"\r\n"])
async def test_a_header_that_arrives_slowly_is_408(piece: bytes) -> None:
    async with echo_connection(QUICK) as (_app, client, _served):
        await client.send(b"\r\n" if piece == b"\r\n" else GET)
        dripping = asyncio.create_task(drip(client, piece))
        assert await statuses(client) == [b"408"]
        await dripping


@pytest.mark.parametrize("beginning", [b"\r\n", b"G", GET])
async def test_the_second_header_has_a_timeout_too(beginning: bytes) -> None:
    async with echo_connection(QUICK) as (_app, client, _served):
        await client.send(GET + b"\r\n")
        await read_until(client, b"200 OK")
        await client.send(beginning)
        assert await statuses(client) == [b"200", b"408"]


async def test_a_body_that_arrives_slowly_is_408() -> None:
    async with echo_connection(QUICK) as (app, client, served):
        await client.send(POST + b"Content-Length: 5000\r\n\r\n")
        dripping = asyncio.create_task(drip(client, b"x"))
        assert await statuses(client) == [b"408"]
        await dripping
        await eventually(lambda: app.ended == 1, "the application has ended")
        assert app.disconnects == 1
    assert served.metrics.http.request_timeouts == 1


async def test_a_response_may_take_longer_than_the_timeouts_of_requests() -> None:
    async with echo_connection(QUICK) as (app, client, served):
        await client.send(GET.replace(b"/path", b"/slow") + b"\r\n")
        await eventually(lambda: app.paths, "the application has begun")
        # Half of the next request: it must not time out while the response before it is not sent.
        await client.send(b"GET /next HTTP/1.1\r\n")
        (connection,) = served.connections
        first = connection._timeout
        await eventually(lambda: connection._timeout is not first, "the timeout has expired")
        app.go.set()
        await read_until(client, b"200 OK")
        await client.send(b"Host: h\r\n\r\n")
        await eventually(lambda: app.paths == ["/slow", "/next"], "the next request is served")


async def test_a_client_that_does_not_read_its_response_is_aborted() -> None:
    async with echo_connection(QUICK, receive_buffer=4096) as (app, client, served):
        await client.send(GET.replace(b"/path", b"/large") + b"\r\n")
        await eventually(lambda: app.paths, "the application has begun")
        await eventually(lambda: not served.connections, "the connection is gone")
        await eventually(lambda: app.ended == 1, "the application has ended")
    assert served.metrics.http.slow_clients_dropped == 1


async def test_a_client_that_reads_its_response_slowly_stays_connected() -> None:
    limits = replace(LONG_TIMEOUTS, write_s=1)
    async with echo_connection(limits, receive_buffer=4096) as (_app, client, served):
        await client.send(GET.replace(b"/path", b"/large") + b"\r\n")
        loop = asyncio.get_running_loop()
        end = loop.time() + 4 * limits.write_s
        while loop.time() < end:
            assert await client.read()
            await asyncio.sleep(limits.write_s / 8)
        assert served.connections
        assert served.metrics.http.slow_clients_dropped == 0
        await eventually(lambda: not served.connections, "it is disconnected once it stops reading")
    assert served.metrics.http.slow_clients_dropped == 1


async def test_a_client_that_sent_connection_close_and_does_not_read_is_aborted() -> None:
    async with echo_connection(QUICK, receive_buffer=4096) as (app, client, served):
        await client.send(GET.replace(b"/path", b"/large") + b"Connection: close\r\n\r\n")
        await eventually(lambda: app.paths, "the application has begun")
        await eventually(lambda: not served.connections, "the connection is gone")


async def test_a_client_that_reads_gets_all_of_a_large_response() -> None:
    async with echo_connection(STEADY) as (_app, client, _served):
        await client.send(GET.replace(b"/path", b"/large") + b"Connection: close\r\n\r\n")
        head, _, body = (await client.read_to_end()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert len(body) == 32 << 20


# Ambiguous requests: a proxy in front may parse these differently (request smuggling)

AMBIGUOUS_REQUESTS = {
    "two framings": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two framings, the other order": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "a length that is no number": POST + b"Content-Length: 5_0\r\n\r\nhello",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two coding lines": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": POST.replace(b"1.1", b"1.0")
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size that is no number": POST
    + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
    "a chunk that does not end": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n",
    "a folded line": GET + b"X: a\r\n b\r\n\r\n",
    "bare line feeds": GET.replace(b"\r\n", b"\n") + b"\n",
    "a bare line feed in the header": GET + b"X: a\nY: b\r\n\r\n",
    "a bare carriage return": GET + b"X: a\rY: b\r\n\r\n",
    "a space before the colon": GET + b"X : a\r\n\r\n",
    "a NUL": GET + b"X: a\x00b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: other\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 5,
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": GET.replace(b"1.1", b"1.2") + b"\r\n",
    "HTTP/2.0 in the syntax of HTTP/1": GET.replace(b"1.1", b"2.0") + b"\r\n",
    "an unknown method": b"BREW / HTTP/1.1\r\nHost: h\r\n\r\n",
    "a tunnel": b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a path that is not ASCII": GET.replace(b"/path", b"/p\xc3\xa4th") + b"\r\n",
}


@pytest.mark.parametrize("request_", AMBIGUOUS_REQUESTS.values(), ids=AMBIGUOUS_REQUESTS)
async def test_an_ambiguous_request_is_400_and_closes_the_connection(
    request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with echo_connection() as (app, client, served):
        await client.send(request_ + GET + b"\r\n")
        assert await statuses(client) == [b"400"]
        assert "/path" not in app.paths
        await eventually(lambda: not served.connections, "the connection is gone")
    assert not caplog.records


async def test_an_invalid_request_after_an_unanswered_one_gets_no_response() -> None:
    async with echo_connection() as (app, client, served):
        await client.send(GET.replace(b"/path", b"/slow") + b"\r\n")
        await eventually(lambda: app.paths, "the application has begun")
        await client.send(b"nonsense\r\n\r\n")
        assert await statuses(client) == []
        app.go.set()
        await eventually(
            lambda: not served.connections and app.ended,
            "the connection is gone and the application has ended",
        )


async def test_an_invalid_request_after_an_answered_one_is_400() -> None:
    async with echo_connection() as (_app, client, _served):
        await client.send(GET + b"\r\n")
        await read_until(client, b"200 OK")
        await client.send(b"nonsense\r\n\r\n")
        assert await statuses(client) == [b"200", b"400"]


async def test_a_rejected_client_that_keeps_sending_is_aborted() -> None:
    async with echo_connection() as (_app, client, served):
        await client.send(b"nonsense\r\n\r\n")
        await read_until(client, b"400")

        async def keep_sending() -> None:
            while served.connections:
                await client.send(bytes(1000))
                await asyncio.sleep(0.01)

        await asyncio.wait_for(keep_sending(), 20)
    assert served.metrics.http.requests_rejected.count == 1


async def test_an_unsupported_upgrade_is_ignored_and_the_connection_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with echo_connection() as (app, client, _served):
        await client.send(GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        assert await statuses(client) == [b"200"]
        assert app.paths == ["/path"]
    assert not caplog.records


# Shutdown


async def test_idle_connections_and_incomplete_requests_do_not_delay_the_shutdown() -> None:
    async with echo_connection() as (_app, client, served), connected(served.port) as silent:
        await client.send(GET)
        await eventually(lambda: len(served.connections) == 2, "both are connected")
        await asyncio.wait_for(served.stop(), 3)
        assert await client.read_to_end() == await silent.read_to_end() == b""


@pytest.mark.parametrize("before", [b"", GET + b"\r\n"], ids=["new", "kept"])
async def test_a_request_on_its_way_at_shutdown_is_answered(before: bytes) -> None:
    async with echo_connection() as (_app, client, served):
        if before:
            await client.send(before)
            await read_until(client, b"200 OK")
            client.raw = b""
        await eventually(lambda: len(served.connections) == 1, "it is connected")
        (connection,) = served.connections
        connection.shutdown()
        await client.send(GET + b"\r\n")
        assert b"connection: close" in (await client.read_to_end()).lower()
        assert client.raw.startswith(b"HTTP/1.1 200")


async def test_a_server_that_shuts_down_accepts_no_new_socket() -> None:
    async with echo_connection() as (app, client, served):
        await eventually(lambda: len(served.connections) == 1, "it is connected")
        (connection,) = served.connections
        connection.shutdown()
        await client.send(HANDSHAKE)
        assert await statuses(client) == [b"503"]
        assert not app.paths


async def test_a_closed_connection_leaves_no_timer_running() -> None:
    async with echo_connection() as (_app, client, served):
        await client.send(GET + b"\r\n")
        await read_until(client, b"200 OK")
        (connection,) = served.connections
        client.sock.close()
        await eventually(lambda: not served.connections, "the connection is gone")
        assert connection._timeout is None
        assert connection._read_check is None
        assert connection.timeout_keep_alive_task is None


async def test_a_closed_connection_is_freed_without_garbage_collection() -> None:
    async with echo_connection() as (_app, client, served):
        await client.send(GET + b"\r\n")
        await read_until(client, b"200 OK")
        (connection,) = served.connections
        gone = weakref.ref(connection)
        gc.collect()
        gc.disable()
        try:
            del connection
            client.sock.close()
            await eventually(lambda: gone() is None, "the protocol is freed")
        finally:
            gc.enable()


# Internals of uvicorn and httptools that the protocol uses


def test_overridden_methods_have_the_parameters_of_uvicorns() -> None:
    overridden = [
        "connection_made", "connection_lost", "handle_websocket_upgrade", "pause_writing",
        "resume_writing", "data_received", "on_message_begin", "on_headers_complete", "on_body",
        "on_message_complete", "_start_asgi_task",
    ]  # fmt: skip
    for name in overridden:
        expected = inspect.signature(getattr(HttpToolsProtocol, name))
        actual = inspect.signature(getattr(HardenedHttpProtocol, name))
        assert list(actual.parameters) == list(expected.parameters)


async def test_a_request_has_the_attributes_that_the_protocol_reads() -> None:
    async with echo_connection() as (app, client, served):
        await client.send(GET.replace(b"/path", b"/slow") + b"\r\n")
        await eventually(lambda: app.paths, "the application has begun")
        (connection,) = served.connections
        cycle = connection._active_cycle
        assert isinstance(cycle, RequestResponseCycle)
        assert cycle is connection.cycle
        assert (cycle.response_started, cycle.response_complete, cycle.disconnected) == (
            False, False, False,
        )  # fmt: skip
        assert connection.flow.read_paused is False
        assert isinstance(connection.parser, httptools.HttpRequestParser)
        app.go.set()
        await read_until(client, b"200 OK")
        assert cycle.response_complete


# Connections per network


async def test_connections_of_a_network_are_limited_and_a_closed_one_frees_its_slot() -> None:
    slots = HttpConnectionSlots(2, str, "192.0.2.9")
    async with (
        echo_connection(slots=slots) as (_app, first, served),
        connected(served.port) as second,
    ):
        for client in (first, second):
            await client.send(GET + b"\r\n")
            await read_until(client, b"200 OK")
        async with connected(served.port) as third:
            await third.send(GET + b"\r\n")
            response = await third.read_to_end()
            assert response.startswith(b"HTTP/1.1 429")
            assert b"retry-after: 30" in response.lower()
            assert served.metrics.http.requests_rejected.counts["429", "connections"] == 1
        first.raw = b""
        await first.send(GET + b"\r\n")
        await read_until(first, b"200 OK")
        second.sock.close()

        async def is_served() -> bool:
            async with connected(served.port) as again:
                await again.send(GET + b"Connection: close\r\n\r\n")
                return (await again.read_to_end()).startswith(b"HTTP/1.1 200")

        await eventually(is_served, "a slot is free")


async def test_behind_a_proxy_the_connections_of_its_clients_networks_are_counted() -> None:
    slots = HttpConnectionSlots(1, str, "127.0.0.1")

    def forwarded_for(address: bytes) -> bytes:
        return GET + b"X-Forwarded-For: " + address + b"\r\n\r\n"

    async with (
        echo_connection(slots=slots) as (_app, first, served),
        connected(served.port) as second,
    ):
        await first.send(forwarded_for(b"192.0.2.1"))
        await read_until(first, b"200 OK")
        await second.send(forwarded_for(b"192.0.2.2"))
        await read_until(second, b"200 OK")
        # The proxy's connection now carries another reader's request; the slot before it is free.
        first.raw = b""
        await first.send(forwarded_for(b"192.0.2.3"))
        await read_until(first, b"200 OK")
        async with connected(served.port) as third, connected(served.port) as fourth:
            await third.send(forwarded_for(b"192.0.2.1"))
            await read_until(third, b"200 OK")
            await fourth.send(forwarded_for(b"192.0.2.3"))
            assert (await fourth.read_to_end()).startswith(b"HTTP/1.1 429")
