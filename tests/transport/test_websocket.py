"""The socket protocol survives whatever a client sends, or does not, and says so only once."""

import asyncio
import gc
import inspect
import logging
import socket
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
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
    send_in_two,
    serving,
    upgraded,
)
from tests.waiting import eventually
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.transport.http_protocol import HardenedHttpProtocol
from widget_server.transport.metrics import WEBSOCKET_METRICS
from widget_server.transport.timing_wheel import TimingWheel
from widget_server.transport.websocket.direct_write import log
from widget_server.transport.websocket.protocol import WebSocketProtocol

ON_BOTH_LOOPS = True


class Quick(WebSocketProtocol):
    timer_resolution_s = 0.02
    abort_after_s = 0.2


class Listener:
    """An application that accepts, and keeps what it receives."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.scopes: list[Any] = []
        self.peers: list[WebSocketProtocol] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await receive()
        await send({"type": "websocket.accept"})
        self.peers.append(scope["extensions"]["widget.connection"]["connection"])
        while True:
            event = await receive()
            self.events.append(event)
            if event["type"] == "websocket.disconnect":
                break

    @property
    def codes(self) -> list[int]:
        """The codes of the disconnects."""
        return [e["code"] for e in self.events if e["type"] == "websocket.disconnect"]


@asynccontextmanager
async def listening(
    ws: type[WebSocketProtocol] = Quick, *, receive_buffer: int | None = None
) -> AsyncIterator[tuple[Listener, Client, Served]]:
    app = Listener()
    async with (
        serving(app, ws=ws) as served,
        upgraded(served.port, receive_buffer=receive_buffer) as client,
    ):
        await eventually(lambda: app.peers, "the socket is accepted")
        yield app, client, served


async def stuff(connection: WebSocketProtocol) -> None:
    """Write until the peer is paused."""
    flood = PreparedBatch([PreparedMessage(b"x" * 60_000)])

    def paused() -> bool:
        while connection.write(flood):
            pass
        return connection.write_paused

    await eventually(paused, "the peer is paused")


# What the client sends


async def test_the_65th_fragment_ends_the_conversation() -> None:
    async with listening() as (app, client, served):
        await client.send(frame(TEXT, b"x", fin=False))
        await client.send(frame(CONT, b"", fin=False) * 5000)
        assert await client.close_code() == 1008
        await eventually(lambda: not served.connections, "the connection is gone")
        assert app.codes == [1008]


async def test_64_fragments_are_a_message() -> None:
    async with listening() as (app, client, _served):
        await client.send(frame(TEXT, b"x", fin=False) + frame(CONT, b"y", fin=False) * 62)
        await client.send(frame(CONT, b"z"))
        await eventually(lambda: app.events, "the message has arrived")
        assert app.events[0]["text"] == "x" + "y" * 62 + "z"


async def test_a_flood_of_pings_is_cut_after_a_few_answers() -> None:
    before = WEBSOCKET_METRICS.abusers_dropped
    async with listening() as (_app, client, _served):
        await client.send(frame(PING, b"1234") * 10_000)
        frames = await client.frames()
        assert len([f for f in frames if f.opcode == PONG]) <= 20
        assert frames[-1].opcode == CLOSE
        assert bytes(frames[-1].data[:2]) == b"\x03\xf0"
    assert WEBSOCKET_METRICS.abusers_dropped == before + 1


async def test_a_flood_of_pongs_is_cut() -> None:
    async with listening() as (_app, client, _served):
        await client.send(frame(PONG) * 1000)
        assert await client.close_code() == 1008


async def test_a_client_that_floods_on_after_the_close_frame_is_cut_off() -> None:
    before = WEBSOCKET_METRICS.abusers_dropped
    async with listening() as (app, client, served):
        app.peers[0].close(1000)

        async def flood() -> None:
            while served.connections:
                await client.send(frame(PING) * 1000)
                await asyncio.sleep(0)

        await asyncio.wait_for(flood(), 20)
    assert WEBSOCKET_METRICS.abusers_dropped == before + 1


async def test_a_ping_from_a_client_that_does_not_read_cuts_it() -> None:
    async with listening(receive_buffer=4096) as (app, client, served):
        await stuff(app.peers[0])
        await client.send(frame(PING))
        await eventually(lambda: not served.connections, "the connection is gone")
        assert app.codes == [1006]


async def test_more_messages_than_the_bucket_holds_are_abuse() -> None:
    class Strict(Quick):
        message_rate = 0.001
        message_burst = 5

    async with listening(Strict) as (app, client, _served):
        await client.send(frame(TEXT, b"x") * 6)
        assert await client.close_code() == 1008
        await eventually(lambda: app.codes, "the application was told")
        assert [e.get("text") for e in app.events] == ["x"] * 5 + [None]


async def test_messages_at_the_allowed_pace_are_taken_for_ever() -> None:
    class Strict(Quick):
        message_rate = 500.0
        message_burst = 2

    async with listening(Strict) as (app, client, _served):
        loop = asyncio.get_running_loop()

        async def say_one_more() -> None:
            before = len(app.events)
            await eventually(lambda: loop.time() >= app.peers[0]._message_tat, "it may speak")
            await client.send(frame(TEXT, b"x"))
            await eventually(lambda: len(app.events) > before, "the message has arrived")

        for _ in range(20):
            await say_one_more()
        assert [e["type"] for e in app.events] == ["websocket.receive"] * 20


async def test_text_that_is_not_utf8_is_1007_and_leaves_no_trace(
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
async def test_what_breaks_the_protocol_is_answered_with_its_code(data: bytes, code: int) -> None:
    async with listening() as (app, client, served):
        await client.send(data)
        assert await client.close_code() == code
        await eventually(lambda: not served.connections, "the connection is gone")
        assert app.codes == [code]


async def test_the_largest_message_passes() -> None:
    async with listening() as (app, client, _served):
        await client.send(frame(BINARY, b"x" * 32768))
        await eventually(lambda: app.events, "the message has arrived")
        assert app.events[0]["bytes"] == b"x" * 32768


async def test_a_clients_close_is_echoed_and_told() -> None:
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
async def test_a_handshake_that_cannot_be_is_answered(
    old: bytes, new: bytes, status: bytes
) -> None:
    async with serving(Listener(), ws=Quick) as served, connected(served.port) as client:
        await client.send(HANDSHAKE.replace(old, new))
        answer = await client.read_to_end()
        assert answer.startswith(b"HTTP/1.1 " + status), answer


async def test_the_query_string_is_in_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.INFO, log.name):
        async with listening() as (app, client, _served):
            assert app.scopes[0]["query_string"] == b"secret=1"
            await client.send(frame(CLOSE, b"\x03\xe8"))
            await client.frames()
    assert "/v1/live" in caplog.text
    assert "secret" not in caplog.text


async def test_sockets_are_not_logged_unless_asked(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with listening():
            pass
    assert "/v1/live" not in caplog.text


async def test_a_refused_socket_gets_the_applications_answer() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        headers = [(b"retry-after", b"3")]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"later"})

    async with serving(app, ws=Quick) as served, connected(served.port) as client:
        await client.send(HANDSHAKE)
        answer = await client.read_to_end()
        assert answer.startswith(b"HTTP/1.1 503")
        assert answer.endswith(b"later")


# The application


async def fails_before(scope: Any, receive: Any, send: Any) -> None:
    raise LookupError("before")


async def returns_before(scope: Any, receive: Any, send: Any) -> None:
    await receive()


@pytest.mark.parametrize("app", [fails_before, returns_before])
async def test_an_application_that_does_not_accept_is_a_500(app: Any) -> None:
    async with serving(app, ws=Quick) as served, connected(served.port) as client:
        await client.send(HANDSHAKE)
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 500")


async def test_an_exception_after_accepting_closes_with_1011(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise LookupError("a bug")

    async with serving(app, ws=Quick) as served, upgraded(served.port) as client:
        assert await client.close_code() == 1011
    assert "event=socket_failed" in caplog.text


async def test_a_socket_left_open_by_the_application_is_closed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    async with serving(app, ws=Quick) as served, upgraded(served.port) as client:
        assert await client.close_code() == 1000


async def test_sending_after_the_end_is_like_sending_to_one_who_left() -> None:
    caught: list[type[BaseException]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        scope["extensions"]["widget.connection"]["connection"].close(4413)
        try:
            await send({"type": "websocket.send", "text": "x"})
        except OSError as exc:
            caught.append(type(exc))

    async with serving(app, ws=Quick) as served, upgraded(served.port) as client:
        assert await client.close_code() == 4413
    assert len(caught) == 1


async def test_asking_again_after_the_disconnect_gives_the_disconnect_again() -> None:
    answers: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while len(answers) < 3:
            answers.append(await receive())

    async with serving(app, ws=Quick) as served, upgraded(served.port) as client:
        await client.send(frame(CLOSE, b"\x03\xe8"))
        await eventually(lambda: len(answers) == 3, "the application got three answers")
    assert [a["code"] for a in answers] == [1000] * 3


async def test_a_wrong_close_code_becomes_1011(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as (app, client, _served):
        app.peers[0].close(1006)
        assert await client.close_code() == 1011
    assert "1006" in caplog.text


# Time


class Pinging(Quick):
    ping_interval_min_s = ping_interval_max_s = 0.05
    ping_timeout_s = 0.2


async def test_a_client_that_does_not_answer_pings_is_cut() -> None:
    before = WEBSOCKET_METRICS.ping_timeouts
    async with listening(Pinging) as (app, client, _served):
        frames = await client.frames()
        assert [f.opcode for f in frames] == [PING]
        await eventually(lambda: app.codes == [1006], "the application was told")
    assert WEBSOCKET_METRICS.ping_timeouts == before + 1


async def test_a_pong_that_answers_nothing_does_not_count() -> None:
    async with listening(Pinging) as (_app, client, _served):
        await client.send(frame(PONG, b"xxxx"))
        await client.frames(PING)
        await client.send(frame(PONG, b"xxxx"))
        assert await client.close_code() == 1006


async def test_the_answer_to_a_ping_counts_in_whatever_pieces_it_comes() -> None:
    async with listening() as (app, _client, _served):
        connection, ping = app.peers[0], b"\x00\x7f\x10z"
        answer = frame(PONG, ping)
        for cut in (0, 1, 2, 5, 9):
            connection.pending_ping_payload = ping
            for piece in filter(None, (answer[:cut], answer[cut:])):
                assert connection.pending_ping_payload == ping
                connection.data_received(piece)
            assert connection.pending_ping_payload is None
        connection.pending_ping_payload = ping
        for other in (frame(PONG, b"\x00\x7f\x10y"), frame(TEXT, ping), frame(PING, ping)):
            connection.data_received(other)
            assert connection.pending_ping_payload == ping
        connection.data_received(answer + frame(TEXT, b"after"))
        assert connection.pending_ping_payload is None
        await eventually(
            lambda: [event.get("text") for event in app.events] == [ping.decode(), "after"],
            "what came with it was taken too",
        )


async def test_a_client_that_answers_pings_stays() -> None:
    before = WEBSOCKET_METRICS.pings_sent
    app = Listener()
    async with (
        serving(app, ws=Pinging) as served,
        connect(served.url(), ping_interval=None) as client,
    ):
        await eventually(
            lambda: WEBSOCKET_METRICS.pings_sent > before + 8, "several pings were sent"
        )
        assert client.state is State.OPEN
        assert not app.codes


async def test_an_application_that_is_busy_does_not_cost_the_client_its_socket() -> None:
    go = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await go.wait()
        assert (await receive())["text"] == "hello"
        await send({"type": "websocket.send", "text": "hello"})
        await receive()

    before = WEBSOCKET_METRICS.pings_sent
    async with (
        serving(app, ws=Pinging) as served,
        connect(served.url(), ping_interval=None) as client,
    ):
        await client.send("hello")
        # The client's answers wait behind its message: the server is not reading.
        await eventually(lambda: WEBSOCKET_METRICS.pings_sent > before + 4, "pings went on")
        go.set()
        assert await client.recv() == "hello"


async def test_a_client_that_reads_nothing_for_too_long_is_cut() -> None:
    class Impatient(Quick):
        slow_consumer_timeout_s = 0.2

    before = WEBSOCKET_METRICS.slow_consumers_dropped
    async with listening(Impatient, receive_buffer=4096) as (app, _client, served):
        await stuff(app.peers[0])
        await eventually(lambda: not served.connections, "the connection is gone")
    assert WEBSOCKET_METRICS.slow_consumers_dropped == before + 1


async def test_a_client_that_reads_a_little_now_and_then_is_not_cut() -> None:
    class Impatient(Quick):
        slow_consumer_timeout_s = 1.0

    before = WEBSOCKET_METRICS.slow_consumers_dropped
    async with listening(Impatient, receive_buffer=4096) as (app, client, served):
        connection = app.peers[0]
        assert connection.write(PreparedBatch([PreparedMessage(b"x" * 8_000_000)]))
        await eventually(lambda: connection.write_paused, "the peer is paused")
        since = connection.paused_since
        loop = asyncio.get_running_loop()
        end = loop.time() + 4 * Impatient.slow_consumer_timeout_s
        while loop.time() < end:
            assert await client.read()
            await asyncio.sleep(Impatient.slow_consumer_timeout_s / 8)
        assert served.connections, "it is served as fast as it reads"
        assert connection.paused_since == since, "it had something to read all the time"
        await eventually(lambda: not served.connections, "when it stops, it is cut")
    assert WEBSOCKET_METRICS.slow_consumers_dropped == before + 1


async def test_a_client_that_never_answers_a_close_frame_is_cut() -> None:
    class Impatient(Quick):
        close_timeout_s = 0.2

    async with listening(Impatient) as (app, client, served):
        app.peers[0].close(1008)
        await client.frames(CLOSE)
        await eventually(lambda: not served.connections, "the connection is gone")


async def test_one_timer_serves_all_sockets_and_stops_with_the_last() -> None:
    async with AsyncExitStack() as stack:
        app = Listener()
        served = await stack.enter_async_context(serving(app, ws=Quick))
        for _ in range(10):
            await stack.enter_async_context(upgraded(served.port))
        await eventually(lambda: len(app.peers) == 10, "all are accepted")
        assert len(TimingWheel._wheels) == 1
    assert not TimingWheel._wheels


async def test_what_was_accepted_and_not_lost_is_open() -> None:
    before = WEBSOCKET_METRICS.connections_opened - WEBSOCKET_METRICS.connections_closed
    app = Listener()
    async with serving(app, ws=Quick) as served:
        async with connected(served.port) as refused:
            await refused.send(HANDSHAKE.replace(b"Version: 13", b"Version: 12"))
            await refused.read_to_end()
        async with upgraded(served.port), upgraded(served.port):
            await eventually(lambda: len(app.peers) == 2, "both are accepted")
            assert (
                WEBSOCKET_METRICS.connections_opened - WEBSOCKET_METRICS.connections_closed
                == before + 2
            )
        await eventually(lambda: not served.connections, "all are gone")
        assert WEBSOCKET_METRICS.connections_opened - WEBSOCKET_METRICS.connections_closed == before


# Leaving


async def test_at_shutdown_everyone_is_told_and_leaves_at_a_moment_of_its_own() -> None:
    class Draining(Quick):
        drain_s = 0.5

    app = Listener()
    told = []
    async with serving(app, ws=Draining) as served, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(served.url())) for _ in range(20)]
        await eventually(lambda: len(app.peers) == 20, "all are accepted")

        def hook(connection: WebSocketProtocol) -> Callable[[], None]:
            def goodbye() -> None:
                told.append(connection.write(PreparedBatch([PreparedMessage(b"goodbye")])))

            return goodbye

        for connection in app.peers:
            connection.on_shutdown = hook(connection)
        loop = asyncio.get_running_loop()

        async def loader(client: Any) -> tuple[float, int]:
            assert await client.recv() == "goodbye"
            with pytest.raises(ConnectionClosed):
                await client.recv()
            return loop.time(), client.close_code

        waiting = [asyncio.create_task(loader(client)) for client in clients]
        await served.stop()
        answers = [await task for task in waiting]
        assert told == [True] * 20
        assert {code for _, code in answers} == {1012}
        moments = [moment for moment, _ in answers]
        assert max(moments) - min(moments) > 0.1


async def test_a_client_that_does_not_read_does_not_delay_the_shutdown() -> None:
    class Draining(Quick):
        drain_s = 0.1

    async with listening(Draining, receive_buffer=4096) as (app, _client, served):
        await stuff(app.peers[0])
        app.peers[0].on_shutdown = lambda: None
        await asyncio.wait_for(served.stop(), 4)
        assert not served.connections


async def test_a_client_that_does_not_answer_does_not_delay_the_shutdown() -> None:
    class Draining(Quick):
        drain_s = 0.1

    async with listening(Draining) as (_app, client, served):
        await asyncio.wait_for(served.stop(), 4)
        assert not served.connections
        assert await client.close_code() == 1012


async def test_a_handshake_under_way_at_shutdown_gets_503() -> None:
    begun = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        begun.set()
        await receive()

    async with serving(app, ws=Quick) as served, connected(served.port) as client:
        await client.send(HANDSHAKE)
        await begun.wait()
        await asyncio.wait_for(served.stop(), 4)
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 503")


# Memory


async def test_a_socket_that_has_gone_leaves_nothing_for_the_garbage_collector() -> None:
    app = Listener()
    async with serving(app, ws=Quick) as served:
        gc.collect()
        gc.disable()
        try:
            async with upgraded(served.port) as client:
                await eventually(lambda: app.peers, "the socket is accepted")
                await client.send(frame(CLOSE, b"\x03\xe8"))
                await client.frames()
            protocol, connection = (weakref.ref(app.peers[0]), weakref.ref(app.peers[0].conn))
            await eventually(lambda: not served.connections, "the connection is gone")
            app.peers.clear()
            app.scopes.clear()
            await eventually(lambda: protocol() is None, "the protocol is freed")
            assert connection() is None
        finally:
            gc.enable()


async def test_an_idle_socket_costs_less_than_11_kb_of_python_objects() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    many = 100
    async with serving(app, ws=Quick) as served:
        socks = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(2 * many)]

        async def open_up(part: list[socket.socket]) -> int:
            before = WEBSOCKET_METRICS.connections_opened
            for sock in part:
                sock.sendall(HANDSHAKE)
            await eventually(
                lambda: WEBSOCKET_METRICS.connections_opened == before + many, "all are accepted"
            )
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        await eventually(lambda: len(served.connections) == 2 * many, "all are connected")
        tracemalloc.start()
        try:
            # The first half pays for what is made once; the HTTP halves were made untraced.
            first = await open_up(socks[:many])
            assert (await open_up(socks[many:]) - first) / many < 11_000
        finally:
            tracemalloc.stop()
            for sock in socks:
                sock.close()


async def test_the_http_protocol_does_not_outlive_the_handshake() -> None:
    made: list[weakref.ref[Any]] = []

    class Noted(HardenedHttpProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(weakref.ref(self))

    app = Listener()
    async with serving(app, ws=Quick, http=Noted) as served:
        gc.collect()
        gc.disable()
        try:
            async with connected(served.port) as client:
                await send_in_two(served, client, HANDSHAKE)
                await eventually(lambda: app.peers, "the socket is accepted")
                await eventually(lambda: made[0]() is None, "the HTTP protocol is freed")
        finally:
            gc.enable()


# What is relied upon in uvicorn and websockets: if one of these fails, read their changes first


async def test_every_attribute_of_uvicorns_protocol_has_its_slot() -> None:
    async with listening() as (app, client, _served):
        connection = app.peers[0]
        await client.send(frame(TEXT, b"x", fin=False) + frame(PING))
        await client.frames(PONG)
        assert vars(connection) == {}


def test_what_is_overridden_exists_with_the_same_parameters() -> None:
    assert uvicorn.__version__.startswith("0.54.")
    overridden = {
        "connection_made", "connection_lost", "pause_writing", "resume_writing", "shutdown",
        "data_received", "handle_connect", "handle_cont", "handle_ping", "handle_pong",
        "handle_close", "send_receive_event_to_app", "handle_parser_exception", "start_keepalive",
        "stop_keepalive", "run_asgi", "send",
    }  # fmt: skip
    for name in overridden:
        assert getattr(WebSocketProtocol, name) is not getattr(WebSocketsSansIOProtocol, name)
        theirs = inspect.signature(getattr(WebSocketsSansIOProtocol, name))
        assert list(inspect.signature(getattr(WebSocketProtocol, name)).parameters) == list(
            theirs.parameters
        )
        assert inspect.iscoroutinefunction(
            getattr(WebSocketsSansIOProtocol, name)
        ) is inspect.iscoroutinefunction(getattr(WebSocketProtocol, name))


async def test_the_parser_has_the_parts_that_we_look_at() -> None:
    async with listening() as (app, _client, _served):
        conn = app.peers[0].conn
        assert conn.state is State.OPEN
        assert conn.parser_exc is None
        assert conn.eof_sent is False
        assert conn.data_to_send() == []
        assert inspect.isgenerator(conn.parser)
