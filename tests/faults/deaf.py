"""Clients that take what they are sent slowly, or never."""

import asyncio
import json
import socket

from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from tests.journeys.harness import ServerProcess
from tests.journeys.publisher import Story


async def never_reads(server: ServerProcess, story: Story) -> asyncio.StreamWriter:
    """A subscriber that never looks at what it is sent."""
    sock = socket.socket()
    # As little as the kernel allows: what is not read is soon the server's to keep.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    protocol = ClientProtocol(
        parse_uri(server.url.replace("http", "ws", 1) + "/v1/live"),
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
    return writer
