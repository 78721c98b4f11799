"""A uvicorn HTTP/1.1 protocol that bounds what a client may send, and for how long it may take.

It stands behind `protocol_switch.ProtocolSwitch`. What is refused here never reaches the application; the answer is
one line of text, and the connection is closed.
"""

import asyncio
from asyncio.transports import Transport
from http import HTTPStatus
from typing import Any, ClassVar

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from widget_server.model.errors import ProblemError
from widget_server.protocol import codes
from widget_server.transport import rejection
from widget_server.transport.admission import HandshakeLimiter, HttpConnectionSlots
from widget_server.transport.metrics import HTTP_METRICS
from widget_server.transport.read_progress import CHECKS_PER_TIMEOUT, ReadProgress
from widget_server.transport.timing_wheel import GraceTimer

#: Why a request is refused with each status before it was read, in a word.
REASONS = {
    HTTPStatus.BAD_REQUEST: "malformed",
    HTTPStatus.REQUEST_TIMEOUT: "too_slow",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "pipelined",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "header_too_large",
}

#: When one whose network has too many connections should come again, in seconds.
TOO_MANY_CONNECTIONS_RETRY_S = 30


class HardenedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection. Limits are class attributes; sizes in bytes, times in seconds.

    `max_header_bytes` counts from the request line to the empty line, of handshakes too: a thousand stories
    in the query of /v1/counts take 19 KB, and browsers add cookies. `max_body` is what is left of the body
    when the chunks are put together; both are per request. `header_s` runs from a request's first
    byte; `body_s` from the end of its header. A client that leaves something unread and takes no
    byte for `write_s` is cut. `linger_s` is how long a refused
    client may take to leave, and how long a request may be on its way when the server leaves.
    """

    max_header_bytes = 32 * 1024
    max_body = 64 * 1024
    max_pipelined = 8
    header_s = 10.0
    body_s = 15.0
    write_s = 20.0
    linger_s = 2.0
    handshakes: ClassVar[HandshakeLimiter | None] = None
    """How often a network may ask for a socket; None for as often as it likes."""
    connection_slots: ClassVar[HttpConnectionSlots | None] = None
    """How many connections a network may have; None for as many as it likes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_header = True  # or waiting for one
        self._header_bytes = 0
        self._in_body = False
        self._body_bytes = 0
        self._rejection: HTTPStatus | None = None
        self._slot: str | None = None
        self._network_is_full = False
        self._active_cycle: RequestResponseCycle | None = None
        self._draining = False
        self._timeout: GraceTimer | asyncio.TimerHandle | None = None
        self._undrained: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take over from the protocol switch, with what has come."""
        super().connection_made(transport)
        # With no allowance at all, "writing is paused" says "something is unread".
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._cancel_timeout()
        self._unset_keepalive_if_required()
        if self._undrained is not None:
            self._undrained.cancel()
        self._stand_up()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, with its clocks stopped."""
        self._cancel_timeout()
        self._stand_up()
        super().handle_websocket_upgrade()

    def _arm_timeout(self, seconds: float) -> None:
        self._cancel_timeout()
        self._timeout = GraceTimer(self.loop, seconds, self._on_timeout)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _on_timeout(self) -> None:
        """Close on a client that did not finish its header or body in time."""
        self._timeout = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused or (self._in_header and self._has_active_cycle()):
            # It is we who do not read, or an answer is under way (events run for hours), and the
            # next request, if it is one, waits for that.
            self._arm_timeout(self.header_s)
            return
        HTTP_METRICS.request_timeouts += 1
        self._reject(HTTPStatus.REQUEST_TIMEOUT)

    def shutdown(self) -> None:
        """Leave after the next answer, or soon: a request may be on its way at this moment."""
        self._draining = True
        if self._has_active_cycle():
            super().shutdown()
        else:
            self.loop.call_later(self.linger_s, super().shutdown)

    def pause_writing(self) -> None:
        """Watch how the client reads what was written."""
        super().pause_writing()
        self._watch_client_read()

    def resume_writing(self) -> None:
        """Go on: the client has read everything."""
        super().resume_writing()
        if self._undrained is not None:
            self._undrained.cancel()
            self._undrained = None

    def _watch_client_read(self) -> None:
        # Nothing is added while writing is paused: what is less has been read.
        progress = ReadProgress(self.transport, self.loop.time())
        self._undrained = self.loop.call_later(
            self.write_s / CHECKS_PER_TIMEOUT, self._look_at, progress
        )

    def _look_at(self, progress: ReadProgress) -> None:
        if progress.has_stalled(self.loop.time(), self.write_s):
            HTTP_METRICS.slow_clients_dropped += 1
            self.transport.abort()
        else:
            self._undrained = self.loop.call_later(
                self.write_s / CHECKS_PER_TIMEOUT, self._look_at, progress
            )

    # What is received

    def data_received(self, data: bytes) -> None:
        """Parse, in pieces no longer than the limits allow."""
        self._unset_keepalive_if_required()
        if self._in_header and self._timeout is None and not self._has_active_cycle():
            # From the first byte, also when it is an empty line before the request (RFC 9112, 2.2).
            self._arm_timeout(self.header_s)
        start = 0
        while start < len(data) and self._rejection is None and not self.transport.is_closing():
            size = self.max_header_bytes
            if self._in_header:
                size -= self._header_bytes
                self._header_bytes += min(size, len(data) - start)
            if not self._parse(data[start : start + size]):
                return
            start += size
            if self._in_header and self._header_bytes >= self.max_header_bytes:
                self._reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _parse(self, piece: bytes) -> bool:
        """Feed the parser; False when the connection is no longer ours to read."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._rejection is None and self._should_upgrade():
                if self._check_handshake():
                    self.handle_websocket_upgrade()
                return False
            # An upgrade that is not offered may be ignored (RFC 9110, 7.8), but the parser stops.
            if self.cycle is not None:
                self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._rejection = self._rejection or HTTPStatus.BAD_REQUEST
        if self._rejection is not None:
            if self._network_is_full:
                self._reject(self._rejection, TOO_MANY_CONNECTIONS_RETRY_S, "connections")
            else:
                self._reject(self._rejection)
            return False
        return True

    def _may_sit(self) -> bool:
        """Whether the network has a seat for this connection. Sockets have seats of their own."""
        if self.connection_slots is None or self.parser.should_upgrade():
            return True
        connection = self.transport.get_extra_info("peername")
        address = connection[0] if isinstance(connection, tuple) else None
        seat = self.connection_slots.acquire(self._slot, address, self.headers)
        self._slot, self._network_is_full = seat or self._slot, seat is None
        return seat is not None

    def _stand_up(self) -> None:
        if self.connection_slots is not None and self._slot is not None:
            self.connection_slots.release(self._slot)
            self._slot = None

    def _check_handshake(self) -> bool:
        """False when the handshake has been refused; most are checked by the protocol switch."""
        if self._draining:
            # No one would tell this socket to come back elsewhere.
            self._reject(HTTPStatus.SERVICE_UNAVAILABLE, 1, "leaving")
            return False
        try:
            if self.handshakes is not None:
                self.handshakes.check(self.client[0] if self.client else None, self.headers)
        except ProblemError as rejection:
            status = HTTPStatus(codes.status_of(rejection))
            self._reject(status, rejection.retry_after, "handshakes")
            return False
        return True

    def on_message_begin(self) -> None:
        """Start the clock for the header of a further request."""
        super().on_message_begin()
        if self._timeout is None:
            self._arm_timeout(self.header_s)

    def on_headers_complete(self) -> None:
        """Check the header as a whole, then let the application begin."""
        self._cancel_timeout()
        self._in_header = False
        self._header_bytes = 0
        if self._rejection is None:
            self._rejection = self._validate_header()
        if self._rejection is not None:
            return
        super().on_headers_complete()
        if self._draining and self.cycle is not None:  # none for an upgrade
            self.cycle.keep_alive = False
        self._in_body = True
        self._body_bytes = 0
        self._arm_timeout(self.body_s)

    def _validate_header(self) -> HTTPStatus | None:
        """Return why this request is refused. What is plainly wrong the parser has found before."""
        if len(self.pipeline) >= self.max_pipelined:
            return HTTPStatus.TOO_MANY_REQUESTS
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            return HTTPStatus.BAD_REQUEST
        hosts = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"content-length" and int(value) > self.max_body:
                return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            elif name == b"transfer-encoding" and (version, value.lower()) != ("1.1", b"chunked"):
                return HTTPStatus.BAD_REQUEST
        # RFC 9112, section 3.2: two hosts, or none, must be answered with 400.
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            return HTTPStatus.BAD_REQUEST
        return None if self._may_sit() else HTTPStatus.TOO_MANY_REQUESTS

    def on_body(self, body: bytes) -> None:
        """Count, and pass on what is within the limit."""
        self._body_bytes += len(body)
        if self._rejection is None and self._body_bytes > self.max_body:
            self._rejection = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if self._rejection is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the clock of the body and wait for the next header."""
        if self._rejection is None:
            super().on_message_complete()
            self._cancel_timeout()
        self._in_header = True
        self._in_body = False

    # What is answered

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._active_cycle = cycle
        super()._start_asgi_task(cycle, app)

    def _has_active_cycle(self) -> bool:
        return self._active_cycle is not None and not self._active_cycle.response_complete

    def _reject(
        self, status: HTTPStatus, retry_after: float | None = None, reason: str | None = None
    ) -> None:
        """Answer with `status` and close. A client that awaits another answer gets none."""
        HTTP_METRICS.requests_rejected.add(status.value, reason or REASONS[status])
        self._rejection = status
        answering, self._active_cycle = self._active_cycle, None
        answerable = answering is None or answering.response_complete
        if answering is not None and not answering.response_complete:
            # Its own request was cut short in the body, and the application has said nothing yet.
            answerable = self._in_body and answering is self.cycle
            answerable = answerable and not answering.response_started
            answering.disconnected = True
            answering.message_event.set()
        self.pipeline.clear()
        if not answerable:
            self.transport.abort()
            return
        headers = self.server_state.default_headers
        self.transport.write(rejection.plain_response(status, headers, retry_after))
        # Closing at once would answer unread bytes with a reset, which can overtake the answer.
        self._cancel_timeout()
        self._timeout = self.loop.call_later(self.linger_s, self.transport.abort)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
