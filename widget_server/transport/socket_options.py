"""TCP options of a transport's socket.

Some systems lack them, and so do Unix sockets (a proxy on the same machine): then nothing is set.
"""

import contextlib
import socket
from asyncio.transports import BaseTransport


def limit_unsent(transport: BaseTransport, size: int) -> None:
    """Limit the bytes that the kernel buffers without having sent them."""
    _set(transport, "TCP_NOTSENT_LOWAT", size)


def limit_unacknowledged(transport: BaseTransport, seconds: float) -> None:
    """Limit the time for which the kernel keeps unacknowledged bytes of a closed connection.

    Not to be set before: the kernel would also count the time in which a slow reader's window is
    full.
    """
    _set(transport, "TCP_USER_TIMEOUT", int(seconds * 1000))


def _set(transport: BaseTransport, option: str, value: int) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None and hasattr(socket, option):
        # If the connection is lost, uvloop's socket has no descriptor and raises ValueError.
        with contextlib.suppress(OSError, ValueError):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
