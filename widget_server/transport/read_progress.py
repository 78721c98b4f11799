"""Whether a client that has not read everything reads at all: who reads slowly is not cut.

What counts are bytes that the other machine has acknowledged: what the transport still keeps, and
what the kernel keeps of what it took, become less. Nothing is added while a connection is paused.
"""

import contextlib
import fcntl
import struct
import termios
from asyncio.transports import WriteTransport

CHECKS_PER_TIMEOUT = 4
"""How often one looks while a client may stand still: it is cut at most so much later."""


class ReadProgress:
    """What one connection has left unread, and since when that has not become less."""

    __slots__ = ("_since", "_transport", "_unread")

    def __init__(self, transport: WriteTransport, now: float) -> None:
        self._transport = transport
        self._since = now
        self._unread = unread_bytes(transport)

    @property
    def has_unread(self) -> bool:
        """Whether anything was unread when it was looked at last."""
        return self._unread > 0

    def has_stalled(self, now: float, seconds: float) -> bool:
        """Whether nothing has been read for so long; what was written meanwhile passes for it."""
        left = unread_bytes(self._transport)
        if left != self._unread:
            self._unread, self._since = left, now
        return now >= self._since + seconds


def unread_bytes(transport: WriteTransport) -> int:
    """Bytes that the other machine has not acknowledged, as far as this system tells."""
    left = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    # Linux knows of bytes that it sent, or will send, and that are not acknowledged (tcp(7), SIOCOUTQ).
    if sock is not None and hasattr(termios, "TIOCOUTQ"):
        with contextlib.suppress(OSError, ValueError):
            left += struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
    return left
