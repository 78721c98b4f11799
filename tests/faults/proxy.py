"""A small TCP proxy that stands between two parts and does what networks do."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PIECE = 65_536


class Proxy:
    """Forwards to a Unix socket or to a list of ports; faults are switched while it runs."""

    def __init__(self, *upstreams: Path | int) -> None:
        self.upstreams = upstreams
        self.refusing = False
        """New connections are reset."""
        self.swallowing = False
        """What is asked arrives; what is answered is lost."""
        self.cut_after: bytes | None = None
        """The next request that holds these bytes is carried out; its answer ends the connection."""
        self.cuts = 0
        self.refuse_handshakes = b""
        """The answer to each request for a WebSocket, in place of the server's."""
        self._deaf: set[Link] = set()
        self._links: set[Link] = set()
        self.rate = 0.0
        """Bytes a second that each connection may bring back; 0 for as many as come."""
        self.mangle: Mangler | None = None
        """What becomes of messages that a Valkey pushes."""
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> "Proxy":
        """Listen on a free port of the loopback."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """End everything."""
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang(self) -> None:
        """Connections stay open and nothing comes through."""
        self._flowing.clear()

    def flow(self) -> None:
        """What was held back goes on."""
        self._flowing.set()

    def deafen(self) -> None:
        """From now on the connections that are open swallow everything, and stay open."""
        self._deaf |= self._links

    def deaf(self, link: "Link") -> bool:
        """Whether this connection swallows everything."""
        return link in self._deaf

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
            if self.refusing:
                return
            up_reader, up_writer = await self._connect()
            self._open.add(up_writer)
            link = Link(self, writer, up_writer)
            self._links.add(link)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(link.forward(reader))
                    both.create_task(link.back(up_reader))
            finally:
                up_writer.transport.abort()
                self._open.discard(up_writer)
                self._links.discard(link)
                self._deaf.discard(link)
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
        self.doomed = False

    async def forward(self, reader: asyncio.StreamReader) -> None:
        """What the client asks."""
        while data := await reader.read(PIECE):
            await self.proxy.flowing()
            if self.proxy.deaf(self):
                continue
            if self.proxy.refuse_handshakes and b"Upgrade: websocket" in data:
                self.down.write(self.proxy.refuse_handshakes)
                await self.down.drain()
                raise ConnectionResetError
            if self.proxy.cut_after is not None and self.proxy.cut_after in data:
                self.proxy.cut_after = None
                self.doomed = True
            self.up.write(data)
            await self.up.drain()
        raise ConnectionResetError

    async def back(self, reader: asyncio.StreamReader) -> None:
        """What the server answers."""
        rest = b""
        while data := await reader.read(1024 if self.proxy.rate else PIECE):
            await self.proxy.flowing()
            if self.doomed:
                self.proxy.cuts += 1
                raise ConnectionResetError
            if self.proxy.swallowing or self.proxy.deaf(self):
                continue
            if self.proxy.mangle is None:
                self.down.write(data)
            else:
                replies, rest = split(rest + data)
                for reply in replies:
                    self.proxy.mangle.pass_on(reply, self.down.write)
            await self.down.drain()
            if self.proxy.rate:
                await asyncio.sleep(len(data) / self.proxy.rate)
        raise ConnectionResetError


class Mangler:
    """Loses, repeats and holds back pushed messages, by seeded chance."""

    def __init__(self, seed: int, lose: float, repeat: float, hold: float) -> None:
        self.chance = random.Random(seed)
        self.lose, self.repeat, self.hold = lose, repeat, hold
        self.lost = self.repeated = self.held = 0

    def pass_on(self, reply: bytes, write: Callable[[bytes], None]) -> None:
        """One whole reply of the server."""
        if not reply.startswith(b"*3\r\n$7\r\nmessage\r\n"):
            write(reply)
            return
        if self.chance.random() < self.lose:
            self.lost += 1
            return
        times = 1
        if self.chance.random() < self.repeat:
            self.repeated += 1
            times = 2
        for _ in range(times):
            if self.chance.random() < self.hold:
                self.held += 1
                loop = asyncio.get_running_loop()
                loop.call_later(self.chance.uniform(0.01, 0.4), write, reply)
            else:
                write(reply)


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole RESP2 replies, and what is left over."""
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
