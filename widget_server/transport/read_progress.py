"""Detect whether a client with unread bytes still reads. A slow client is not disconnected.

Progress is measured in bytes that the client's machine has acknowledged: the transport's buffer plus
the kernel's send queue must shrink. While writing is paused nothing is added to either.
"""

import contextlib
import fcntl
import struct
import termios
from asyncio.transports import WriteTransport

CHECKS_PER_TIMEOUT = 4
"""Checks per timeout: a client is disconnected at most a quarter of the timeout late."""


class ReadProgress:
    """Unread bytes of one connection, and the time of the last change of their number."""

    __slots__ = ("_since", "_transport", "_unread")

    def __init__(self, transport: WriteTransport, now: float) -> None:
        self._transport = transport
        self._since = now
        self._unread = unread_bytes(transport)

    @property
    def has_unread(self) -> bool:
        """Whether bytes were unread at the last check."""
        return self._unread > 0

    def has_stalled(self, now: float, seconds: float) -> bool:
        """Return whether nothing was read for `seconds`. Bytes written meanwhile count as progress."""
        unread = unread_bytes(self._transport)
        if unread != self._unread:
            self._unread, self._since = unread, now
        return now >= self._since + seconds


def unread_bytes(transport: WriteTransport) -> int:
    """Return the bytes that the client's machine has not acknowledged, as far as the system tells."""
    unread = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    # Linux reports the bytes in the send queue that are not acknowledged (tcp(7), SIOCOUTQ).
    if sock is not None and hasattr(termios, "TIOCOUTQ"):
        with contextlib.suppress(OSError, ValueError):
            unread += struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
    return unread
