"""The crowd: each in it gets each batch once, whatever happens while the batch is on its way."""

from collections.abc import Callable
from typing import Any

import pytest

from widget_server.live.crowd import OUTSIDE, Crowd
from widget_server.live.frames import Batch, Frame
from widget_server.live.peers import WRITTEN


class Kernel:
    """A member with its peer and its socket in one: takes so many bytes, then none."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.place = OUTSIDE
        self.room = room
        self.sent = b""
        self.rest = b""
        self.before_rest: Callable[[], object] = lambda: None

    @property
    def peer(self) -> "Kernel":
        return self

    def send(self, wire: bytes, /) -> int:
        taken = wire[: self.room]
        if not taken:
            raise BlockingIOError
        self.room -= len(taken)
        self.sent += taken
        return len(taken)

    def put_rest(self, data: bytes) -> None:
        self.before_rest()
        self.rest += data


def batch(number: int) -> Batch:
    return Batch([Frame(b"number %d" % number)])


def crowd_of(members: list[Kernel], at: int = 0) -> "Crowd[Any]":
    crowd: Crowd[Any] = Crowd()
    crowd.begin(at)
    for member in members:
        crowd.enter(member, member)
    return crowd


def test_everyone_gets_the_batch_in_as_many_goes_as_it_takes() -> None:
    members = [Kernel() for _ in range(5)]
    crowd = crowd_of(members)
    before = WRITTEN.frames_written, WRITTEN.bytes_written
    crowd.begin(1)
    assert [crowd.write(batch(1), 2) for _ in range(3)] == [2, 2, 1]
    assert crowd.is_done
    assert {member.sent for member in members} == {batch(1).wire}
    assert WRITTEN.frames_written - before[0] == 5
    assert WRITTEN.bytes_written - before[1] == 5 * batch(1).size


def test_who_leaves_in_the_middle_has_what_it_was_written() -> None:
    members = [Kernel() for _ in range(4)]
    crowd = crowd_of(members, at=7)
    crowd.begin(9)
    crowd.write(batch(1), 2)
    assert [crowd.leave(members[place]) for place in (1, 2)] == [9, 7]
    assert crowd.write(batch(1), 2) == 1
    assert [member.sent != b"" for member in members] == [True, True, False, True]
    assert len(crowd) == 2
    assert list(crowd) == [members[0], members[3]]


def test_ranks_close_and_those_behind_keep_their_place_in_the_order() -> None:
    members = [Kernel() for _ in range(4)]
    crowd = crowd_of(members)
    crowd.leave(members[0])
    crowd.leave(members[2])
    late = Kernel()
    crowd.enter(late, late)
    crowd.begin(1)
    assert [member.place for member in (members[1], members[3], late)] == [0, 1, 2]
    assert crowd.write(batch(1), 10) == 3
    assert crowd.leave(late) == 1
    assert members[0].sent == members[2].sent == b""


@pytest.mark.parametrize("room", [0, 1, 5])
def test_what_a_kernel_does_not_take_goes_to_the_peer_which_may_leave_at_that(room: int) -> None:
    members = [Kernel(), Kernel(room), Kernel()]
    crowd = crowd_of(members)
    left_with: list[int] = []
    members[1].before_rest = lambda: left_with.append(crowd.leave(members[1]))
    crowd.begin(1)
    assert crowd.write(batch(1), 10) == 3
    assert members[1].sent + members[1].rest == batch(1).wire
    assert left_with == [1]
    crowd.begin(2)
    assert crowd.write(batch(2), 10) == 2
    assert members[2].sent == batch(1).wire + batch(2).wire
