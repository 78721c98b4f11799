"""WebSocket protocol for uvicorn: the handshake, the application and received frames, with limits.

Pass it to uvicorn as `ws=partial(WebSocketProtocol, settings=...)`, `ws_per_message_deflate=False`.
The application finds the connection in `scope["extensions"]["widget.connection"]["connection"]`.
Everything else is plain ASGI.
"""

import asyncio
import logging
import random
from asyncio.transports import BaseTransport, Transport
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

from widget_server.protocol.codes import CloseCode
from widget_server.transport import socket_options
from widget_server.transport.metrics import WebSocketMetrics
from widget_server.transport.settings import TransportSettings, WebSocketLimits
from widget_server.transport.timing_wheel import TimingWheel
from widget_server.transport.websocket.connection import WebSocketConnection, call_hook, log
from widget_server.transport.websocket.keepalive import PONG_SIZE, Expiry, Keepalive, is_pong
from widget_server.transport.websocket.limits import PARSE_CHUNK, ReceiveLimits
from widget_server.transport.websocket.receive_queue import LightEvent, ReceiveQueue
from widget_server.transport.websocket.uvicorn_slots import UVICORN_SLOTS

#: Key of the connection in the `extensions` of the ASGI scope.
CONNECTION_EXTENSION = "widget.connection"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """The protocol of one WebSocket for uvicorn: the handshake, the application, received frames.

    `ReceiveLimits` decides what the client may send; `WebSocketConnection` sends frames and closes;
    `Keepalive` has the deadlines.
    """

    __slots__ = (
        *UVICORN_SLOTS,
        "_connection",
        "_keepalive",
        "_limits",
        "_metrics",
        "_receive_limits",
        "slot",
    )

    _limits: WebSocketLimits
    _metrics: WebSocketMetrics
    _connection: WebSocketConnection
    slot: int

    def __init__(self, *args: Any, settings: TransportSettings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = settings.websocket
        self._metrics = settings.metrics.websocket
        self._keepalive = Keepalive(settings.websocket)
        self._receive_limits = ReceiveLimits(settings.websocket)
        self.logger = self.conn.logger = log
        self.conn.debug = log.isEnabledFor(logging.DEBUG)
        self.queue = ReceiveQueue()  # type: ignore[assignment]
        self.writable = LightEvent()  # type: ignore[assignment]
        self.writable.set()
        self.slot = 0

    # Start and end

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection over from the HTTP protocol and limit its buffers."""
        transport = cast(Transport, transport)
        super().connection_made(transport)
        self._connection = WebSocketConnection(
            transport, self.conn, self, self._limits, self._metrics
        )
        transport.set_write_buffer_limits(
            self._limits.write_limit_high, self._limits.write_limit_low
        )
        socket_options.limit_unsent(transport, self._limits.notsent_lowat)
        # The HTTP protocol and its parser refer to each other. Without this they, and the request,
        # stay in memory until a full garbage collection.
        previous = transport.get_protocol()
        if hasattr(previous, "parser"):
            self.loop.call_soon(setattr, previous, "parser", None)

    def handle_connect(self, event: Request) -> None:
        """Answer the handshake. If it was rejected, do not wait for the client to close."""
        super().handle_connect(event)
        if self.close_sent:
            self._abort_after(self._limits.abort_after_s)

    def _reject_handshake(self, status: int) -> None:
        if not self.handshake_complete and self.initial_response is None:
            self.handshake_complete = self.close_sent = True
            self.conn.send_response(self.conn.reject(status, ""))
            self._connection.flush()
        self.transport.close()
        self._abort_after(self._limits.abort_after_s)

    def start_keepalive(self) -> None:
        """Open the socket. uvicorn calls this after it has written the 101 response."""
        self._metrics.connections_opened += 1
        self._connection.is_open = True
        self._keepalive.open(self.loop.time())
        self._set_timer()
        # The parser's stack frame holds the request for as long as the socket is open.
        self.request.headers.clear()
        del self.request, self.response

    def stop_keepalive(self) -> None:
        """Do nothing: there is no timer of uvicorn to stop."""

    async def run_asgi(self) -> None:
        """Run the application. Close a socket that it leaves open, with 1011 if it failed."""
        scope = self.scope
        scope["extensions"][CONNECTION_EXTENSION] = {"version": 1, "connection": self._connection}
        # uvicorn uses its own scope only to log the URL; the application keeps the whole one.
        self.scope = {"client": scope["client"], "path": scope["path"], "query_string": b""}  # type: ignore[typeddict-item]
        try:
            await self.app(scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except asyncio.CancelledError:
            self._connection.close(CloseCode.SERVICE_RESTART)
            raise
        except Exception:
            log.exception("event=socket_failed")
            self._connection.close(CloseCode.INTERNAL_ERROR)
        finally:
            self._connection.close(CloseCode.NORMAL_CLOSURE)
            if not self.handshake_complete:
                self._reject_handshake(500)

    async def send(self, message: ASGISendEvent) -> None:
        """Send an event of the application. After the end, raise as if the client had disconnected."""
        if not self.handshake_complete:
            if self.transport.is_closing():
                raise ClientDisconnected
            await super().send(message)
            if self.close_sent:
                self._abort_after(self._limits.abort_after_s)
            return
        await self.writable.wait()
        if self._connection.closed:
            raise ClientDisconnected
        if message["type"] == "websocket.close":
            code = message.get("code", CloseCode.NORMAL_CLOSURE)
            self._connection.close(code, message.get("reason") or "")
        else:
            self._connection.revoke()
            await super().send(message)

    def shutdown(self) -> None:
        """Close the socket because the process stops, at a random moment within `drain_s`."""
        if not self._connection.is_open:
            self._reject_handshake(503)
            return
        if self._connection.on_shutdown is not None:
            call_hook(self._connection.on_shutdown)
        self.loop.call_later(random.uniform(0, self._limits.drain_s), self._drain)  # noqa: S311

    def _drain(self) -> None:
        if not self._connection.closed:
            self._connection.close(CloseCode.SERVICE_RESTART)
            self._abort_after(self._limits.abort_after_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release all references, so that no object has to wait for the garbage collector."""
        if self.conn.state is not State.CONNECTING:
            self._metrics.connections_closed += 1
        self._connection.stop()
        self._keepalive.stop()
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": CloseCode.ABNORMAL_CLOSURE.value}
        )
        super().connection_lost(exc)
        self._connection.detach()
        TimingWheel.for_loop(self.loop, self._limits.timer_resolution_s).cancel(self)
        self.conn.parser.close()

    def start_close(self, code: int, reason: str, within: float) -> None:
        """Receive no further messages; abort if the close takes more than `within` seconds."""
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._abort_after(within)

    def _abort_after(self, seconds: float) -> None:
        """Abort the connection unless it is closed within `seconds`."""
        self._keepalive.close_by(self.loop.time() + seconds)
        self._set_timer()

    # Received frames

    def data_received(self, data: bytes) -> None:
        """Parse and handle received bytes in chunks; discard them after the close."""
        ping = self._keepalive.ping
        if (
            ping is not None
            and len(data) == PONG_SIZE
            and self._connection.is_open
            and is_pong(data, ping)
        ):
            self._on_pong()
            return
        for start in range(0, len(data), PARSE_CHUNK):
            if self.conn.eof_sent or self.transport.is_closing():
                break
            self.conn.receive_data(data[start : start + PARSE_CHUNK])
            self.handle_events()
            if self.conn.parser_exc is not None and not self.close_sent:
                self.handle_parser_exception()
            if self.close_sent:
                self.conn.data_to_send()
            self._connection.flush()
        if self.conn.eof_sent and not self.handshake_initiated and not self.close_sent:
            # `websockets` could not parse the request; uvicorn would wait for more of it.
            self.handshake_complete = self.close_sent = True
            self.transport.close()
            self._abort_after(self._limits.abort_after_s)

    def handle_parser_exception(self) -> None:
        """Fail the connection with the parser's close code: 1002, 1007 or 1009."""
        sent = self.conn.close_sent
        if sent is None:
            self._connection.abort()
        else:
            self._connection.fail(sent.code, sent.reason, "protocol")

    def handle_cont(self, event: Frame) -> None:
        """Append a fragment, up to `max_fragments`."""
        if self._receive_limits.allows_fragment(len(self.frames)):
            super().handle_cont(event)
        else:
            self._close_for_abuse("too many fragments")

    def send_receive_event_to_app(self) -> None:
        """Pass a whole message to the application if it is within the rate and valid UTF-8."""
        if self.close_sent:
            self.frames = []
            return
        if not self._receive_limits.allows_message(self.loop.time()):
            self._close_for_abuse("too many messages")
            return
        data, self.frames = b"".join(self.frames), []
        if self.curr_msg_data_type == "text":
            try:
                text = data.decode()
            except UnicodeDecodeError:
                self._connection.fail(CloseCode.INVALID_DATA, "not UTF-8", "not UTF-8")
                return
            self.queue.put_nowait({"type": "websocket.receive", "text": text})
        else:
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _count_control_frame(self) -> bool:
        """Return whether the frame is to be handled; close the connection if the rate is exceeded."""
        if self.conn.eof_sent or self.transport.is_closing():
            return False
        if self._receive_limits.allows_control_frame(self.loop.time()):
            return True
        self._close_for_abuse("too many control frames")
        return False

    def handle_ping(self) -> None:
        """Let `conn` answer the ping. Abort if the client pings but does not read."""
        if self._count_control_frame() and self._connection.paused_since is not None:
            self._metrics.abusers_dropped += 1
            self._connection.abort()

    def handle_pong(self, event: Frame) -> None:
        """Record the response to a ping. Unsolicited pongs are allowed (section 5.5.3)."""
        if not self._count_control_frame() or not self._connection.is_open:
            return
        if self._keepalive.ping == bytes(event.data):
            self._on_pong()

    def _on_pong(self) -> None:
        self._keepalive.receive_pong(self.loop.time())
        self._set_timer()

    def handle_close(self, event: Frame) -> None:
        """Finish the closing handshake. The server closes the connection first (section 7.1.1)."""
        if not self.close_sent:
            received = self.conn.close_rcvd
            assert received is not None  # noqa: S101
            self._connection.answer_close(received.code, received.reason)
        self.transport.close()

    def _close_for_abuse(self, reason: str) -> None:
        self._metrics.abusers_dropped += 1
        if self.close_sent:
            self._connection.abort()
            return
        if self.conn.state is State.OPEN:
            self.conn.data_to_send()  # discard the pongs to the pings before this frame
        self._connection.fail(CloseCode.POLICY_VIOLATION, reason, reason)

    # Timers and write pauses

    def _set_timer(self) -> None:
        """Set the timer to the next deadline, in place of its earlier setting."""
        due = self._keepalive.due
        if due is not None and not self.disconnected:
            TimingWheel.for_loop(self.loop, self._limits.timer_resolution_s).schedule(self, due)

    def on_timer(self, now: float) -> None:
        """Send a ping, or abort if the client did not pong, does not read, or does not close."""
        metrics = self._metrics
        match self._keepalive.expire(now, self.transport, is_reading=not self.read_paused):
            case Expiry.WAIT:
                self._set_timer()
                return
            case Expiry.PING:
                metrics.pings_sent += 1
                self._connection.write_now(self._keepalive.new_ping(now))
                self._set_timer()
                return
            case Expiry.NO_PONG:
                metrics.ping_timeouts += 1
            case Expiry.NOT_READING:
                metrics.slow_consumers_dropped += 1
            case Expiry.NOT_CLOSED:
                metrics.handshake_or_close_timeouts += 1
        self._connection.abort()

    def pause_writing(self) -> None:
        """Make `write` return False until the transport's buffer has drained."""
        self._metrics.write_pauses += 1
        self._connection.paused_since = self.loop.time()
        self._keepalive.pause(self._connection.paused_since, self.transport)
        self._set_timer()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Accept batches again, resume pings, and call the hub's `on_writable`."""
        self._connection.paused_since = None
        super().resume_writing()
        self._keepalive.resume(self.loop.time())
        if self._connection.is_open:
            self._set_timer()
            if self._connection.on_writable is not None:
                call_hook(self._connection.on_writable)
