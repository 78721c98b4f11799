"""One suite for both implementations of `Connection`: WebSocketConnection and ASGIConnection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.transport.serving import CLOSE, Client, Served, connected, serving, upgraded
from tests.waiting import eventually
from widget_server.hub.connection import Connection
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.transport.asgi_connection import ASGIConnection, connection_for
from widget_server.transport.metrics import WebSocketMetrics
from widget_server.transport.settings import WebSocketLimits
from widget_server.transport.websocket.connection import WebSocketConnection

ON_BOTH_LOOPS = True

#: More bytes than the kernel buffers for two sockets on the loopback.
FLOOD = [PreparedBatch([PreparedMessage(b"x" * 60_000)]) for _ in range(400)]


QUICK = WebSocketLimits(timer_resolution_s=0.02, slow_consumer_timeout_s=0.3, close_timeout_s=0.3)
#: No client is disconnected during the test because it does not read.
LONG_TIMEOUTS = replace(QUICK, slow_consumer_timeout_s=60)


@pytest.fixture(params=["direct", "plain"])
def ws(request: pytest.FixtureRequest) -> str | None:
    """Return the name of uvicorn's protocol, or None for `WebSocketProtocol`."""
    return None if request.param == "direct" else "websockets-sansio"


@asynccontextmanager
async def serving_limited(
    app: Any, ws: str | None, limits: WebSocketLimits = QUICK
) -> AsyncIterator[Served]:
    """Serve `app` with these timeouts, whatever the connection."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("slow_consumer_timeout_s", "close_timeout_s"):
            patch.setattr(ASGIConnection, name, getattr(limits, name))
        async with serving(app, ws=ws, websocket=limits) as served:
            yield served


class AcceptingApp:
    """An application that accepts every socket and keeps its connection for the test."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.ended = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
            await send({"type": "websocket.accept"})
            self.connections.append(connection_for(scope, send, WebSocketMetrics()))
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self.ended += 1

    async def connection(self) -> Connection:
        await eventually(lambda: self.connections, "the socket is accepted")
        return self.connections[-1]


@asynccontextmanager
async def one_connection(
    ws: str | None, limits: WebSocketLimits = QUICK, *, receive_buffer: int | None = None
) -> AsyncIterator[tuple[Connection, Client, AcceptingApp, Served]]:
    app = AcceptingApp()
    async with (
        serving_limited(app, ws, limits) as served,
        upgraded(served.port, receive_buffer=receive_buffer) as client,
    ):
        yield await app.connection(), client, app, served


def buffered_bytes(connection: Connection) -> int:
    """Return the bytes that the connection accepted and that are still in this process."""
    if isinstance(connection, ASGIConnection):
        return connection._buffered
    assert isinstance(connection, WebSocketConnection)
    return connection.transport.get_write_buffer_size()


async def fill(connection: Connection) -> int:
    """Write until writing stays paused. Return the bytes that were accepted."""
    accepted = 0

    def accepts_nothing() -> bool:
        nonlocal accepted
        before = accepted
        for batch in FLOOD:
            if not connection.write(batch):
                break
            accepted += len(batch.frame_bytes)
        return accepted == before

    await eventually(accepts_nothing, "writing is paused")
    return accepted


async def test_frames_arrive_whole_and_in_order(ws: str | None) -> None:
    app = AcceptingApp()
    async with serving_limited(app, ws) as served, connect(served.url()) as client:
        connection = await app.connection()
        texts = [f'{{"n":{n},"é":"{"x" * n}"}}' for n in range(0, 900, 7)]
        for start in range(0, len(texts), 5):
            assert connection.write(
                PreparedBatch(PreparedMessage(t.encode()) for t in texts[start : start + 5])
            )
        assert [await client.recv() for _ in texts] == texts


async def test_the_application_may_also_call_send(ws: str | None) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        connection_for(scope, send, WebSocketMetrics()).write(
            PreparedBatch([PreparedMessage(b"prebuilt")])
        )
        await asyncio.sleep(0)
        await send({"type": "websocket.send", "text": "plain"})
        await receive()

    async with serving_limited(app, ws) as served, connect(served.url()) as client:
        assert [await client.recv(), await client.recv()] == ["prebuilt", "plain"]


async def test_a_client_that_does_not_read_pauses_writing_with_a_limited_buffer(
    ws: str | None,
) -> None:
    async with one_connection(ws, receive_buffer=4096) as (connection, _client, _app, _served):
        await fill(connection)
        assert connection.write_paused
        assert connection.paused_since is not None
        assert connection.paused_since <= asyncio.get_running_loop().time()
        before = buffered_bytes(connection)
        assert not connection.write(FLOOD[0])
        assert buffered_bytes(connection) <= before <= 64 * 1024 + 60_000


async def test_writing_resumes_when_the_client_reads_again(ws: str | None) -> None:
    async with one_connection(ws, LONG_TIMEOUTS, receive_buffer=4096) as (
        connection,
        client,
        _app,
        _served,
    ):
        resumed = asyncio.Event()
        caught_up = []

        def catch_up() -> None:
            resumed.set()
            caught_up.append(connection.write(PreparedBatch([PreparedMessage(b"the rest")])))

        await fill(connection)
        connection.on_writable = catch_up
        reading = asyncio.create_task(client.frames(CLOSE))
        await asyncio.wait_for(resumed.wait(), 20)
        assert not connection.write_paused
        assert connection.paused_since is None
        connection.close(1000)
        frames = await reading
        assert caught_up[0] is True
        assert b"the rest" in [bytes(f.data) for f in frames]


async def test_an_exception_of_a_hook_does_not_end_the_connection(ws: str | None) -> None:
    async with one_connection(ws, LONG_TIMEOUTS, receive_buffer=4096) as (
        connection,
        client,
        _app,
        _served,
    ):
        called = asyncio.Event()

        def fail() -> None:
            called.set()
            raise LookupError

        await fill(connection)
        connection.on_writable = fail
        reading = asyncio.create_task(client.frames(CLOSE))
        await asyncio.wait_for(called.wait(), 20)
        assert connection.write(PreparedBatch([PreparedMessage(b"on")]))
        connection.close(1000)
        assert bytes((await reading)[-2].data) == b"on"


async def test_a_connection_that_stays_paused_is_aborted(ws: str | None) -> None:
    async with one_connection(ws, receive_buffer=4096) as (connection, client, app, _served):
        await fill(connection)
        await eventually(lambda: connection.closed and app.ended == 1, "the connection is aborted")
        assert await client.close_code() == 1006


async def test_close_sends_buffered_messages_then_code_and_reason(ws: str | None) -> None:
    async with one_connection(ws) as (connection, client, _app, _served):
        connection.write(PreparedBatch([PreparedMessage(b"last message")]))
        connection.close(4413, "too slow")
        frames = await client.frames(CLOSE)
        assert [bytes(f.data) for f in frames] == [b"last message", b"\x11\x3dtoo slow"]
        assert connection.closed
        assert not connection.write(PreparedBatch([PreparedMessage(b"more")]))


async def test_the_application_receives_the_disconnect(ws: str | None) -> None:
    app = AcceptingApp()
    async with serving_limited(app, ws) as served, connect(served.url()) as client:
        (await app.connection()).close(1008)
        await client.wait_closed()
        assert client.close_code == 1008
        await eventually(lambda: app.ended == 1, "the application has ended")


async def test_a_client_that_does_not_read_the_close_frame_is_aborted(ws: str | None) -> None:
    async with one_connection(ws, LONG_TIMEOUTS, receive_buffer=4096) as (
        connection,
        client,
        app,
        served,
    ):
        await fill(connection)
        connection.close(4413)
        await eventually(lambda: app.ended == 1, "the application has ended")
        # A server without the extension closes the connection once its own buffer has drained.
        if not isinstance(connection, ASGIConnection):
            await eventually(lambda: not served.connections, "the connection is gone")
            assert await client.close_code() == 1006


async def test_an_aborted_connection_is_gone_at_once(ws: str | None) -> None:
    async with one_connection(ws, receive_buffer=4096) as (connection, client, app, served):
        await fill(connection)
        connection.abort()
        assert connection.closed
        assert not connection.write(FLOOD[0])
        await eventually(lambda: app.ended == 1, "the application has ended")
        if not isinstance(connection, ASGIConnection):
            await eventually(lambda: not served.connections, "the connection is gone")
            assert await client.close_code() == 1006


async def test_a_connection_is_closed_after_its_client_disconnects(ws: str | None) -> None:
    app = AcceptingApp()
    async with serving_limited(app, ws) as served:
        async with connected(served.port), upgraded(served.port):
            connection = await app.connection()
        await eventually(lambda: connection.closed, "the connection is closed")
        assert not connection.write(FLOOD[0])
        connection.close(1000)
        connection.abort()


def hook(_: Callable[[], None]) -> None:
    """Stand for a hook of the hub."""


async def test_a_lost_connection_drops_its_hooks(ws: str | None) -> None:
    app = AcceptingApp()
    async with serving_limited(app, ws) as served:
        async with upgraded(served.port):
            connection = await app.connection()
            connection.on_writable = lambda: hook(print)
            connection.on_shutdown = lambda: hook(print)
        await eventually(lambda: connection.on_writable is None, "the hooks are dropped")
        assert connection.on_shutdown is None
