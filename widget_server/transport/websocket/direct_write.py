"""A uvicorn WebSocket protocol that hands bytes to the kernel itself where nothing waits before them.

What the transport adds to the system call, queueing the write for the end of the turn, is as much
again as all our own steps. What the kernel does not take, or answers with an error, is its affair.
"""

import logging
import socket
from asyncio.transports import BaseTransport
from collections.abc import Callable, Sequence
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

#: One line per socket (accepted, refused) at INFO, never with the query string. Quiet unless asked:
#: in a reconnect herd those lines cost more than they tell.
log = logging.getLogger("widget_server.websocket")
log.setLevel(logging.WARNING)

#: Pieces of one system call: POSIX lets a system take no more than 1,024.
_MOST_PIECES = 1_000


class DirectWriteWebSocket(WebSocketsSansIOProtocol):
    """How bytes leave one WebSocket, and to whom its way to the kernel is lent."""

    # uvicorn's own attributes too: in slots they take 8 bytes each, in the instance's dict, which
    # outgrows the sharing of keys (30), about 2 KB per socket. A test watches that none is missing.
    __slots__ = (
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
        "direct_socket",
        "disconnected",
        "frames",
        "handshake_complete",
        "handshake_initiated",
        "initial_response",
        "is_open",
        "last_ping_rtt",
        "logger",
        "loop",
        "on_direct_revoked",
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
        "sock",
        "tasks",
        "transport",
        "writable",
    )

    is_open: bool
    """Accepted, and neither closing nor gone."""

    sock: socket.socket | None
    """The transport's, for as long as that has it and sends what it is given as it is (no TLS)."""

    direct_socket: socket.socket | None
    """`sock`, from when all that was written before has left until `on_direct_revoked`."""

    on_direct_revoked: Callable[[], None] | None
    """Called when `direct_socket` may be used no more; without it no one gets that."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_open = False
        self.sock = None
        self.direct_socket = None
        self.on_direct_revoked = None

    @property
    def closed(self) -> bool:
        """Not accepted yet, closing or gone."""
        return not self.is_open or self.transport.is_closing()

    def connection_made(self, transport: BaseTransport) -> None:
        """Take over from the HTTP protocol."""
        super().connection_made(transport)
        if transport.get_extra_info("sslcontext") is None:
            theirs = transport.get_extra_info("socket")
            self.sock = socket.socket(
                theirs.family, theirs.type, theirs.proto, fileno=theirs.fileno()
            )

    def write_now(self, data: bytes) -> None:
        """Send whole frames, or keep them in the transport's buffer; without a connection do nothing."""
        # Nothing of another frame can be waiting inside `conn`: uvicorn never sends fragments and
        # writes out what `conn` holds in the turn in which it was put there.
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
        # Not a copy: of what all are sent, all who do not read wait for the same bytes.
        self.write_remainder(memoryview(data)[sent:])

    def put_pieces(self, pieces: Sequence[bytes]) -> None:
        """`write_now`, for whole frames that lie in pieces which are shared with other sockets."""
        sock = self.sock
        sent = 0
        if sock is not None and not self.transport.get_write_buffer_size():
            try:
                sent = sock.sendmsg(pieces[:_MOST_PIECES])
            except OSError:
                sent = 0
        left: list[bytes | memoryview] = []
        for piece in pieces:
            if sent < len(piece):
                left.append(memoryview(piece)[sent:] if sent else piece)
            sent = max(0, sent - len(piece))
        if left:
            self.revoke_direct()
            if not self.transport.is_closing():
                self.transport.writelines(left)
        elif self.direct_socket is None and self.on_direct_revoked is not None and self.is_open:
            self.direct_socket = sock

    def write_remainder(self, data: bytes | memoryview) -> None:
        """Have the transport send what the kernel did not take."""
        self.revoke_direct()
        if not self.transport.is_closing():
            self.transport.write(data)

    def stop_writing(self) -> None:
        """Take frames no more."""
        self.is_open = False
        self.revoke_direct()

    def revoke_direct(self) -> None:
        """Have `direct_socket` back, before bytes go another way: sent past them it would tear a frame."""
        if self.direct_socket is not None:
            self.direct_socket = None
            if self.on_direct_revoked is not None:
                self._call_hook(self.on_direct_revoked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the socket: its number may be another connection's soon."""
        super().connection_lost(exc)
        self.on_direct_revoked = None
        if self.sock is not None:
            self.sock.detach()
            self.sock = None

    def _call_hook(self, hook: Callable[[], None]) -> None:
        try:
            hook()
        except Exception:
            log.exception("event=hook_failed")
