"""Capacity: how many cases may wait, and for how long, before new comments wait as well or are closed.

A site narrows at once and widens late: when less than half of the limit waits; or, from ten minutes after it
narrowed, as soon as less than the limit waits.
Otherwise it would change with every decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from widget_server.model.hours import Mode

STEPS: tuple[Mode, ...] = ("approval", "closed")
MAX_CASES = 1_000_000
MAX_MINUTES = 60 * 24 * 30
WIDEN_AFTER_MS = 10 * 60_000
"""From so long after it narrowed, a site widens as soon as less than its limit waits."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many cases, or so many minutes that the oldest one waits. 0: does not count."""

    cases: int = 0
    minutes: int = 0

    def is_reached(self, load: "Load", now: int, share: float = 1.0) -> bool:
        """Return whether the load reaches this limit, or a share of it."""
        if self.cases and load.cases >= self.cases * share:
            return True
        if not self.minutes or load.oldest is None:
            return False
        return now - load.oldest >= self.minutes * 60_000 * share


@dataclass(frozen=True, slots=True)
class Load:
    """What waits: the number of open cases, and when the oldest was opened (milliseconds since 1970)."""

    cases: int
    oldest: int | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """The limits of a site: at `approval` new comments wait for a person, at `closed` none can be written."""

    approval: Limit = Limit()
    closed: Limit = Limit()

    def limit(self, step: Mode) -> Limit:
        """Return the limit of a step."""
        return self.closed if step == "closed" else self.approval

    def check(self) -> None:
        """Raise `ValueError` with a sentence if a limit is wrong."""
        for each in (self.approval, self.closed):
            if not (0 <= each.cases <= MAX_CASES and 0 <= each.minutes <= MAX_MINUTES):
                raise ValueError(
                    f"use at most {MAX_CASES} cases and {MAX_MINUTES} minutes, or 0 for no limit."
                )
        if 0 < self.closed.cases < self.approval.cases:
            raise ValueError("comments close at more cases than they wait for approval at.")
        if 0 < self.closed.minutes < self.approval.minutes:
            raise ValueError("comments close after more minutes than they wait for approval at.")

    def to_json(self) -> dict[str, Any]:
        """Return the limits as JSON values."""
        return {
            step: {"cases": self.limit(step).cases, "minutes": self.limit(step).minutes}
            for step in STEPS
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Capacity":
        """Return the limits from JSON values. Raises `ValueError`, `TypeError`, `LookupError` or `AttributeError`."""
        if not set(stored) <= set(STEPS):
            raise ValueError(f"the limits are {' and '.join(STEPS)}.")
        return cls(*(_limit(stored.get(step) or {}) for step in STEPS))


@dataclass(frozen=True, slots=True)
class CapacityState:
    """What the limits make of a site's comments, and since when (milliseconds since 1970)."""

    mode: Mode = "open"
    since: int = 0


def next_state(capacity: Capacity, state: CapacityState, load: Load, now: int) -> CapacityState:
    """Return the state that follows: the same object if nothing changes."""
    mode = _mode(capacity, load, now)
    order: tuple[Mode, ...] = ("open", *STEPS)
    if order.index(mode) > order.index(state.mode):
        return CapacityState(mode, now)
    if mode == state.mode:
        return state
    # The wider mode that would hold if every limit were half as high.
    calm = _mode(capacity, load, now, 0.5)
    if now - state.since >= WIDEN_AFTER_MS:
        return CapacityState(mode, now)
    if order.index(calm) < order.index(state.mode):
        return CapacityState(calm, now)
    return state


def _mode(capacity: Capacity, load: Load, now: int, share: float = 1.0) -> Mode:
    for step in reversed(STEPS):
        if capacity.limit(step).is_reached(load, now, share):
            return step
    return "open"


def _limit(stored: Mapping[str, Any]) -> Limit:
    numbers = [stored.get(name) or 0 for name in ("cases", "minutes")]
    if not set(stored) <= {"cases", "minutes"}:
        raise ValueError("a limit has cases and minutes.")
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in numbers):
        raise ValueError("a limit is a whole number.")
    return Limit(*numbers)
