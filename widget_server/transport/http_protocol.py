"""HTTP/1.1 protocol for uvicorn that limits the size and the duration of requests.

`protocol_switch.ProtocolSwitch` creates it. A rejected request never reaches the application: the
response is one line of text, and the connection is closed.
"""

import asyncio
from asyncio.transports import Transport
from http import HTTPStatus
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from widget_server.transport.event_stream import call_shutdown_hooks, mark_draining
from widget_server.transport.read_progress import CHECKS_PER_TIMEOUT, ReadProgress
from widget_server.transport.rejection import Rejection, plain_response
from widget_server.transport.settings import LIST_PATHS, TransportSettings
from widget_server.transport.timing_wheel import GraceTimer

MALFORMED = Rejection(HTTPStatus.BAD_REQUEST, "malformed")
TOO_SLOW = Rejection(HTTPStatus.REQUEST_TIMEOUT, "too_slow")
TOO_LARGE = Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
PIPELINED = Rejection(HTTPStatus.TOO_MANY_REQUESTS, "pipelined")
HEADER_TOO_LARGE = Rejection(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "header_too_large")

#: Seconds after which a client whose network has too many connections may retry.
TOO_MANY_CONNECTIONS_RETRY_S = 30
TOO_MANY_CONNECTIONS = Rejection(
    HTTPStatus.TOO_MANY_REQUESTS, "connections", TOO_MANY_CONNECTIONS_RETRY_S
)

#: Reasons of this module's rejections, as in /metrics.
REASONS = tuple(
    rejection.reason
    for rejection in (
        MALFORMED,
        TOO_SLOW,
        TOO_LARGE,
        PIPELINED,
        HEADER_TOO_LARGE,
        TOO_MANY_CONNECTIONS,
    )
)


class HardenedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection within `HttpLimits`."""

    def __init__(self, *args: Any, settings: TransportSettings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = settings
        self._limits = settings.http
        self._metrics = settings.metrics.http
        self._in_header = True  # or before the first byte of one
        self._header_bytes = 0
        self._in_body = False
        self._body_bytes = 0
        self._rejection: Rejection | None = None
        self._slot: str | None = None
        self._active_cycle: RequestResponseCycle | None = None
        self._draining = False
        self._timeout: GraceTimer | asyncio.TimerHandle | None = None
        self._read_check: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take the connection over from the protocol switch."""
        super().connection_made(transport)
        # With a limit of 0, paused writing means that bytes are unread.
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers and free the slot."""
        self._cancel_timeout()
        self._unset_keepalive_if_required()
        if self._read_check is not None:
            self._read_check.cancel()
        self._release_slot()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Stop all timers, free the slot, and hand the connection over to the WebSocket protocol."""
        self._cancel_timeout()
        self._release_slot()
        super().handle_websocket_upgrade()

    def _arm_timeout(self, seconds: float) -> None:
        self._cancel_timeout()
        self._timeout = GraceTimer(self.loop, seconds, self._on_timeout)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _on_timeout(self) -> None:
        """Reject a request whose header or body did not arrive in time."""
        self._timeout = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused or (self._in_header and self._has_active_cycle()):
            # This process is not reading, or a response is being sent (it may take long) and the
            # next request has to wait for its end.
            self._arm_timeout(self._limits.header_s)
            return
        self._metrics.request_timeouts += 1
        self._reject(TOO_SLOW)

    def shutdown(self) -> None:
        """Close after the current response, or after `linger_s`: a request may be on its way."""
        self._draining = True
        if self._active_cycle is not None and not self._active_cycle.response_complete:
            super().shutdown()
            call_shutdown_hooks(self._active_cycle.scope)
        else:
            self.loop.call_later(self._limits.linger_s, super().shutdown)

    def pause_writing(self) -> None:
        """Start to check that the client reads."""
        super().pause_writing()
        self._start_read_check()

    def resume_writing(self) -> None:
        """Stop the check: the client has read everything."""
        super().resume_writing()
        if self._read_check is not None:
            self._read_check.cancel()
            self._read_check = None

    def _start_read_check(self) -> None:
        # While writing is paused no bytes are added: fewer unread bytes mean that the client read.
        progress = ReadProgress(self.transport, self.loop.time())
        self._read_check = self.loop.call_later(
            self._limits.write_s / CHECKS_PER_TIMEOUT, self._check_read, progress
        )

    def _check_read(self, progress: ReadProgress) -> None:
        if progress.has_stalled(self.loop.time(), self._limits.write_s):
            self._metrics.slow_clients_dropped += 1
            self.transport.abort()
        else:
            self._read_check = self.loop.call_later(
                self._limits.write_s / CHECKS_PER_TIMEOUT, self._check_read, progress
            )

    # Received bytes

    def data_received(self, data: bytes) -> None:
        """Parse the bytes in chunks that do not exceed the header limit."""
        self._unset_keepalive_if_required()
        if self._in_header and self._timeout is None and not self._has_active_cycle():
            # The timeout starts at the first byte, also of an empty line before the request (RFC 9112, 2.2).
            self._arm_timeout(self._limits.header_s)
        start = 0
        while start < len(data) and self._rejection is None and not self.transport.is_closing():
            size = self._limits.max_header_bytes
            if self._in_header:
                size -= self._header_bytes
                self._header_bytes += min(size, len(data) - start)
            if not self._parse(data[start : start + size]):
                return
            start += size
            if self._in_header and self._header_bytes >= self._limits.max_header_bytes:
                self._reject(HEADER_TOO_LARGE)

    def _parse(self, chunk: bytes) -> bool:
        """Feed the parser. Return False if this protocol must not read further."""
        try:
            self.parser.feed_data(chunk)
        except httptools.HttpParserUpgrade:
            if self._rejection is None and self._should_upgrade():
                rejection = self._settings.handshakes.check(
                    self._peer_address(), self.headers, shutting_down=self._draining
                )
                if rejection is None:
                    self.handle_websocket_upgrade()
                else:
                    self._reject(rejection)
                return False
            # An unsupported upgrade may be ignored (RFC 9110, 7.8), but the parser has stopped:
            # close the connection after the response.
            if self.cycle is not None:
                self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._rejection = self._rejection or MALFORMED
        if self._rejection is not None:
            self._reject(self._rejection)
            return False
        return True

    def _acquire_slot(self) -> bool:
        """Return whether the client's network may use this connection. Sockets have other limits."""
        slots = self._settings.connection_slots
        if slots is None or self.parser.should_upgrade():
            return True
        slot = slots.acquire(self._slot, self._peer_address(), self.headers)
        self._slot = slot or self._slot
        return slot is not None

    def _release_slot(self) -> None:
        if self._settings.connection_slots is not None and self._slot is not None:
            self._settings.connection_slots.release(self._slot)
            self._slot = None

    def _peer_address(self) -> str | None:
        peer = self.transport.get_extra_info("peername")
        return peer[0] if isinstance(peer, tuple) else None

    def on_message_begin(self) -> None:
        """Start the timeout for the header of a further request."""
        super().on_message_begin()
        if self._timeout is None:
            self._arm_timeout(self._limits.header_s)

    def on_headers_complete(self) -> None:
        """Validate the header, then start the application."""
        self._cancel_timeout()
        self._in_header = False
        self._header_bytes = 0
        if self._rejection is None:
            self._rejection = self._validate_header()
        if self._rejection is not None:
            return
        super().on_headers_complete()
        if self._draining and self.cycle is not None:  # None for an upgrade
            self.cycle.keep_alive = False
        self._in_body = True
        self._body_bytes = 0
        self._arm_timeout(self._limits.body_s)

    def _validate_header(self) -> Rejection | None:
        """Return why the request is rejected, or None. The parser has already checked the syntax."""
        if len(self.pipeline) >= self._limits.max_pipelined:
            return PIPELINED
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            return MALFORMED
        hosts = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"content-length" and int(value) > self._max_body:
                return TOO_LARGE
            elif name == b"transfer-encoding" and (version, value.lower()) != ("1.1", b"chunked"):
                return MALFORMED
        # RFC 9112, section 3.2: a request with two hosts, or with none, must be answered with 400.
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            return MALFORMED
        return None if self._acquire_slot() else TOO_MANY_CONNECTIONS

    @property
    def _max_body(self) -> int:
        is_list = LIST_PATHS.match(self.url) is not None
        return self._limits.max_list_body if is_list else self._limits.max_body

    def on_body(self, body: bytes) -> None:
        """Pass the body to the application up to the limit."""
        self._body_bytes += len(body)
        if self._rejection is None and self._body_bytes > self._max_body:
            self._rejection = TOO_LARGE
        if self._rejection is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the timeout of the body and wait for the next header."""
        if self._rejection is None:
            super().on_message_complete()
            self._cancel_timeout()
        self._in_header = True
        self._in_body = False

    # Responses

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._active_cycle = cycle
        if self._draining:
            mark_draining(cast(dict[str, Any], cycle.scope))
        super()._start_asgi_task(cycle, app)

    def _has_active_cycle(self) -> bool:
        return self._active_cycle is not None and not self._active_cycle.response_complete

    def _reject(self, rejection: Rejection) -> None:
        """Send the rejection and close. Only close if the client waits for another response."""
        self._metrics.requests_rejected.add(rejection.status.value, rejection.reason)
        self._rejection = rejection
        active, self._active_cycle = self._active_cycle, None
        can_respond = active is None or active.response_complete
        if active is not None and not active.response_complete:
            # The rejection is its response if the request's own body was rejected and the
            # application has not started a response.
            can_respond = self._in_body and active is self.cycle and not active.response_started
            active.disconnected = True
            active.message_event.set()
        self.pipeline.clear()
        if not can_respond:
            self.transport.abort()
            return
        self.transport.write(plain_response(rejection, self.server_state.default_headers))
        # Closing at once would answer unread bytes with a reset, which can overtake the response.
        self._cancel_timeout()
        self._timeout = self.loop.call_later(self._limits.linger_s, self.transport.abort)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
