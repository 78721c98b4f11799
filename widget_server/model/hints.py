"""Hints: what readers tell the editors about an error in a story. Each waits in the queue `corrections`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

HintState = Literal["open", "accepted", "declined"]
HINT_STATES: tuple[HintState, ...] = ("open", "accepted", "declined")

MAX_TEXT = 1_000
"""Characters of a reader's words."""
MAX_PASSAGE = 300
"""Characters of the passage of the story that a hint quotes."""
MAX_CREDIT = 100
"""Characters of the name under which a reader wants to be thanked."""
MAX_ANSWER = 500
"""Characters of an editor's words to the reader."""
MAX_OPEN = 3
"""Open hints of one reader in one story."""
MAX_OWN = 10
"""Hints that their reader is sent: the newest."""

TARGET = "hint:"
"""Begins the target of a decision about a hint in the log of a story."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A hint as its reader sees it. Words that were deleted are None."""

    id: str
    at: int
    """Milliseconds since 1970."""
    text: str | None
    passage: str | None = None
    credit: str | None = None
    state: HintState = "open"
    answer: str | None = None
    """What the editor wrote to the reader."""
    correction: str | None = None
    """Id of the correction that follows the hint."""
    decided_at: int | None = None

    @property
    def size(self) -> int:
        """Most bytes of the words in JSON: quotes, backslashes and line breaks take two."""
        words = (self.text, self.passage, self.credit, self.answer)
        return sum(len(one.encode()) + sum(map(one.count, '"\\\n\r\t')) for one in words if one)

    def without_words(self) -> "Hint":
        """Return the hint with its state only."""
        return replace(self, text=None, passage=None, credit=None, answer=None)


@dataclass(frozen=True, slots=True)
class HintCase:
    """A hint as editors see it: a case in the queue `corrections`, without a comment."""

    hint: Hint
    story: str
    """The story's code."""
    title: str | None
    url: str | None
    given: int
    """Earlier hints of the same reader on the site."""
    followed: int
    """Those of them that editors followed with a correction."""


def fitting(hints: Sequence[Hint], most: int) -> list[Hint]:
    """Return the hints with words of at most `most` bytes of JSON together, the first ones first.

    Those whose words do not fit have their state only.
    """
    found: list[Hint] = []
    for one in hints:
        most -= one.size
        found.append(one if most >= 0 else one.without_words())
    return found
