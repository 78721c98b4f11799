"""Deadlines kept by one timer, and the pace kept by one float."""

import asyncio
import math
import socket
import time

import pytest

from tests.waiting import eventually
from widget_server.edge.wheel import Deadline, Wheel, spend

ON_BOTH_LOOPS = True


class Member:
    def __init__(self, due: float, wheel: Wheel | None = None) -> None:
        self.due = due
        self.calls: list[float] = []
        self.wheel = wheel
        self.others: list[Member] = []

    def on_due(self, now: float) -> None:
        self.calls.append(now)
        self.due = math.inf
        for other in self.others:
            assert self.wheel is not None
            self.wheel.leave(other)


async def test_a_member_is_called_once_its_deadline_has_passed_and_not_before() -> None:
    loop = asyncio.get_running_loop()
    wheel = Wheel.of(loop, 0.01)
    soon, later = Member(loop.time() + 0.05), Member(math.inf)
    wheel.join(soon)
    wheel.join(later)
    due = soon.due
    await eventually(lambda: soon.calls, "the deadline has passed")
    assert soon.calls[0] >= due
    assert not later.calls
    wheel.leave(soon)
    wheel.leave(later)


async def test_members_may_leave_while_others_are_called() -> None:
    loop = asyncio.get_running_loop()
    wheel = Wheel.of(loop, 0.01)
    members = [Member(loop.time(), wheel) for _ in range(10)]
    for member in members:
        member.others = members
        wheel.join(member)
    await eventually(lambda: any(m.calls for m in members), "the deadline has passed")
    assert Wheel.of(loop, 0.01) is not wheel


async def test_a_wheel_that_was_left_turns_again_for_a_new_member() -> None:
    loop = asyncio.get_running_loop()
    wheel = Wheel.of(loop, 0.01)
    first, second = Member(math.inf), Member(loop.time())
    wheel.join(first)
    wheel.leave(first)
    wheel.leave(first)
    wheel.join(second)
    await eventually(lambda: second.calls, "the deadline has passed")
    wheel.leave(second)


@pytest.mark.parametrize("rate", [0.001, 1.0, 20.0, 1e9])
def test_a_full_bucket_gives_its_burst_and_no_more(rate: float) -> None:
    now, paid = 123_456.789, 0.0
    for _ in range(60):
        answer = spend(paid, now, rate, 60)
        assert answer is not None
        paid = answer
    assert spend(paid, now, rate, 60) is None


def test_tokens_come_back_at_the_rate() -> None:
    paid, taken = 0.0, 0
    for tenth in range(1000):
        now = 1000 + tenth / 10
        while (answer := spend(paid, now, 2.0, 20)) is not None:
            paid, taken = answer, taken + 1
    assert taken == pytest.approx(20 + 2 * 100, abs=2)


async def test_a_deadline_hears_what_came_in_time_before_it_is_late() -> None:
    loop = asyncio.get_running_loop()
    heard, late = asyncio.Event(), asyncio.Event()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        deadline = Deadline(loop, 0.01, late.set)

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
    Deadline(asyncio.get_running_loop(), 0.01, late.set)
    await asyncio.wait_for(late.wait(), 5)
