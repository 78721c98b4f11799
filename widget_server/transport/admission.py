"""Read a request's origin, client address and body; limit connections and handshakes per network."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from widget_server.model.errors import MalformedError, ProblemError, TooLargeError
from widget_server.protocol.codes import status_of
from widget_server.transport.rejection import Rejection

SHUTTING_DOWN = Rejection(HTTPStatus.SERVICE_UNAVAILABLE, "leaving", retry_after=1)


def get_origin(scope: Mapping[str, Any]) -> str | None:
    """Return the `Origin` header as sent, None without one, and "" if it was sent twice."""
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if not origins:
        return None
    return origins[0].decode("latin-1") if len(origins) == 1 else ""


def client_address(scope: Mapping[str, Any]) -> str | None:
    """Return the client's address. Behind a trusted proxy, uvicorn has set it to the reader's."""
    client = scope.get("client")
    return client[0] if client else None


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body. Stop reading beyond `max_bytes`.

    Raises `TooLargeError`, and `MalformedError` if the client disconnects before the end.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise TooLargeError
    except ClientDisconnect:
        # No client is left to read the response, and the server is not at fault.
        raise MalformedError("The request ended before its body did.") from None
    return bytes(body)


class ConnectionLimiter:
    """Limit on the open connections of each network in this process."""

    def __init__(self, limit: int) -> None:
        """`limit` connections per network; 0 for no limit."""
        self._limit = limit
        self._open: Counter[str] = Counter()

    def acquire(self, network: str) -> bool:
        """Count a connection. Return False if the network has reached the limit."""
        if 0 < self._limit <= self._open[network]:
            return False
        self._open[network] += 1
        return True

    def release(self, network: str) -> None:
        """Stop counting a connection."""
        self._open[network] -= 1
        if self._open[network] <= 0:
            del self._open[network]


class TrustedProxies:
    """Finds the client address behind trusted proxies, before uvicorn has made a request."""

    def __init__(self, proxies: str) -> None:
        # The same object as uvicorn's, so that both always find the same address.
        self._proxies = ProxyHeadersMiddleware(_unused_app, proxies).trusted_hosts

    def client_address(
        self, peer_address: str | None, headers: Iterable[tuple[bytes, bytes]]
    ) -> str | None:
        """Return the address in `X-Forwarded-For` if the peer is trusted, else the peer's."""
        if peer_address in self._proxies:
            forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
            if forwarded:
                addresses = b", ".join(forwarded).decode("latin-1")
                return self._proxies.get_trusted_client_address(addresses)[0] or peer_address
        return peer_address


class HttpConnectionSlots:
    """Limit on the HTTP connections of each network in this process."""

    def __init__(self, limit: int, network: Callable[[str | None], str], proxies: str) -> None:
        """`network` returns the network key of an address; `proxies` are trusted."""
        self._limiter = ConnectionLimiter(limit)
        self._network = network
        self._proxies = TrustedProxies(proxies)

    def acquire(
        self, held: str | None, peer_address: str | None, headers: Iterable[tuple[bytes, bytes]]
    ) -> str | None:
        """Return the slot for a connection's next request, or None if its network has no free slot.

        `held` is the slot of the request before. A proxy may send another reader's request on the
        same connection; the slot then changes.
        """
        network = self._network(self._proxies.client_address(peer_address, headers))
        if held == network:
            return held
        if not self._limiter.acquire(network):
            return None
        if held is not None:
            self.release(held)
        return network

    def release(self, held: str) -> None:
        """Free the slot."""
        self._limiter.release(held)


class HandshakeLimiter:
    """Limit on the rate of WebSocket handshakes of a network, checked before the application runs.

    A socket that the application rejects costs ten times as much. At thousands a second the
    difference delays connected readers.
    """

    def __init__(self, hit: Callable[[str | None], None] | None = None, proxies: str = "") -> None:
        """`hit` counts one for an address, or raises `ProblemError`; `proxies` are trusted.

        Without `hit` there is no limit.
        """
        self._hit = hit
        self._proxies = TrustedProxies(proxies)

    def check(
        self,
        peer_address: str | None,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        shutting_down: bool,
    ) -> Rejection | None:
        """Count one handshake for the client's network. Return why it is rejected, or None."""
        if shutting_down:
            # Every open socket was already sent `goodbye`. A socket opened now would not receive it.
            return SHUTTING_DOWN
        if self._hit is None:
            return None
        try:
            self._hit(self._proxies.client_address(peer_address, headers))
        except ProblemError as error:
            return Rejection(HTTPStatus(status_of(error)), "handshakes", error.retry_after)
        return None


async def _unused_app(*_: object) -> None:
    """Do nothing: the middleware needs an application and is never called."""
