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

from widget_server.edge.counts import SOCKETS
from widget_server.edge.direct_socket import LOG, DirectSocket
from widget_server.edge.inbox import Gate, Inbox
from widget_server.edge.progress import LOOKS, Progress
from widget_server.edge.wheel import Wheel

#: The header of a ping with four bytes (RFC 6455, section 5.5.2).
_PING = b"\x89\x04"


class TimedSocket(DirectSocket):
    """One WebSocket from its handshake to its end: buffers, pings and deadlines.

    Limits are class attributes; times in seconds, sizes in bytes.
    """

    write_high = 32 * 1024
    write_low = 8 * 1024
    notsent_lowat = 16 * 1024
    unacknowledged_s = 30.0
    # Under the half minute after which the most impatient proxies and networks drop a connection.
    # With thousands of idle sockets the pings are nearly all that a process does.
    ping_min_s = 27.0
    ping_max_s = 29.0
    pong_s = 15.0
    stuck_s = 20.0
    close_s = 5.0
    cut_s = 2.0
    tick_s = 1.0

    __slots__ = ("_progress", "paused_since", "slot")

    _progress: Progress | None
    """How the peer reads, for as long as it is paused."""
    paused_since: float | None
    slot: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = LOG
        self.conn.debug = LOG.isEnabledFor(logging.DEBUG)
        self.queue = Inbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]
        self.writable.set()
        self.paused_since = self._progress = None
        self.slot = 0

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and wait `close_s` for the answer."""
        if not self.closed:
            try:
                self.conn.send_close(code, reason)
            except ProtocolError:
                LOG.exception("event=no_close_code code=%d", code)
                code = 1011
                self.conn.send_close(code)
            SOCKETS.closed.add(code, reason)
            self._write_out()
            self._end(code, reason, self.close_s)

    def abort(self) -> None:
        """Cut the connection now."""
        self.retire()
        self._forget_soon()
        self.transport.abort()

    # The life of the connection

    def connection_made(self, transport: BaseTransport) -> None:
        """Take over from the HTTP protocol, with limits on what may be buffered."""
        transport = cast(Transport, transport)
        super().connection_made(transport)
        transport.set_write_buffer_limits(self.write_high, self.write_low)
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
        self._set_option("TCP_USER_TIMEOUT", int(self.unacknowledged_s * 1000))

    def handle_connect(self, event: Request) -> None:
        """Answer the handshake; a client that was refused is not waited for."""
        super().handle_connect(event)
        if self.close_sent:
            self._linger()

    def _refuse_handshake(self, status: int) -> None:
        if not self.handshake_complete and self.initial_response is None:
            self.handshake_complete = self.close_sent = True
            self.conn.send_response(self.conn.reject(status, ""))
            self._write_out()
        self.transport.close()
        self._linger()

    def start_keepalive(self) -> None:
        """Go into service: uvicorn calls this when it has written the 101."""
        SOCKETS.accepted += 1
        self.live = True
        # The first ping comes early and at random: after a deploy all sockets open together.
        self._wait_until(self.loop.time() + self.ping_min_s * random.uniform(0.5, 1))  # noqa: S311
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
                self._linger()
            return
        await self.writable.wait()
        if self.closed:
            raise ClientDisconnected
        if message["type"] == "websocket.close":
            self.close(message.get("code", 1000), message.get("reason") or "")
        else:
            self.be_busy()
            await super().send(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything, so that nothing has to wait for the garbage collector."""
        if self.conn.state is not State.CONNECTING:
            SOCKETS.lost += 1
        self.retire()
        self.paused_since = self._progress = None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        super().connection_lost(exc)
        Wheel.of(self.loop, self.tick_s).leave(self)
        self.conn.parser.close()

    def _write_out(self) -> None:
        """Write what `conn` holds; an empty piece in it stands for the end of the stream."""
        output = b"".join(self.conn.data_to_send())
        if output:
            self.put(output)

    def _end(self, code: int, reason: str, within: float) -> None:
        """No more messages in either direction; cut whatever is left after `within` seconds."""
        self.retire()
        self._forget_soon()
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._wait_until(self.loop.time() + within)

    def _linger(self) -> None:
        self._wait_until(self.loop.time() + self.cut_s)

    def _fail(self, code: int, reason: str, known: bool = True) -> None:
        """Fail the connection (RFC 6455, section 7.1.7) and read on without looking.

        The reason is counted if it is one of ours: `known`.

        Closing at once would answer unread bytes with a reset, which can overtake the close frame.
        """
        SOCKETS.closed.add(code, reason if known else "protocol")
        self.conn.fail(code, reason)
        self._write_out()
        self._end(code, reason, self.cut_s)
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        else:
            self.transport.close()

    # Time and the transport's buffer

    def _wait_until(self, due: float) -> None:
        """Have `on_due` called then, and no more at the time that was set before."""
        if not self.disconnected:
            Wheel.of(self.loop, self.tick_s).put(self, due)

    def on_due(self, now: float) -> None:
        """Ping, or cut a peer that did not answer, does not read, or does not leave."""
        if not self.live:
            SOCKETS.deadline_cut += 1
            self.abort()
        elif self.paused_since is not None:
            # No ping: it would only wait behind what is not being read.
            if self._progress is None or self._progress.stands_still(now, self.stuck_s):
                SOCKETS.slow_cut += 1
                self.abort()
            else:
                self._wait_until(now + self.stuck_s / LOOKS)
        elif self.pending_ping_payload is None:
            self._ping(now)
        elif self.read_paused:
            # The answer may have come; it is we who do not read.
            self._plan_ping(now)
        elif self._still_reads(now):
            self._wait_until(now + self.stuck_s / LOOKS)
        else:
            SOCKETS.pongs_missed += 1
            self.abort()

    def _still_reads(self, now: float) -> bool:
        """Whether the ping may wait behind what a slow reader has not taken yet."""
        if self._progress is None:
            self._progress = Progress(self.transport, now)
            return self._progress.waits
        return not self._progress.stands_still(now, self.stuck_s) and self._progress.waits

    def _ping(self, now: float) -> None:
        SOCKETS.pings_sent += 1
        # Its time: what a pong must hold to be the answer to this one and to none before.
        self.pending_ping_payload = payload = (int(now * 1000) & 0xFFFFFFFF).to_bytes(4, "big")
        self.put(_PING + payload)
        self.ping_sent_at = now
        self._wait_until(now + self.pong_s)

    def _plan_ping(self, now: float) -> None:
        self.pending_ping_payload = self._progress = None
        self._wait_until(now + random.uniform(self.ping_min_s, self.ping_max_s))  # noqa: S311

    def pause_writing(self) -> None:
        """Take nothing more until the buffer has drained."""
        SOCKETS.peers_paused += 1
        self.paused_since = self.loop.time()
        self._progress = Progress(self.transport, self.paused_since)
        if self.live:
            self._wait_until(self.paused_since + self.stuck_s / LOOKS)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Take messages again, and ping again."""
        self.paused_since = self._progress = None
        super().resume_writing()
        if self.live:
            self._plan_ping(self.loop.time())
