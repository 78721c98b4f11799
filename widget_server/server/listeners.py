"""Open listening sockets: one per worker on a shared port, or none if another server uses the port."""

import contextlib
import socket

from widget_server.model.errors import OperatorError


class AddressUnavailableError(OperatorError):
    """The server cannot listen on the host and port that the operator chose."""


def ensure_port_free(host: str, port: int) -> None:
    """Raise `AddressUnavailableError` if any process listens on the port, even one that shares it."""
    _bind(host, port, shared=False).close()


def open_listener(host: str, port: int) -> socket.socket:
    """Open this process's own socket on a port that several processes share (SO_REUSEPORT).

    With one inherited socket, connections would be spread unevenly over the processes, and stay so.
    Raises `AddressUnavailableError` if another program uses the port.
    """
    return _bind(host, port, shared=True)


def _bind(host: str, port: int, *, shared: bool) -> socket.socket:
    try:
        return _bound_socket(host, port, shared=shared)
    # `UnicodeError`: a host that is not a name. `OverflowError`: a port above 65535.
    except (OSError, UnicodeError, OverflowError) as error:
        raise AddressUnavailableError(
            f"Cannot listen on {host}, port {port} ({getattr(error, 'strerror', None) or error}). "
            "Choose another with --host and --port, or stop the program that uses it."
        ) from error


def _bound_socket(host: str, port: int, *, shared: bool) -> socket.socket:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = addresses[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        with contextlib.suppress(AttributeError, OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
    except (OSError, OverflowError):
        listener.close()
        raise
    listener.set_inheritable(False)
    return listener
