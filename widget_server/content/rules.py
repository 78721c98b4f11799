"""Rules of a site about comments: evaluate a text, and try a rule on past comments. No I/O, no clock.

A rule holds or blocks; it never removes and never allows. Rules of a story and of a copy come on top of
the site's, so a narrower level can only add.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from widget_server.content.folding import FoldedText, fold
from widget_server.content.likeness import fingerprint, likenesses
from widget_server.content.word_list import WordList
from widget_server.model.rules import Outcome, RuleAction, RuleKind, RuleMode

SAMPLES = 10
MOST_SPANS = 50

_LINK = re.compile(r"\b(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `limit` means, by kind:

    - links: most links allowed;
    - first: comments that must have been accepted from the writer before;
    - repeat: like comments of the last minutes that are allowed;
    - length: most characters; `least` the fewest.

    Without `story` it is the site's; `copy` narrows a story's rule further. Empty `languages` are all.
    Raises `ValueError`.
    """

    id: str
    kind: RuleKind
    action: RuleAction = "hold"
    mode: RuleMode = "shadow"
    story: str | None = None
    copy: str | None = None
    languages: frozenset[str] = frozenset()
    words: WordList | None = None
    exceptions: WordList | None = None
    """Wordings in which the words are allowed."""
    limit: int = 0
    least: int = 0
    guideline: str | None = None
    ask: bool = False
    """Whether the writer is asked to think again before the comment is held."""

    def __post_init__(self) -> None:
        if self.copy is not None and self.story is None:
            raise ValueError("A rule of a copy names the copy's story too.")
        if (self.kind == "words") != (self.words is not None):
            raise ValueError("A rule of the kind “words” has a list, and no other rule has one.")
        if self.limit < 0 or self.least < 0:
            raise ValueError("A limit is 0 or more.")

    def applies(self, context: "Context") -> bool:
        """Return whether the rule covers this story, copy and language."""
        return (
            self.story in (None, context.story)
            and self.copy in (None, context.copy)
            and (not self.languages or context.language in self.languages)
        )


@dataclass(frozen=True, slots=True)
class Context:
    """Facts about a comment beside its text.

    `accepted` counts comments of the writer that speak for them: published in the last year, and since a
    person last removed one. `recent` are fingerprints of other comments of the last minutes. Rules about
    words and links read `name` and `website` too; the site signed neither.
    """

    story: str
    copy: str | None = None
    language: str | None = None
    accepted: int = 0
    recent: Sequence[int] = ()
    name: str | None = None
    website: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that the comment breaks. `spans` are places in the text, `entries` what the list has there.

    `beside` are name and website if the rule finds something in them.
    """

    rule: str
    kind: RuleKind
    action: RuleAction
    mode: RuleMode
    guideline: str | None = None
    ask: bool = False
    spans: tuple[tuple[int, int], ...] = ()
    entries: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """All hits, of rules in shadow too."""

    hits: tuple[Hit, ...] = ()

    @property
    def acting(self) -> tuple[Hit, ...]:
        """The hits of rules that are on."""
        return tuple(hit for hit in self.hits if hit.mode == "on")

    @property
    def action(self) -> RuleAction | None:
        """The strictest action of the rules that are on; None lets the comment pass."""
        actions = {hit.action for hit in self.acting}
        return "block" if "block" in actions else "hold" if actions else None


def evaluate(text: str, context: Context, rules: Iterable[Rule]) -> Verdict:
    """Return which rules the comment breaks. Rules that are off, or of other places, are left out."""
    folded: FoldedText | None = None
    hits = []
    for rule in rules:
        if rule.mode == "off" or not rule.applies(context):
            continue
        if folded is None:
            folded = FoldedText.of(text)
        hit = _hit(rule, folded, context)
        if hit is not None:
            hits.append(hit)
    return Verdict(tuple(hits))


def _hit(rule: Rule, text: FoldedText, context: Context) -> Hit | None:
    spans: tuple[tuple[int, int], ...] = ()
    entries: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    if rule.words is not None:
        found = rule.words.search_folded(text, rule.exceptions)
        spans = tuple(sorted({(one.start, one.end) for one in found}))
        for near in filter(None, (context.name, context.website)):
            extra = rule.words.search_folded(FoldedText.of(near), rule.exceptions)
            beside += (near,) if extra else ()
            found += extra
        entries = tuple(dict.fromkeys(one.entry for one in found))
        broken = bool(found)
    elif rule.kind == "links":
        spans = tuple(match.span() for match in _LINK.finditer(text.source))
        beside = tuple(_linked(context))
        broken = len(spans) + len(beside) > rule.limit
        spans = spans[rule.limit : rule.limit + MOST_SPANS]
    elif rule.kind == "first":
        broken = context.accepted < max(1, rule.limit)
    elif rule.kind == "repeat":
        mark = fingerprint(text.folded)
        broken = mark is not None and likenesses(mark, context.recent) > rule.limit
    else:
        length = len(text.source)
        broken = length < rule.least or 0 < rule.limit < length
        spans = ((rule.limit, length),) if 0 < rule.limit < length else ()
    if not broken:
        return None
    return Hit(
        rule.id,
        rule.kind,
        rule.action,
        rule.mode,
        rule.guideline,
        rule.ask,
        spans,
        entries,
        beside,
    )


def _linked(context: Context) -> Iterator[str]:
    """Yield the website, which is a link, and each link that the name contains."""
    if context.website:
        yield context.website
    yield from _LINK.findall(context.name or "")


@dataclass(frozen=True, slots=True)
class PastComment:
    """A comment of the past and what people decided: `open` if nobody did."""

    id: str
    text: str
    context: Context
    outcome: Outcome = "open"


@dataclass(frozen=True, slots=True)
class Sample:
    """A past comment that the rule would have caught."""

    comment: PastComment
    hit: Hit


@dataclass(slots=True)
class Trial:
    """Counts of a rule on past comments. `approved` are false alarms, `removed` agreement."""

    tried: int = 0
    caught: int = 0
    approved: int = 0
    removed: int = 0
    samples: list[Sample] = field(default_factory=list)


def try_on_past(rule: Rule, comments: Iterable[PastComment]) -> Trial:
    """Return what the rule would have caught, whatever its mode is.

    Of the samples, at most half are false alarms, which come first; other caught comments fill up ten.
    """
    trial, by_outcome = Trial(), {"approved": [], "removed": [], "open": []}  # type: ignore[var-annotated]
    acting = replace(rule, mode="on")
    for comment in comments:
        trial.tried += 1
        hits = evaluate(comment.text, comment.context, (acting,)).hits
        if not hits:
            continue
        trial.caught += 1
        trial.approved += comment.outcome == "approved"
        trial.removed += comment.outcome == "removed"
        kept = by_outcome[comment.outcome]
        if len(kept) < SAMPLES:
            kept.append(Sample(comment, hits[0]))
    wrong, right = by_outcome["approved"], by_outcome["removed"] + by_outcome["open"]
    first = wrong[: max(SAMPLES // 2, SAMPLES - len(right))]
    trial.samples = first + right[: SAMPLES - len(first)]
    return trial


def fingerprint_of(text: str) -> int | None:
    """Return the fingerprint to keep for `Context.recent`; None for a text too short to compare."""
    return fingerprint(fold(text))
