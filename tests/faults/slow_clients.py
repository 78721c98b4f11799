"""WebSocket clients that read slowly or not at all."""

import asyncio
import contextlib
import json
import socket

from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from tests.async_context import AsyncContext
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Story


class SlowClient(AsyncContext):
    """A subscriber that reads `rate` bytes per second and answers pings, as a browser does.

    `taken` is the number of bytes read; `cut` is True if the server closed the connection.
    """

    def __init__(self, server: ServerProcess, story: Story, rate: int) -> None:
        self._server, self._story, self.rate = server, story, rate
        self.taken = 0
        self.cut = False

    async def open(self) -> None:
        """Connect, subscribe and start to read."""
        self._reader, self._writer, self._protocol = await subscribed(self._server, self._story)
        self._task = asyncio.create_task(self._read())

    async def close(self, error: BaseException | None) -> None:
        """Abort the connection."""
        self._task.cancel()
        self._writer.transport.abort()

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(1_000):
                self.taken += len(data)
                self._protocol.receive_data(data)
                self._writer.writelines(self._protocol.data_to_send())
                self._protocol.events_received()
                await asyncio.sleep(len(data) / self.rate)
        self.cut = True


async def never_reads(server: ServerProcess, story: Story) -> asyncio.StreamWriter:
    """Return the connection of a subscriber that reads nothing after the handshake."""
    _, writer, _ = await subscribed(server, story)
    return writer


async def subscribed(
    server: ServerProcess, story: Story
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, ClientProtocol]:
    """Open a socket with minimal client buffers, subscribe, and return it."""
    sock = socket.socket()
    # The smallest buffer that the kernel allows: unread data soon waits in the server.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    protocol = ClientProtocol(
        parse_uri(server.url.replace("http", "ws", 1) + "/v1/live"),
        max_size=None,
        origin=Origin("https://copy.example"),
        subprotocols=[Subprotocol("widget.v1")],
    )
    protocol.send_request(protocol.connect())
    writer.writelines(protocol.data_to_send())
    protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
    assert protocol.state is State.OPEN
    message = json.dumps({"type": "subscribe", "token": story.token, "ref": 1})
    protocol.send_text(message.encode())
    writer.writelines(protocol.data_to_send())
    await writer.drain()
    return reader, writer, protocol
