"""uvicorn in the test's own event loop, and clients that may violate the protocol."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import uvicorn
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import State
from websockets.uri import parse_uri

from tests.waiting import eventually
from widget_server.transport.http_protocol import HardenedHttpProtocol
from widget_server.transport.metrics import TransportMetrics
from widget_server.transport.protocol_switch import ProtocolSwitch
from widget_server.transport.settings import TransportSettings
from widget_server.transport.websocket.protocol import WebSocketProtocol

HANDSHAKE = (
    b"GET /v1/live?secret=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """Return a client's frame, masked with zeros."""
    head = opcode | (0x80 if fin else 0)
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", head, 0x80 | size)
    elif size < 1 << 16:
        header = struct.pack("!BBH", head, 0x80 | 126, size)
    else:
        header = struct.pack("!BBQ", head, 0x80 | 127, size)
    return header + bytes(4) + payload


@dataclass
class Served:
    """A running server."""

    port: int
    server: uvicorn.Server
    listener: socket.socket
    metrics: TransportMetrics
    stopped: bool = False

    @property
    def connections(self) -> list[Any]:
        """The server's connections, HTTP and WebSocket."""
        return list(self.server.server_state.connections)

    def url(self, path: str = "/v1/live") -> str:
        """Return the address of a WebSocket."""
        return f"ws://127.0.0.1:{self.port}{path}"

    async def stop(self) -> None:
        """Shut the server down gracefully, as after SIGTERM."""
        self.stopped = True
        await self.server.shutdown(sockets=[self.listener])

    async def drop(self) -> None:
        """Stop the server at once and abort its connections."""
        for connection in self.connections:
            connection.transport.abort()
        for server in self.server.servers:
            server.close()
        state = self.server.server_state
        await eventually(lambda: not state.connections and not state.tasks, "the server is empty")


@asynccontextmanager
async def serving(
    app: Callable[..., Any],
    *,
    ws: str | None = None,
    graceful: int = 5,
    max_size: int = 32768,
    **settings: Any,
) -> AsyncIterator[Served]:
    """Serve `app` on a free port of the loopback until the block ends.

    `settings` are fields of `TransportSettings`. `ws` names one of uvicorn's own protocols, to be
    used instead of `WebSocketProtocol`.
    """
    transport = TransportSettings(**settings)
    config = uvicorn.Config(
        app,
        ws=cast(Any, ws or partial(WebSocketProtocol, settings=transport)),
        http=cast(Any, partial(ProtocolSwitch, settings=transport)),
        ws_per_message_deflate=False,
        ws_max_size=max_size,
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=graceful,
    )
    config.load()
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    # The steps of `Server.serve` without its signal handlers: the test runner has its own.
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    await server.on_tick(0)
    served = Served(listener.getsockname()[1], server, listener, transport.metrics)
    try:
        yield served
    finally:
        if not served.stopped:
            await served.drop()


@dataclass
class Client:
    """A socket that sends and reads only on request: no pongs, no close frames, no reading ahead."""

    sock: socket.socket
    parser: ClientProtocol = field(
        default_factory=lambda: ClientProtocol(parse_uri("ws://h/"), state=State.OPEN)
    )
    raw: bytes = b""
    ended: bool = False
    reset: bool = False

    async def send(self, data: bytes) -> None:
        """Send all of `data`, unless the server has closed."""
        with suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def read(self) -> bytes:
        """Read the available bytes, or b"" at the end of the stream."""
        try:
            data = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        except ConnectionError:
            self.reset = True
            data = b""
        self.ended = self.ended or not data
        return data

    async def read_to_end(self) -> bytes:
        """Read until the server closes."""
        parts = [self.raw]
        async with asyncio.timeout(20):
            while data := await self.read():
                parts.append(data)
        self.raw = b"".join(parts)
        return self.raw

    async def frames(self, until: int | None = None) -> list[Frame]:
        """Read up to and including the first frame with the opcode `until`, or to the end."""
        received: list[Frame] = []
        async with asyncio.timeout(20):
            while True:
                received += [e for e in self.parser.events_received() if isinstance(e, Frame)]
                if self.ended or any(f.opcode == until for f in received):
                    return received
                if data := await self.read():
                    self.parser.receive_data(data)

    async def close_code(self) -> int:
        """Read to the close frame. Return its code, or 1006 if the stream ends without one."""
        frames = await self.frames(CLOSE)
        closing = [f for f in frames if f.opcode == CLOSE]
        return int.from_bytes(bytes(closing[0].data[:2]), "big") if closing else 1006


@asynccontextmanager
async def connected(port: int, *, receive_buffer: int | None = None) -> AsyncIterator[Client]:
    """Open a TCP connection. `receive_buffer` limits the bytes in the kernel that are not read yet."""
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        yield Client(sock)
    finally:
        sock.close()


async def send_in_two(served: Served, client: Client, request: bytes) -> None:
    """Send five bytes, and the rest once the server has read them. They go to the HTTP protocol."""
    await client.send(request[:5])
    await eventually(
        lambda: any(
            isinstance(connection, HardenedHttpProtocol) for connection in served.connections
        ),
        "the HTTP protocol has the first bytes",
    )
    await client.send(request[5:])


@asynccontextmanager
async def upgraded(
    port: int, *, receive_buffer: int | None = None, handshake: bytes = HANDSHAKE
) -> AsyncIterator[Client]:
    """Open a WebSocket connection and complete its handshake. `handshake` is the request."""
    async with connected(port, receive_buffer=receive_buffer) as client:
        await client.send(handshake)
        response = b""
        async with asyncio.timeout(20):
            while b"\r\n\r\n" not in response and not client.ended:
                response += await client.read()
        head, _, rest = response.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        client.parser.receive_data(rest)
        yield client
