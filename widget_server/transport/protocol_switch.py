"""A connection that has not said yet what it is: a handshake, or HTTP.

Name it to uvicorn with `http=protocol switch`. A handshake beyond the pace is answered here, before anything
is made for it: a parser, a request and two protocols cost four times what the refusal does, and at
thousands a second the difference is what other readers feel.
"""

import asyncio
import re
import sys
from asyncio.transports import BaseTransport, Transport
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar, cast

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets import http11

from widget_server.model.errors import ProblemError
from widget_server.protocol import codes
from widget_server.transport import rejection
from widget_server.transport.http_protocol import HardenedHttpProtocol
from widget_server.transport.metrics import HTTP_METRICS
from widget_server.transport.timing_wheel import GraceTimer

# What reaches the WebSocket protocol has been measured as every request is: `max_header_bytes`. The library
# has limits of its own, 8 KiB a line and 128 lines, which the cookies of the server's domain exceed.
http11.MAX_LINE_LENGTH = http11.MAX_NUM_HEADERS = sys.maxsize

#: A whole request without a body, and nothing behind it: how every client asks for a socket.
_REQUEST = re.compile(
    rb"GET ([!-~]+) HTTP/1\.1\r\n((?:[\w!#$%&'*+.^`|~-]+:[\t -~\x80-\xff]*\r\n)+)\r\n"
)
_ONCE = (b"host", b"upgrade", b"connection")
_BODY = (b"content-length", b"transfer-encoding")


class ProtocolSwitch(asyncio.Protocol):
    """Lets a handshake through to the WebSocket protocol, and all else to `http_protocol`.

    What does not look like every other handshake is for `http_protocol` to judge, with its own parser.
    """

    http_protocol: ClassVar[type[HardenedHttpProtocol]] = HardenedHttpProtocol
    """Whose limits hold here too."""

    __slots__ = (
        "_app_state",
        "_config",
        "_draining",
        "_loop",
        "_server_state",
        "_timeout",
        "_transport",
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._draining = False
        self._timeout: GraceTimer | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait `header_s`: a client that says nothing is not kept."""
        self._transport = cast(Transport, transport)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self._arm_timeout(self.http_protocol.header_s, self._on_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._detach()

    def _arm_timeout(self, seconds: float, late: Callable[[], None]) -> None:
        self._cancel_timeout()
        self._timeout = GraceTimer(self._loop, seconds, late)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None  # which knows us

    def _detach(self) -> None:
        self._cancel_timeout()
        self._server_state.connections.discard(self)

    def _on_timeout(self) -> None:
        # A browser's connection in reserve: it expects no answer to a question not asked.
        HTTP_METRICS.request_timeouts += 1
        self._transport.close()

    def shutdown(self) -> None:
        """Leave soon: a request may be on its way at this moment."""
        self._draining = True
        self._arm_timeout(self.http_protocol.linger_s, self._transport.close)

    def data_received(self, data: bytes) -> None:
        """Look at what came first, and pass it and the connection on, or refuse it."""
        transport = self._transport
        asked = parse_handshake(data) if len(data) <= self.http_protocol.max_header_bytes else None
        if asked is None or self._config.ws_protocol_class is None:
            self._detach()
            inside = self.http_protocol(
                self._config, self._server_state, self._app_state, self._loop
            )
            transport.set_protocol(inside)
            inside.connection_made(transport)
            if self._draining:
                inside.shutdown()
            inside.data_received(data)
            return
        target, headers = asked
        if self._draining:
            # No one would tell this socket to come back elsewhere.
            self._reject(HTTPStatus.SERVICE_UNAVAILABLE, 1, "leaving")
            return
        try:
            if self.http_protocol.handshakes is not None:
                connection = transport.get_extra_info("peername")
                self.http_protocol.handshakes.check(connection[0] if connection else None, headers)
        except ProblemError as rejection:
            status = HTTPStatus(codes.status_of(rejection))
            self._reject(status, rejection.retry_after, "handshakes")
            return
        self._detach()
        socket = self._config.ws_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=self._server_state, app_state=self._app_state
        )
        socket.connection_made(transport)
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        socket.data_received(b"GET %b HTTP/1.1\r\n%b\r\n" % (target, lines))
        transport.set_protocol(socket)

    def _reject(self, status: HTTPStatus, retry_after: float | None, reason: str) -> None:
        """Answer and close at once: all that was sent has been read, so nothing is reset."""
        HTTP_METRICS.requests_rejected.add(status.value, reason)
        headers = self._server_state.default_headers
        self._transport.write(rejection.plain_response(status, headers, retry_after))
        self._transport.close()


def parse_handshake(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]] | None:
    """The target and the headers, names in small letters; None if it is not plainly a handshake."""
    if b"websocket" not in data.lower():
        return None
    request = _REQUEST.fullmatch(data)
    if request is None:
        return None
    target, lines = request.groups()
    headers = []
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        headers.append((name.lower(), value.strip(b" \t")))
    names = [name for name, _ in headers]
    if any(names.count(name) != 1 for name in _ONCE) or any(name in names for name in _BODY):
        return None
    told = dict(headers)
    tokens = [token.strip().lower() for token in told[b"connection"].split(b",")]
    if told[b"upgrade"].lower() != b"websocket" or b"upgrade" not in tokens:
        return None
    return target, headers
