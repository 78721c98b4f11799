"""Who is asking: the page's origin, the network behind an address, how much was sent."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from widget_server.model.errors import MalformedError, TooLargeError


def get_origin(scope: Mapping[str, Any]) -> str | None:
    """The `Origin` header as sent, or None; two of them count as a wrong one."""
    found = [value for name, value in scope["headers"] if name == b"origin"]
    if not found:
        return None
    return found[0].decode("latin-1") if len(found) == 1 else ""


def client_address(scope: Mapping[str, Any]) -> str | None:
    """The peer's address; behind a trusted proxy uvicorn has put the reader's there."""
    client = scope.get("client")
    return client[0] if client else None


async def read_body(request: Request, most: int) -> bytes:
    """The body, read no further than the limit. Raises `TooLargeError`, `MalformedError`."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLargeError
    except ClientDisconnect:
        # No one is there to be answered; it is no failure of ours either.
        raise MalformedError("The request ended before its body did.") from None
    return bytes(body)


class ConnectionLimiter:
    """Open sockets of each network in this process, at most so many."""

    def __init__(self, most: int) -> None:
        self._limit = most
        self._open: Counter[str] = Counter()

    def acquire(self, network: str) -> bool:
        """Take a seat; False when the network has all of its."""
        if 0 < self._limit <= self._open[network]:
            return False
        self._open[network] += 1
        return True

    def release(self, network: str) -> None:
        """Give the seat back."""
        self._open[network] -= 1
        if self._open[network] <= 0:
            del self._open[network]


class TrustedProxies:
    """Whose a connection is: its peer's, or the one whom a trusted proxy names."""

    def __init__(self, proxies: str) -> None:
        # Whom uvicorn believes, and what it will make of it once the request has been made.
        self._proxies = ProxyHeadersMiddleware(_unused_app, proxies).trusted_hosts

    def client_address(
        self, connection: str | None, headers: Iterable[tuple[bytes, bytes]]
    ) -> str | None:
        """The address that a request comes from."""
        if connection in self._proxies:
            named = [value for name, value in headers if name == b"x-forwarded-for"]
            if named:
                listed = b", ".join(named).decode("latin-1")
                return self._proxies.get_trusted_client_address(listed)[0] or connection
        return connection


class HttpConnectionSlots:
    """HTTP connections of each network in this process, at most so many."""

    def __init__(self, most: int, network: Callable[[str | None], str], proxies: str) -> None:
        self._limiter = ConnectionLimiter(most)
        self._network = network
        self._behind = TrustedProxies(proxies)

    def acquire(
        self, held: str | None, connection: str | None, headers: Iterable[tuple[bytes, bytes]]
    ) -> str | None:
        """Seat a connection that asks for something; None when its network has all of its seats.

        `held` is where it sits since the request before: a proxy's may have been another reader's.
        """
        network = self._network(self._behind.client_address(connection, headers))
        if held == network:
            return held
        if not self._limiter.acquire(network):
            return None
        if held is not None:
            self.release(held)
        return network

    def release(self, held: str) -> None:
        """Give the seat back."""
        self._limiter.release(held)


class HandshakeLimiter:
    """The pace at which one network may begin sockets, known before anything is made for them.

    A socket that is made and refused by the application costs ten times what this does: at
    thousands a second the difference is what other readers feel.
    """

    def __init__(self, spend: Callable[[str | None], None], proxies: str) -> None:
        """`spend` counts one for an address, or raises `RateLimitedError`; `proxies` are believed."""
        self._hit = spend
        self._behind = TrustedProxies(proxies)

    def check(self, connection: str | None, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Count one for the network that it comes from. Raises what `spend` does."""
        self._hit(self._behind.client_address(connection, headers))


async def _unused_app(*_: object) -> None:
    """Serve nothing."""
