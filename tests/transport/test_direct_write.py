"""`direct_socket` is handed out when no bytes are buffered, and revoked before any other write."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.transport.serving import CLOSE, PING, TEXT, Client, frame, serving, upgraded
from tests.waiting import eventually
from widget_server.hub.broadcast import NOT_A_MEMBER, BroadcastGroup
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.transport.settings import WebSocketLimits
from widget_server.transport.websocket.connection import WebSocketConnection
from widget_server.transport.websocket.protocol import CONNECTION_EXTENSION

ON_BOTH_LOOPS = True

SMALL = PreparedBatch([PreparedMessage(b"small")])


PINGING = WebSocketLimits(
    timer_resolution_s=0.02, ping_interval_min_s=0.05, ping_interval_max_s=0.05
)


class Member:
    """A member of a broadcast group that counts how often its direct socket was revoked."""

    def __init__(self, connection: WebSocketConnection, broadcast: "BroadcastGroup[Any]") -> None:
        self.connection = connection
        self.slot = NOT_A_MEMBER
        self.revocations = 0
        self._group = broadcast
        connection.on_direct_revoked = self._on_revoked

    def _on_revoked(self) -> None:
        self.revocations += 1
        if self.slot != NOT_A_MEMBER:
            self._group.remove(self)

    def write(self, batch: PreparedBatch) -> None:
        """Write like the hub to a subscription outside the broadcast group."""
        if self.connection.write(batch) and self.connection.direct_socket is not None:
            self._group.add(self, self.connection.direct_socket)


class AcceptingApp:
    """An application that accepts every socket and receives until the client disconnects."""

    def __init__(self) -> None:
        self.connections: list[WebSocketConnection] = []
        self.sends: list[Callable[..., Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self.connections.append(scope["extensions"][CONNECTION_EXTENSION]["connection"])
        self.sends.append(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass


@asynccontextmanager
async def one_member(
    limits: WebSocketLimits | None = None,
) -> AsyncIterator[tuple[Member, Client, AcceptingApp]]:
    app = AcceptingApp()
    async with (
        serving(app, websocket=limits or WebSocketLimits()) as served,
        upgraded(served.port) as client,
    ):
        await eventually(lambda: app.connections, "the socket is accepted")
        connection = app.connections[0]
        await eventually(
            lambda: not connection.transport.get_write_buffer_size(),
            "the response of the handshake is sent",
        )
        yield Member(connection, BroadcastGroup()), client, app


async def test_the_direct_socket_is_handed_out_after_a_write_and_only_with_a_revoke_hook() -> None:
    async with one_member() as (member, _client, _app):
        connection = member.connection
        assert connection.direct_socket is None
        hook, connection.on_direct_revoked = connection.on_direct_revoked, None
        connection.write(SMALL)
        assert connection.direct_socket is None
        connection.on_direct_revoked = hook
        connection.write(SMALL)
        assert connection.direct_socket is not None
        assert member.revocations == 0


@pytest.mark.parametrize("end", ["close", "abort", "client closes", "client disconnects"])
async def test_the_direct_socket_is_revoked_when_the_connection_ends(end: str) -> None:
    async with one_member() as (member, client, _app):
        connection = member.connection
        connection.write(SMALL)
        if end == "close":
            connection.close(1000)
            assert connection.direct_socket is None
        elif end == "abort":
            connection.abort()
            assert connection.direct_socket is None
        elif end == "client closes":
            await client.send(frame(CLOSE, b"\x03\xe9"))
        else:
            client.sock.close()
        await eventually(lambda: connection.direct_socket is None, "it was revoked")
        assert member.revocations == 1
        assert not connection.write(SMALL)
        assert connection.direct_socket is None


async def test_the_direct_socket_is_revoked_when_the_application_calls_send() -> None:
    async with one_member() as (member, client, app):
        member.connection.write(SMALL)
        await app.sends[0]({"type": "websocket.send", "text": "by send"})
        assert member.revocations == 1
        member.connection.write(SMALL)
        await eventually(
            lambda: not member.connection.transport.get_write_buffer_size(), "all bytes are sent"
        )
        member.connection.write(SMALL)
        assert member.connection.direct_socket is not None
        member.connection.close(1000)
        texts = [bytes(f.data) for f in await client.frames(CLOSE) if f.opcode == TEXT]
        assert texts == [b"small", b"by send", b"small", b"small"]


async def test_a_ping_that_the_kernel_accepts_does_not_revoke_the_direct_socket() -> None:
    async with one_member(PINGING) as (member, client, _app):
        member.connection.write(SMALL)
        await client.frames(PING)
        assert member.connection.direct_socket is not None
        assert member.revocations == 0


async def test_no_frame_is_split_however_slowly_a_client_reads() -> None:
    app = AcceptingApp()
    broadcast: BroadcastGroup[Any] = BroadcastGroup()
    sent = 0
    async with serving(app) as served, AsyncExitStack() as stack:
        clients = []
        for number in range(5):
            buffer = 4096 if number % 2 else None
            client = await stack.enter_async_context(upgraded(served.port, receive_buffer=buffer))
            clients.append(client)
            await eventually(lambda: len(app.connections) == len(clients), "it is accepted")
        members = [Member(connection, broadcast) for connection in app.connections]
        slow = [(client, member) for client, member in zip(clients, members, strict=True)][1::2]
        reading = [asyncio.create_task(client.frames(CLOSE)) for client in clients[::2]]
        for round_ in range(1, 4):
            while not all(
                member.revocations == round_ and member.connection.write_paused
                for _, member in slow
            ):
                batch = PreparedBatch([PreparedMessage(b"%06d" % sent + b"x" * 5_000)])
                others = [member for member in members if member.slot == NOT_A_MEMBER]
                broadcast.begin_write(sent)
                broadcast.write(batch, len(members))
                for member in others:
                    member.write(batch)
                sent += 1
                await asyncio.sleep(0)
            for client, member in slow:
                while member.connection.transport.get_write_buffer_size():
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
