"""How many read a story now, and on how many copies: a sum over processes, which no process keeps.

Each process says what it sees when that changes and every few seconds; what was not said again
for a while is forgotten, so a process that died takes its readers with it.

A network counts as so many readers at most: one program could otherwise be five hundred. So a
household is counted rightly, and of an office or a school behind one address a part. Only numbers
travel between processes, no network: one whose sockets are on several processes counts in each.
"""

import time
from collections import Counter
from collections.abc import Callable

import orjson

from widget_server.bus.message import BusMessage

REANNOUNCE_S = 10.0
EXPIRE_S = 25.0
MIN_INTERVAL_S = 1.0
MAX_COPIES = 200
MAX_READERS = 1_000_000
"""What one process may say that it sees: more than it could have open files."""
NEW_S = 60.0
"""How far the clocks of two machines may be apart, and how old a message may be."""


def rounded(readers: int) -> int:
    """Exact up to 100, then in steps, so that a large audience does not flicker."""
    for above, step in ((10_000, 100), (1_000, 50), (100, 10)):
        if readers > above:
            return readers // step * step
    return readers


class Presence:
    """The audience of one story. Times are the event loop's, in seconds.

    `most` is how many readers one network counts as; 0 for as many as it has. `clock` answers
    nanoseconds since 1970.
    """

    __slots__ = (
        "_asked",
        "_clock",
        "_copies",
        "_last_announced",
        "_last_announced_at",
        "_most",
        "_networks",
        "_others",
        "_process",
        "_readers",
        "_shown",
        "_told_at",
    )

    def __init__(
        self, process: str, most: int = 0, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._process = process
        self._most = most
        self._clock = clock
        self._readers = 0
        self._networks: Counter[str] = Counter()
        self._copies: Counter[int] = Counter()
        self._others: dict[str, tuple[int, frozenset[int], float, int]] = {}
        """What each of the other processes said: readers, copies, when it was heard, and sent."""
        self._last_announced: tuple[int, frozenset[int]] = (0, frozenset())
        self._last_announced_at = -REANNOUNCE_S
        self._told_at = 0
        self._shown = (0, 0)
        self._asked = False

    def add(self, copy: int, network: str = "") -> None:
        """A reader came from this network, on this copy; 0 where it is not known."""
        if self._networks[network] < self._most or not self._most:
            self._readers += 1
        self._networks[network] += 1
        if copy:
            self._copies[copy] += 1

    def remove(self, copy: int, network: str = "") -> None:
        """A reader of this copy went."""
        self._networks[network] -= 1
        if self._networks[network] < self._most or not self._most:
            self._readers -= 1
        if not self._networks[network]:
            del self._networks[network]
        if copy:
            self._copies[copy] -= 1
            if not self._copies[copy]:
                del self._copies[copy]

    def totals(self) -> tuple[int, int]:
        """Readers (rounded) and copies, over all processes."""
        copies = set(self._copies).union(*(said[1] for said in self._others.values()))
        total = self._readers + sum(said[0] for said in self._others.values())
        return rounded(total), len(copies)

    def has_changed(self, now: float) -> bool:
        """Whether what is shown differs from what was shown last; forgets silent processes."""
        for process in [p for p, said in self._others.items() if now - said[2] > EXPIRE_S]:
            del self._others[process]
        before, self._shown = self._shown, self.totals()
        return before != self._shown

    def receive(self, process: str, payload: bytes, now: float) -> None:
        """Another process says what it sees; one that is new asks for an answer.

        What is no newer than what it said before, or old by the clock, was sent again by someone
        who had recorded it.
        """
        said = None if process == self._process else _read(payload)
        if said is None:
            return
        readers, copies, at, asks = said
        known = self._others.get(process)
        late = known is not None and at <= known[3]
        if late or abs(self._clock() - at) > NEW_S * 1e9:
            return
        self._others[process] = (readers, copies, now, at)
        self._asked = self._asked or asks

    def should_announce(self, now: float) -> bool:
        """Whether this process should speak."""
        quiet = now - self._last_announced_at
        fresh = quiet >= MIN_INTERVAL_S and self._here() != self._last_announced
        return self._asked or fresh or (self._readers > 0 and quiet >= REANNOUNCE_S)

    def message(self, story: str, now: float, *, ask: bool = False) -> BusMessage:
        """What this process sees, for the bus."""
        self._last_announced, self._last_announced_at, self._asked = self._here(), now, False
        self._told_at = max(self._clock(), self._told_at + 1)
        payload = {
            "readers": self._readers,
            "copies": sorted(self._last_announced[1]),
            "ask": ask,
            "at": self._told_at,
        }
        return BusMessage("presence", story, self._readers, self._process, orjson.dumps(payload))

    def _here(self) -> tuple[int, frozenset[int]]:
        return self._readers, frozenset(sorted(self._copies)[:MAX_COPIES])


def _read(payload: bytes) -> tuple[int, frozenset[int], int, bool] | None:
    """Readers, copies, time (nanoseconds) and question of a message; None if one is out of range."""
    try:
        said = orjson.loads(payload)
        readers, copies, at = said["readers"], said["copies"], said["at"]
        numbers = [readers, at, *copies]
    except (ValueError, KeyError, TypeError):
        return None
    sound = (
        all(type(number) is int for number in numbers)
        and 0 <= readers <= MAX_READERS
        and len(copies) <= MAX_COPIES
        and all(copy > 0 for copy in copies)
    )
    return (readers, frozenset(copies), at, said.get("ask") is True) if sound else None
