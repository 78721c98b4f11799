"""How urgent a case is: harm × reach × trust. 0 is the most urgent."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from widget_server.model.decisions import Queue

PRIORITIES: dict[Queue, int] = {
    "appeals": 20,
    "reported": 30,
    "held": 40,
    "pending": 50,
    "edits": 50,
}
"""Priority of a case in each queue. A reported one is more or less urgent by its reports."""
HARM: dict[str, int] = {
    "threat": 5,
    "illegal": 5,
    "hate": 4,
    "privacy": 4,
    "attack": 3,
    "sexual": 3,
    "false": 2,
    "copyright": 2,
    "spam": 2,
    "off_topic": 1,
    "other": 1,
}
"""How much harm a comment does for which readers gave this reason, if they are right."""
MOST_REPORTERS = 8
"""More reporters than these make no case more urgent: people can agree to report a comment."""
USUAL = HARM["attack"] * 1.5
"""Harm × reach × trust of an attack that one reader reported, of whom nothing is known."""
MOST_URGENT, LEAST_URGENT = 5, 48
BY_DOUBLING = 20
"""By how much a case is more urgent if harm, reach or trust is twice as high."""

Degree = Literal["high", "middle", "low"]


@dataclass(frozen=True, slots=True)
class Reported:
    """What is known about the reports of a comment."""

    reasons: Collection[str]
    """Keys of `REASONS`."""
    reporters: int
    right: int = 0
    """Other comments that the same readers reported and a person removed."""
    wrong: int = 0
    """Those that a person kept."""


def priority_of_reported(known: Reported) -> int:
    """Return the priority of a reported comment, from `MOST_URGENT` to `LEAST_URGENT`."""
    value = _harm(known) * _reach(known) * _trust(known)
    found = PRIORITIES["reported"] - BY_DOUBLING * math.log2(value / USUAL)
    return max(MOST_URGENT, min(LEAST_URGENT, round(found)))


def words_of(known: Reported, readers: int | None) -> tuple[Degree, Degree, Degree]:
    """Return harm, reach and trust in words. `readers` read the story now; None: one or two."""
    trust = _trust(known)
    now = 1 if readers is None else readers
    return (
        _degree(_harm(known), 4, 2),
        _degree(max(now, 5 * known.reporters), 20, 10),
        _degree(trust, 1.3, 0.7),
    )


def _harm(known: Reported) -> int:
    return max((HARM.get(reason, 1) for reason in known.reasons), default=1)


def _reach(known: Reported) -> float:
    return 1 + min(known.reporters, MOST_REPORTERS) / 2


def _trust(known: Reported) -> float:
    """Return 1 if nothing is known of the reporters, up to 2 if they were always right, down to 0."""
    return 2 * (known.right + 1) / (known.right + known.wrong + 2)


def _degree(value: float, high: float, middle: float) -> Degree:
    return "high" if value >= high else "middle" if value >= middle else "low"
