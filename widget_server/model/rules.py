"""Rules about comments as a site stores them, and what they hit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

RuleKind = Literal["words", "links", "first", "repeat", "length"]
RULE_KINDS: tuple[RuleKind, ...] = ("words", "links", "first", "repeat", "length")
RuleAction = Literal["hold", "block"]
RULE_ACTIONS: tuple[RuleAction, ...] = ("hold", "block")
RuleMode = Literal["off", "shadow", "on"]
RULE_MODES: tuple[RuleMode, ...] = ("off", "shadow", "on")
Outcome = Literal["approved", "removed", "open"]
"""What people decided about a comment: `open` if they decided nothing."""

FLOOD = "flood"
"""Id of what holds the comments of a flood: it is no rule that people make. Also the reason of their cases."""
MAX_RULES = 100
"""Rules of a site."""
MAX_RULE_NAME = 80
MAX_GUIDELINE = 300
MAX_WORDS = 20_000
"""Entries of all lists of a site."""
MAX_EXCEPTIONS = 1_000
"""Wordings that a rule lets pass."""
TRUST_MS = 365 * 86_400_000
"""Time for which an accepted comment speaks for its writer."""


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What a person says about a rule. `limit` and `least` mean what `content/rules.py` says.

    Without `story` (a code) the rule is the site's; `copy` (an id) narrows a story's rule further.
    Empty `languages` are all. `ask`: the writer is asked to think again before the comment is held.
    """

    name: str
    kind: RuleKind
    action: RuleAction = "hold"
    story: str | None = None
    copy: int | None = None
    languages: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    """Wordings in which the words are allowed."""
    leet: bool = False
    limit: int = 0
    least: int = 0
    guideline: str | None = None
    ask: bool = False

    def stored(self) -> dict[str, Any]:
        """Return what the column `body` contains: all but the columns of their own."""
        return {name: value for name, value in asdict(self).items() if name not in _COLUMNS}

    @classmethod
    def from_stored(
        cls, body: Mapping[str, Any], columns: Mapping[str, Any], story: str | None
    ) -> "RuleSpec":
        """Return the rule of a row. Fields of a newer version are left out."""
        names = {each.name for each in fields(cls)} - _COLUMNS
        known = {name: value for name, value in body.items() if name in names}
        for name in ("languages", "words", "exceptions"):
            known[name] = tuple(known.get(name, ()))
        own = {name: columns[name] for name in _COLUMNS - {"story"}}
        return cls(**own, story=story, **known)


_COLUMNS = frozenset({"name", "kind", "action", "story", "copy"})


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule of a site. Times are milliseconds since 1970; `by` is `account:…`, `key:…` or `shell:…`."""

    id: str
    site: str
    spec: RuleSpec
    mode: RuleMode
    created_at: int
    by: str
    mode_at: int
    """When it got its mode."""
    mode_by: str
    blocked: int = 0
    """Comments that it refused. They are not stored."""
    asked: int = 0
    """Times that a writer was asked to think again."""
    edited: int = 0
    """Of these: comments that were sent with another text."""
    insisted: int = 0
    """Of these: comments that were sent as they were."""

    @property
    def gave_up(self) -> int:
        """Of these: writers who sent nothing, or have not yet."""
        return max(0, self.asked - self.edited - self.insisted)


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that a comment breaks. `acting`: the comment is held for it; else the rule is in shadow."""

    rule: str
    acting: bool


@dataclass(frozen=True, slots=True)
class HitComment:
    """A comment that a rule hit, and what people decided about it since."""

    comment: str
    story: str
    """The story's code."""
    at: int
    acting: bool
    outcome: Outcome
    source: str
    """Empty if the comment has no text any more that the reader of this list may see."""


@dataclass(slots=True)
class HitCounts:
    """Hits of a rule in the last 30 days, by what people decided since."""

    acting: int = 0
    shadow: int = 0
    by_outcome: dict[Outcome, int] = field(default_factory=dict)

    @property
    def approved(self) -> int:
        """Hits that were wrong: people approved the comments."""
        return self.by_outcome.get("approved", 0)

    @property
    def removed(self) -> int:
        """Hits that were right: people removed the comments."""
        return self.by_outcome.get("removed", 0)
