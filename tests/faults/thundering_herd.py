"""Thousands of readers in one process: each opens a socket and waits for its snapshot.

The program takes the port as its argument. It reads one JSON command per line on standard input and
answers each with one line. `{"connect": [{"token": …}, …], "within": seconds}` connects one reader
per object, which has the fields of its subscription, spread over `within` seconds. The answer comes
once every reader has its snapshot or has lost its socket. `{"wait_closed": true}` is answered once
all readers have lost their sockets.
"""

import asyncio
import base64
import json
import os
import resource
import sys
import time
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.async_context import AsyncContext

HANDSHAKE = (
    "GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://copy.example\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: widget.v1\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)
MASK = bytes(4)
"""A mask of zeros does not change the payload, so masking costs no CPU."""


class ThunderingHerd(AsyncContext):
    """Handle of the program: `async with ThunderingHerd(port) as herd:`."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> None:
        """Start the program."""
        self.process: Process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.thundering_herd",
            str(self.port),
            cwd=Path(__file__).parents[2],
            stdin=PIPE,
            stdout=PIPE,
            limit=2**26,
        )

    async def close(self, error: BaseException | None) -> None:
        """Kill the program."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()

    async def connect(self, readers: list[dict[str, Any]], within: float) -> dict[str, Any]:
        """Connect the readers within `within` seconds and wait for their snapshots.

        Return the number of readers that got a snapshot (`served`) and a resumed one (`resumed`), the
        seconds until the last one (`took`), the responses to some readers without a snapshot
        (`missed`), and the `positions` of all readers.
        """
        return await self._send({"connect": readers, "within": within})

    async def wait_closed(self) -> None:
        """Wait until all readers have lost their sockets."""
        await self._send({"wait_closed": True})

    async def _send(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return answer


class Reader(asyncio.Protocol):
    """One reader: handshake, subscription, snapshot. Later messages are ignored."""

    def __init__(self, port: int, fields: dict[str, Any]) -> None:
        self.port = port
        self.message = json.dumps({"type": "subscribe", "ref": 1, **fields})
        self.position: Any = None
        """Position of the snapshot, to resume from; None without a snapshot."""
        self.resumed = False
        self.failure = b""
        """The response that ended the wait instead of a snapshot."""
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the snapshot or an error arrives, or the connection is lost."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(HANDSHAKE.format(port=self.port, key=key).encode())
        self._open = False

    def data_received(self, data: bytes) -> None:
        if self.answered.done():
            return
        self._buffer += data
        if not self._open:
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self._end(head)
                return
            self._open, self._buffer = True, bytearray(rest)
            payload = self.message.encode()
            size = len(payload).to_bytes(2, "big")
            self.transport.write(b"\x81" + bytes([0x80 | 126]) + size + MASK + payload)
        while (found := frame(self._buffer)) is not None:
            opcode, payload, after = found
            del self._buffer[:after]
            if opcode == 8 or b'"type":"error"' in payload[:60]:
                self._end(payload)
            elif opcode == 1:
                shown = json.loads(payload)
                if shown["type"] == "snapshot":
                    self.position = shown["position"]
                    self.resumed = shown["resumed"]
                    self._end(b"")
            if self.answered.done():
                self._buffer.clear()
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(repr(exc).encode())
        self.closed.set_result(None)

    def _end(self, failure: bytes) -> None:
        if not self.answered.done():
            self.failure = failure
            self.answered.set_result(None)


def frame(buffer: bytearray) -> tuple[int, bytes, int] | None:
    """Return opcode, payload and length of the first frame, or None if it is not complete."""
    if len(buffer) < 2:
        return None
    size, start = buffer[1], 2
    if size >= 126:
        start = 4 if size == 126 else 10
        if len(buffer) < start:
            return None
        size = int.from_bytes(buffer[2:start], "big")
    if len(buffer) < start + size:
        return None
    return buffer[0] & 15, bytes(buffer[start : start + size]), start + size


async def connect(port: int, subscriptions: list[dict[str, Any]], within: float) -> list[Reader]:
    """Connect all readers; return them once each has its snapshot or has lost its socket."""
    loop = asyncio.get_running_loop()
    begun = loop.time()

    async def one(number: int, fields: dict[str, Any]) -> Reader:
        await asyncio.sleep(begun + within * number / len(subscriptions) - loop.time())
        reader = Reader(port, fields)
        try:
            await loop.create_connection(lambda: reader, "127.0.0.1", port)
        except OSError as error:
            reader.connection_lost(error)
        await reader.answered
        return reader

    return await asyncio.gather(*(one(*numbered) for numbered in enumerate(subscriptions)))


async def main(port: int) -> None:
    """Run the commands from standard input."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    commands = asyncio.StreamReader(limit=2**26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    readers: list[Reader] = []
    while line := await commands.readline():
        command = json.loads(line)
        if "wait_closed" in command:
            await asyncio.wait([reader.closed for reader in readers])
            answer: dict[str, Any] = {}
        else:
            begun = time.monotonic()
            readers = await connect(port, command["connect"], command["within"])
            failures = [reader.failure for reader in readers if reader.failure]
            answer = {
                "served": sum(reader.position is not None for reader in readers),
                "resumed": sum(reader.resumed for reader in readers),
                "took": time.monotonic() - begun,
                "missed": [failure.decode("utf-8", "replace") for failure in failures[:5]],
                "positions": [reader.position for reader in readers],
            }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1])))
