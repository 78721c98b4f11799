"""Clients that take what they are sent slowly, or never."""

import asyncio
import contextlib
import json
import socket

from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Story


class Slow:
    """A subscriber on a line of so many bytes a second, who answers pings as a browser does."""

    def __init__(self, server: ServerProcess, story: Story, rate: int) -> None:
        self._server, self._story, self.rate = server, story, rate
        self.taken = 0
        self.cut = False

    async def __aenter__(self) -> "Slow":
        self._reader, self._writer, self._protocol = await subscribed(self._server, self._story)
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
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
    """A subscriber that never looks at what it is sent."""
    _, writer, _ = await subscribed(server, story)
    return writer


async def subscribed(
    server: ServerProcess, story: Story
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, ClientProtocol]:
    """A subscriber for whom next to nothing is kept but by the server."""
    sock = socket.socket()
    # As little as the kernel allows: what is not read is soon the server's to keep.
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
