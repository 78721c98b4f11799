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
    exceptions: list[str] = Field(description="Wordings in which the words are allowed.")
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
    asked: int = Field(description="Writers whom it asked to think again.")
    edited: int = Field(description="Of these, those who then sent another text.")
    insisted: int = Field(description="Of these, those who sent the same text.")
    hits: RuleHits | None = Field(description="Only in the list.")
    left_out: dict[str, int] = Field(
        description="Entries of the sent list that are in other languages, by language."
    )


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
    beside: list[str] = Field(description="Name or website, if the rule finds something in them.")


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
    missed: int = Field(
        description="Comments of the last 30 days that people removed and the filter did not hit."
    )
    last: list[Judged]


class RaidAnswer(Answer):
    """A raid: a flood of comments that was found, or one that a person switched on."""

    id: str
    kind: str = Field(description="What it has in common: site, story, copy, network or text.")
    story: str | None = Field(description="Code of the story, for the kinds story and copy.")
    phase: str | None = Field(
        description="hold: what is written waits. proof: new readers do a proof of work. null: it is over."
    )
    began_at: str
    held_until: str
    until: str = Field(description="When it ends if it does not go on.")
    ended_at: str | None = Field(description="When a person ended it.")
    by: str | None = Field(description="Who switched it on; null: the server found it.")
    held: int = Field(description="Comments that were held for it.")
    reactions: int | None = Field(
        description="Reactions to its stories in its time. Only in the list."
    )
    known_reactions: int | None = Field(
        description="Those of readers who were there before; the others may come from few people."
    )


class RaidList(Answer):
    """The raids of the last 30 days, the newest first."""

    on: bool = Field(description="Whether a raid is on now.")
    raids: list[RaidAnswer]
