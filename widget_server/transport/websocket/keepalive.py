"""Deadlines of one WebSocket: pings and pongs, clients that do not read, the handshake and the close.

No clock and no writes: the caller passes the time, sets its timer to `due`, and acts on `expire`.
"""

import random
from asyncio.transports import WriteTransport
from enum import Enum, auto

from widget_server.transport.read_progress import CHECKS_PER_TIMEOUT, ReadProgress
from widget_server.transport.settings import WebSocketLimits

#: Header of a ping with a payload of four bytes (RFC 6455, section 5.5.2).
_PING_HEADER = b"\x89\x04"

#: Size of a client's pong with a payload of four bytes, and its header: final, masked (RFC 6455,
#: section 5.2).
PONG_SIZE = 10
_PONG_HEADER = b"\x8a\x84"


class Expiry(Enum):
    """What the caller does after `due` has passed."""

    WAIT = auto()
    """Set the timer to the new `due`."""
    PING = auto()
    """Send `new_ping`, and set the timer to the new `due`."""
    NO_PONG = auto()
    """Abort: the client did not answer a ping."""
    NOT_READING = auto()
    """Abort: the client has unread bytes and read none for too long."""
    NOT_CLOSED = auto()
    """Abort: the handshake or the close took too long."""


class Keepalive:
    """The next deadline of one WebSocket, and what it depends on."""

    __slots__ = ("_is_open", "_is_paused", "_limits", "_progress", "due", "ping")

    due: float | None
    """Time of the next deadline, in the event loop's time; None before the first."""

    ping: bytes | None
    """Payload of the ping that is not answered yet."""

    _progress: ReadProgress | None
    """Whether the client reads: while writing is paused, or a pong is late."""

    def __init__(self, limits: WebSocketLimits) -> None:
        self._limits = limits
        self._is_open = self._is_paused = False
        self._progress = self.due = self.ping = None

    def open(self, now: float) -> None:
        """Start the pings of an accepted connection."""
        self._is_open = True
        # The first ping comes early and at random: after a deploy all sockets open together.
        self.due = now + self._limits.ping_interval_min_s * random.uniform(0.5, 1)  # noqa: S311

    def close_by(self, due: float) -> None:
        """Set the deadline for a rejected handshake or a close; there are no more pings."""
        self.stop()
        self.due = due

    def stop(self) -> None:
        """Release the transport."""
        self._is_open = False
        self._progress = self.ping = None

    def new_ping(self, now: float) -> bytes:
        """Return the frame of a ping that is sent now."""
        # The payload is the time: a pong with it answers this ping and no earlier one.
        self.ping = (int(now * 1000) & 0xFFFFFFFF).to_bytes(4, "big")
        self.due = now + self._limits.ping_timeout_s
        return _PING_HEADER + self.ping

    def receive_pong(self, now: float) -> None:
        """Record the pong to `ping`."""
        self.ping = None
        if not self._is_paused:
            self._wait_for_ping(now)

    def pause(self, now: float, transport: WriteTransport) -> None:
        """Observe whether the client reads, because the transport's buffer exceeded its limit."""
        self._is_paused = True
        if self._is_open:
            self._progress = ReadProgress(transport, now)
            self._wait_for_reader(now)

    def resume(self, now: float) -> None:
        """Resume the pings, because the transport's buffer has drained."""
        self._is_paused = False
        if self._is_open:
            self.ping = None
            self._wait_for_ping(now)

    def expire(self, now: float, transport: WriteTransport, *, is_reading: bool) -> Expiry:
        """Return what to do now that `due` has passed. `is_reading` is whether this process reads."""
        if not self._is_open:
            return Expiry.NOT_CLOSED
        if self._is_paused:
            # No ping: it would wait behind the unread bytes.
            if self._has_stalled(now, transport):
                return Expiry.NOT_READING
        elif self.ping is None:
            return Expiry.PING
        elif not is_reading:
            # The pong may have arrived already.
            self.ping = None
            self._wait_for_ping(now)
            return Expiry.WAIT
        elif self._has_stalled(now, transport) or not self._has_unread:
            # Otherwise the ping may still wait behind bytes that a slow client has not read.
            return Expiry.NO_PONG
        self._wait_for_reader(now)
        return Expiry.WAIT

    def _has_stalled(self, now: float, transport: WriteTransport) -> bool:
        if self._progress is None:
            self._progress = ReadProgress(transport, now)
        return self._progress.has_stalled(now, self._limits.slow_consumer_timeout_s)

    @property
    def _has_unread(self) -> bool:
        return self._progress is not None and self._progress.has_unread

    def _wait_for_reader(self, now: float) -> None:
        self.due = now + self._limits.slow_consumer_timeout_s / CHECKS_PER_TIMEOUT

    def _wait_for_ping(self, now: float) -> None:
        self._progress = None
        limits = self._limits
        self.due = now + random.uniform(  # noqa: S311
            limits.ping_interval_min_s, limits.ping_interval_max_s
        )


def is_pong(data: bytes, ping: bytes) -> bool:
    """Return whether `data`, of `PONG_SIZE` bytes, is a pong with the payload of `ping`.

    Idle sockets receive little else, and the parser is most of the cost of an idle socket. Ten bytes
    from inside another frame match only if they contain the time of an unanswered ping. Only a
    client that wants to break its own connection would send them.
    """
    if not data.startswith(_PONG_HEADER):
        return False
    masked = int.from_bytes(data[6:], "big") ^ int.from_bytes(data[2:6], "big")
    return masked == int.from_bytes(ping, "big")
