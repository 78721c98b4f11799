"""A uvicorn WebSocket protocol with a deadline for all that it waits for: uvicorn's waits for its client."""

import contextlib
import logging
import random
import socket
from asyncio.transports import BaseTransport, Transport
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from websockets.exceptions import ProtocolError
from websockets.http11 import Request
from websockets.protocol import State

from widget_server.transport.metrics import WEBSOCKET_METRICS
from widget_server.transport.read_progress import CHECKS_PER_TIMEOUT, ReadProgress
from widget_server.transport.timing_wheel import TimingWheel
from widget_server.transport.websocket.direct_write import DirectWriteWebSocket, log
from widget_server.transport.websocket.receive_queue import LightEvent, ReceiveQueue

#: The header of a ping with four bytes (RFC 6455, section 5.5.2).
_PING = b"\x89\x04"


class KeepaliveWebSocket(DirectWriteWebSocket):
    """One WebSocket from its handshake to its end: buffers, pings and deadlines.

    Limits are class attributes; times in seconds, sizes in bytes.
    """

    write_limit_high = 32 * 1024
    write_limit_low = 8 * 1024
    notsent_lowat = 16 * 1024
    tcp_user_timeout_s = 30.0
    # Under the half minute after which the most impatient proxies and networks drop a connection.
    # With thousands of idle sockets the pings are nearly all that a process does.
    ping_interval_min_s = 27.0
    ping_interval_max_s = 29.0
    ping_timeout_s = 15.0
    slow_consumer_timeout_s = 20.0
    close_timeout_s = 5.0
    abort_after_s = 2.0
    timer_resolution_s = 1.0

    __slots__ = ("_progress", "paused_since", "slot")

    _progress: ReadProgress | None
    """How the peer reads, for as long as it is paused."""
    paused_since: float | None
    slot: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = log
        self.conn.debug = log.isEnabledFor(logging.DEBUG)
        self.queue = ReceiveQueue()  # type: ignore[assignment]
        self.writable = LightEvent()  # type: ignore[assignment]
        self.writable.set()
        self.paused_since = self._progress = None
        self.slot = 0

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and wait `close_timeout_s` for the answer."""
        if not self.closed:
            try:
                self.conn.send_close(code, reason)
            except ProtocolError:
                log.exception("event=invalid_close_code code=%d", code)
                code = 1011
                self.conn.send_close(code)
            WEBSOCKET_METRICS.server_closes.add(code, reason)
            self._flush_protocol()
            self._start_close(code, reason, self.close_timeout_s)

    def abort(self) -> None:
        """Cut the connection now."""
        self.stop_writing()
        self._forget_soon()
        self.transport.abort()

    # The life of the connection

    def connection_made(self, transport: BaseTransport) -> None:
        """Take over from the HTTP protocol, with limits on what may be buffered."""
        transport = cast(Transport, transport)
        super().connection_made(transport)
        transport.set_write_buffer_limits(self.write_limit_high, self.write_limit_low)
        self._set_option("TCP_NOTSENT_LOWAT", self.notsent_lowat)
        # The HTTP protocol and its parser hold each other; without this they wait for a full
        # collection, with all that they were told.
        previous = transport.get_protocol()
        if hasattr(previous, "parser"):
            self.loop.call_soon(setattr, previous, "parser", None)

    def _set_option(self, option: str, value: int) -> None:
        # Not every system has them, and a Unix socket (a proxy on the same machine) has none.
        sock = self.transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, option):
            # uvloop's socket of a connection that has gone has no descriptor: ValueError.
            with contextlib.suppress(OSError, ValueError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def _forget_soon(self) -> None:
        """Have the kernel keep what is left for a client that has gone no longer than it must.

        Not before: it would count the time of a reader whose window is small as lost.
        """
        self._set_option("TCP_USER_TIMEOUT", int(self.tcp_user_timeout_s * 1000))

    def handle_connect(self, event: Request) -> None:
        """Answer the handshake; a client that was refused is not waited for."""
        super().handle_connect(event)
        if self.close_sent:
            self._arm_abort()

    def _reject_handshake(self, status: int) -> None:
        if not self.handshake_complete and self.initial_response is None:
            self.handshake_complete = self.close_sent = True
            self.conn.send_response(self.conn.reject(status, ""))
            self._flush_protocol()
        self.transport.close()
        self._arm_abort()

    def start_keepalive(self) -> None:
        """Go into service: uvicorn calls this when it has written the 101."""
        WEBSOCKET_METRICS.connections_opened += 1
        self.is_open = True
        # The first ping comes early and at random: after a deploy all sockets open together.
        self._schedule(self.loop.time() + self.ping_interval_min_s * random.uniform(0.5, 1))  # noqa: S311
        # The websockets parser keeps the request in its frame for as long as the socket lives.
        self.request.headers.clear()
        del self.request, self.response

    def stop_keepalive(self) -> None:
        """Do nothing: there are no timers to stop."""

    async def send(self, message: ASGISendEvent) -> None:
        """Send for the application; what comes after the end is refused as if the peer had left."""
        if not self.handshake_complete:
            if self.transport.is_closing():
                raise ClientDisconnected
            await super().send(message)
            if self.close_sent:
                self._arm_abort()
            return
        await self.writable.wait()
        if self.closed:
            raise ClientDisconnected
        if message["type"] == "websocket.close":
            self.close(message.get("code", 1000), message.get("reason") or "")
        else:
            self.revoke_direct()
            await super().send(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything, so that nothing has to wait for the garbage collector."""
        if self.conn.state is not State.CONNECTING:
            WEBSOCKET_METRICS.connections_closed += 1
        self.stop_writing()
        self.paused_since = self._progress = None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        super().connection_lost(exc)
        TimingWheel.for_loop(self.loop, self.timer_resolution_s).cancel(self)
        self.conn.parser.close()

    def _flush_protocol(self) -> None:
        """Write what `conn` holds; an empty piece in it stands for the end of the stream."""
        output = b"".join(self.conn.data_to_send())
        if output:
            self.write_now(output)

    def _start_close(self, code: int, reason: str, within: float) -> None:
        """No more messages in either direction; cut whatever is left after `within` seconds."""
        self.stop_writing()
        self._forget_soon()
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._schedule(self.loop.time() + within)

    def _arm_abort(self) -> None:
        self._schedule(self.loop.time() + self.abort_after_s)

    def _fail(self, code: int, reason: str, known: bool = True) -> None:
        """Fail the connection (RFC 6455, section 7.1.7) and read on without looking.

        The reason is counted if it is one of ours: `known`.

        Closing at once would answer unread bytes with a reset, which can overtake the close frame.
        """
        WEBSOCKET_METRICS.server_closes.add(code, reason if known else "protocol")
        self.conn.fail(code, reason)
        self._flush_protocol()
        self._start_close(code, reason, self.abort_after_s)
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        else:
            self.transport.close()

    # Time and the transport's buffer

    def _schedule(self, due: float) -> None:
        """Have `on_timer` called then, and no more at the time that was set before."""
        if not self.disconnected:
            TimingWheel.for_loop(self.loop, self.timer_resolution_s).schedule(self, due)

    def on_timer(self, now: float) -> None:
        """Ping, or cut a peer that did not answer, does not read, or does not leave."""
        if not self.is_open:
            WEBSOCKET_METRICS.handshake_or_close_timeouts += 1
            self.abort()
        elif self.paused_since is not None:
            # No ping: it would only wait behind what is not being read.
            if self._progress is None or self._progress.has_stalled(
                now, self.slow_consumer_timeout_s
            ):
                WEBSOCKET_METRICS.slow_consumers_dropped += 1
                self.abort()
            else:
                self._schedule(now + self.slow_consumer_timeout_s / CHECKS_PER_TIMEOUT)
        elif self.pending_ping_payload is None:
            self._ping(now)
        elif self.read_paused:
            # The answer may have come; it is we who do not read.
            self._schedule_ping(now)
        elif self._still_reads(now):
            self._schedule(now + self.slow_consumer_timeout_s / CHECKS_PER_TIMEOUT)
        else:
            WEBSOCKET_METRICS.ping_timeouts += 1
            self.abort()

    def _still_reads(self, now: float) -> bool:
        """Whether the ping may wait behind what a slow reader has not taken yet."""
        if self._progress is None:
            self._progress = ReadProgress(self.transport, now)
            return self._progress.has_unread
        return (
            not self._progress.has_stalled(now, self.slow_consumer_timeout_s)
            and self._progress.has_unread
        )

    def _ping(self, now: float) -> None:
        WEBSOCKET_METRICS.pings_sent += 1
        # Its time: what a pong must hold to be the answer to this one and to none before.
        self.pending_ping_payload = payload = (int(now * 1000) & 0xFFFFFFFF).to_bytes(4, "big")
        self.write_now(_PING + payload)
        self.ping_sent_at = now
        self._schedule(now + self.ping_timeout_s)

    def _schedule_ping(self, now: float) -> None:
        self.pending_ping_payload = self._progress = None
        self._schedule(now + random.uniform(self.ping_interval_min_s, self.ping_interval_max_s))  # noqa: S311

    def pause_writing(self) -> None:
        """Take nothing more until the buffer has drained."""
        WEBSOCKET_METRICS.write_pauses += 1
        self.paused_since = self.loop.time()
        self._progress = ReadProgress(self.transport, self.paused_since)
        if self.is_open:
            self._schedule(self.paused_since + self.slow_consumer_timeout_s / CHECKS_PER_TIMEOUT)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Take messages again, and ping again."""
        self.paused_since = self._progress = None
        super().resume_writing()
        if self.is_open:
            self._schedule_ping(self.loop.time())
