"""Answers of the owner API about rules, one model for each."""

from pydantic import Field

from widget_server.protocol.owner_answers import Answer


class RuleHits(Answer):
    """Hits of the last 30 days. `approved` and `removed`: what people decided about them since."""

    held: int
    in_shadow: int
    approved: int
    removed: int


class RuleAnswer(Answer):
    """A rule and what it did."""

    id: str
    name: str
    kind: str
    action: str
    mode: str
    story: str | None
    copy_id: int | None
    languages: list[str]
    words: list[str]
    leet: bool
    limit: int
    least: int
    guideline: str | None
    ask: bool
    created_at: str
    by: str
    mode_at: str
    mode_by: str
    blocked: int = Field(description="Comments that it refused.")
    hits: RuleHits | None = Field(description="Only in the list.")


class RuleList(Answer):
    """The rules of a site, the oldest first."""

    rules: list[RuleAnswer]


class HitAnswer(Answer):
    """A comment that a rule hit."""

    comment: str
    story: str
    at: str
    held: bool = Field(description="false: the rule was in shadow.")
    outcome: str = Field(description="What people decided: approved, removed or open.")
    text: str | None = Field(description="null: it is gone, or kept and not for this key.")


class HitList(Answer):
    """The last 50 comments that a rule hit, the newest first."""

    hits: list[HitAnswer]


class Span(Answer):
    """Characters of a text, from `start` up to `end`."""

    start: int
    end: int


class SampleAnswer(Answer):
    """A past comment that the rule would have caught."""

    comment: str
    outcome: str
    text: str
    spans: list[Span]


class TrialAnswer(Answer):
    """What a rule would have caught. `approved` are false alarms; `samples` begin with them."""

    tried: int
    caught: int
    approved: int
    removed: int
    open: int = Field(description="Caught comments about which people decided nothing.")
    since: str | None = Field(description="Time of the oldest comment.")
    seconds: float
    samples: list[SampleAnswer]


class CurvePoint(Answer):
    """What the filter does at one rate, as measured on the site's comments. Shares are 0 to 1."""

    rate: int = Field(description="Good comments that are held, in 10,000.")
    caught: float
    low: float
    high: float


class Judged(Answer):
    """A comment that the filter hit, and the words that weighed most."""

    comment: str
    held: bool
    outcome: str
    words_for: list[str]
    words_against: list[str]


class LearnerAnswer(Answer):
    """The learned filter: what it has seen, and what it does at each rate."""

    mode: str
    rate: int
    bad_seen: int
    good_seen: int
    bad_needed: int
    good_needed: int
    curve: list[CurvePoint] = Field(description="Empty: it has not seen enough.")
    hits: RuleHits
    last: list[Judged]
