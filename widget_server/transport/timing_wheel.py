"""Timers for connections: one that grants a grace to input already received, and a timing wheel."""

import asyncio
from collections.abc import Callable
from typing import ClassVar, Protocol


class GraceTimer:
    """Calls `on_expired` after `seconds`, once the input received until then was processed.

    If thousands of clients connect at once, the server may read a client's input later than the
    timeout allows the client to send it. One iteration of the event loop reads the input.
    The next wakes the task that waits for it. After the third that task has run.
    """

    __slots__ = ("_handle", "_iterations_left", "_loop", "_on_expired")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, on_expired: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._on_expired = on_expired
        self._iterations_left = 4
        self._handle: asyncio.Handle = loop.call_later(seconds, self._due)

    def cancel(self) -> None:
        """Cancel the timer."""
        self._handle.cancel()

    def _due(self) -> None:
        if self._iterations_left:
            self._iterations_left -= 1
            self._handle = self._loop.call_soon(self._due)
        else:
            self._on_expired()


class TimerTarget(Protocol):
    """An object with one timer."""

    slot: int
    """The wheel's slot that holds this object, 0 for none. Only the wheel writes it."""

    def on_timer(self, now: float) -> None:
        """Handle the expired timer, and schedule the next one if needed."""


class TimingWheel:
    """Timing wheel: calls its members when their timers have expired, once per `tick` seconds.

    A member is stored in the slot of the tick in which it is due. The cost of a tick is therefore
    proportional to expired timers, not to all timers. Two timers per connection, as in uvicorn,
    cost more memory and more time. A timer fires at most one tick late.
    """

    _wheels: ClassVar[dict[tuple[asyncio.AbstractEventLoop, float], "TimingWheel"]] = {}

    __slots__ = ("_handle", "_key", "_last_tick", "_slots")

    def __init__(self, loop: asyncio.AbstractEventLoop, tick: float) -> None:
        self._key = (loop, tick)
        self._slots: dict[int, set[TimerTarget]] = {}
        self._last_tick = 0
        self._handle: asyncio.TimerHandle | None = None

    @classmethod
    def for_loop(cls, loop: asyncio.AbstractEventLoop, tick: float) -> "TimingWheel":
        """Return the wheel of this loop. It is kept, and its timer runs, while it has members."""
        wheel = cls._wheels.get((loop, tick))
        if wheel is None:
            wheel = cls._wheels[loop, tick] = TimingWheel(loop, tick)
        return wheel

    def schedule(self, member: TimerTarget, due: float) -> None:
        """Call `member` once `due` has passed, in the event loop's time, instead of at an earlier setting."""
        loop, tick = self._key
        if self._handle is None:
            self._wheels[self._key] = self
            self._last_tick = int(loop.time() / tick)
            self._wait()
        self._take(member, self._slots.get(member.slot))
        member.slot = max(int(due / tick), self._last_tick) + 1
        self._slots.setdefault(member.slot, set()).add(member)

    def cancel(self, member: TimerTarget) -> None:
        """Remove `member`. Stop the wheel's timer if it was the last member."""
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
        self._handle = loop.call_at((self._last_tick + 1) * tick, self._advance)

    def _stop_if_empty(self) -> None:
        if not self._slots:
            if self._handle is not None:
                self._handle.cancel()
                self._handle = None
            self._wheels.pop(self._key, None)

    def _advance(self) -> None:
        loop, tick = self._key
        now = loop.time()
        first, self._last_tick = self._last_tick + 1, int(now / tick)
        self._wait()
        for slot in range(first, self._last_tick + 1):
            # Pop members singly: a member that is called may cancel others of the same slot.
            while members := self._slots.get(slot):
                member = members.pop()
                self._take(member, members)
                member.on_timer(now)
        self._stop_if_empty()
