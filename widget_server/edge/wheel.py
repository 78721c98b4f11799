"""Deadlines of clients: one timer per process for all sockets, and the pace that one must keep."""

import asyncio
from collections.abc import Callable
from typing import ClassVar, Protocol


class Deadline:
    """Calls `late` after so many seconds, once all that had arrived by then was heard.

    Where thousands come at once, one that did everything in time may wait for us longer than it may
    make us wait. A turn of the event loop reads what has arrived, the next one wakes the task that
    it is for, and the one after that has let it run.
    """

    __slots__ = ("_handle", "_late", "_loop", "_turns")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, late: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._late = late
        self._turns = 4
        self._handle: asyncio.Handle = loop.call_later(seconds, self._due)

    def cancel(self) -> None:
        """Never mind."""
        self._handle.cancel()

    def _due(self) -> None:
        if self._turns:
            self._turns -= 1
            self._handle = self._loop.call_soon(self._due)
        else:
            self._late()


class Timed(Protocol):
    """Something with a deadline, in the event loop's time."""

    due: float

    def on_due(self, now: float) -> None:
        """Act on the deadline and set the next one."""


class Wheel:
    """Looks at all its members once per `tick` seconds and calls those whose deadline has passed.

    Two timers per connection, as uvicorn has them, cost more memory and more time than one glance
    per second at a float. Deadlines are kept to within one tick.
    """

    _wheels: ClassVar[dict[tuple[asyncio.AbstractEventLoop, float], "Wheel"]] = {}

    __slots__ = ("_handle", "_key", "_members")

    def __init__(self, loop: asyncio.AbstractEventLoop, tick: float) -> None:
        self._key = (loop, tick)
        self._members: set[Timed] = set()
        self._handle: asyncio.TimerHandle | None = None

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop, tick: float) -> "Wheel":
        """Return the wheel of this loop; it exists, and its timer runs, while it has members."""
        wheel = cls._wheels.get((loop, tick))
        if wheel is None:
            wheel = cls._wheels[loop, tick] = Wheel(loop, tick)
        return wheel

    def join(self, member: Timed) -> None:
        """Look after `member` until it leaves."""
        self._members.add(member)
        if self._handle is None:
            loop, tick = self._key
            self._wheels[self._key] = self
            self._handle = loop.call_later(tick, self._turn)

    def leave(self, member: Timed) -> None:
        """Forget `member`. The last one stops the timer."""
        self._members.discard(member)
        if not self._members and self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._wheels.pop(self._key, None)

    def _turn(self) -> None:
        loop, tick = self._key
        self._handle = loop.call_later(tick, self._turn)
        now = loop.time()
        # A list first: a member that is cut may leave while the others are being looked at.
        for member in [member for member in self._members if member.due <= now]:
            member.on_due(now)


def spend(paid_until: float, now: float, rate: float, burst: int) -> float | None:
    """Take one of `burst` tokens that come back at `rate` per second; None when there is none.

    The whole bucket is one float, the moment at which it would be full again (the generic cell rate
    algorithm): start with 0 and pass the last answer to the next call.
    """
    paid_until = max(paid_until, now)
    # Half a token of grace: rounding must not cost the last one.
    if paid_until - now > (burst - 0.5) / rate:
        return None
    return paid_until + 1 / rate
