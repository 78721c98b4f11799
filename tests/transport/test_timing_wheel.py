"""TimingWheel, GraceTimer and the rate limit of a single bucket."""

import asyncio
import socket
import time
from typing import Any

import pytest

from tests.waiting import eventually
from widget_server.auth.rate_limit import Rate
from widget_server.transport.timing_wheel import GraceTimer, TimerTarget, TimingWheel

ON_BOTH_LOOPS = True


class Member:
    def __init__(self, timing_wheel: TimingWheel) -> None:
        self.slot = 0
        self.calls: list[float] = []
        self.wheel = timing_wheel
        self.others: list[Member] = []
        self.again: list[float] = []

    def on_timer(self, now: float) -> None:
        self.calls.append(now)
        for other in self.others:
            self.wheel.cancel(other)
        if self.again:
            self.wheel.schedule(self, now + self.again.pop())


async def test_a_member_is_called_once_when_its_timer_has_expired() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    soon, later = Member(timing_wheel), Member(timing_wheel)
    due = loop.time() + 0.05
    timing_wheel.schedule(soon, due)
    timing_wheel.schedule(later, due + 3_600)
    await eventually(lambda: soon.calls, "the timer has expired")
    assert soon.calls[0] >= due
    assert not later.calls
    timing_wheel.cancel(soon)
    timing_wheel.cancel(later)
    assert TimingWheel.for_loop(loop, 0.01) is not timing_wheel


@pytest.mark.parametrize("first", [0.02, 3_600])
async def test_the_latest_setting_of_a_timer_replaces_the_earlier_one(first: float) -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    member = Member(timing_wheel)
    timing_wheel.schedule(member, loop.time() + first)
    due = loop.time() + 0.1
    timing_wheel.schedule(member, due)
    await eventually(lambda: member.calls, "the timer has expired")
    assert len(member.calls) == 1
    assert member.calls[0] >= due


async def test_a_member_that_is_called_may_schedule_itself_also_in_the_past() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    member = Member(timing_wheel)
    member.again = [0.03, -5.0, 0.0]
    timing_wheel.schedule(member, loop.time() - 5)
    await eventually(lambda: len(member.calls) == 4, "each timer has expired")
    assert member.calls[3] - member.calls[2] >= 0.02
    assert member.slot == 0
    await eventually(lambda: (loop, 0.01) not in TimingWheel._wheels, "the timer has stopped")


async def test_members_cancelled_during_a_tick_are_not_called() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    members = [Member(timing_wheel) for _ in range(10)]
    due = loop.time()
    for member in members:
        member.others = members
        timing_wheel.schedule(member, due)
    await eventually(lambda: any(m.calls for m in members), "the timer has expired")
    assert sum(len(m.calls) for m in members) == 1
    assert TimingWheel.for_loop(loop, 0.01) is not timing_wheel


async def test_missed_ticks_are_made_up_at_once() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    members = [Member(timing_wheel) for _ in range(10)]
    for number, member in enumerate(members):
        timing_wheel.schedule(member, loop.time() + number / 100)
    # The process is busy until long after all timers are due: the wheel does not advance.
    time.sleep(0.2)
    await eventually(lambda: all(m.calls for m in members), "all timers have expired")
    assert len({m.calls[0] for m in members}) == 1


async def test_a_tick_visits_only_expired_members() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    idle = [Member(timing_wheel) for _ in range(1_000)]
    for number, member in enumerate(idle):
        timing_wheel.schedule(member, loop.time() + 60 + number / 100)
    visited = 0

    class Watched(dict[int, set[TimerTarget]]):
        def get(self, slot: int, default: Any = None) -> Any:
            nonlocal visited
            members = super().get(slot, default)
            visited += len(members or ())
            return members

    timing_wheel._slots = Watched(timing_wheel._slots)
    soon = Member(timing_wheel)
    timing_wheel.schedule(soon, loop.time() + 0.05)
    await eventually(lambda: soon.calls, "the timer has expired")
    assert visited == 1
    for member in idle:
        timing_wheel.cancel(member)


async def test_an_empty_wheel_runs_again_for_a_new_member() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    first, second = Member(timing_wheel), Member(timing_wheel)
    timing_wheel.schedule(first, loop.time() + 60)
    timing_wheel.cancel(first)
    timing_wheel.cancel(first)
    timing_wheel.schedule(second, loop.time())
    await eventually(lambda: second.calls, "the timer has expired")
    timing_wheel.cancel(second)


@pytest.mark.parametrize("per_s", [60_000.0, 60.0, 3.0, 0.06])
def test_a_full_bucket_allows_its_burst_and_no_more(per_s: float) -> None:
    rate, now, full_at = Rate(60, per_s), 123_456.789, 0.0
    for _ in range(60):
        after = rate.hit(full_at, now)
        assert after is not None
        full_at = after
    assert rate.hit(full_at, now) is None


def test_a_bucket_is_refilled_at_the_rate() -> None:
    rate, full_at, allowed = Rate(20, 10.0), 0.0, 0
    for tenth in range(1000):
        now = 1000 + tenth / 10
        while (after := rate.hit(full_at, now)) is not None:
            full_at, allowed = after, allowed + 1
    assert allowed == pytest.approx(20 + 2 * 100, abs=2)


async def test_a_grace_timer_expires_only_after_input_that_arrived_in_time_is_processed() -> None:
    loop = asyncio.get_running_loop()
    received, expired = asyncio.Event(), asyncio.Event()
    receiver, sender = socket.socketpair()
    with receiver, sender:
        receiver.setblocking(False)
        timer = GraceTimer(loop, 0.01, expired.set)

        async def receive() -> None:
            await loop.sock_recv(receiver, 1)
            timer.cancel()
            received.set()

        receiving = asyncio.create_task(receive())
        await asyncio.sleep(0)
        sender.send(b"!")
        # The process is busy until long after the timeout: it handles neither the input nor the timer.
        time.sleep(0.1)
        await asyncio.wait_for(received.wait(), 5)
        await receiving
        assert not expired.is_set()


async def test_a_grace_timer_expires_without_input() -> None:
    expired = asyncio.Event()
    GraceTimer(asyncio.get_running_loop(), 0.01, expired.set)
    await asyncio.wait_for(expired.wait(), 5)
