"""First protocol of a connection: reads the first bytes, then hands over to WebSocket or HTTP.

A handshake over the rate limit is rejected here, before a parser, a request
and two protocols are created: those cost four times as much as the rejection, and at thousands a
second the difference delays connected readers.
"""

import asyncio
import re
import sys
from asyncio.transports import BaseTransport, Transport
from collections.abc import Callable
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets import http11

from widget_server.transport.http_protocol import HardenedHttpProtocol
from widget_server.transport.rejection import Rejection, plain_response
from widget_server.transport.settings import TransportSettings
from widget_server.transport.timing_wheel import GraceTimer

# Every request that reaches the WebSocket protocol is already limited to `max_header_bytes`. The
# library's own limits are 8 KiB a line and 128 lines; the cookies of the server's domain exceed them.
http11.MAX_LINE_LENGTH = http11.MAX_NUM_HEADERS = sys.maxsize

#: A whole request without a body and nothing after it: the form of every client's handshake.
_REQUEST = re.compile(
    rb"GET ([!-~]+) HTTP/1\.1\r\n((?:[\w!#$%&'*+.^`|~-]+:[\t -~\x80-\xff]*\r\n)+)\r\n"
)
_REQUIRED_ONCE = (b"host", b"upgrade", b"connection")
_BODY_HEADERS = (b"content-length", b"transfer-encoding")


class ProtocolSwitch(asyncio.Protocol):
    """Passes a handshake to the WebSocket protocol, and all other requests to the HTTP protocol.

    A handshake that is not in the usual form also goes to the HTTP protocol and its parser.
    """

    __slots__ = (
        "__weakref__",
        "_app_state",
        "_config",
        "_draining",
        "_loop",
        "_server_state",
        "_settings",
        "_timeout",
        "transport",
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        settings: TransportSettings,
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._settings = settings
        self._draining = False
        self._timeout: GraceTimer | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait `header_s` for the first bytes, then close a silent connection."""
        self.transport = cast(Transport, transport)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self._arm_timeout(self._settings.http.header_s, self._on_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout and remove the connection."""
        self._detach()

    def _arm_timeout(self, seconds: float, on_expired: Callable[[], None]) -> None:
        self._cancel_timeout()
        self._timeout = GraceTimer(self._loop, seconds, on_expired)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None  # the timer refers to this object

    def _detach(self) -> None:
        self._cancel_timeout()
        self._server_state.connections.discard(self)

    def _on_timeout(self) -> None:
        # Close silently: browsers open spare connections and send no request on them.
        self._settings.metrics.http.request_timeouts += 1
        self.transport.close()

    def shutdown(self) -> None:
        """Close after `linger_s`: a request may be on its way."""
        self._draining = True
        self._arm_timeout(self._settings.http.linger_s, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Pass the first bytes and the connection on, or reject the handshake."""
        settings = self._settings
        handshake = parse_handshake(data) if len(data) <= settings.http.max_header_bytes else None
        if handshake is None or self._config.ws_protocol_class is None:
            self._hand_over_to_http(data)
            return
        target, headers = handshake
        peer = self.transport.get_extra_info("peername")
        rejection = settings.handshakes.check(
            peer[0] if isinstance(peer, tuple) else None, headers, shutting_down=self._draining
        )
        if rejection is not None:
            self._reject(rejection)
            return
        self._detach()
        websocket = self._config.ws_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=self._server_state, app_state=self._app_state
        )
        websocket.connection_made(self.transport)
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        websocket.data_received(b"GET %b HTTP/1.1\r\n%b\r\n" % (target, lines))
        self.transport.set_protocol(websocket)

    def _hand_over_to_http(self, data: bytes) -> None:
        self._detach()
        http = HardenedHttpProtocol(
            self._config, self._server_state, self._app_state, self._loop, settings=self._settings
        )
        self.transport.set_protocol(http)
        http.connection_made(self.transport)
        if self._draining:
            http.shutdown()
        http.data_received(data)

    def _reject(self, rejection: Rejection) -> None:
        """Respond and close at once. All input was read, so the kernel sends no reset."""
        self._settings.metrics.http.requests_rejected.add(rejection.status.value, rejection.reason)
        self.transport.write(plain_response(rejection, self._server_state.default_headers))
        self.transport.close()


def parse_handshake(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]] | None:
    """Return the target and the headers, names in lower case, of a handshake in the usual form.

    Return None for every other request.
    """
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
    if any(names.count(name) != 1 for name in _REQUIRED_ONCE):
        return None
    if any(name in names for name in _BODY_HEADERS):
        return None
    values = dict(headers)
    tokens = [token.strip().lower() for token in values[b"connection"].split(b",")]
    if values[b"upgrade"].lower() != b"websocket" or b"upgrade" not in tokens:
        return None
    return target, headers
