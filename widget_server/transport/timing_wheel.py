"""Deadlines of clients: one timer per process for all sockets, and the pace that one must keep."""

import asyncio
from collections.abc import Callable
from typing import ClassVar, Protocol


class GraceTimer:
    """Calls `late` after so many seconds, once all that had arrived by then was heard.

    Where thousands come at once, one that did everything in time may wait for us longer than it may
    make us wait. A turn of the event loop reads what has arrived, the next one wakes the task that
    it is for, and the one after that has let it run.
    """

    __slots__ = ("_handle", "_loop", "_on_expired", "_turns")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, on_expired: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._on_expired = on_expired
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
            self._on_expired()


class TimerTarget(Protocol):
    """Something with a deadline."""

    slot: int
    """Where its wheel keeps it, at first 0 for nowhere. No one else's."""

    def on_timer(self, now: float) -> None:
        """Act on the deadline, which is no more, and set the next one."""


class TimingWheel:
    """Calls its members when their deadlines have passed, those of one `tick` seconds together.

    A timing wheel: a member lies in the slot of the tick in which it is due, so that a turn costs
    what there is to do and not what there is. Two timers per connection, as uvicorn has them, cost
    more memory and more time. Deadlines are kept to within one tick.
    """

    _wheels: ClassVar[dict[tuple[asyncio.AbstractEventLoop, float], "TimingWheel"]] = {}

    __slots__ = ("_handle", "_key", "_slots", "_turned")

    def __init__(self, loop: asyncio.AbstractEventLoop, tick: float) -> None:
        self._key = (loop, tick)
        self._slots: dict[int, set[TimerTarget]] = {}
        self._turned = 0
        self._handle: asyncio.TimerHandle | None = None

    @classmethod
    def for_loop(cls, loop: asyncio.AbstractEventLoop, tick: float) -> "TimingWheel":
        """Return the wheel of this loop; it exists, and its timer runs, while it has members."""
        wheel = cls._wheels.get((loop, tick))
        if wheel is None:
            wheel = cls._wheels[loop, tick] = TimingWheel(loop, tick)
        return wheel

    def schedule(self, member: TimerTarget, due: float) -> None:
        """Call `member` once `due` has passed, in the event loop's time, and not as said before."""
        loop, tick = self._key
        if self._handle is None:
            self._wheels[self._key] = self
            self._turned = int(loop.time() / tick)
            self._wait()
        self._take(member, self._slots.get(member.slot))
        member.slot = max(int(due / tick), self._turned) + 1
        self._slots.setdefault(member.slot, set()).add(member)

    def cancel(self, member: TimerTarget) -> None:
        """Forget `member`. The last one stops the timer."""
        self._take(member, self._slots.get(member.slot))
        self._stop_if_empty()

    def _take(self, member: TimerTarget, members: set[TimerTarget] | None) -> None:
        if members is not None:
            members.discard(member)
            if not members:
                del self._slots[member.slot]
            member.slot = 0

    def _wait(self) -> None:
        loop, tick = self._key
        self._handle = loop.call_at((self._turned + 1) * tick, self._advance)

    def _stop_if_empty(self) -> None:
        if not self._slots:
            if self._handle is not None:
                self._handle.cancel()
                self._handle = None
            self._wheels.pop(self._key, None)

    def _advance(self) -> None:
        loop, tick = self._key
        now = loop.time()
        first, self._turned = self._turned + 1, int(now / tick)
        self._wait()
        for slot in range(first, self._turned + 1):
            # One after the other: one that is called may let others leave.
            while members := self._slots.get(slot):
                member = members.pop()
                self._take(member, members)
                member.on_timer(now)
        self._stop_if_empty()


def gcra_hit(paid_until: float, now: float, rate: float, burst: int) -> float | None:
    """Take one of `burst` tokens that come back at `rate` per second; None when there is none.

    The whole bucket is one float, the moment at which it would be full again (the generic cell rate
    algorithm): start with 0 and pass the last answer to the next call.
    """
    paid_until = max(paid_until, now)
    # Half a token of grace: rounding must not cost the last one.
    if paid_until - now > (burst - 0.5) / rate:
        return None
    return paid_until + 1 / rate
