"""What the pages of the queue show: which cases, what is known about each, and who looks at it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from widget_server.model.decisions import Case, Queue

AnyQueue = Queue | Literal["all"]
"""A queue, or all open cases."""

Age = Literal["day", "older"]
AGES: tuple[Age, ...] = ("day", "older")
"""Cases that opened in the last 24 hours, and those before."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which open cases of a site. None: any."""

    queue: AnyQueue = "all"
    story: str | None = None
    """A story's code."""
    copy: int | None = None
    lang: str | None = None
    reason: str | None = None
    """A key of `REASONS` that a reader gave."""
    age: Age | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """A comment above another one. `text` is empty if it was removed."""

    id: str
    name: str | None
    text: list[Any]
    at: int


@dataclass(frozen=True, slots=True)
class PastDecision:
    """What was decided about a comment before."""

    id: str
    verb: str
    by: str | None
    """Name of the account, key or rule, else its id."""
    kind: str
    """Kind of the actor, as in `model.actors`."""
    at: int
    reason: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Reporters:
    """What became of the earlier reports by the readers who reported a comment."""

    right: int = 0
    """Reported comments that were removed."""
    wrong: int = 0
    """Reported comments that a person kept."""


@dataclass(slots=True)
class Context:
    """What a person needs to know before deciding about a comment."""

    title: str | None = None
    parents: list[Parent] = field(default_factory=list)
    """The thread's first comment and the comment that this one answers."""
    reports: list[tuple[str | None, int]] = field(default_factory=list)
    """Reason and time of each report, the oldest first."""
    reporters: Reporters = field(default_factory=Reporters)
    writer: dict[str, int] = field(default_factory=dict)
    """Number of the writer's comments on the site by state."""
    writer_since: int | None = None
    """Time of the writer's first comment on the site."""
    decisions: list[PastDecision] = field(default_factory=list)
    """The oldest first."""
    held_by: list[tuple[str, str | None]] = field(default_factory=list)
    """Id and name of the rules that held it; no name: it was removed, or it is the learned filter."""

    def reports_by_reason(self) -> list[tuple[str | None, int]]:
        """Return each reason with the number of readers who gave it, the most frequent first."""
        numbers: dict[str | None, int] = {}
        for reason, _ in self.reports:
            numbers[reason] = numbers.get(reason, 0) + 1
        return sorted(numbers.items(), key=lambda one: -one[1])


@dataclass(frozen=True, slots=True)
class Card:
    """A case with everything that a decision about it needs."""

    case: Case
    context: Context
    leased_until: int | None = None
    """Until when it belongs to the person who asks; None if it does not."""


@dataclass(frozen=True, slots=True)
class AtWork:
    """A person who has leased cases."""

    by: str
    """`account:…`, `key:…` or `shell:…`."""
    name: str
    queue: str
    cases: int


@dataclass(slots=True)
class QueueFacts:
    """What waits on a site, who is at work, and what cases can be filtered by."""

    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Number of open cases and time of the oldest, by queue; without empty queues."""
    at_work: list[AtWork] = field(default_factory=list)
    choices: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    """Values of `story`, `copy` and `lang` with their names and numbers of cases, the most frequent first."""


HARSH = ("attack", "hate", "threat", "sexual", "illegal")
"""Reasons of reports after which a comment is probably hard to read."""


def is_harsh(case: Case) -> bool:
    """Return whether the case is probably hard to read, by the reasons that readers gave."""
    return not set(HARSH).isdisjoint(case.reasons)


MAX_HARSH_IN_A_ROW = 3


def mixed(cards: list[Card], harsh_before: int = 0) -> list[Card]:
    """Return the cards in their order, but after three harsh ones comes a mild one, while there is one.

    `harsh_before` is the number of harsh ones that were shown last.
    """
    harsh = [card for card in cards if is_harsh(card.case)]
    mild = [card for card in cards if not is_harsh(card.case)]
    place = {card.case.id: number for number, card in enumerate(cards)}
    found: list[Card] = []
    row = harsh_before
    while harsh or mild:
        first_is_harsh = bool(harsh) and (
            not mild or place[harsh[0].case.id] < place[mild[0].case.id]
        )
        if first_is_harsh and not (mild and row >= MAX_HARSH_IN_A_ROW):
            found.append(harsh.pop(0))
            row += 1
        else:
            found.append(mild.pop(0))
            row = 0
    return found
