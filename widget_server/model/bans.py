"""Bans of readers and of networks: who may not write, in which way, and until when."""

from dataclasses import dataclass
from typing import Literal

BanKind = Literal["reader", "network"]
BanMode = Literal["read", "approval"]
BAN_MODES: tuple[BanMode, ...] = ("read", "approval")
"""`read`: reads only. `approval`: what is written waits for a moderator."""


@dataclass(frozen=True, slots=True)
class Ban:
    """A ban. Times are milliseconds since 1970.

    `subject` is a keyed hash of the reader's id or network. It outlives `forget`, and no id can be read from it.
    """

    site: str
    subject: str
    kind: BanKind
    mode: BanMode
    decision: str
    """Id of the decision, by which people name the ban."""
    comment: str
    """The comment that the decision was made about."""
    reason: str | None
    at: int
    until: int | None
    """None: for good."""
    by_person: bool
    day: int | None = None
    """Of a network: the day (since 1970) of the key in `subject`."""

    def holds(self, now: int) -> bool:
        """Return whether the ban is in effect at this time."""
        return self.until is None or now < self.until

    def terms(self) -> dict[str, object]:
        """Return what the log says of the ban: nothing about who it is."""
        return {"id": self.decision, "kind": self.kind, "mode": self.mode, "until": self.until}


@dataclass(frozen=True, slots=True)
class BanTerms:
    """A ban that is to be made: `subjects` are the hashes under which it may be stored, the newest first."""

    subjects: tuple[str, ...]
    kind: BanKind = "reader"
    mode: BanMode = "read"
    until: int | None = None
    day: int | None = None
    """Of a network: the day (since 1970) of the key in its hash."""


@dataclass(frozen=True, slots=True)
class AppealRead:
    """An objection with its words, as the people who decide read it."""

    decision: str
    verb: str
    at: int
    text: str | None
    by: str
    """Name of who made the decision."""
    decided_at: int
    reason: str | None
    waiting: bool
    """Whether it waits for an answer."""
    own: bool
    """Whether the person who reads made the decision, so that another one must answer."""


@dataclass(frozen=True, slots=True)
class ReportedText:
    """What was reported, as it was then. `at` is the time (milliseconds) of the first report of it."""

    revision: int
    at: int
    source: str
