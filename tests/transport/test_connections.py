"""Whatever carries it, a peer behaves the same: one suite for the direct path and the plain one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.transport.serving import CLOSE, Client, Served, connected, serving, upgraded
from tests.waiting import eventually
from widget_server.hub.connection import Connection
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.transport import asgi_connection
from widget_server.transport.asgi_connection import ASGIConnection, connection_for
from widget_server.transport.websocket.protocol import WebSocketProtocol

ON_BOTH_LOOPS = True

#: Larger than what the kernel holds for two sockets on the loopback.
FLOOD = [PreparedBatch([PreparedMessage(b"x" * 60_000)]) for _ in range(400)]


class QuickProtocol(WebSocketProtocol):
    timer_resolution_s = 0.02
    slow_consumer_timeout_s = 0.3
    close_timeout_s = 0.3


class QuickPeer(ASGIConnection):
    slow_consumer_timeout_s = 0.3
    close_timeout_s = 0.3


@pytest.fixture(params=["direct", "plain"])
def ws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(asgi_connection, "ASGIConnection", QuickPeer)
    return QuickProtocol if request.param == "direct" else "websockets-sansio"


class House:
    """An application that accepts every socket and shows its peer to the test."""

    def __init__(self) -> None:
        self.peers: list[Connection] = []
        self.ended = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
            await send({"type": "websocket.accept"})
            self.peers.append(connection_for(scope, send))
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self.ended += 1

    async def peer(self) -> Connection:
        await eventually(lambda: self.peers, "the socket is accepted")
        return self.peers[-1]


@asynccontextmanager
async def one_peer(
    ws: Any, *, receive_buffer: int | None = None
) -> AsyncIterator[tuple[Connection, Client, House, Served]]:
    house = House()
    async with (
        serving(house, ws=ws) as served,
        upgraded(served.port, receive_buffer=receive_buffer) as client,
    ):
        yield await house.peer(), client, house, served


async def fill(connection: Connection) -> int:
    """Write until the peer takes nothing any more; the bytes that it took."""
    taken = 0

    def takes_nothing() -> bool:
        nonlocal taken
        before = taken
        for batch in FLOOD:
            if not connection.write(batch):
                break
            taken += len(batch.frame_bytes)
        return taken == before

    await eventually(takes_nothing, "the peer is paused")
    return taken


async def test_frames_arrive_whole_and_in_order(ws: Any) -> None:
    house = House()
    async with serving(house, ws=ws) as served, connect(served.url()) as client:
        connection = await house.peer()
        texts = [f'{{"n":{n},"é":"{"x" * n}"}}' for n in range(0, 900, 7)]
        for start in range(0, len(texts), 5):
            assert connection.write(
                PreparedBatch(PreparedMessage(t.encode()) for t in texts[start : start + 5])
            )
        assert [await client.recv() for _ in texts] == texts


async def test_the_application_may_still_send_for_itself(ws: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        connection_for(scope, send).write(PreparedBatch([PreparedMessage(b"prebuilt")]))
        await asyncio.sleep(0)
        await send({"type": "websocket.send", "text": "plain"})
        await receive()

    async with serving(app, ws=ws) as served, connect(served.url()) as client:
        assert [await client.recv(), await client.recv()] == ["prebuilt", "plain"]


async def test_a_peer_that_does_not_read_is_paused_with_a_bounded_buffer(ws: Any) -> None:
    async with one_peer(ws, receive_buffer=4096) as (connection, _client, _house, _served):
        await fill(connection)
        assert connection.write_paused
        assert connection.paused_since is not None
        assert connection.paused_since <= asyncio.get_running_loop().time()
        before = connection.buffered()
        assert not connection.write(FLOOD[0])
        assert connection.buffered() <= before <= 64 * 1024 + 60_000


async def test_a_peer_that_reads_again_takes_frames_again(ws: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(QuickProtocol, "slow_consumer_timeout_s", 60)
    monkeypatch.setattr(QuickPeer, "slow_consumer_timeout_s", 60)
    async with one_peer(ws, receive_buffer=4096) as (connection, client, _house, _served):
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


async def test_a_hook_that_fails_harms_no_one(ws: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(QuickProtocol, "slow_consumer_timeout_s", 60)
    monkeypatch.setattr(QuickPeer, "slow_consumer_timeout_s", 60)
    async with one_peer(ws, receive_buffer=4096) as (connection, client, _house, _served):
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


async def test_a_peer_that_stays_paused_is_cut(ws: Any) -> None:
    async with one_peer(ws, receive_buffer=4096) as (connection, client, house, _served):
        await fill(connection)
        await eventually(lambda: connection.closed and house.ended == 1, "the stuck peer is cut")
        assert await client.close_code() == 1006


async def test_closing_flushes_what_was_written_and_says_why(ws: Any) -> None:
    async with one_peer(ws) as (connection, client, _house, _served):
        connection.write(PreparedBatch([PreparedMessage(b"last words")]))
        connection.close(4413, "too slow")
        frames = await client.frames(CLOSE)
        assert [bytes(f.data) for f in frames] == [b"last words", b"\x11\x3dtoo slow"]
        assert connection.closed
        assert not connection.write(PreparedBatch([PreparedMessage(b"more")]))


async def test_the_application_learns_of_the_close(ws: Any) -> None:
    house = House()
    async with serving(house, ws=ws) as served, connect(served.url()) as client:
        (await house.peer()).close(1008)
        await client.wait_closed()
        assert client.close_code == 1008
        await eventually(lambda: house.ended == 1, "the application has ended")


async def test_a_peer_that_does_not_read_its_close_frame_is_cut(ws: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(QuickProtocol, "slow_consumer_timeout_s", 60)
    monkeypatch.setattr(QuickPeer, "slow_consumer_timeout_s", 60)
    async with one_peer(ws, receive_buffer=4096) as (connection, client, house, served):
        await fill(connection)
        connection.close(4413)
        await eventually(lambda: house.ended == 1, "the application has ended")
        # A server without the extension closes when its own buffer has drained: not our doing.
        if not isinstance(connection, ASGIConnection):
            await eventually(lambda: not served.connections, "the connection is gone")
            assert await client.close_code() == 1006


async def test_an_aborted_peer_is_gone_at_once(ws: Any) -> None:
    async with one_peer(ws, receive_buffer=4096) as (connection, client, house, served):
        await fill(connection)
        connection.abort()
        assert connection.closed
        assert not connection.write(FLOOD[0])
        await eventually(lambda: house.ended == 1, "the application has ended")
        if not isinstance(connection, ASGIConnection):
            await eventually(lambda: not served.connections, "the connection is gone")
            assert await client.close_code() == 1006


async def test_a_peer_whose_client_has_left_is_closed(ws: Any) -> None:
    house = House()
    async with serving(house, ws=ws) as served:
        async with connected(served.port), upgraded(served.port):
            connection = await house.peer()
        await eventually(lambda: connection.closed, "the peer knows that its client has left")
        assert not connection.write(FLOOD[0])
        connection.close(1000)
        connection.abort()


def frozen(_: Callable[[], None]) -> None:
    """Stand in for a hook of the hub."""


async def test_a_lost_peer_lets_go_of_its_hooks(ws: Any) -> None:
    house = House()
    async with serving(house, ws=ws) as served:
        async with upgraded(served.port):
            connection = await house.peer()
            connection.on_writable = lambda: frozen(print)
            connection.on_shutdown = lambda: frozen(print)
        await eventually(lambda: connection.on_writable is None, "the hooks are dropped")
        assert connection.on_shutdown is None
