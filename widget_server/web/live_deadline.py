"""The time that a client has until its first subscription on a socket."""

import asyncio
from collections.abc import Callable

from widget_server.transport.timing_wheel import GraceTimer


class SubscribeDeadline:
    """A timer that runs only while the client has to act. The server's time to answer is not counted."""

    __slots__ = ("_ends_at", "_seconds_left", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds_left = seconds
        self._ends_at = 0.0
        self._timer: GraceTimer | None = None

    @property
    def is_running(self) -> bool:
        """Whether `start` was called after `stop`."""
        return self._timer is not None

    def start(self, seconds: float, on_expired: Callable[[], None]) -> None:
        """Call `on_expired` after `seconds`, or after the rest of the time if that is less."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._ends_at = loop.time() + self._seconds_left
        self._timer = GraceTimer(loop, min(seconds, self._seconds_left), on_expired)

    def stop(self) -> None:
        """Stop the timer and keep the rest of the time. Release `on_expired`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._seconds_left = max(0.0, self._ends_at - asyncio.get_running_loop().time())
