"""Deadlines kept by one timer, and the pace kept by one float."""

import asyncio
import socket
import time
from typing import Any

import pytest

from tests.waiting import eventually
from widget_server.transport.timing_wheel import GraceTimer, TimerTarget, TimingWheel, gcra_hit

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


async def test_a_member_is_called_once_its_deadline_has_passed_and_not_before() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    soon, later = Member(timing_wheel), Member(timing_wheel)
    due = loop.time() + 0.05
    timing_wheel.schedule(soon, due)
    timing_wheel.schedule(later, due + 3_600)
    await eventually(lambda: soon.calls, "the deadline has passed")
    assert soon.calls[0] >= due
    assert not later.calls
    timing_wheel.cancel(soon)
    timing_wheel.cancel(later)
    assert TimingWheel.for_loop(loop, 0.01) is not timing_wheel


@pytest.mark.parametrize("first", [0.02, 3_600])
async def test_the_last_deadline_that_was_set_is_the_one_that_counts(first: float) -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    member = Member(timing_wheel)
    timing_wheel.schedule(member, loop.time() + first)
    due = loop.time() + 0.1
    timing_wheel.schedule(member, due)
    await eventually(lambda: member.calls, "the deadline has passed")
    assert len(member.calls) == 1
    assert member.calls[0] >= due


async def test_a_member_that_is_called_may_set_its_next_deadline_also_one_that_has_passed() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    member = Member(timing_wheel)
    member.again = [0.03, -5.0, 0.0]
    timing_wheel.schedule(member, loop.time() - 5)
    await eventually(lambda: len(member.calls) == 4, "each deadline has passed")
    assert member.calls[3] - member.calls[2] >= 0.02
    assert member.slot == 0
    await eventually(lambda: (loop, 0.01) not in TimingWheel._wheels, "the timer has stopped")


async def test_members_that_leave_while_others_are_called_are_not_called() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    members = [Member(timing_wheel) for _ in range(10)]
    due = loop.time()
    for member in members:
        member.others = members
        timing_wheel.schedule(member, due)
    await eventually(lambda: any(m.calls for m in members), "the deadline has passed")
    assert sum(len(m.calls) for m in members) == 1
    assert TimingWheel.for_loop(loop, 0.01) is not timing_wheel


async def test_a_busy_process_turns_what_it_missed() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    members = [Member(timing_wheel) for _ in range(10)]
    for number, member in enumerate(members):
        timing_wheel.schedule(member, loop.time() + number / 100)
    # The process is busy until long after all of them, and comes to no turn of the wheel.
    time.sleep(0.2)
    await eventually(lambda: all(m.calls for m in members), "all deadlines have passed")
    assert len({m.calls[0] for m in members}) == 1


async def test_a_turn_looks_only_at_those_who_are_due() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    idle = [Member(timing_wheel) for _ in range(1_000)]
    for number, member in enumerate(idle):
        timing_wheel.schedule(member, loop.time() + 60 + number / 100)
    looked = 0

    class Watched(dict[int, set[TimerTarget]]):
        def get(self, slot: int, default: Any = None) -> Any:
            nonlocal looked
            members = super().get(slot, default)
            looked += len(members or ())
            return members

    timing_wheel._slots = Watched(timing_wheel._slots)
    soon = Member(timing_wheel)
    timing_wheel.schedule(soon, loop.time() + 0.05)
    await eventually(lambda: soon.calls, "the deadline has passed")
    assert looked == 1
    for member in idle:
        timing_wheel.cancel(member)


async def test_a_wheel_that_was_left_turns_again_for_a_new_member() -> None:
    loop = asyncio.get_running_loop()
    timing_wheel = TimingWheel.for_loop(loop, 0.01)
    first, second = Member(timing_wheel), Member(timing_wheel)
    timing_wheel.schedule(first, loop.time() + 60)
    timing_wheel.cancel(first)
    timing_wheel.cancel(first)
    timing_wheel.schedule(second, loop.time())
    await eventually(lambda: second.calls, "the deadline has passed")
    timing_wheel.cancel(second)


@pytest.mark.parametrize("rate", [0.001, 1.0, 20.0, 1e9])
def test_a_full_bucket_gives_its_burst_and_no_more(rate: float) -> None:
    now, paid = 123_456.789, 0.0
    for _ in range(60):
        answer = gcra_hit(paid, now, rate, 60)
        assert answer is not None
        paid = answer
    assert gcra_hit(paid, now, rate, 60) is None


def test_tokens_come_back_at_the_rate() -> None:
    paid, taken = 0.0, 0
    for tenth in range(1000):
        now = 1000 + tenth / 10
        while (answer := gcra_hit(paid, now, 2.0, 20)) is not None:
            paid, taken = answer, taken + 1
    assert taken == pytest.approx(20 + 2 * 100, abs=2)


async def test_a_deadline_hears_what_came_in_time_before_it_is_late() -> None:
    loop = asyncio.get_running_loop()
    heard, late = asyncio.Event(), asyncio.Event()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        deadline = GraceTimer(loop, 0.01, late.set)

        async def hear() -> None:
            await loop.sock_recv(ours, 1)
            deadline.cancel()
            heard.set()

        hearing = asyncio.create_task(hear())
        await asyncio.sleep(0)
        theirs.send(b"!")
        # The process is busy until long after the deadline, and comes to neither of the two.
        time.sleep(0.1)
        await asyncio.wait_for(heard.wait(), 5)
        await hearing
        assert not late.is_set()


async def test_a_deadline_is_late_for_one_that_said_nothing() -> None:
    late = asyncio.Event()
    GraceTimer(asyncio.get_running_loop(), 0.01, late.set)
    await asyncio.wait_for(late.wait(), 5)
