"""Presence: how many readers a story has now, and on how many copies, over all processes.

Each process announces its own counts when they change and every `REANNOUNCE_S`. Every process
sums the announced counts. Counts that are not announced again expire, so the readers of a process
that died disappear.

A network adds a limited number of readers: otherwise one program could appear as five hundred
readers. A household is counted exactly. An office or a school behind one address counts as `max_per_network`. Only
numbers are sent between processes, never networks. So a network with connections to several
processes counts once in each.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import orjson

from widget_server.bus.message import BusMessage

REANNOUNCE_S = 10.0
"""Counts above 0 are announced this often, so that the other processes keep them."""
EXPIRE_S = 25.0
"""Counts of another process expire after this time: two announcements may be lost."""
MIN_INTERVAL_S = 1.0
"""Changed counts are announced at most this often."""
MAX_COPIES = 200
"""Copies that one announcement may list."""
MAX_READERS = 1_000_000
"""Readers that one process may announce: more than it can have open files."""
ALLOWED_CLOCK_SKEW_S = 60.0
"""The largest accepted difference between an announcement's time and this machine's clock.

It covers the difference between two machines' clocks and the age of a message.
"""


def rounded(readers: int) -> int:
    """Return the number exactly up to 100, then in steps: a large count should not flicker."""
    for above, step in ((10_000, 100), (1_000, 50), (100, 10)):
        if readers > above:
            return readers // step * step
    return readers


class _Announcement(NamedTuple):
    """The counts that a process announced."""

    readers: int
    copies: frozenset[int]
    sent_at: int
    """Nanoseconds since 1970, by the sender's clock."""
    ask: bool
    """Whether the sender asks the other processes to announce their counts."""


class Presence:
    """Readers and copies of one story. Times are event-loop times, in seconds.

    `max_per_network` is the number of readers that one network can add; 0 means no limit.
    `clock` returns nanoseconds since 1970.
    """

    __slots__ = (
        "_announce_requested",
        "_clock",
        "_copies",
        "_copy_networks",
        "_copy_readers",
        "_last_announced",
        "_last_announced_at",
        "_last_sent_at",
        "_last_totals",
        "_max_per_network",
        "_networks",
        "_others",
        "_process",
        "_readers",
    )

    def __init__(
        self, process: str, max_per_network: int = 0, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._process = process
        self._max_per_network = max_per_network
        self._clock = clock
        self._readers = 0
        self._networks: Counter[str] = Counter()
        self._copies: Counter[int] = Counter()
        self._copy_networks: Counter[tuple[int, str]] = Counter()
        self._copy_readers: Counter[int] = Counter()
        """Readers by copy, with the same limit for a network as the story's readers."""
        self._others: dict[str, tuple[_Announcement, float]] = {}
        """The latest announcement of each other process, and when it was received."""
        self._last_announced: tuple[int, frozenset[int]] = (0, frozenset())
        self._last_announced_at = -REANNOUNCE_S
        self._last_sent_at = 0
        """Nanoseconds since 1970 in the last announcement of this process."""
        self._last_totals = (0, 0)
        self._announce_requested = False

    def add(self, copy: int, network: str = "") -> None:
        """Add a reader from this network on this copy; `copy` is 0 if it has no number."""
        if self._networks[network] < self._max_per_network or not self._max_per_network:
            self._readers += 1
        self._networks[network] += 1
        if copy:
            self._copies[copy] += 1
            here = self._copy_networks[copy, network]
            self._copy_readers[copy] += here < self._max_per_network or not self._max_per_network
            self._copy_networks[copy, network] += 1

    def remove(self, copy: int, network: str = "") -> None:
        """Remove a reader that was added with the same arguments."""
        self._networks[network] -= 1
        if self._networks[network] < self._max_per_network or not self._max_per_network:
            self._readers -= 1
        if not self._networks[network]:
            del self._networks[network]
        if copy:
            self._copies[copy] -= 1
            self._copy_networks[copy, network] -= 1
            here = self._copy_networks[copy, network]
            self._copy_readers[copy] -= here < self._max_per_network or not self._max_per_network
            if not here:
                del self._copy_networks[copy, network]
            if not self._copies[copy]:
                del self._copies[copy], self._copy_readers[copy]

    def own_readers(self) -> tuple[int, dict[int, int]]:
        """Return the readers in this process, and those of each copy by its number."""
        return self._readers, dict(self._copy_readers)

    def totals(self) -> tuple[int, int]:
        """Return readers (rounded) and copies, over all processes."""
        others = [announced for announced, _ in self._others.values()]
        copies = set(self._copies).union(*(announced.copies for announced in others))
        readers = self._readers + sum(announced.readers for announced in others)
        return rounded(readers), len(copies)

    def has_changed(self, now: float) -> bool:
        """Whether the totals differ from those of the last call. Drops expired counts."""
        expired = [
            process
            for process, (_, received_at) in self._others.items()
            if now - received_at > EXPIRE_S
        ]
        for process in expired:
            del self._others[process]
        before, self._last_totals = self._last_totals, self.totals()
        return before != self._last_totals

    def receive(self, process: str, payload: bytes, now: float) -> None:
        """Store another process's announcement. If it asks, this process announces as well.

        An announcement is ignored if it is not newer than the last one of its process. It is also
        ignored if its time is too far from this clock: it was then recorded and sent again.
        """
        announced = None if process == self._process else _parse(payload)
        if announced is None:
            return
        last = self._others.get(process)
        replayed = last is not None and announced.sent_at <= last[0].sent_at
        if replayed or abs(self._clock() - announced.sent_at) > ALLOWED_CLOCK_SKEW_S * 1e9:
            return
        self._others[process] = announced, now
        self._announce_requested = self._announce_requested or announced.ask

    def should_announce(self, now: float) -> bool:
        """Whether this process should announce its counts now."""
        elapsed = now - self._last_announced_at
        changed = elapsed >= MIN_INTERVAL_S and self._own_counts() != self._last_announced
        due = self._readers > 0 and elapsed >= REANNOUNCE_S
        return self._announce_requested or changed or due

    def message(self, story: str, now: float, *, ask: bool = False) -> BusMessage:
        """Return this process's announcement, for the bus; `ask` requests those of the others."""
        self._last_announced, self._last_announced_at = self._own_counts(), now
        self._announce_requested = False
        self._last_sent_at = max(self._clock(), self._last_sent_at + 1)
        payload = {
            "readers": self._readers,
            "copies": sorted(self._last_announced[1]),
            "ask": ask,
            "at": self._last_sent_at,
        }
        return BusMessage("presence", story, self._readers, self._process, orjson.dumps(payload))

    def _own_counts(self) -> tuple[int, frozenset[int]]:
        return self._readers, frozenset(sorted(self._copies)[:MAX_COPIES])


def _parse(payload: bytes) -> _Announcement | None:
    """Return the announcement in a message's payload, or None if a value is out of range."""
    try:
        content = orjson.loads(payload)
        readers, copies, sent_at = content["readers"], content["copies"], content["at"]
        numbers = [readers, sent_at, *copies]
    except (ValueError, KeyError, TypeError):
        return None
    valid = (
        all(type(number) is int for number in numbers)
        and 0 <= readers <= MAX_READERS
        and len(copies) <= MAX_COPIES
        and all(copy > 0 for copy in copies)
    )
    if not valid:
        return None
    return _Announcement(readers, frozenset(copies), sent_at, content.get("ask") is True)
