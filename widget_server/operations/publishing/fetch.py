"""Ask for a page at a stranger's address, without becoming a tool against other machines.

Only http and https, ports 80 and 443. The name is resolved once, every address is checked, and the
connection goes to exactly a checked address, so that a second answer of the name server changes nothing.
Each redirect is checked in the same way. No cookies, no credentials, no proxy of the environment.
"""

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from importlib.metadata import version
from urllib.parse import urljoin

import httpx2
import idna

from widget_server.content import urls
from widget_server.model.page_facts import FetchedPage as FetchedPage
from widget_server.operations.publishing.public_addresses import Address, is_permitted

TOTAL_S = 3.0
"""Seconds for a page, with name resolution and redirects."""
MAX_PAGE_BYTES = 512 * 1024
"""Bytes that are read of a page. What follows is not read."""
MAX_REDIRECTS = 3
PORTS = frozenset({80, 443})

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa", "onion")

MAX_HEADER = 16_000
"""Characters that are kept of the headers of one name."""

Resolver = Callable[[str, int], Awaitable[Collection[str]]]
"""Returns the addresses of a host name."""
Pace = Callable[[str], None]
"""Called with each host before it is asked. Raises an error to stop."""


class PageUnreachableError(Exception):
    """The page was not read.

    It is the same error for a refused address, a name that does not exist, a timeout and every other
    failure: what differs would tell a stranger about the server's network.
    """

    def __init__(self) -> None:
        super().__init__("The page cannot be reached.")


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host by the system's resolver. Raises `OSError`.

    It waits in a thread of its own that ends with the process: a name server that does not answer
    would hold up the stop of the server if the thread were one of the event loop's pool.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def set_result(addresses: list[str] | OSError | UnicodeError) -> None:
        if found.done():  # nobody waits any more
            return
        if isinstance(addresses, Exception):
            found.set_exception(addresses)
        else:
            found.set_result(addresses)

    def ask() -> None:
        result: list[str] | OSError | UnicodeError
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            result = [str(entry[4][0]) for entry in entries]
        except (OSError, UnicodeError) as error:
            result = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(set_result, result)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    return await found


class Fetcher:
    """Asks for pages. `own_url` is the address of this server, whose host is never asked.

    Tests inject `resolver`, `permits`, `ports` and `tls` to reach a server on the loopback. The
    defaults refuse it.
    """

    def __init__(
        self,
        own_url: str,
        *,
        resolver: Resolver = resolve,
        permits: Callable[[Address], bool] = is_permitted,
        ports: Collection[int] = PORTS,
        tls: ssl.SSLContext | None = None,
        seconds: float = TOTAL_S,
    ) -> None:
        own = urls.split(own_url)
        self._own_host = "" if own is None else own.host
        self._resolve = resolver
        self._permits = permits
        self._ports = ports
        self._tls = tls
        self._seconds = seconds
        self._user_agent = (
            f"widget-server/{version('widget-server')} (+{own_url}; looks once at pages that show"
            " a discussion of this server)"
        )

    async def fetch(self, url: str, pace: Pace | None = None) -> FetchedPage:
        """Return the page at an address.

        Raises `PageUnreachableError`, and no other error but those of `pace`, which is called with the
        host of the address and of each redirect.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(url, pace)
        except (OSError, TimeoutError, ValueError, httpx2.HTTPError, httpx2.InvalidURL):
            # From nothing: a traceback in a log would name the address.
            raise PageUnreachableError from None

    async def _follow(self, url: str, pace: Pace | None) -> FetchedPage:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._ask(url, pace)
            if isinstance(answer, FetchedPage):
                return answer
            url = urljoin(url, answer)
        raise PageUnreachableError

    async def _ask(self, url: str, pace: Pace | None) -> FetchedPage | str:
        """Return the page, or the address that it redirects to."""
        target = self._checked_url(url)
        if pace is not None:
            pace(target.host.removesuffix("."))
        address = await self._checked_address(target)
        literal = f"[{address}]" if address.version == 6 else str(address)
        path = target.rest.partition("#")[0]
        request = httpx2.Request(
            "GET",
            f"{target.scheme}://{literal}:{target.port}{path if path[:1] == '/' else '/' + path}",
            headers={
                "Host": target.origin.partition("//")[2],
                "User-Agent": self._user_agent,
                "Accept": "text/html,application/xhtml+xml;q=0.9",
                # A compressed page could be a thousand times as long as what was received.
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
            extensions={
                "sni_hostname": target.host.strip("[]").removesuffix("."),
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._seconds),
            },
        )
        # The transport and not a client: it has no cookies, no redirects and no proxies.
        async with httpx2.AsyncHTTPTransport(
            verify=self._context(), trust_env=False, retries=0
        ) as transport:
            response = await transport.handle_async_request(request)
            try:
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    return response.headers["location"]
                return await _read(response, url)
            finally:
                await response.aclose()

    def _checked_url(self, url: str) -> urls.Url:
        """Return the parts of an address that may be asked. Raises `PageUnreachableError`."""
        target = urls.split(url)
        if target is not None and not target.host.isascii():
            # Browsers read other digits and dots as ASCII: the result may be an IPv4 address.
            host = idna.encode(target.host, uts46=True).decode("ascii")
            target = urls.split(f"{target.scheme}://{host}:{target.port}{target.rest}")
        if target is None or target.port not in self._ports or not target.rest.isascii():
            raise PageUnreachableError
        name = target.host.removesuffix(".")
        if name == self._own_host or name.endswith(tuple(f".{local}" for local in _LOCAL_NAMES)):
            raise PageUnreachableError
        if not name.startswith("[") and "." not in name:
            raise PageUnreachableError  # localhost, or a name of the local network
        return target

    async def _checked_address(self, target: urls.Url) -> Address:
        """Return an address of the host. Raises `PageUnreachableError` if one of them is refused."""
        host = target.host.strip("[]")
        try:
            addresses: list[Address] = [ipaddress.ip_address(host)]
        except ValueError:
            found = await self._resolve(host, target.port)
            addresses = [ipaddress.ip_address(text) for text in found]
        own = await self._own_addresses(target.port)
        # All of them: a name with a public and a private address is set up to confuse.
        if not addresses or not all(map(self._permits, addresses)) or own & {*addresses}:
            raise PageUnreachableError
        # IPv4 first: many servers have no route for IPv6.
        return min(addresses, key=lambda address: address.version)

    async def _own_addresses(self, port: int) -> set[Address]:
        """Return the addresses of this server's own name: those of a proxy before it, perhaps."""
        try:
            found = await self._resolve(self._own_host.strip("[]"), port)
            return {ipaddress.ip_address(text) for text in found}
        except (OSError, ValueError):
            return set()

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            # Once: loading the certificate authorities takes longer than a request.
            self._tls = httpx2.create_ssl_context(trust_env=False)
        return self._tls


async def _read(response: httpx2.Response, url: str) -> FetchedPage:
    """Return the answer, without the bytes after `MAX_PAGE_BYTES`."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise PageUnreachableError
    content = bytearray()
    async for chunk in response.aiter_raw(chunk_size=None):
        content += chunk
        if len(content) > MAX_PAGE_BYTES:
            break
    return FetchedPage(
        url,
        response.status_code,
        response.headers.get("content-type", ""),
        bytes(content[:MAX_PAGE_BYTES]),
        len(content) <= MAX_PAGE_BYTES,
        tuple(response.headers.get_list("content-security-policy"))[:20],
        ",".join(response.headers.get_list("link"))[:MAX_HEADER],
    )
