"""A uvicorn WebSocket protocol that bounds what one client may send."""

from typing import Any

from websockets.frames import Frame as WireFrame
from websockets.protocol import State

from widget_server.transport.metrics import WEBSOCKET_METRICS
from widget_server.transport.timing_wheel import gcra_hit
from widget_server.transport.websocket.keepalive import KeepaliveWebSocket

# Received bytes are parsed in pieces, so that the limits on small frames are checked before a whole
# read (up to 256 KiB, or 40,000 pings) has been turned into objects.
_PARSE_CHUNK = 4096

#: The header of a client's pong with four bytes: final, masked (RFC 6455, section 5.2), and its size.
_PONG = b"\x8a\x84"
_PONG_SIZE = 10


class LimitedWebSocket(KeepaliveWebSocket):
    """One WebSocket whose client keeps to the limits or is cut.

    Limits are class attributes: fragments of a message, and what comes a second and at once.
    """

    max_fragments = 64
    control_rate = 2.0
    control_burst = 20
    message_rate = 20.0
    message_burst = 60

    __slots__ = ("_control_tat", "_message_tat")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._message_tat = 0.0
        self._control_tat = 0.0

    def data_received(self, data: bytes) -> None:
        """Parse and handle, in pieces; after the end of the conversation, read and forget."""
        if len(data) == _PONG_SIZE and self.is_open and self._fast_path_pong(data):
            return
        for start in range(0, len(data), _PARSE_CHUNK):
            if self.conn.eof_sent or self.transport.is_closing():
                break
            self.conn.receive_data(data[start : start + _PARSE_CHUNK])
            self.handle_events()
            if self.conn.parser_exc is not None and not self.close_sent:
                self.handle_parser_exception()
            if self.close_sent:
                self.conn.data_to_send()
            self._flush_protocol()
        if self.conn.eof_sent and not self.handshake_initiated and not self.close_sent:
            # A request that websockets could not parse: uvicorn would wait for more.
            self.handshake_complete = self.close_sent = True
            self.transport.close()
            self._arm_abort()

    def _fast_path_pong(self, data: bytes) -> bool:
        """Take a read that is the awaited answer to our ping and nothing else, without the parser.

        Idle sockets send little else, and the parser's way is most of what one costs. Ten bytes from
        inside another frame cannot be taken for it but by a client that wants to harm its own
        connection: they would have to hold the time of a ping that is not answered yet.
        """
        ping = self.pending_ping_payload
        if ping is None or not data.startswith(_PONG):
            return False
        masked = int.from_bytes(data[6:], "big") ^ int.from_bytes(data[2:6], "big")
        if masked != int.from_bytes(ping, "big"):
            return False
        self._on_pong()
        return True

    def handle_parser_exception(self) -> None:
        """Fail with the code that the parser chose: 1002, 1007 or 1009."""
        sent = self.conn.close_sent
        if sent is None:
            self.abort()
        else:
            self._fail(sent.code, sent.reason, known=False)

    def handle_cont(self, event: WireFrame) -> None:
        """Add a fragment: the 16 MB that a million empty ones take is what the limit is for."""
        if len(self.frames) >= self.max_fragments:
            self._close_for_abuse("too many fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Pass a whole message to the application, if it is UTF-8 and not one too many."""
        if self.close_sent:
            self.frames = []
            return
        paid = gcra_hit(self._message_tat, self.loop.time(), self.message_rate, self.message_burst)
        if paid is None:
            self._close_for_abuse("too many messages")
            return
        self._message_tat = paid
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

    def _check_control_rate(self) -> bool:
        if self.conn.eof_sent or self.transport.is_closing():
            return False
        paid = gcra_hit(self._control_tat, self.loop.time(), self.control_rate, self.control_burst)
        if paid is None:
            self._close_for_abuse("too many control frames")
            return False
        self._control_tat = paid
        return True

    def handle_ping(self) -> None:
        """Let the answer go out with the others of this piece, if the peer reads answers at all."""
        if self._check_control_rate() and self.paused_since is not None:
            WEBSOCKET_METRICS.abusers_dropped += 1
            self.abort()

    def handle_pong(self, event: WireFrame) -> None:
        """Note the answer to our ping; others are allowed (section 5.5.3), within the pace."""
        if not self._check_control_rate() or not self.is_open:
            return
        if self.pending_ping_payload == bytes(event.data):
            self._on_pong()

    def _on_pong(self) -> None:
        now = self.loop.time()
        self.last_ping_rtt = now - self.ping_sent_at
        self._schedule_ping(now)

    def handle_close(self, event: WireFrame) -> None:
        """Finish the closing handshake; a server closes the connection first (section 7.1.1)."""
        if not self.close_sent:
            received = self.conn.close_rcvd
            assert received is not None  # noqa: S101
            self._flush_protocol()
            self._start_close(received.code, received.reason, self.close_timeout_s)
        self.transport.close()

    def _close_for_abuse(self, reason: str) -> None:
        WEBSOCKET_METRICS.abusers_dropped += 1
        if self.close_sent:
            self.abort()
            return
        if self.conn.state is State.OPEN:
            self.conn.data_to_send()  # answers to the pings before this one
        self._fail(1008, reason)
