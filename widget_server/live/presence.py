"""How many read a story now, and on how many copies: a sum over processes, kept by nobody.

Each process says what it sees when that changes and every few seconds; what was not said again
for a while is forgotten, so a process that died takes its readers with it.
"""

from collections import Counter

import orjson

from widget_server.live.messages import Message

AGAIN_S = 10.0
FORGET_S = 25.0
SAY_S = 1.0
MOST_COPIES = 200


def rounded(readers: int) -> int:
    """Exact up to 100, then in steps, so that a large audience does not flicker."""
    for above, step in ((10_000, 100), (1_000, 50), (100, 10)):
        if readers > above:
            return readers // step * step
    return readers


class Presence:
    """The audience of one story. Times are the event loop's, in seconds."""

    __slots__ = (
        "_asked",
        "_copies",
        "_others",
        "_process",
        "_readers",
        "_said",
        "_said_at",
        "_shown",
    )

    def __init__(self, process: str) -> None:
        self._process = process
        self._readers = 0
        self._copies: Counter[int] = Counter()
        self._others: dict[str, tuple[int, frozenset[int], float]] = {}
        self._said: tuple[int, frozenset[int]] = (0, frozenset())
        self._said_at = -AGAIN_S
        self._shown = (0, 0)
        self._asked = False

    def enter(self, copy: int) -> None:
        """A reader came, on this copy; 0 where it is not known."""
        self._readers += 1
        if copy:
            self._copies[copy] += 1

    def leave(self, copy: int) -> None:
        """A reader of this copy went."""
        self._readers -= 1
        if copy:
            self._copies[copy] -= 1
            if not self._copies[copy]:
                del self._copies[copy]

    def shown(self) -> tuple[int, int]:
        """Readers (rounded) and copies, over all processes."""
        copies = set(self._copies).union(*(seen for _, seen, _ in self._others.values()))
        total = self._readers + sum(readers for readers, _, _ in self._others.values())
        return rounded(total), len(copies)

    def has_changed(self, now: float) -> bool:
        """Whether what is shown differs from what was shown last; forgets silent processes."""
        for process in [p for p, seen in self._others.items() if now - seen[2] > FORGET_S]:
            del self._others[process]
        before, self._shown = self._shown, self.shown()
        return before != self._shown

    def hear(self, process: str, payload: bytes, now: float) -> None:
        """Another process says what it sees; one that is new asks for an answer."""
        if process == self._process:
            return
        try:
            said = orjson.loads(payload)
            readers, copies = int(said["readers"]), frozenset(map(int, said["copies"]))
        except (ValueError, KeyError, TypeError):
            return
        self._others[process] = (max(0, readers), copies, now)
        self._asked = self._asked or bool(said.get("ask"))

    def is_due(self, now: float) -> bool:
        """Whether this process should speak."""
        quiet = now - self._said_at
        fresh = quiet >= SAY_S and self._here() != self._said
        return self._asked or fresh or (self._readers > 0 and quiet >= AGAIN_S)

    def message(self, story: str, now: float, *, ask: bool = False) -> Message:
        """What this process sees, for the bus."""
        self._said, self._said_at, self._asked = self._here(), now, False
        payload = {"readers": self._readers, "copies": sorted(self._said[1]), "ask": ask}
        return Message("presence", story, self._readers, self._process, orjson.dumps(payload))

    def _here(self) -> tuple[int, frozenset[int]]:
        return self._readers, frozenset(sorted(self._copies)[:MOST_COPIES])
