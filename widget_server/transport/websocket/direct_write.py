"""Write WebSocket frames to the kernel directly, without queueing in the transport.

The transport queues each write until the end of the event loop's iteration, which costs as much as
all other steps of a write. If the kernel accepts only part of the data or returns an error, the
rest is passed to the transport.
"""

import logging
import socket
from asyncio.transports import Transport
from collections.abc import Callable, Sequence

#: One line per socket (accepted, rejected) at INFO, never with the query string. Off by default: if
#: thousands of clients reconnect at once, writing these lines costs more than they are worth.
log = logging.getLogger("widget_server.websocket")
log.setLevel(logging.WARNING)

#: Pieces of one system call. POSIX allows a system to accept no more than 1,024.
_MAX_PIECES = 1_000


class DirectWriter:
    """Writes whole frames of one WebSocket, and hands out its socket for direct writes."""

    __slots__ = ("direct_socket", "is_open", "on_direct_revoked", "sock", "transport")

    transport: Transport

    is_open: bool
    """Whether the handshake is accepted and the connection is neither closing nor closed."""

    sock: socket.socket | None
    """The transport's socket until the connection is lost; None with TLS, where bytes are encrypted."""

    direct_socket: socket.socket | None
    """`sock` for writes by the hub, from when all earlier bytes are sent until `on_direct_revoked`."""

    on_direct_revoked: Callable[[], None] | None
    """Called when `direct_socket` must no longer be used. Without it `direct_socket` stays None."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.is_open = False
        self.sock = None
        self.direct_socket = None
        self.on_direct_revoked = None
        if transport.get_extra_info("sslcontext") is None:
            owned = transport.get_extra_info("socket")
            self.sock = socket.socket(owned.family, owned.type, owned.proto, fileno=owned.fileno())

    def write_now(self, data: bytes) -> None:
        """Send whole frames, or buffer them in the transport. Do nothing on a closed connection."""
        # No part of another frame can be waiting in `conn` of the protocol: uvicorn never sends
        # fragments, and writes the output of `conn` in the iteration that produced it.
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

    def stop(self) -> None:
        """Accept no further frames from the hub or the application."""
        self.is_open = False
        self.revoke()

    def detach(self) -> None:
        """Release the socket: the kernel may reuse its number for another connection."""
        self.on_direct_revoked = None
        if self.sock is not None:
            self.sock.detach()
            self.sock = None


def call_hook(hook: Callable[[], None]) -> None:
    """Call a hook of the hub. Log its exceptions: they must not end the connection."""
    try:
        hook()
    except Exception:
        log.exception("event=hook_failed")
