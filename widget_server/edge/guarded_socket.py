"""A uvicorn WebSocket protocol that bounds what one client may send, hold or keep open."""

import contextlib
import logging
import math
import random
import socket
from asyncio.transports import BaseTransport, Transport
from dataclasses import dataclass
from typing import Annotated, Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import Frame as WireFrame
from websockets.http11 import Request
from websockets.protocol import State

from widget_server.edge.inbox import Gate, Inbox
from widget_server.edge.wheel import Wheel, spend

#: One line per socket (accepted, refused) at INFO, never with the query string. Quiet unless asked:
#: in a reconnect herd those lines cost more than they tell.
LOG = logging.getLogger("widget_server.sockets")
LOG.setLevel(logging.WARNING)

# Received bytes are parsed in pieces, so that the limits on small frames are checked before a whole
# read (up to 256 KiB, or 40,000 pings) has been turned into objects.
_PIECE = 4096

#: The header of a ping with four bytes (RFC 6455, section 5.5.2).
_PING = b"\x89\x04"


@dataclass(slots=True)
class Counts:
    """What this process did for its sockets since it started; `accepted - lost` are open now."""

    accepted: Annotated[int, "sockets opened"] = 0
    lost: Annotated[int, "sockets ended, in whatever way"] = 0
    frames_written: Annotated[int, "frames written to sockets"] = 0
    bytes_written: Annotated[int, "bytes of frames written to sockets"] = 0
    peers_paused: Annotated[int, "times that a reader's buffer was full"] = 0
    pings_sent: Annotated[int, "pings sent to quiet sockets"] = 0
    pongs_missed: Annotated[int, "sockets cut as a ping was not answered in 15 s"] = 0
    slow_cut: Annotated[int, "sockets cut as they had not read for 20 s"] = 0
    abuse_cut: Annotated[int, "sockets cut for floods, fragments or unread pings"] = 0
    deadline_cut: Annotated[int, "sockets cut as they did not open or close in time"] = 0


COUNTS = Counts()


class GuardedSocket(WebSocketsSansIOProtocol):
    """One WebSocket. uvicorn's protocol waits for its client; this one has a deadline for all.

    Limits are class attributes; times in seconds, sizes in bytes.
    """

    write_high = 32 * 1024
    write_low = 8 * 1024
    notsent_lowat = 16 * 1024
    unacknowledged_s = 30.0
    # Under the half minute after which the most impatient proxies and networks drop a connection.
    # With thousands of idle sockets the pings are nearly all that a process does.
    ping_min_s = 25.0
    ping_max_s = 29.0
    pong_s = 15.0
    stuck_s = 20.0
    close_s = 5.0
    cut_s = 2.0
    tick_s = 1.0
    max_fragments = 64
    control_rate = 2.0
    control_burst = 20
    message_rate = 20.0
    message_burst = 60

    # uvicorn's own attributes too: in slots they take 8 bytes each, in the instance's dict, which
    # outgrows the sharing of keys (30), about 2 KB per socket. A test watches that none is missing.
    __slots__ = (
        "_control_paid",
        "_messages_paid",
        "app",
        "app_state",
        "asgi_version",
        "client",
        "close_sent",
        "close_timeout",
        "close_timer",
        "config",
        "conn",
        "connections",
        "curr_msg_data_type",
        "default_headers",
        "disconnected",
        "due",
        "frames",
        "handshake_complete",
        "handshake_initiated",
        "initial_response",
        "last_ping_rtt",
        "live",
        "logger",
        "loop",
        "paused_since",
        "pending_ping_payload",
        "ping_interval",
        "ping_sent_at",
        "ping_timeout",
        "ping_timer",
        "pong_timer",
        "queue",
        "read_paused",
        "request",
        "response",
        "root_path",
        "scheme",
        "scope",
        "server",
        "tasks",
        "transport",
        "writable",
    )

    paused_since: float | None
    due: float
    live: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = LOG
        self.conn.debug = LOG.isEnabledFor(logging.DEBUG)
        self.queue = Inbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]
        self.writable.set()
        self.paused_since = None
        self.live = False  # accepted, and neither closing nor gone
        self.due = math.inf
        self._messages_paid = 0.0
        self._control_paid = 0.0

    @property
    def closed(self) -> bool:
        """Not accepted yet, closing or gone."""
        return not self.live or self.transport.is_closing()

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and wait `close_s` for the answer."""
        if not self.closed:
            try:
                self.conn.send_close(code, reason)
            except ProtocolError:
                LOG.exception("event=no_close_code code=%d", code)
                self.conn.send_close(1011)
            self._write_out()
            self._end(code, reason, self.close_s)

    def abort(self) -> None:
        """Cut the connection now."""
        self.live = False
        self.transport.abort()

    # The life of the connection

    def connection_made(self, transport: BaseTransport) -> None:
        """Take over from the HTTP protocol, with limits on what may be buffered."""
        transport = cast(Transport, transport)
        super().connection_made(transport)
        transport.set_write_buffer_limits(self.write_high, self.write_low)
        sock = transport.get_extra_info("socket")
        for option, value in (
            ("TCP_NOTSENT_LOWAT", self.notsent_lowat),
            ("TCP_USER_TIMEOUT", int(self.unacknowledged_s * 1000)),
        ):
            # Not every system has them, and a Unix socket (a proxy on the same machine) has none.
            if hasattr(socket, option):
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        # The HTTP protocol and its parser hold each other; without this they wait for a full
        # collection, with all that they were told.
        previous = transport.get_protocol()
        if hasattr(previous, "parser"):
            self.loop.call_soon(setattr, previous, "parser", None)
        Wheel.of(self.loop, self.tick_s).join(self)

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
        COUNTS.accepted += 1
        self.live = True
        # The first ping comes early and at random: after a deploy all sockets open together.
        self.due = self.loop.time() + self.ping_min_s * random.uniform(0.5, 1)  # noqa: S311
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
            await super().send(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything, so that nothing has to wait for the garbage collector."""
        if self.conn.state is not State.CONNECTING:
            COUNTS.lost += 1
        self.live = False
        self.paused_since = None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        Wheel.of(self.loop, self.tick_s).leave(self)
        super().connection_lost(exc)
        self.conn.parser.close()

    def _write_out(self) -> None:
        """Write what `conn` holds; an empty piece in it stands for the end of the stream."""
        output = b"".join(self.conn.data_to_send())
        if output and not self.transport.is_closing():
            self.transport.write(output)

    def _end(self, code: int, reason: str, within: float) -> None:
        """No more messages in either direction; cut whatever is left after `within` seconds."""
        self.live = False
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.due = self.loop.time() + within

    def _linger(self) -> None:
        self.due = self.loop.time() + self.cut_s

    def _fail(self, code: int, reason: str) -> None:
        """Fail the connection (RFC 6455, section 7.1.7) and read on without looking.

        Closing at once would answer unread bytes with a reset, which can overtake the close frame.
        """
        self.conn.fail(code, reason)
        self._write_out()
        self._end(code, reason, self.cut_s)
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _abuse(self, reason: str) -> None:
        COUNTS.abuse_cut += 1
        if self.close_sent:
            self.abort()
            return
        if self.conn.state is State.OPEN:
            self.conn.data_to_send()  # answers to the pings before this one
        self._fail(1008, reason)

    # Time and the transport's buffer

    def on_due(self, now: float) -> None:
        """Ping, or cut a peer that did not answer, does not read, or does not leave."""
        if not self.live:
            COUNTS.deadline_cut += 1
            self.abort()
        elif self.paused_since is not None:
            # No ping: it would only wait behind what is not being read.
            self.due = self.paused_since + self.stuck_s
            if self.due <= now:
                COUNTS.slow_cut += 1
                self.abort()
        elif self.pending_ping_payload is None:
            self._ping(now)
        elif self.read_paused:
            # The answer may have come; it is we who do not read.
            self._plan_ping(now)
        else:
            COUNTS.pongs_missed += 1
            self.abort()

    def _ping(self, now: float) -> None:
        COUNTS.pings_sent += 1
        # Its time: what a pong must hold to be the answer to this one and to none before.
        self.pending_ping_payload = payload = (int(now * 1000) & 0xFFFFFFFF).to_bytes(4, "big")
        if not self.transport.is_closing():
            self.transport.write(_PING + payload)
        self.ping_sent_at = now
        self.due = now + self.pong_s

    def _plan_ping(self, now: float) -> None:
        self.pending_ping_payload = None
        self.due = now + random.uniform(self.ping_min_s, self.ping_max_s)  # noqa: S311

    def pause_writing(self) -> None:
        """Take nothing more until the buffer has drained."""
        COUNTS.peers_paused += 1
        self.paused_since = self.loop.time()
        if self.live:
            self.due = min(self.due, self.paused_since + self.stuck_s)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Take messages again, and ping again."""
        self.paused_since = None
        super().resume_writing()
        if self.live:
            self._plan_ping(self.loop.time())

    # What the client sends

    def data_received(self, data: bytes) -> None:
        """Parse and handle, in pieces; after the end of the conversation, read and forget."""
        for start in range(0, len(data), _PIECE):
            if self.conn.eof_sent or self.transport.is_closing():
                break
            self.conn.receive_data(data[start : start + _PIECE])
            self.handle_events()
            if self.conn.parser_exc is not None and not self.close_sent:
                self.handle_parser_exception()
            if self.close_sent:
                self.conn.data_to_send()
            self._write_out()
        if self.conn.eof_sent and not self.handshake_initiated and not self.close_sent:
            # A request that websockets could not parse: uvicorn would wait for more.
            self.handshake_complete = self.close_sent = True
            self.transport.close()
            self._linger()

    def handle_parser_exception(self) -> None:
        """Fail with the code that the parser chose: 1002, 1007 or 1009."""
        sent = self.conn.close_sent
        if sent is None:
            self.abort()
        else:
            self._fail(sent.code, sent.reason)

    def handle_cont(self, event: WireFrame) -> None:
        """Add a fragment: the 16 MB that a million empty ones take is what the limit is for."""
        if len(self.frames) >= self.max_fragments:
            self._abuse("too many fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Pass a whole message to the application, if it is UTF-8 and not one too many."""
        if self.close_sent:
            self.frames = []
            return
        paid = spend(self._messages_paid, self.loop.time(), self.message_rate, self.message_burst)
        if paid is None:
            self._abuse("too many messages")
            return
        self._messages_paid = paid
        data, self.frames = b"".join(self.frames), []
        if self.curr_msg_data_type == "text":
            try:
                text = data.decode()
            except UnicodeDecodeError:
                self._fail(1007, "not UTF-8")
                return
            self.queue.put_nowait({"type": "websocket.receive", "text": text})
        else:
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _may_send_control(self) -> bool:
        if self.conn.eof_sent or self.transport.is_closing():
            return False
        paid = spend(self._control_paid, self.loop.time(), self.control_rate, self.control_burst)
        if paid is None:
            self._abuse("too many control frames")
            return False
        self._control_paid = paid
        return True

    def handle_ping(self) -> None:
        """Let the answer go out with the others of this piece, if the peer reads answers at all."""
        if self._may_send_control() and self.paused_since is not None:
            COUNTS.abuse_cut += 1
            self.abort()

    def handle_pong(self, event: WireFrame) -> None:
        """Note the answer to our ping; others are allowed (section 5.5.3), within the pace."""
        if not self._may_send_control() or not self.live:
            return
        if self.pending_ping_payload == bytes(event.data):
            now = self.loop.time()
            self.last_ping_rtt = now - self.ping_sent_at
            self._plan_ping(now)

    def handle_close(self, event: WireFrame) -> None:
        """Finish the closing handshake; a server closes the connection first (section 7.1.1)."""
        if not self.close_sent:
            received = self.conn.close_rcvd
            assert received is not None  # noqa: S101
            self._write_out()
            self._end(received.code, received.reason, self.close_s)
        self.transport.close()
