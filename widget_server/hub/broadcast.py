"""Those who watch a story, see it and are where everyone is: for each a delivery is one system call.

Nothing is asked and nothing looked at for a delivery but the socket itself: with thousands of
readers, fetching each one's memory takes as long as all our own steps. What would have to be asked
is kept true instead: who cannot take frames, hides the page or goes leaves the broadcast group in that moment,
be it in the middle of a delivery.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from widget_server.hub.connection import WRITE_METRICS, Connection, SupportsSend
from widget_server.hub.prepared import PreparedBatch

NOT_A_MEMBER = -1
"""The place of one who is not in a broadcast group."""


class BroadcastMember(Protocol):
    """What the broadcast group knows of one who is in it."""

    connection: Connection
    slot: int


M = TypeVar("M", bound=BroadcastMember)


class _EmptySlot:
    """Stands where one has left, until the next delivery begins."""

    def send(self, data: bytes, /) -> int:
        return len(data)


_EMPTY_SLOT = _EmptySlot()


class BroadcastGroup(Generic[M]):
    """Who is written to together, in order of coming. All have the same `seq` between deliveries."""

    __slots__ = ("_after", "_before", "_members", "_next", "_number", "_sockets")

    def __init__(self) -> None:
        self._members: list[M | None] = []
        self._sockets: list[SupportsSend] = []
        self._number = 0
        self._before = self._after = -1
        self._next = 0
        """The place that is written to next. Those below it have `_after`, the others `_before`."""

    def __len__(self) -> int:
        """Return how many are in it."""
        return self._number

    def __iter__(self) -> Iterator[M]:
        return (member for member in self._members if member is not None)

    @property
    def is_done(self) -> bool:
        """No delivery is under way."""
        return self._next == len(self._sockets)

    def seq_at(self, place: int) -> int:
        """`seq` of the last change written to the one at this place."""
        return self._after if place < self._next else self._before

    def add(self, member: M, socket: SupportsSend) -> None:
        """Write to this one too. It has what the others have, and no delivery is under way."""
        member.slot = self._next
        self._members.append(member)
        self._sockets.append(socket)
        self._number += 1
        self._next += 1

    def remove(self, member: M) -> int:
        """Write to this one no more, and answer the `seq` that it has."""
        place, member.slot = member.slot, NOT_A_MEMBER
        self._members[place], self._sockets[place] = None, _EMPTY_SLOT
        self._number -= 1
        return self.seq_at(place)

    def begin_write(self, after: int) -> None:
        """Start a delivery that brings everyone to `after`; `write` goes on with it."""
        if self._number < len(self._members):
            self._compact()
        self._before, self._after, self._next = self._after, after, 0

    def _compact(self) -> None:
        both = zip(self._members, self._sockets, strict=True)
        kept = [(member, socket) for member, socket in both if member is not None]
        self._members, self._sockets = [], []
        for place, (member, socket) in enumerate(kept):
            member.slot = place
            self._members.append(member)
            self._sockets.append(socket)

    def write(self, batch: PreparedBatch, most: int) -> int:
        """Write to the next `most` places, and answer how many took the batch."""
        wire, size, sockets = batch.frame_bytes, batch.size, self._sockets
        start, stop = self._next, min(self._next + most, len(sockets))
        empty = sockets[start:stop].count(_EMPTY_SLOT) if self._number < len(sockets) else 0
        for place in range(start, stop):
            try:
                sent = sockets[place].send(wire)
            except OSError:
                sent = 0
            if sent != size:
                self._next = place + 1
                self._finish(place, memoryview(wire)[sent:])
        self._next = stop
        taken = stop - start - empty
        WRITE_METRICS.add(batch, taken)
        return taken

    def _finish(self, place: int, rest: memoryview) -> None:
        member = self._members[place]
        if member is not None:
            member.connection.write_remainder(rest)
