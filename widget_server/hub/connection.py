"""The other end of one socket, as the hub sees it: something that takes bytes or says no, at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from widget_server.hub.prepared import PreparedBatch


@dataclass(slots=True)
class WriteMetrics:
    """What was handed to sockets, for /metrics."""

    messages_sent: Annotated[int, "frames written to sockets"] = 0
    sent_bytes: Annotated[int, "bytes of frames written to sockets"] = 0

    def add(self, batch: PreparedBatch, sockets: int = 1) -> None:
        """Count a batch that so many sockets took."""
        self.messages_sent += batch.count * sockets
        self.sent_bytes += batch.size * sockets


WRITE_METRICS = WriteMetrics()


class SupportsSend(Protocol):
    """A socket, as far as the hub knows of any."""

    def send(self, data: bytes, /) -> int:
        """Give bytes to the kernel, and answer how many it took. Raises `OSError` where it took none."""


class Connection(Protocol):
    """A connected embed. Nothing here waits and nothing here raises.

    There is no queue behind `write`: a peer that does not read is `write_paused` and takes nothing until
    its buffer has drained, so that it never costs more than that buffer. Who writes remembers what
    was missed and catches up in `on_writable`. A peer that stays paused for too long is cut.
    """

    on_writable: Callable[[], None] | None
    """Called when a paused peer takes frames again. Dropped when the connection is gone."""

    on_shutdown: Callable[[], None] | None
    """Called when the server starts to leave, before the socket is closed with 1012."""

    on_direct_revoked: Callable[[], None] | None
    """Called when `direct_socket` may be used no more, before anything is written in another way."""

    @property
    def direct_socket(self) -> SupportsSend | None:
        """The peer's own socket, lent to who has set `on_direct_revoked`, for as long as nothing waits here.

        What it does not take of a batch goes to `write_remainder` at once.
        """

    @property
    def write_paused(self) -> bool:
        """The peer does not read fast enough: `write` would return False."""

    @property
    def paused_since(self) -> float | None:
        """Since when it has been paused without a break, in the event loop's time."""

    @property
    def closed(self) -> bool:
        """Not accepted yet, closing or gone: `write` would return False, now and (once open) ever."""

    def write(self, batch: PreparedBatch) -> bool:
        """Hand over the whole batch and return True, or nothing of it and return False."""

    def write_remainder(self, data: bytes | memoryview) -> None:
        """Take what `direct_socket` did not, in the middle of a frame as it may be."""

    def buffered(self) -> int:
        """Bytes accepted by `write` that have not left the process."""

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame after all that was written; cut the connection if that takes too long.

        `reason` is at most 123 bytes. Does nothing on a closed peer.
        """

    def abort(self) -> None:
        """Cut the connection now, whatever is still buffered."""
