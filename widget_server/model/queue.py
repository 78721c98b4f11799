"""What the pages of the queue show: which cases, what is known about each, and who looks at it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from widget_server.model.bans import AppealRead, ReportedText
from widget_server.model.decisions import Case, Queue
from widget_server.model.priority import Degree, Reported, words_of

AnyQueue = Queue | Literal["all", "mine", "new", "corrections"]
"""A queue of cases, all open cases, those that were handed over to the person who asks, what came in since
a person last looked (published comments), or what readers report as errors in stories (hints, which have no comment)."""

Age = Literal["day", "older"]
AGES: tuple[Age, ...] = ("day", "older")
"""Cases that opened in the last 24 hours, and those before."""


@dataclass(frozen=True, slots=True)
class StorySet:
    """Which stories and comments a watch-list is about. All given conditions hold; None or empty: any."""

    codes: tuple[str, ...] = ()
    """Codes of chosen stories."""
    newer_than: int | None = None
    """Hours since the story came to the site."""
    top: int | None = None
    """So many stories with the most comments in the last hour."""
    lang: str | None = None
    """Language of the comments."""
    origin: str | None = None
    """Where the comments were written: the origin of a copy's page."""
    tag: str | None = None
    """A tag that the site's own people gave the comments."""


@dataclass(frozen=True, slots=True)
class WatchList:
    """A named set of stories whose cases are a queue of their own."""

    id: str
    site: str
    name: str
    terms: StorySet
    by: str
    """Who made it, as `account:…`, `key:…` or `shell:…`."""
    created_at: int


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
    watch: str | None = None
    """Id of a watch-list."""
    tag: str | None = None
    """A tag that the site's own people gave the comment."""
    stories: StorySet | None = None
    """What the watch-list says; operations read it."""
    handed_to: str | None = None
    """In the queue `mine`: the person who asks, as leases name them; operations fill it in."""


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
    tags: tuple[str, ...] = ()
    """Tags that it gave or took off."""


@dataclass(frozen=True, slots=True)
class ReportGiven:
    """What a reader reported: a key of `REASONS`, own words, or neither."""

    category: str | None
    reason: str | None
    at: int
    id: str = ""
    """Name of the report among those of its comment (`model.report_mutes.report_id`)."""
    muted: bool = False
    """Whether it does not count, because its reader was muted."""


@dataclass(frozen=True, slots=True)
class SealedText:
    """What was reported, as it was stored then. `at` is the time (milliseconds) of the first report of it."""

    revision: int
    at: int
    sealed: str


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
    reports: list[ReportGiven] = field(default_factory=list)
    """The oldest first."""
    reported: list[SealedText] = field(default_factory=list)
    """Versions of the comment that were reported."""
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
        for one in self.reports:
            reason = one.category or one.reason
            numbers[reason] = numbers.get(reason, 0) + 1
        return sorted(numbers.items(), key=lambda one: -one[1])


@dataclass(frozen=True, slots=True)
class Suspects:
    """What the site's rules about words find in a comment, as it is written there."""

    words: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    """The name and the website of the writer, if a rule finds something in them."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that find words in the text."""


@dataclass(frozen=True, slots=True)
class Card:
    """A case with everything that a decision about it needs."""

    case: Case
    context: Context
    leased_until: int | None = None
    """Until when it belongs to the person who asks; None if it does not."""
    appeals: tuple[AppealRead, ...] = ()
    """In the queue `appeals`: the objections, the oldest first."""
    reported: tuple[ReportedText, ...] = ()
    """What was reported, where the text reads otherwise now, the oldest first."""
    suspects: Suspects = Suspects()


def degrees_of(
    case: Case, known: Context, readers: int | None
) -> tuple[Degree, Degree, Degree] | None:
    """Return harm, reach and trust of a reported case in words; None in another queue.

    `readers` read the story now; None: one or two.
    """
    if case.queue != "reported":
        return None
    record = known.reporters
    counting = sum(not one.muted for one in known.reports)
    reported = Reported(case.reasons, counting, record.right, record.wrong)
    return words_of(reported, readers)


@dataclass(frozen=True, slots=True)
class AtWork:
    """A person who has leased cases."""

    by: str
    """`account:…`, `key:…` or `shell:…`."""
    name: str
    queue: str
    cases: int


@dataclass(frozen=True, slots=True)
class NewWindow:
    """Which published comments are new to a person. Times are milliseconds since 1970."""

    by: str
    """The person as marks name them: `account:…`, `key:…` or `shell:…`."""
    never: int
    """From when on, if the person has no mark."""
    oldest: int
    """From when on at the earliest."""
    until: int


@dataclass(frozen=True, slots=True)
class Watcher:
    """The person for whom a page of the queue is made."""

    kind: str
    """Kind of the actor, as in `model.actors`."""
    id: str
    today: int
    """When the day began (UTC), in milliseconds since 1970."""
    new: NewWindow


@dataclass(slots=True)
class QueueFacts:
    """What waits on a site, who is at work, and what cases can be filtered by."""

    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Number of open cases and time of the oldest, by queue; without empty queues."""
    at_work: list[AtWork] = field(default_factory=list)
    new: int = 0
    """Published comments since the person last looked, counted up to `MAX_NEW_COUNTED`."""
    hints: int = 0
    """Open hints, for those who may correct stories."""
    mine: int = 0
    """Open cases that were handed over to the person."""
    hard: int = 0
    """Cases with a harsh reason that the person has decided today, so that they know when it is enough."""
    watch_lists: list[WatchList] = field(default_factory=list)
    """The site's, by name."""
    choices: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    """Values of `story`, `copy` and `lang` with their names and numbers of cases, the most frequent first."""


MAX_NEW_COUNTED = 100
"""New comments are counted up to this number; pages then say “99+”."""

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
