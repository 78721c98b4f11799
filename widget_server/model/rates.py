"""Rates: so many actions in so many seconds, by the generic cell rate algorithm (ITU-T I.371, annex A)."""

import re
from dataclasses import dataclass
from typing import Self

#: One millionth of slack, so that rounding of floats does not reject the last action of a burst.
_SLACK = 1 + 1e-6

_RATE = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` actions in `per_s` seconds. After `per_s` idle seconds all may come at once."""

    count: int
    per_s: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `count/seconds`, such as `10/60`. Raises ValueError with a sentence."""
        match = _RATE.fullmatch(text.strip())
        if match is None or not int(match[1]) or not int(match[2]):
            raise ValueError("A rate is count/seconds, both above 0: 10/60 is ten in a minute.")
        return cls(int(match[1]), float(match[2]))

    def hit(self, full_at: float, now: float) -> float | None:
        """Count one action of a bucket that is full at `full_at`; 0 for a bucket that is full now.

        Return the time at which the bucket is full again, or None if the action is over the limit.
        """
        after = max(full_at, now) + self.per_s / self.count
        return after if after - now <= self.per_s * _SLACK else None

    def wait_s(self, full_at: float, now: float) -> float:
        """Return the seconds after which `hit` counts the next action; at most 0 if it does now."""
        return max(full_at, now) + self.per_s / self.count - now - self.per_s * _SLACK
