"""Data of a story that the hub reads from the database: a whole snapshot, or recent changes.

Both hold finished JSON, so that the hub only joins bytes.
"""

import math
from dataclasses import dataclass

from widget_server.bus.message import BusMessage


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """A snapshot of a story from the database, in finished pieces of JSON."""

    epoch: str
    seq: int
    version: int
    """The story's tally counter at the time of the read. Later tallies are not included."""
    count: int
    """Published comments of the story."""
    tally: bytes
    tally_version: int
    head: bytes
    threads: bytes
    public: bytes = b""
    """Further fields for those who have no grant, as JSON that starts with a comma."""
    head_until: float = math.inf
    """When the head is out of date although nothing changed, in seconds since 1970: at an edge of opening hours."""


@dataclass(frozen=True, slots=True)
class RecentChanges:
    """The latest changes of a story, as the database had them at `seq` and `version`."""

    epoch: str
    seq: int
    version: int
    oldest_seq: int
    """All changes after this `seq` are in `comments`."""
    counted_from: int
    """All tallies of comments with a higher version are in `tallies`."""
    comments: list[tuple[int, str, bytes]]
    """`(seq, id, JSON)` in order of `seq`. Each comment appears once, in its latest state."""
    tallies: list[BusMessage]
    """The story's own tally, and tallies of comments in order of version."""
