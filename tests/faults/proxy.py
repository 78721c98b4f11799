"""TCP proxy that injects network faults between two processes."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

READ_SIZE = 65_536


class Proxy:
    """Proxy before a Unix socket or some TCP ports; tests switch faults on and off while it runs."""

    def __init__(self, *upstreams: Path | int) -> None:
        self.upstreams = upstreams
        self.refuse_connections = False
        """True: new connections are closed."""
        self.drop_responses = False
        """True: requests are forwarded, responses are dropped."""
        self.cut_after: bytes | None = None
        """The next request with these bytes is forwarded; its response closes the connection."""
        self.cuts = 0
        self.refuse_handshakes = b""
        """If not empty: the response to each WebSocket handshake, instead of the server's."""
        self.keep_back_streams = False
        """True: event streams are forwarded only to their end, as buffering proxies do: never."""
        self.streams: list[bytearray] = []
        """Every event stream that the server sent, as the bytes of its HTTP response."""
        self._blackholed: set[Link] = set()
        self._links: set[Link] = set()
        self.rate = 0.0
        """Bytes per second of responses on each connection; 0 means unlimited."""
        self.mangle: Mangler | None = None
        """If set: loses, repeats and delays the messages that a Valkey pushes."""
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> "Proxy":
        """Listen on a free port of the loopback interface."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """Stop listening and close all connections."""
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang(self) -> None:
        """Stop forwarding. Connections stay open."""
        self._flowing.clear()

    def flow(self) -> None:
        """Continue forwarding after `hang`; data received meanwhile is forwarded."""
        self._flowing.set()

    def blackhole(self) -> None:
        """Drop all further data of the connections that are open now; they stay open."""
        self._blackholed |= self._links

    def is_blackholed(self, link: "Link") -> bool:
        """Return True if all data of this connection is dropped."""
        return link in self._blackholed

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._open):
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.refuse_connections:
                return
            up_reader, up_writer = await self._connect()
            self._open.add(up_writer)
            link = Link(self, writer, up_writer)
            self._links.add(link)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(link.forward_requests(reader))
                    both.create_task(link.forward_responses(up_reader))
            finally:
                up_writer.transport.abort()
                self._open.discard(up_writer)
                self._links.discard(link)
                self._blackholed.discard(link)
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            self._open.discard(writer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for upstream in random.sample(self.upstreams, len(self.upstreams)):
            with suppress(OSError):
                if isinstance(upstream, Path):
                    return await asyncio.open_unix_connection(upstream)
                return await asyncio.open_connection("127.0.0.1", upstream)
        raise ConnectionRefusedError

    async def flowing(self) -> None:
        """Wait while the proxy hangs."""
        await self._flowing.wait()


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, down: asyncio.StreamWriter, up: asyncio.StreamWriter) -> None:
        self.proxy, self.down, self.up = proxy, down, up
        self.cut_at_response = False
        self.stream: bytearray | None = None

    async def forward_requests(self, reader: asyncio.StreamReader) -> None:
        """Forward data from the client until the connection ends."""
        while data := await reader.read(READ_SIZE):
            await self.proxy.flowing()
            if self.proxy.is_blackholed(self):
                continue
            if self.proxy.refuse_handshakes and b"Upgrade: websocket" in data:
                self.down.write(self.proxy.refuse_handshakes)
                await self.down.drain()
                raise ConnectionResetError
            if self.proxy.cut_after is not None and self.proxy.cut_after in data:
                self.proxy.cut_after = None
                self.cut_at_response = True
            self.up.write(data)
            await self.up.drain()
        raise ConnectionResetError

    async def forward_responses(self, reader: asyncio.StreamReader) -> None:
        """Forward data from the server until the connection ends."""
        rest = b""
        while data := await reader.read(1024 if self.proxy.rate else READ_SIZE):
            await self.proxy.flowing()
            if self.cut_at_response:
                self.proxy.cuts += 1
                raise ConnectionResetError
            if self.proxy.drop_responses or self.proxy.is_blackholed(self):
                continue
            if b"content-type: text/event-stream" in data:
                self.stream = bytearray()
                self.proxy.streams.append(self.stream)
            if self.stream is not None:
                self.stream += data
                if self.proxy.keep_back_streams:
                    continue
            if self.proxy.mangle is None:
                self.down.write(data)
            else:
                replies, rest = split(rest + data)
                for reply in replies:
                    self.proxy.mangle.forward(reply, self.down.write)
            await self.down.drain()
            if self.proxy.rate:
                await asyncio.sleep(len(data) / self.proxy.rate)
        raise ConnectionResetError


class Mangler:
    """Loses, repeats and delays pushed messages with seeded probabilities (0 to 1)."""

    def __init__(self, seed: int, lose: float, repeat: float, hold: float) -> None:
        self.rng = random.Random(seed)
        self.lose, self.repeat, self.hold = lose, repeat, hold
        self.lost = self.repeated = self.held = 0

    def forward(self, reply: bytes, write: Callable[[bytes], None]) -> None:
        """Forward one complete RESP reply; only pushed messages are lost, repeated or delayed."""
        if not reply.startswith(b"*3\r\n$7\r\nmessage\r\n"):
            write(reply)
            return
        if self.rng.random() < self.lose:
            self.lost += 1
            return
        times = 1
        if self.rng.random() < self.repeat:
            self.repeated += 1
            times = 2
        for _ in range(times):
            if self.rng.random() < self.hold:
                self.held += 1
                loop = asyncio.get_running_loop()
                loop.call_later(self.rng.uniform(0.01, 0.4), write, reply)
            else:
                write(reply)


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Split data into complete RESP2 replies; return them and the remaining bytes."""
    replies = []
    start = 0
    while (end := _end(data, start)) is not None:
        replies.append(data[start:end])
        start = end
    return replies, data[start:]


def _end(data: bytes, start: int) -> int | None:
    line = data.find(b"\r\n", start)
    if line < 0:
        return None
    kind, after = data[start : start + 1], line + 2
    if kind == b"$":
        length = int(data[start + 1 : line])
        end = after if length < 0 else after + length + 2
        return end if end <= len(data) else None
    if kind == b"*":
        for _ in range(int(data[start + 1 : line])):
            inner = _end(data, after)
            if inner is None:
                return None
            after = inner
    return after
