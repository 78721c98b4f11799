"""The sending side of a WebSocket: messages of the hub, and the close.

Frames are written to the kernel directly, without queueing in the transport. The transport queues
each write until the end of the event loop's iteration, which costs as much as all other steps of a
write. If the kernel accepts only part of the data or returns an error, the rest is passed to the
transport.
"""

import logging
import socket
from asyncio.transports import Transport
from collections.abc import Callable, Sequence
from typing import Protocol

from websockets.exceptions import ProtocolError
from websockets.server import ServerProtocol

from widget_server.hub.prepared import PreparedBatch, SharedBatch
from widget_server.protocol.codes import CloseCode
from widget_server.transport import socket_options
from widget_server.transport.metrics import WebSocketMetrics
from widget_server.transport.settings import WebSocketLimits

#: One line per socket (accepted, rejected) at INFO, never with the query string. Off by default: if
#: thousands of clients reconnect at once, writing these lines costs more than they are worth.
log = logging.getLogger("widget_server.websocket")
log.setLevel(logging.WARNING)

#: Pieces of one system call. POSIX allows a system to accept no more than 1,024.
_MAX_PIECES = 1_000


class Receiver(Protocol):
    """The receiving side of a WebSocket."""

    def start_close(self, code: int, reason: str, within: float) -> None:
        """Receive no further messages; abort if the close takes more than `within` seconds."""


class WebSocketConnection:
    """A `hub.connection.Connection`: writes whole frames, and hands out its socket for direct writes.

    `conn` encodes control frames and the frames of the application; `flush` writes them.
    """

    __slots__ = (
        "_conn",
        "_limits",
        "_metrics",
        "_receiver",
        "direct_socket",
        "is_open",
        "on_direct_revoked",
        "on_shutdown",
        "on_writable",
        "paused_since",
        "sock",
        "transport",
    )

    transport: Transport
    paused_since: float | None
    on_writable: Callable[[], None] | None
    on_shutdown: Callable[[], None] | None

    is_open: bool
    """Whether the handshake is accepted and the connection is neither closing nor closed."""

    sock: socket.socket | None
    """The transport's socket until the connection is lost; None with TLS, where bytes are encrypted."""

    direct_socket: socket.socket | None
    """`sock` for writes by the hub, from when all earlier bytes are sent until `on_direct_revoked`."""

    on_direct_revoked: Callable[[], None] | None
    """Called when `direct_socket` must no longer be used. Without it `direct_socket` stays None."""

    def __init__(
        self,
        transport: Transport,
        conn: ServerProtocol,
        receiver: Receiver,
        limits: WebSocketLimits,
        metrics: WebSocketMetrics,
    ) -> None:
        self.transport = transport
        self._conn = conn
        self._receiver = receiver
        self._limits = limits
        self._metrics = metrics
        self.is_open = False
        self.paused_since = None
        self.on_writable = self.on_shutdown = None
        self.sock = None
        self.direct_socket = None
        self.on_direct_revoked = None
        if transport.get_extra_info("sslcontext") is None:
            owned = transport.get_extra_info("socket")
            self.sock = socket.socket(owned.family, owned.type, owned.proto, fileno=owned.fileno())

    @property
    def closed(self) -> bool:
        """Whether the handshake is not accepted yet, or the connection is closing or closed."""
        return not self.is_open or self.transport.is_closing()

    @property
    def write_paused(self) -> bool:
        """Whether the transport's buffer exceeded its limit and has not drained yet."""
        return self.paused_since is not None

    def write(self, batch: PreparedBatch) -> bool:
        """Write the whole batch, or nothing and return False if writing is paused or closed."""
        if self.paused_since is not None or not self.is_open or self.transport.is_closing():
            return False
        if isinstance(batch, SharedBatch):
            self.write_pieces(batch.pieces)
        else:
            self.write_now(batch.frame_bytes)
        return True

    def write_now(self, data: bytes) -> None:
        """Send whole frames, or buffer them in the transport. Do nothing on a closed connection."""
        # No part of another frame can be waiting in `conn`: uvicorn never sends fragments, and writes
        # the output of `conn` in the iteration that produced it.
        sock = self.sock
        sent = 0
        if sock is not None and not self.transport.get_write_buffer_size():
            try:
                sent = sock.send(data)
            except OSError:
                sent = 0
            if sent == len(data):
                if (
                    self.direct_socket is None
                    and self.on_direct_revoked is not None
                    and self.is_open
                ):
                    self.direct_socket = sock
                return
        # No copy: the buffers of all slow clients share the bytes of a broadcast.
        self.write_remainder(memoryview(data)[sent:])

    def write_pieces(self, pieces: Sequence[bytes]) -> None:
        """Send whole frames like `write_now`, from pieces that are shared with other sockets."""
        sock = self.sock
        sent = 0
        if sock is not None and not self.transport.get_write_buffer_size():
            try:
                sent = sock.sendmsg(pieces[:_MAX_PIECES])
            except OSError:
                sent = 0
        unsent: list[bytes | memoryview] = []
        for piece in pieces:
            if sent < len(piece):
                unsent.append(memoryview(piece)[sent:] if sent else piece)
            sent = max(0, sent - len(piece))
        if unsent:
            self.revoke()
            if not self.transport.is_closing():
                self.transport.writelines(unsent)
        elif self.direct_socket is None and self.on_direct_revoked is not None and self.is_open:
            self.direct_socket = sock

    def write_remainder(self, data: bytes | memoryview) -> None:
        """Pass the bytes that the kernel did not accept to the transport."""
        self.revoke()
        if not self.transport.is_closing():
            self.transport.write(data)

    def revoke(self) -> None:
        """Revoke `direct_socket` before writing through the transport.

        Using both at once could split a frame.
        """
        if self.direct_socket is not None:
            self.direct_socket = None
            if self.on_direct_revoked is not None:
                call_hook(self.on_direct_revoked)

    def flush(self) -> None:
        """Write the output of `conn`. An empty piece in it stands for the end of the stream."""
        output = b"".join(self._conn.data_to_send())
        if output:
            self.write_now(output)

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and wait `close_timeout_s` for the client's."""
        if not self.closed:
            try:
                self._conn.send_close(code, reason)
            except ProtocolError:
                log.exception("event=invalid_close_code code=%d", code)
                code = CloseCode.INTERNAL_ERROR
                self._conn.send_close(code)
            self._metrics.server_closes.add(code, reason)
            self.flush()
            self._start_close(code, reason, self._limits.close_timeout_s)

    def fail(self, code: int, reason: str, label: str) -> None:
        """Fail the connection (RFC 6455, section 7.1.7) and discard further input.

        `label` is the reason in /metrics. Closing the connection at once would answer unread bytes
        with a reset, and the reset can overtake the close frame.
        """
        self._metrics.server_closes.add(code, label)
        self._conn.fail(code, reason)
        self.flush()
        self._start_close(code, reason, self._limits.abort_after_s)
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        else:
            self.transport.close()

    def answer_close(self, code: int, reason: str) -> None:
        """Send the answer of `conn` to the client's close frame."""
        self.flush()
        self._start_close(code, reason, self._limits.close_timeout_s)

    def _start_close(self, code: int, reason: str, within: float) -> None:
        self.stop()
        socket_options.limit_unacknowledged(self.transport, self._limits.tcp_user_timeout_s)
        self._receiver.start_close(code, reason, within)

    def abort(self) -> None:
        """Close the connection now, without a close frame."""
        self.stop()
        socket_options.limit_unacknowledged(self.transport, self._limits.tcp_user_timeout_s)
        self.transport.abort()

    def stop(self) -> None:
        """Accept no further frames from the hub or the application."""
        self.is_open = False
        self.revoke()

    def detach(self) -> None:
        """Release the socket: the kernel may reuse its number for another connection.

        Release the hooks and the receiving side too, so that no object has to wait for the garbage
        collector.
        """
        self.paused_since = None
        self.on_writable = self.on_shutdown = self.on_direct_revoked = None
        del self._receiver
        if self.sock is not None:
            self.sock.detach()
            self.sock = None


def call_hook(hook: Callable[[], None]) -> None:
    """Call a hook of the hub. Log its exceptions: they must not end the connection."""
    try:
        hook()
    except Exception:
        log.exception("event=hook_failed")
