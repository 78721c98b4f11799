"""The broadcast group: each in it gets each batch once, whatever happens while the batch is on its way."""

from collections.abc import Callable
from typing import Any

import pytest

from widget_server.hub.broadcast import NOT_A_MEMBER, BroadcastGroup
from widget_server.hub.connection import WRITE_METRICS
from widget_server.hub.prepared import PreparedBatch, PreparedMessage


class Kernel:
    """A member with its peer and its socket in one: takes so many bytes, then none."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.slot = NOT_A_MEMBER
        self.room = room
        self.sent = b""
        self.rest = b""
        self.before_rest: Callable[[], object] = lambda: None

    @property
    def connection(self) -> "Kernel":
        return self

    def send(self, wire: bytes, /) -> int:
        taken = wire[: self.room]
        if not taken:
            raise BlockingIOError
        self.room -= len(taken)
        self.sent += taken
        return len(taken)

    def write_remainder(self, data: bytes) -> None:
        self.before_rest()
        self.rest += data


def batch(number: int) -> PreparedBatch:
    return PreparedBatch([PreparedMessage(b"number %d" % number)])


def group_of(members: list[Kernel], at: int = 0) -> "BroadcastGroup[Any]":
    broadcast: BroadcastGroup[Any] = BroadcastGroup()
    broadcast.begin_write(at)
    for member in members:
        broadcast.add(member, member)
    return broadcast


def test_everyone_gets_the_batch_in_as_many_goes_as_it_takes() -> None:
    members = [Kernel() for _ in range(5)]
    broadcast = group_of(members)
    before = WRITE_METRICS.messages_sent, WRITE_METRICS.sent_bytes
    broadcast.begin_write(1)
    assert [broadcast.write(batch(1), 2) for _ in range(3)] == [2, 2, 1]
    assert broadcast.is_done
    assert {member.sent for member in members} == {batch(1).frame_bytes}
    assert WRITE_METRICS.messages_sent - before[0] == 5
    assert WRITE_METRICS.sent_bytes - before[1] == 5 * batch(1).size


def test_who_leaves_in_the_middle_has_what_it_was_written() -> None:
    members = [Kernel() for _ in range(4)]
    broadcast = group_of(members, at=7)
    broadcast.begin_write(9)
    broadcast.write(batch(1), 2)
    assert [broadcast.remove(members[place]) for place in (1, 2)] == [9, 7]
    assert broadcast.write(batch(1), 2) == 1
    assert [member.sent != b"" for member in members] == [True, True, False, True]
    assert len(broadcast) == 2
    assert list(broadcast) == [members[0], members[3]]


def test_ranks_close_and_those_behind_keep_their_place_in_the_order() -> None:
    members = [Kernel() for _ in range(4)]
    broadcast = group_of(members)
    broadcast.remove(members[0])
    broadcast.remove(members[2])
    late = Kernel()
    broadcast.add(late, late)
    broadcast.begin_write(1)
    assert [member.slot for member in (members[1], members[3], late)] == [0, 1, 2]
    assert broadcast.write(batch(1), 10) == 3
    assert broadcast.remove(late) == 1
    assert members[0].sent == members[2].sent == b""


@pytest.mark.parametrize("room", [0, 1, 5])
def test_what_a_kernel_does_not_take_goes_to_the_peer_which_may_leave_at_that(room: int) -> None:
    members = [Kernel(), Kernel(room), Kernel()]
    broadcast = group_of(members)
    left_with: list[int | None] = []
    members[1].before_rest = lambda: left_with.append(broadcast.remove(members[1]))
    broadcast.begin_write(1)
    assert broadcast.write(batch(1), 10) == 3
    assert members[1].sent + members[1].rest == batch(1).frame_bytes
    assert left_with == [1]
    broadcast.begin_write(2)
    assert broadcast.write(batch(2), 10) == 2
    assert members[2].sent == batch(1).frame_bytes + batch(2).frame_bytes
