"""A socket lent to who writes to many: taken back before anything goes another way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.transport.serving import CLOSE, PING, TEXT, Client, frame, serving, upgraded
from tests.waiting import eventually
from widget_server.hub.broadcast import NOT_A_MEMBER, BroadcastGroup
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.transport.websocket.protocol import CONNECTION_EXTENSION, WebSocketProtocol

ON_BOTH_LOOPS = True

SMALL = PreparedBatch([PreparedMessage(b"small")])


class Pinging(WebSocketProtocol):
    timer_resolution_s = 0.02
    ping_interval_min_s = ping_interval_max_s = 0.05


class Member:
    """A socket in a broadcast group, and whether it was taken back from it."""

    def __init__(self, connection: WebSocketProtocol, broadcast: "BroadcastGroup[Any]") -> None:
        self.connection = connection
        self.slot = NOT_A_MEMBER
        self.taken_back = 0
        self._group = broadcast
        connection.on_direct_revoked = self._on_busy

    def _on_busy(self) -> None:
        self.taken_back += 1
        if self.slot != NOT_A_MEMBER:
            self._group.remove(self)

    def write(self, batch: PreparedBatch) -> None:
        """As the hub writes to one who is not in the broadcast group."""
        if self.connection.write(batch) and self.connection.direct_socket is not None:
            self._group.add(self, self.connection.direct_socket)


class House:
    """An application that accepts, sends what the test gives it, and lets go at the client's end."""

    def __init__(self) -> None:
        self.peers: list[WebSocketProtocol] = []
        self.sends: list[Callable[..., Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self.peers.append(scope["extensions"][CONNECTION_EXTENSION]["connection"])
        self.sends.append(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass


@asynccontextmanager
async def one_member(
    ws: type[WebSocketProtocol] = WebSocketProtocol,
) -> AsyncIterator[tuple[Member, Client, House]]:
    house = House()
    async with serving(house, ws=ws) as served, upgraded(served.port) as client:
        await eventually(lambda: house.peers, "the socket is accepted")
        connection = house.peers[0]
        await eventually(lambda: not connection.buffered(), "the handshake's answer has left")
        yield Member(connection, BroadcastGroup()), client, house


async def test_it_is_lent_once_something_was_written_and_only_to_who_gives_it_back() -> None:
    async with one_member() as (member, _client, _house):
        connection = member.connection
        assert connection.direct_socket is None
        hook, connection.on_direct_revoked = connection.on_direct_revoked, None
        connection.write(SMALL)
        assert connection.direct_socket is None
        connection.on_direct_revoked = hook
        connection.write(SMALL)
        assert connection.direct_socket is not None
        assert member.taken_back == 0


@pytest.mark.parametrize("end", ["close", "abort", "leave", "read no more"])
async def test_it_is_taken_back_when_the_conversation_ends(end: str) -> None:
    async with one_member() as (member, client, _house):
        connection = member.connection
        connection.write(SMALL)
        if end == "close":
            connection.close(1000)
            assert connection.direct_socket is None
        elif end == "abort":
            connection.abort()
            assert connection.direct_socket is None
        elif end == "leave":
            await client.send(frame(CLOSE, b"\x03\xe9"))
        else:
            client.sock.close()
        await eventually(lambda: connection.direct_socket is None, "it was taken back")
        assert member.taken_back == 1
        assert not connection.write(SMALL)
        assert connection.direct_socket is None


async def test_it_is_taken_back_when_the_application_sends_for_itself() -> None:
    async with one_member() as (member, client, house):
        member.connection.write(SMALL)
        await house.sends[0]({"type": "websocket.send", "text": "for itself"})
        assert member.taken_back == 1
        member.connection.write(SMALL)
        await eventually(lambda: not member.connection.buffered(), "all of it has left")
        member.connection.write(SMALL)
        assert member.connection.direct_socket is not None
        member.connection.close(1000)
        texts = [bytes(f.data) for f in await client.frames(CLOSE) if f.opcode == TEXT]
        assert texts == [b"small", b"for itself", b"small", b"small"]


async def test_a_ping_that_the_kernel_takes_leaves_it_lent() -> None:
    async with one_member(Pinging) as (member, client, _house):
        member.connection.write(SMALL)
        await client.frames(PING)
        assert member.connection.direct_socket is not None
        assert member.taken_back == 0


async def test_no_frame_is_torn_however_slowly_its_reader_reads() -> None:
    house = House()
    broadcast: BroadcastGroup[Any] = BroadcastGroup()
    sent = 0
    async with serving(house) as served, AsyncExitStack() as stack:
        clients = []
        for number in range(5):
            buffer = 4096 if number % 2 else None
            client = await stack.enter_async_context(upgraded(served.port, receive_buffer=buffer))
            clients.append(client)
            await eventually(lambda: len(house.peers) == len(clients), "it is accepted")
        members = [Member(connection, broadcast) for connection in house.peers]
        slow = [(client, member) for client, member in zip(clients, members, strict=True)][1::2]
        reading = [asyncio.create_task(client.frames(CLOSE)) for client in clients[::2]]
        for gulp in range(1, 4):
            while not all(
                member.taken_back == gulp and member.connection.write_paused for _, member in slow
            ):
                batch = PreparedBatch([PreparedMessage(b"%06d" % sent + b"x" * 5_000)])
                outside = [member for member in members if member.slot == NOT_A_MEMBER]
                broadcast.begin_write(sent)
                broadcast.write(batch, len(members))
                for member in outside:
                    member.write(batch)
                sent += 1
                await asyncio.sleep(0)
            for client, member in slow:
                while member.connection.buffered():
                    client.parser.receive_data(await client.read())
        for member in members:
            member.connection.close(1000)
        for frames in [await task for task in reading]:
            assert [int(bytes(f.data[:6])) for f in frames[:-1]] == list(range(sent))
        for client, _ in slow:
            frames = [f for f in await client.frames(CLOSE) if f.opcode == TEXT]
            numbers = [int(bytes(f.data[:6])) for f in frames]
            assert {len(f.data) for f in frames} == {5_006}
            assert numbers == sorted(set(numbers))
