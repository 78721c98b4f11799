"""A web server on the loopback, and a fetcher that may reach it and nothing else."""

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Collection
from contextlib import suppress

from tests.async_context import AsyncContext
from widget_server.operations.publishing.fetch import Fetcher
from widget_server.operations.publishing.public_addresses import Address

LOOPBACK = "127.0.0.1"
OWN = "https://widgets.example"

Answer = Callable[[str], bytes]
"""Returns a whole answer for a path."""


def html(body: str, status: str = "200 OK", more: str = "") -> bytes:
    """Return an answer with a page."""
    content = body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n{more}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def redirect(to: str, status: str = "302 Found") -> bytes:
    """Return an answer that redirects."""
    return f"HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


class PageServer(AsyncContext):
    """Answers each request by `answers[path]`. `requests` are the heads of all requests."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.answers: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.connections = 0
        self.hold = asyncio.Event()
        """The path `/slow` sends one byte a moment and never ends."""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self, error: BaseException | None) -> None:
        self.hold.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            path = head.split(" ")[1]
            if path == "/slow":
                writer.write(html("x" * 100_000)[:200])
                while not self.hold.is_set():
                    writer.write(b"x")
                    await writer.drain()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.hold.wait(), 0.05)
            else:
                writer.write(self.answers.get(path, html("nothing", "404 Not Found")))
                await writer.drain()
        writer.close()

    def fetcher(
        self,
        names: dict[str, Collection[str]] | None = None,
        *,
        permits: Callable[[Address], bool] | None = None,
        tls: ssl.SSLContext | None = None,
        seconds: float = 20,
    ) -> Fetcher:
        """Return a fetcher that reaches this server by the name `page.example`, at its port.

        Other `names` may be given with their addresses. `permits` is the rule for addresses; by default
        only the loopback address of this server is permitted.
        """
        known = {"page.example": [LOOPBACK], **(names or {})}

        async def resolver(host: str, _port: int) -> Collection[str]:
            if host not in known:
                raise OSError("no such name")
            return known[host]

        allowed = ipaddress.ip_address(LOOPBACK)
        return Fetcher(
            OWN,
            resolver=resolver,
            permits=permits or (lambda address: address == allowed),
            ports={self.port},
            tls=tls,
            seconds=seconds,
        )

    def url(self, path: str = "/", host: str = "page.example") -> str:
        """Return the address of a path."""
        return f"http://{host}:{self.port}{path}"
