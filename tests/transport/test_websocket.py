"""WebSocketProtocol: limits, handshakes, timeouts, shutdown and memory, with misbehaving clients."""

import asyncio
import gc
import inspect
import logging
import socket
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from tests.transport.serving import (
    BINARY,
    CLOSE,
    CONT,
    HANDSHAKE,
    PING,
    PONG,
    TEXT,
    Client,
    Served,
    connected,
    frame,
    serving,
    upgraded,
)
from tests.waiting import eventually
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.transport.http_protocol import HardenedHttpProtocol
from widget_server.transport.settings import WebSocketLimits
from widget_server.transport.timing_wheel import TimingWheel
from widget_server.transport.websocket.connection import WebSocketConnection, log
from widget_server.transport.websocket.protocol import WebSocketProtocol

ON_BOTH_LOOPS = True


QUICK = WebSocketLimits(timer_resolution_s=0.02, abort_after_s=0.2)


class RecordingApp:
    """An application that accepts every socket and records the events that it receives."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.scopes: list[Any] = []
        self.connections: list[WebSocketConnection] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await receive()
        await send({"type": "websocket.accept"})
        self.connections.append(scope["extensions"]["widget.connection"]["connection"])
        while True:
            event = await receive()
            self.events.append(event)
            if event["type"] == "websocket.disconnect":
                break

    @property
    def codes(self) -> list[int]:
        """The codes of the disconnect events."""
        return [e["code"] for e in self.events if e["type"] == "websocket.disconnect"]


@asynccontextmanager
async def listening(
    limits: WebSocketLimits = QUICK, *, receive_buffer: int | None = None
) -> AsyncIterator[tuple[RecordingApp, Client, Served]]:
    app = RecordingApp()
    async with (
        serving(app, websocket=limits) as served,
        upgraded(served.port, receive_buffer=receive_buffer) as client,
    ):
        await eventually(lambda: app.connections, "the socket is accepted")
        yield app, client, served


def protocol_of(connection: WebSocketConnection) -> WebSocketProtocol:
    """Return the receiving side of a connection."""
    assert isinstance(connection._receiver, WebSocketProtocol)
    return connection._receiver


async def fill_buffer(connection: WebSocketConnection) -> None:
    """Write until writing is paused."""
    flood = PreparedBatch([PreparedMessage(b"x" * 60_000)])

    def paused() -> bool:
        while connection.write(flood):
            pass
        return connection.write_paused

    await eventually(paused, "writing is paused")


# Received frames


async def test_the_65th_fragment_of_a_message_closes_the_socket_with_1008() -> None:
    async with listening() as (app, client, served):
        await client.send(frame(TEXT, b"x", fin=False))
        await client.send(frame(CONT, b"", fin=False) * 5000)
        assert await client.close_code() == 1008
        await eventually(lambda: not served.connections, "the connection is gone")
        assert app.codes == [1008]


async def test_a_message_may_have_64_fragments() -> None:
    async with listening() as (app, client, _served):
        await client.send(frame(TEXT, b"x", fin=False) + frame(CONT, b"y", fin=False) * 62)
        await client.send(frame(CONT, b"z"))
        await eventually(lambda: app.events, "the message has arrived")
        assert app.events[0]["text"] == "x" + "y" * 62 + "z"


async def test_a_flood_of_pings_is_closed_after_at_most_20_pongs() -> None:
    async with listening() as (_app, client, served):
        await client.send(frame(PING, b"1234") * 10_000)
        frames = await client.frames()
        assert len([f for f in frames if f.opcode == PONG]) <= 20
        assert frames[-1].opcode == CLOSE
        assert bytes(frames[-1].data[:2]) == b"\x03\xf0"
    assert served.metrics.websocket.abusers_dropped == 1


async def test_a_flood_of_pongs_is_closed_with_1008() -> None:
    async with listening() as (_app, client, _served):
        await client.send(frame(PONG) * 1000)
        assert await client.close_code() == 1008


async def test_a_client_that_floods_after_the_close_frame_is_aborted() -> None:
    async with listening() as (app, client, served):
        app.connections[0].close(1000)

        async def flood() -> None:
            while served.connections:
                await client.send(frame(PING) * 1000)
                await asyncio.sleep(0)

        await asyncio.wait_for(flood(), 20)
    assert served.metrics.websocket.abusers_dropped == 1


async def test_a_client_that_pings_but_does_not_read_is_aborted() -> None:
    async with listening(receive_buffer=4096) as (app, client, served):
        await fill_buffer(app.connections[0])
        await client.send(frame(PING))
        await eventually(lambda: not served.connections, "the connection is gone")
        assert app.codes == [1006]


async def test_more_messages_than_the_burst_close_the_socket_with_1008() -> None:
    limits = replace(QUICK, message_rate=0.001, message_burst=5)
    async with listening(limits) as (app, client, _served):
        await client.send(frame(TEXT, b"x") * 6)
        assert await client.close_code() == 1008
        await eventually(lambda: app.codes, "the application received the disconnect")
        assert [e.get("text") for e in app.events] == ["x"] * 5 + [None]


async def test_messages_within_the_rate_are_always_accepted() -> None:
    limits = replace(QUICK, message_rate=500.0, message_burst=2)
    async with listening(limits) as (app, client, _served):
        loop = asyncio.get_running_loop()

        async def send_one_more() -> None:
            before = len(app.events)
            await eventually(
                lambda: (
                    loop.time() >= protocol_of(app.connections[0])._receive_limits._messages_full_at
                ),
                "the bucket is full",
            )
            await client.send(frame(TEXT, b"x"))
            await eventually(lambda: len(app.events) > before, "the message has arrived")

        for _ in range(20):
            await send_one_more()
        assert [e["type"] for e in app.events] == ["websocket.receive"] * 20


async def test_text_that_is_not_utf8_closes_with_1007_and_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening() as (_app, client, _served):
        await client.send(frame(TEXT, b"\xff\xfe"))
        assert await client.close_code() == 1007
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"x" * 32769), 1009),
        (frame(TEXT, b"x" * 30000, fin=False) + frame(CONT, b"x" * 3000), 1009),
        (b"\xc1\x80" + bytes(4), 1002),  # RSV1: compression was not agreed on
        (b"\x81\x01x", 1002),  # not masked
        (frame(CONT, b"x"), 1002),
        (frame(3), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, fin=False), 1002),
        (frame(CLOSE, b"\x03\xed"), 1002),  # 1005 may not be sent
    ],
)
async def test_each_protocol_violation_closes_with_its_code(data: bytes, code: int) -> None:
    async with listening() as (app, client, served):
        await client.send(data)
        assert await client.close_code() == code
        await eventually(lambda: not served.connections, "the connection is gone")
        assert app.codes == [code]


async def test_a_message_of_the_maximum_size_is_accepted() -> None:
    async with listening() as (app, client, _served):
        await client.send(frame(BINARY, b"x" * 32768))
        await eventually(lambda: app.events, "the message has arrived")
        assert app.events[0]["bytes"] == b"x" * 32768


async def test_a_client_close_is_echoed_and_passed_to_the_application() -> None:
    async with listening() as (app, client, served):
        await client.send(frame(CLOSE, b"\x03\xe9bye"))
        frames = await client.frames()
        assert [(f.opcode, bytes(f.data)) for f in frames] == [(CLOSE, b"\x03\xe9bye")]
        await eventually(lambda: not served.connections, "the connection is gone")
        assert app.events == [{"type": "websocket.disconnect", "code": 1001, "reason": "bye"}]


# The handshake


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"Version: 13", b"Version: 12", b"400"),
        (b"GET", b"POST", b"405"),
        (b"dGhl", b"____", b"400"),
        (b"secret=1", b"a" * 33_000, b"431"),
        (b"Host", b"X-Long: " + b"a" * 33_000 + b"\r\nHost", b"431"),
    ],
)
async def test_an_invalid_handshake_gets_an_error_status(
    old: bytes, new: bytes, status: bytes
) -> None:
    async with serving(RecordingApp(), websocket=QUICK) as served, connected(served.port) as client:
        await client.send(HANDSHAKE.replace(old, new))
        response = await client.read_to_end()
        assert response.startswith(b"HTTP/1.1 " + status), response


async def test_the_query_string_is_in_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.INFO, log.name):
        async with listening() as (app, client, _served):
            assert app.scopes[0]["query_string"] == b"secret=1"
            await client.send(frame(CLOSE, b"\x03\xe8"))
            await client.frames()
    assert "/v1/live" in caplog.text
    assert "secret" not in caplog.text


async def test_sockets_are_not_logged_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with listening():
            pass
    assert "/v1/live" not in caplog.text


async def test_a_rejected_handshake_gets_the_response_of_the_application() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        headers = [(b"retry-after", b"3")]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"later"})

    async with serving(app, websocket=QUICK) as served, connected(served.port) as client:
        await client.send(HANDSHAKE)
        response = await client.read_to_end()
        assert response.startswith(b"HTTP/1.1 503")
        assert response.endswith(b"later")


# The application


async def fails_before(scope: Any, receive: Any, send: Any) -> None:
    raise LookupError("before")


async def returns_before(scope: Any, receive: Any, send: Any) -> None:
    await receive()


@pytest.mark.parametrize("app", [fails_before, returns_before])
async def test_an_application_that_does_not_accept_is_a_500(app: Any) -> None:
    async with serving(app, websocket=QUICK) as served, connected(served.port) as client:
        await client.send(HANDSHAKE)
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 500")


async def test_an_exception_after_accepting_closes_with_1011(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise LookupError("a bug")

    async with serving(app, websocket=QUICK) as served, upgraded(served.port) as client:
        assert await client.close_code() == 1011
    assert "event=socket_failed" in caplog.text


async def test_a_socket_left_open_by_the_application_is_closed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    async with serving(app, websocket=QUICK) as served, upgraded(served.port) as client:
        assert await client.close_code() == 1000


async def test_sending_after_the_close_raises_as_after_a_disconnect() -> None:
    caught: list[type[BaseException]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        scope["extensions"]["widget.connection"]["connection"].close(4413)
        try:
            await send({"type": "websocket.send", "text": "x"})
        except OSError as exc:
            caught.append(type(exc))

    async with serving(app, websocket=QUICK) as served, upgraded(served.port) as client:
        assert await client.close_code() == 4413
    assert len(caught) == 1


async def test_receive_after_the_disconnect_returns_the_disconnect_again() -> None:
    events: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while len(events) < 3:
            events.append(await receive())

    async with serving(app, websocket=QUICK) as served, upgraded(served.port) as client:
        await client.send(frame(CLOSE, b"\x03\xe8"))
        await eventually(lambda: len(events) == 3, "the application received three events")
    assert [event["code"] for event in events] == [1000] * 3


async def test_an_invalid_close_code_becomes_1011(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as (app, client, _served):
        app.connections[0].close(1006)
        assert await client.close_code() == 1011
    assert "1006" in caplog.text


# Timeouts


PINGING = replace(QUICK, ping_interval_min_s=0.05, ping_interval_max_s=0.05, ping_timeout_s=0.2)


async def test_a_client_that_does_not_answer_pings_is_aborted() -> None:
    async with listening(PINGING) as (app, client, served):
        frames = await client.frames()
        assert [f.opcode for f in frames] == [PING]
        await eventually(lambda: app.codes == [1006], "the application received the disconnect")
    assert served.metrics.websocket.ping_timeouts == 1


async def test_an_unsolicited_pong_does_not_count() -> None:
    async with listening(PINGING) as (_app, client, _served):
        await client.send(frame(PONG, b"xxxx"))
        await client.frames(PING)
        await client.send(frame(PONG, b"xxxx"))
        assert await client.close_code() == 1006


async def test_a_pong_counts_however_it_is_split() -> None:
    async with listening() as (app, _client, _served):
        protocol, ping = protocol_of(app.connections[0]), b"\x00\x7f\x10z"
        pong = frame(PONG, ping)
        for split in (0, 1, 2, 5, 9):
            protocol._keepalive.ping = ping
            for piece in filter(None, (pong[:split], pong[split:])):
                assert protocol._keepalive.ping == ping
                protocol.data_received(piece)
            assert protocol._keepalive.ping is None
        protocol._keepalive.ping = ping
        for other in (frame(PONG, b"\x00\x7f\x10y"), frame(TEXT, ping), frame(PING, ping)):
            protocol.data_received(other)
            assert protocol._keepalive.ping == ping
        protocol.data_received(pong + frame(TEXT, b"after"))
        assert protocol._keepalive.ping is None
        await eventually(
            lambda: [event.get("text") for event in app.events] == [ping.decode(), "after"],
            "the text after the pong was received too",
        )


async def test_a_client_that_answers_pings_stays_connected() -> None:
    app = RecordingApp()
    async with (
        serving(app, websocket=PINGING) as served,
        connect(served.url(), ping_interval=None) as client,
    ):
        await eventually(lambda: served.metrics.websocket.pings_sent > 8, "several pings were sent")
        assert client.state is State.OPEN
        assert not app.codes


async def test_a_busy_application_does_not_disconnect_the_client() -> None:
    go = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await go.wait()
        assert (await receive())["text"] == "hello"
        await send({"type": "websocket.send", "text": "hello"})
        await receive()

    async with (
        serving(app, websocket=PINGING) as served,
        connect(served.url(), ping_interval=None) as client,
    ):
        await client.send("hello")
        # The client's pongs wait behind its message: the server is not reading.
        await eventually(lambda: served.metrics.websocket.pings_sent > 4, "pings went on")
        go.set()
        assert await client.recv() == "hello"


async def test_a_client_that_reads_nothing_for_too_long_is_aborted() -> None:
    limits = replace(QUICK, slow_consumer_timeout_s=0.2)
    async with listening(limits, receive_buffer=4096) as (app, _client, served):
        await fill_buffer(app.connections[0])
        await eventually(lambda: not served.connections, "the connection is gone")
    assert served.metrics.websocket.slow_consumers_dropped == 1


async def test_a_client_that_reads_slowly_stays_connected() -> None:
    limits = replace(QUICK, slow_consumer_timeout_s=1.0)
    async with listening(limits, receive_buffer=4096) as (app, client, served):
        connection = app.connections[0]
        assert connection.write(PreparedBatch([PreparedMessage(b"x" * 8_000_000)]))
        await eventually(lambda: connection.write_paused, "writing is paused")
        since = connection.paused_since
        loop = asyncio.get_running_loop()
        end = loop.time() + 4 * limits.slow_consumer_timeout_s
        while loop.time() < end:
            assert await client.read()
            await asyncio.sleep(limits.slow_consumer_timeout_s / 8)
        assert served.connections, "it stays connected while it reads"
        assert connection.paused_since == since, "bytes were unread all the time"
        await eventually(lambda: not served.connections, "it is aborted once it stops reading")
    assert served.metrics.websocket.slow_consumers_dropped == 1


async def test_a_client_that_never_answers_a_close_frame_is_aborted() -> None:
    limits = replace(QUICK, close_timeout_s=0.2)
    async with listening(limits) as (app, client, served):
        app.connections[0].close(1008)
        await client.frames(CLOSE)
        await eventually(lambda: not served.connections, "the connection is gone")


def wheels() -> list[TimingWheel]:
    """Return the timing wheels of the running event loop, without those of other tests."""
    loop = asyncio.get_running_loop()
    return [wheel for (owner, _), wheel in TimingWheel._wheels.items() if owner is loop]


async def test_one_timer_serves_all_sockets_and_stops_with_the_last() -> None:
    async with AsyncExitStack() as stack:
        app = RecordingApp()
        served = await stack.enter_async_context(serving(app, websocket=QUICK))
        for _ in range(10):
            await stack.enter_async_context(upgraded(served.port))
        await eventually(lambda: len(app.connections) == 10, "all are accepted")
        assert len(wheels()) == 1
    assert not wheels()


async def test_opened_minus_closed_connections_are_open() -> None:
    app = RecordingApp()
    async with serving(app, websocket=QUICK) as served:
        metrics = served.metrics.websocket
        async with connected(served.port) as rejected:
            await rejected.send(HANDSHAKE.replace(b"Version: 13", b"Version: 12"))
            await rejected.read_to_end()
        async with upgraded(served.port), upgraded(served.port):
            await eventually(lambda: len(app.connections) == 2, "both are accepted")
            assert metrics.connections_opened - metrics.connections_closed == 2
        await eventually(lambda: not served.connections, "all are gone")
        assert metrics.connections_opened - metrics.connections_closed == 0


# Shutdown


async def test_at_shutdown_sockets_are_notified_and_closed_at_random_times() -> None:
    limits = replace(QUICK, drain_s=0.5)
    app = RecordingApp()
    written = []
    async with serving(app, websocket=limits) as served, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(served.url())) for _ in range(20)]
        await eventually(lambda: len(app.connections) == 20, "all are accepted")

        def hook(connection: WebSocketConnection) -> Callable[[], None]:
            def goodbye() -> None:
                written.append(connection.write(PreparedBatch([PreparedMessage(b"goodbye")])))

            return goodbye

        for connection in app.connections:
            connection.on_shutdown = hook(connection)
        loop = asyncio.get_running_loop()

        async def receive_until_closed(client: Any) -> tuple[float, int]:
            assert await client.recv() == "goodbye"
            with pytest.raises(ConnectionClosed):
                await client.recv()
            return loop.time(), client.close_code

        waiting = [asyncio.create_task(receive_until_closed(client)) for client in clients]
        await served.stop()
        results = [await task for task in waiting]
        assert written == [True] * 20
        assert {code for _, code in results} == {1012}
        moments = [moment for moment, _ in results]
        assert max(moments) - min(moments) > 0.1


async def test_a_client_that_does_not_read_does_not_delay_the_shutdown() -> None:
    limits = replace(QUICK, drain_s=0.1)
    async with listening(limits, receive_buffer=4096) as (app, _client, served):
        await fill_buffer(app.connections[0])
        app.connections[0].on_shutdown = lambda: None
        await asyncio.wait_for(served.stop(), 4)
        assert not served.connections


async def test_a_client_that_does_not_answer_does_not_delay_the_shutdown() -> None:
    limits = replace(QUICK, drain_s=0.1)
    async with listening(limits) as (_app, client, served):
        await asyncio.wait_for(served.stop(), 4)
        assert not served.connections
        assert await client.close_code() == 1012


async def test_an_unfinished_handshake_at_shutdown_gets_503() -> None:
    begun = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        begun.set()
        await receive()

    async with serving(app, websocket=QUICK) as served, connected(served.port) as client:
        await client.send(HANDSHAKE)
        await begun.wait()
        await asyncio.wait_for(served.stop(), 4)
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 503")


# Memory


async def test_a_closed_socket_is_freed_without_garbage_collection() -> None:
    app = RecordingApp()
    async with serving(app, websocket=QUICK) as served:
        gc.collect()
        gc.disable()
        try:
            async with upgraded(served.port) as client:
                await eventually(lambda: app.connections, "the socket is accepted")
                protocol, conn = (
                    weakref.ref(protocol_of(app.connections[0])),
                    weakref.ref(protocol_of(app.connections[0]).conn),
                )
                await client.send(frame(CLOSE, b"\x03\xe8"))
                await client.frames()
            await eventually(lambda: not served.connections, "the connection is gone")
            app.connections.clear()
            app.scopes.clear()
            await eventually(lambda: protocol() is None, "the protocol is freed")
            assert conn() is None
        finally:
            gc.enable()


async def test_an_idle_socket_costs_less_than_11_kb_of_python_objects() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    many = 100
    async with serving(app, websocket=QUICK) as served:
        socks = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(2 * many)]

        async def open_up(part: list[socket.socket]) -> int:
            before = served.metrics.websocket.connections_opened
            for sock in part:
                sock.sendall(HANDSHAKE)
            await eventually(
                lambda: served.metrics.websocket.connections_opened == before + many,
                "all are accepted",
            )
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        await eventually(lambda: len(served.connections) == 2 * many, "all are connected")
        tracemalloc.start()
        try:
            # Objects that exist once are counted in the first half; the HTTP protocols were made untraced.
            first = await open_up(socks[:many])
            assert (await open_up(socks[many:]) - first) / many < 11_000
        finally:
            tracemalloc.stop()
            for sock in socks:
                sock.close()


def http_protocols(served: Served) -> list[HardenedHttpProtocol]:
    return [one for one in served.connections if isinstance(one, HardenedHttpProtocol)]


async def test_the_http_protocol_does_not_outlive_the_handshake() -> None:
    app = RecordingApp()
    async with serving(app, websocket=QUICK) as served:
        gc.collect()
        gc.disable()
        try:
            async with connected(served.port) as client:
                await client.send(HANDSHAKE[:5])
                await eventually(lambda: http_protocols(served), "the HTTP protocol has 5 bytes")
                http_protocol = weakref.ref(http_protocols(served)[0])
                await client.send(HANDSHAKE[5:])
                await eventually(lambda: app.connections, "the socket is accepted")
                await eventually(lambda: http_protocol() is None, "the HTTP protocol is freed")
        finally:
            gc.enable()


# Internals of uvicorn and websockets that the protocol uses: if a test fails, read their changes


async def test_every_attribute_of_uvicorns_protocol_has_a_slot() -> None:
    async with listening() as (app, client, _served):
        protocol = protocol_of(app.connections[0])
        await client.send(frame(TEXT, b"x", fin=False) + frame(PING))
        await client.frames(PONG)
        assert vars(protocol) == {}


def test_overridden_methods_have_the_parameters_of_uvicorns() -> None:
    assert uvicorn.__version__.startswith("0.54.")
    overridden = {
        "connection_made", "connection_lost", "pause_writing", "resume_writing", "shutdown",
        "data_received", "handle_connect", "handle_cont", "handle_ping", "handle_pong",
        "handle_close", "send_receive_event_to_app", "handle_parser_exception", "start_keepalive",
        "stop_keepalive", "run_asgi", "send",
    }  # fmt: skip
    for name in overridden:
        assert getattr(WebSocketProtocol, name) is not getattr(WebSocketsSansIOProtocol, name)
        expected = inspect.signature(getattr(WebSocketsSansIOProtocol, name))
        assert list(inspect.signature(getattr(WebSocketProtocol, name)).parameters) == list(
            expected.parameters
        )
        assert inspect.iscoroutinefunction(
            getattr(WebSocketsSansIOProtocol, name)
        ) is inspect.iscoroutinefunction(getattr(WebSocketProtocol, name))


async def test_the_parser_has_the_attributes_that_the_protocol_reads() -> None:
    async with listening() as (app, _client, _served):
        conn = protocol_of(app.connections[0]).conn
        assert conn.state is State.OPEN
        assert conn.parser_exc is None
        assert conn.eof_sent is False
        assert conn.data_to_send() == []
        assert inspect.isgenerator(conn.parser)
