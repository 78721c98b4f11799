"""Broadcast group: subscriptions that are visible, writable and at the channel's position.

A write to each member is one `send(2)` and reads nothing but the member's socket: with thousands
of members, loading each member's objects into the CPU cache takes as long as all other steps
together. So membership is updated at once instead of being checked at each write. A member is
removed as soon as it becomes unwritable, hides its page or unsubscribes, even in the
middle of a flush.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from widget_server.hub.connection import Connection, SupportsSend
from widget_server.hub.prepared import PreparedBatch

NOT_A_MEMBER = -1
"""The slot of a subscription outside the broadcast group."""


class BroadcastMember(Protocol):
    """The attributes of a member that the broadcast group uses."""

    connection: Connection
    slot: int


M = TypeVar("M", bound=BroadcastMember)


class _EmptySlot:
    """Placeholder for a removed member until the lists are compacted. Accepts and drops data."""

    def send(self, data: bytes, /) -> int:
        return len(data)


_EMPTY_SLOT = _EmptySlot()


class BroadcastGroup(Generic[M]):
    """Members in order of joining. Between flushes all have received changes up to the same `seq`."""

    __slots__ = ("_after", "_before", "_members", "_next", "_number", "_sockets")

    def __init__(self) -> None:
        self._members: list[M | None] = []
        self._sockets: list[SupportsSend] = []
        self._number = 0
        self._before: int | None = None
        self._after: int | None = None
        self._next = 0
        """The slot that is written to next. Slots below it are at `_after`, the others at
        `_before`."""

    def __len__(self) -> int:
        """Return the number of members."""
        return self._number

    def __iter__(self) -> Iterator[M]:
        return (member for member in self._members if member is not None)

    @property
    def is_done(self) -> bool:
        """Whether no flush is in progress."""
        return self._next == len(self._sockets)

    def seq_at(self, slot: int) -> int | None:
        """Return the `seq` of the last change written to a slot; None before the first flush."""
        return self._after if slot < self._next else self._before

    def add(self, member: M, socket: SupportsSend) -> None:
        """Add a member that is at the group's position. No flush may be in progress."""
        member.slot = self._next
        self._members.append(member)
        self._sockets.append(socket)
        self._number += 1
        self._next += 1

    def remove(self, member: M) -> int | None:
        """Remove a member and return its `seq`."""
        slot, member.slot = member.slot, NOT_A_MEMBER
        self._members[slot], self._sockets[slot] = None, _EMPTY_SLOT
        self._number -= 1
        return self.seq_at(slot)

    def begin_write(self, after: int) -> None:
        """Start a flush that brings all members to `after`; `write` continues it."""
        if self._number < len(self._members):
            self._compact()
        self._before, self._after, self._next = self._after, after, 0

    def _compact(self) -> None:
        pairs = zip(self._members, self._sockets, strict=True)
        remaining = [(member, socket) for member, socket in pairs if member is not None]
        self._members, self._sockets = [], []
        for slot, (member, socket) in enumerate(remaining):
            member.slot = slot
            self._members.append(member)
            self._sockets.append(socket)

    def write(self, batch: PreparedBatch, limit: int) -> int:
        """Write to the next `limit` slots; return the number of members in them."""
        data, size, sockets = batch.frame_bytes, batch.size, self._sockets
        start, stop = self._next, min(self._next + limit, len(sockets))
        empty = sockets[start:stop].count(_EMPTY_SLOT) if self._number < len(sockets) else 0
        for slot in range(start, stop):
            try:
                sent = sockets[slot].send(data)
            except OSError:
                sent = 0
            if sent != size:
                self._next = slot + 1
                self._write_remainder(slot, memoryview(data)[sent:])
        self._next = stop
        return stop - start - empty

    def _write_remainder(self, slot: int, remainder: memoryview) -> None:
        """Pass on what the socket did not take; the connection then leaves the group."""
        member = self._members[slot]
        if member is not None:
            member.connection.write_remainder(remainder)
