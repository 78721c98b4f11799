"""A uvicorn HTTP/1.1 protocol that bounds what a client may send, and for how long it may take.

It stands behind `doorstep.Doorstep`. What is refused here never reaches the application; the answer is
one line of text, and the connection is closed.
"""

import asyncio
from asyncio.transports import Transport
from http import HTTPStatus
from typing import Any, ClassVar

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from widget_server.edge import problems
from widget_server.edge.counts import HTTP
from widget_server.edge.guards import Connections, Handshakes
from widget_server.edge.progress import LOOKS, Progress
from widget_server.edge.wheel import Deadline
from widget_server.model.errors import Refused

#: Why a request is refused with each status before it was read, in a word.
REASONS = {
    HTTPStatus.BAD_REQUEST: "malformed",
    HTTPStatus.REQUEST_TIMEOUT: "too_slow",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "pipelined",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "header_too_large",
}

#: When one whose network has too many connections should come again, in seconds.
CROWDED_S = 30


class HardenedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection. Limits are class attributes; sizes in bytes, times in seconds.

    `max_header` counts from the request line to the empty line, of handshakes too: a thousand stories
    in the query of /v1/counts take 19 KB, and browsers add cookies. `max_body` is what is left of the body
    when the chunks are put together; both are per request. `header_s` runs from a request's first
    byte; `body_s` from the end of its header. A client that leaves something unread and takes no
    byte for `write_s` is cut. `linger_s` is how long a refused
    client may take to leave, and how long a request may be on its way when the server leaves.
    """

    max_header = 32 * 1024
    max_body = 64 * 1024
    max_pipelined = 8
    header_s = 10.0
    body_s = 15.0
    write_s = 20.0
    linger_s = 2.0
    handshakes: ClassVar[Handshakes | None] = None
    """How often a network may ask for a socket; None for as often as it likes."""
    seats: ClassVar[Connections | None] = None
    """How many connections a network may have; None for as many as it likes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_header = True  # or waiting for one
        self._header_bytes = 0
        self._in_body = False
        self._body_bytes = 0
        self._refusal: HTTPStatus | None = None
        self._seat: str | None = None
        self._crowded = False
        self._answering: RequestResponseCycle | None = None
        self._leaving = False
        self._deadline: Deadline | asyncio.TimerHandle | None = None
        self._undrained: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take over from the doorstep, with what has come."""
        super().connection_made(transport)
        # With no allowance at all, "writing is paused" says "something is unread".
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._disarm()
        self._unset_keepalive_if_required()
        if self._undrained is not None:
            self._undrained.cancel()
        self._stand_up()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, with its clocks stopped."""
        self._disarm()
        self._stand_up()
        super().handle_websocket_upgrade()

    def _allow(self, seconds: float) -> None:
        self._disarm()
        self._deadline = Deadline(self.loop, seconds, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        """Close on a client that did not finish its header or body in time."""
        self._deadline = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused or (self._in_header and self._is_answering()):
            # It is we who do not read, or an answer is under way (events run for hours), and the
            # next request, if it is one, waits for that.
            self._allow(self.header_s)
            return
        HTTP.timed_out += 1
        self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def shutdown(self) -> None:
        """Leave after the next answer, or soon: a request may be on its way at this moment."""
        self._leaving = True
        if self._is_answering():
            super().shutdown()
        else:
            self.loop.call_later(self.linger_s, super().shutdown)

    def pause_writing(self) -> None:
        """Watch how the client reads what was written."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """Go on: the client has read everything."""
        super().resume_writing()
        if self._undrained is not None:
            self._undrained.cancel()
            self._undrained = None

    def _expect_reading(self) -> None:
        # Nothing is added while writing is paused: what is less has been read.
        progress = Progress(self.transport, self.loop.time())
        self._undrained = self.loop.call_later(self.write_s / LOOKS, self._look_at, progress)

    def _look_at(self, progress: Progress) -> None:
        if progress.stands_still(self.loop.time(), self.write_s):
            HTTP.slow_cut += 1
            self.transport.abort()
        else:
            self._undrained = self.loop.call_later(self.write_s / LOOKS, self._look_at, progress)

    # What is received

    def data_received(self, data: bytes) -> None:
        """Parse, in pieces no longer than the limits allow."""
        self._unset_keepalive_if_required()
        if self._in_header and self._deadline is None and not self._is_answering():
            # From the first byte, also when it is an empty line before the request (RFC 9112, 2.2).
            self._allow(self.header_s)
        start = 0
        while start < len(data) and self._refusal is None and not self.transport.is_closing():
            size = self.max_header
            if self._in_header:
                size -= self._header_bytes
                self._header_bytes += min(size, len(data) - start)
            if not self._parse(data[start : start + size]):
                return
            start += size
            if self._in_header and self._header_bytes >= self.max_header:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _parse(self, piece: bytes) -> bool:
        """Feed the parser; False when the connection is no longer ours to read."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._refusal is None and self._should_upgrade():
                if self._may_shake_hands():
                    self.handle_websocket_upgrade()
                return False
            # An upgrade that is not offered may be ignored (RFC 9110, 7.8), but the parser stops.
            if self.cycle is not None:
                self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._refusal = self._refusal or HTTPStatus.BAD_REQUEST
        if self._refusal is not None:
            if self._crowded:
                self._refuse(self._refusal, CROWDED_S, "connections")
            else:
                self._refuse(self._refusal)
            return False
        return True

    def _may_sit(self) -> bool:
        """Whether the network has a seat for this connection. Sockets have seats of their own."""
        if self.seats is None or self.parser.should_upgrade():
            return True
        peer = self.transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else None
        seat = self.seats.take(self._seat, address, self.headers)
        self._seat, self._crowded = seat or self._seat, seat is None
        return seat is not None

    def _stand_up(self) -> None:
        if self.seats is not None and self._seat is not None:
            self.seats.leave(self._seat)
            self._seat = None

    def _may_shake_hands(self) -> bool:
        """False when the handshake has been refused; most are judged on the doorstep."""
        if self._leaving:
            # Nobody would tell this socket to come back elsewhere.
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, 1, "leaving")
            return False
        try:
            if self.handshakes is not None:
                self.handshakes.admit(self.client[0] if self.client else None, self.headers)
        except Refused as refusal:
            status = HTTPStatus(problems.status_of(refusal))
            self._refuse(status, refusal.retry_after, "handshakes")
            return False
        return True

    def on_message_begin(self) -> None:
        """Start the clock for the header of a further request."""
        super().on_message_begin()
        if self._deadline is None:
            self._allow(self.header_s)

    def on_headers_complete(self) -> None:
        """Check the header as a whole, then let the application begin."""
        self._disarm()
        self._in_header = False
        self._header_bytes = 0
        if self._refusal is None:
            self._refusal = self._fault_of_header()
        if self._refusal is not None:
            return
        super().on_headers_complete()
        if self._leaving and self.cycle is not None:  # none for an upgrade
            self.cycle.keep_alive = False
        self._in_body = True
        self._body_bytes = 0
        self._allow(self.body_s)

    def _fault_of_header(self) -> HTTPStatus | None:
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
        if self._refusal is None and self._body_bytes > self.max_body:
            self._refusal = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the clock of the body and wait for the next header."""
        if self._refusal is None:
            super().on_message_complete()
            self._disarm()
        self._in_header = True
        self._in_body = False

    # What is answered

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _is_answering(self) -> bool:
        return self._answering is not None and not self._answering.response_complete

    def _refuse(
        self, status: HTTPStatus, retry_after: float | None = None, reason: str | None = None
    ) -> None:
        """Answer with `status` and close. A client that awaits another answer gets none."""
        HTTP.refused.add(status.value, reason or REASONS[status])
        self._refusal = status
        answering, self._answering = self._answering, None
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
        self.transport.write(problems.plain(status, headers, retry_after))
        # Closing at once would answer unread bytes with a reset, which can overtake the answer.
        self._disarm()
        self._deadline = self.loop.call_later(self.linger_s, self.transport.abort)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
