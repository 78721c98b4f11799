"""The learned filter of a site: its state, and what it is told to learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from widget_server.model.rules import RuleMode

LEARNER = "learner"
"""The filter's name among the rules that hit a comment."""
RATES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Good comments that may be held, in 10,000: 1 to 10 in 1,000."""
MAX_GOOD = 10_000
"""Comments that stood and are remembered. The oldest are subtracted."""
MAX_BAD = 3_000


@dataclass(frozen=True, slots=True)
class LearnerState:
    """What a site's filter is and has seen. Times are milliseconds since 1970."""

    site: str
    mode: RuleMode
    mode_at: int
    mode_by: str
    rate: int
    """Good comments that may be held, in 10,000."""
    seed: int
    good: int
    """Comments whose words are counted."""
    bad: int
    version: int
    curve: tuple[dict[str, Any], ...]
    """What each rate catches: `rate`, `threshold`, `caught`, `low`, `high`. Empty: not measured yet."""
    curve_version: int
    curve_at: int
    decided_until: int
    stood_until: int
    good_seen: int
    bad_seen: int

    @property
    def point(self) -> dict[str, Any] | None:
        """The point of the curve at the chosen rate; None before it is measured."""
        return next((one for one in self.curve if one["rate"] == self.rate), None)


@dataclass(frozen=True, slots=True)
class Example:
    """A comment as the filter should know it: `bad`, good (False), or not at all (None).

    `tokens` are the numbers of its words, `reader` a hash of its writer. `tokens` None: its text is gone.
    """

    comment: str
    bad: bool | None
    reader: int = 0
    tokens: Sequence[int] | None = None
    at: int = 0
    """When it was written, in milliseconds since 1970."""
