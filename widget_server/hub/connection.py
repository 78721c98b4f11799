"""Connection interface used by the hub. `write` never blocks: it accepts a batch or returns False."""

from collections.abc import Callable
from typing import Protocol

from widget_server.hub.prepared import PreparedBatch


class SupportsSend(Protocol):
    """A non-blocking socket, reduced to what the hub uses."""

    def send(self, data: bytes, /) -> int:
        """Pass bytes to the kernel and return how many it took. Raises `OSError` if it took none."""


class Connection(Protocol):
    """A connected client. No method blocks, and no method raises.

    There is no queue behind `write`. The connection of a client that reads too slowly is
    write-paused: it accepts nothing until its buffer has drained, so it never costs more memory
    than that buffer. The caller remembers what was missed and sends it in `on_writable`. A
    connection that stays write-paused for too long is closed.
    """

    on_writable: Callable[[], None] | None
    """Called when a write-paused connection accepts data again. Cleared on disconnect."""

    on_shutdown: Callable[[], None] | None
    """Called when the server begins to shut down, before the connection is closed with 1012."""

    on_direct_revoked: Callable[[], None] | None
    """Called when `direct_socket` may no longer be used, before data is written another way."""

    @property
    def direct_socket(self) -> SupportsSend | None:
        """The connection's socket, for direct writes; None while data is buffered.

        Only a caller that has set `on_direct_revoked` may use it. Bytes of a batch that the socket
        does not take must be passed to `write_remainder` at once.
        """

    @property
    def write_paused(self) -> bool:
        """Whether the client reads too slowly: `write` would return False."""

    @property
    def paused_since(self) -> float | None:
        """The event-loop time since when the connection has been write-paused without a break."""

    @property
    def closed(self) -> bool:
        """Whether the connection is not accepted yet, closing or closed: `write` returns False.

        After it was open once, True is final.
        """

    def write(self, batch: PreparedBatch) -> bool:
        """Accept the whole batch and return True, or accept none of it and return False."""

    def write_remainder(self, data: bytes | memoryview) -> None:
        """Write the bytes that `direct_socket` did not take; they may begin inside a frame."""

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame after all accepted data; abort the connection if that takes too long.

        `reason` is at most 123 bytes. Does nothing on a closed connection.
        """

    def abort(self) -> None:
        """Close the connection now and discard buffered data."""
