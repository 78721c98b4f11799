"""Thousands of readers in one light process: each has a socket and waits for its snapshot.

Run as a program with the port as its argument. It reads one JSON order a line and answers each
with one line: `{"come": [{"token": …}, …], "within": seconds}` lets that many readers come, each with
these fields in its subscription, spread over `within` seconds, and answers once all have their
snapshots or are gone; `{"gone": true}` answers once all of them have lost their sockets.
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
from types import TracebackType
from typing import Any

HANDSHAKE = (
    "GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://copy.example\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: widget.v1\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)
MASK = bytes(4)
"""A mask of zeros masks nothing, which costs nothing either."""


class ThunderingHerd:
    """The program, as a test uses it: `async with Herd(port) as herd:`."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> "ThunderingHerd":
        self.process: Process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            str(self.port),
            cwd=Path(__file__).parents[2],
            stdin=PIPE,
            stdout=PIPE,
            limit=2**26,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()

    async def come(self, readers: list[dict[str, Any]], within: float) -> dict[str, Any]:
        """Let them come.

        How many were `served` and of them `resumed`, how long it `took` until the last, what was
        said to some of those who were `missed`, and everyone's `positions`. Seconds.
        """
        return await self._order({"come": readers, "within": within})

    async def gone(self) -> None:
        """Wait until all have lost their sockets."""
        await self._order({"gone": True})

    async def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return answer


class Reader(asyncio.Protocol):
    """One reader: handshake, subscription, snapshot; whatever follows is thrown away."""

    def __init__(self, port: int, asks: dict[str, Any]) -> None:
        self.port = port
        self.message = json.dumps({"type": "subscribe", "ref": 1, **asks})
        self.position: Any = None
        """The snapshot's, with which to come back."""
        self.resumed = False
        self.said = b""
        """What ended the wait instead of a snapshot."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done with the snapshot, or with the connection."""
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(HANDSHAKE.format(port=self.port, key=key).encode())
        self._open = False

    def data_received(self, data: bytes) -> None:
        if self.over.done():
            return
        self._held += data
        if not self._open:
            head, end, rest = bytes(self._held).partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self._end(head)
                return
            self._open, self._held = True, bytearray(rest)
            payload = self.message.encode()
            size = len(payload).to_bytes(2, "big")
            self.transport.write(b"\x81" + bytes([0x80 | 126]) + size + MASK + payload)
        while (found := frame(self._held)) is not None:
            opcode, payload, after = found
            del self._held[:after]
            if opcode == 8 or b'"type":"error"' in payload[:60]:
                self._end(payload)
            elif opcode == 1:
                shown = json.loads(payload)
                if shown["type"] == "snapshot":
                    self.position = shown["position"]
                    self.resumed = shown["resumed"]
                    self._end(b"")
            if self.over.done():
                self._held.clear()
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(repr(exc).encode())
        self.left.set_result(None)

    def _end(self, said: bytes) -> None:
        if not self.over.done():
            self.said = said
            self.over.set_result(None)


def frame(held: bytearray) -> tuple[int, bytes, int] | None:
    """Opcode, payload and length of the first whole frame of a server."""
    if len(held) < 2:
        return None
    size, start = held[1], 2
    if size >= 126:
        start = 4 if size == 126 else 10
        if len(held) < start:
            return None
        size = int.from_bytes(held[2:start], "big")
    if len(held) < start + size:
        return None
    return held[0] & 15, bytes(held[start : start + size]), start + size


async def come(port: int, given: list[dict[str, Any]], within: float) -> list[Reader]:
    """All of them, after each has its snapshot or has lost its socket."""
    loop = asyncio.get_running_loop()
    begun = loop.time()

    async def one(number: int, asks: dict[str, Any]) -> Reader:
        await asyncio.sleep(begun + within * number / len(given) - loop.time())
        reader = Reader(port, asks)
        try:
            await loop.create_connection(lambda: reader, "127.0.0.1", port)
        except OSError as error:
            reader.connection_lost(error)
        await reader.over
        return reader

    return await asyncio.gather(*(one(number, asks) for number, asks in enumerate(given)))


async def main(port: int) -> None:
    """Follow the orders on standard input."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    orders = asyncio.StreamReader(limit=2**26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    readers: list[Reader] = []
    while line := await orders.readline():
        order = json.loads(line)
        if "gone" in order:
            await asyncio.wait([reader.left for reader in readers])
            answer: dict[str, Any] = {}
        else:
            begun = time.monotonic()
            readers = await come(port, order["come"], order["within"])
            missed = [reader.said.decode("utf-8", "replace") for reader in readers if reader.said]
            answer = {
                "served": sum(reader.position is not None for reader in readers),
                "resumed": sum(reader.resumed for reader in readers),
                "took": time.monotonic() - begun,
                "missed": missed[:5],
                "positions": [reader.position for reader in readers],
            }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1])))
