"""Broadcast group: each member is sent each batch once, whatever happens during the flush."""

from collections.abc import Callable
from typing import Any

import pytest

from widget_server.hub.broadcast import NOT_A_MEMBER, BroadcastGroup
from widget_server.hub.prepared import PreparedBatch, PreparedMessage


class FakeMember:
    """A member, its connection and its socket in one. `send` takes `room` bytes, then none."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.slot = NOT_A_MEMBER
        self.room = room
        self.sent = b""
        self.remainder = b""
        self.before_remainder: Callable[[], object] = lambda: None

    @property
    def connection(self) -> "FakeMember":
        return self

    def send(self, data: bytes, /) -> int:
        taken = data[: self.room]
        if not taken:
            raise BlockingIOError
        self.room -= len(taken)
        self.sent += taken
        return len(taken)

    def write_remainder(self, data: bytes) -> None:
        self.before_remainder()
        self.remainder += data


def batch(number: int) -> PreparedBatch:
    return PreparedBatch([PreparedMessage(b"number %d" % number)])


def group_of(members: list[FakeMember], at: int = 0) -> "BroadcastGroup[Any]":
    broadcast: BroadcastGroup[Any] = BroadcastGroup()
    broadcast.begin_write(at)
    for member in members:
        broadcast.add(member, member)
    return broadcast


def test_every_member_is_sent_the_batch_in_chunks() -> None:
    members = [FakeMember() for _ in range(5)]
    broadcast = group_of(members)
    broadcast.begin_write(1)
    assert [broadcast.write(batch(1), 2) for _ in range(3)] == [2, 2, 1]
    assert broadcast.is_done
    assert {member.sent for member in members} == {batch(1).frame_bytes}


def test_a_member_removed_during_a_flush_has_the_seq_that_was_written_to_it() -> None:
    members = [FakeMember() for _ in range(4)]
    broadcast = group_of(members, at=7)
    broadcast.begin_write(9)
    broadcast.write(batch(1), 2)
    assert [broadcast.remove(members[slot]) for slot in (1, 2)] == [9, 7]
    assert broadcast.write(batch(1), 2) == 1
    assert [member.sent != b"" for member in members] == [True, True, False, True]
    assert len(broadcast) == 2
    assert list(broadcast) == [members[0], members[3]]


def test_compacting_keeps_the_order_of_members() -> None:
    members = [FakeMember() for _ in range(4)]
    broadcast = group_of(members)
    broadcast.remove(members[0])
    broadcast.remove(members[2])
    late = FakeMember()
    broadcast.add(late, late)
    broadcast.begin_write(1)
    assert [member.slot for member in (members[1], members[3], late)] == [0, 1, 2]
    assert broadcast.write(batch(1), 10) == 3
    assert broadcast.remove(late) == 1
    assert members[0].sent == members[2].sent == b""


@pytest.mark.parametrize("room", [0, 1, 5])
def test_bytes_that_a_socket_does_not_take_are_passed_to_the_connection_which_may_leave(
    room: int,
) -> None:
    members = [FakeMember(), FakeMember(room), FakeMember()]
    broadcast = group_of(members)
    removed_at: list[int | None] = []
    members[1].before_remainder = lambda: removed_at.append(broadcast.remove(members[1]))
    broadcast.begin_write(1)
    assert broadcast.write(batch(1), 10) == 3
    assert members[1].sent + members[1].remainder == batch(1).frame_bytes
    assert removed_at == [1]
    broadcast.begin_write(2)
    assert broadcast.write(batch(2), 10) == 2
    assert members[2].sent == batch(1).frame_bytes + batch(2).frame_bytes
