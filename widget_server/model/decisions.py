"""Decisions about comments, stories and sites, the cases that wait for one, and the reasons to give."""

import hashlib
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from widget_server.model.actors import Actor, ActorKind, Via
from widget_server.model.hints import TARGET
from widget_server.model.records import Comment, Story

CommentVerb = Literal[
    "approve",
    "reject",
    "remove",
    "restore",
    "hold",
    "spam",
    "pin",
    "unpin",
    "feature",
    "unfeature",
    "tag",
    "untag",
    "uphold",
    "erase",
]
COMMENT_VERBS: tuple[CommentVerb, ...] = (
    "approve",
    "reject",
    "remove",
    "restore",
    "hold",
    "spam",
    "pin",
    "unpin",
    "feature",
    "unfeature",
    "tag",
    "untag",
    "uphold",
    "erase",
)
TAG_VERBS = ("tag", "untag")
"""Decisions about what the site's own people note of a comment. Readers see nothing of them."""
ReaderVerb = Literal["ban", "unban"]
"""Verbs about the writer of a comment. They are in the log of the comment's story."""
StoryVerb = Literal["close", "open", "notice", "correct"]
STORY_VERBS: tuple[StoryVerb, ...] = ("close", "open", "notice", "correct")

Queue = Literal["pending", "reported", "held", "edits", "appeals"]
QUEUES: tuple[Queue, ...] = ("pending", "reported", "held", "edits", "appeals")

REASONS: dict[str, str] = {
    "attack": "Attacks a person or a group",
    "hate": "Hate or discrimination",
    "threat": "Threat or call for violence",
    "sexual": "Sexual content",
    "privacy": "Private data of a person",
    "false": "False claim about a person or a fact",
    "illegal": "Illegal content of another kind",
    "copyright": "The work of another person",
    "spam": "Advertising or spam",
    "off_topic": "Not about the story",
    "other": "Another reason",
}
"""Reasons of a decision, and what they mean in English."""

COPY_REASONS: dict[str, str] = {
    "credit": "The credit is missing or wrong",
    "changed": "The text was changed",
    "context": "The page gives the story another meaning",
    "asked": "The page's owner asked for it",
    "abuse": "It is used for spam or attacks",
    "other": "Another reason",
}
"""Reasons why a copy is revoked, and what they mean in English."""

_ALPHABET = string.digits + string.ascii_letters
_LETTERS = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
"""A letter or digit for each byte."""


def changed_tags(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags that a decision gave or took off, from what its log entry has before and after."""
    old, new = before.get("tags", ()), after.get("tags", ())
    return tuple(tag for tag in (*old, *new) if (tag in old) != (tag in new))


def new_id() -> str:
    """Return a random id for a decision or a batch of decisions: 12 letters and digits, 71 random bits."""
    return secrets.token_bytes(12).translate(_LETTERS).decode()


def decision_id(by: Actor, subject: str) -> str:
    """Return the id of a new decision: random, or for a request that is done once always the same.

    `subject` tells the decisions of one request apart: the verb, or a comment's or decision's id.
    """
    if by.request is None:
        return new_id()
    return hashlib.sha256(f"{by.request.id} {subject}".encode()).hexdigest()[:16]


def batch_id(by: Actor) -> str:
    """Return the id of a new batch of decisions, random or of the request, as `decision_id`."""
    return new_id() if by.request is None else by.request.id


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that a person, an API key, a rule, the schedule or the shell did.

    `before` and `after` contain field names, states, revisions, tags and salted hashes, never words of a
    reader or a note. Entries of a site's log contain the values of settings.
    """

    id: str
    at: int
    """Milliseconds since 1970."""
    actor_kind: ActorKind
    actor: str
    """Id of the account, key or rule, or name of the shell's user."""
    via: Via
    verb: str
    targets: tuple[str, ...] = ()
    """Ids of comments, accounts, keys or tokens, or `hint:ID`. Empty: the story or the site itself."""
    reason: str | None = None
    note: str | None = None
    """Free text for moderators. It lies beside the log and can be erased."""
    batch: str | None = None
    undoes: str | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    shell_user: str | None = None
    story: str | None = None
    """Code of the story whose log contains the entry. None: the site's log."""
    number: int = 0
    """Place in its log, from 1. 0: not logged yet."""

    @property
    def comment(self) -> str | None:
        """The comment that an entry of a story's log is about, or None for the story or a hint."""
        first = self.targets[0] if self.story and self.targets else None
        return None if first is None or first.startswith(TARGET) else first


def decided_by(
    by: Actor,
    verb: str,
    at: int,
    *,
    targets: tuple[str, ...] = (),
    reason: str | None = None,
    note: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    undoes: str | None = None,
) -> Decision:
    """Return a decision of this actor with a new id, to be appended to a log.

    A request that is done once makes at most one decision with each verb by this function.
    """
    return Decision(
        id=decision_id(by, verb),
        at=at,
        actor_kind=by.kind,
        actor=by.id,
        via=by.via,
        verb=verb,
        targets=targets,
        reason=reason,
        note=note,
        undoes=undoes,
        before=before or {},
        after=after or {},
        shell_user=by.shell_user,
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """Result of a decision. `decision` is None if everything was as decided already."""

    decision: Decision | None
    comment: Comment | None
    """The comment as it is now; None for a decision about the story."""
    story: Story


@dataclass(frozen=True, slots=True)
class HandedOver:
    """To whom a case was handed over, by whom, and until when no other person gets it from a queue."""

    to: str
    """The person as leases name them: `account:…`."""
    to_name: str
    by_kind: str
    """Kind of the actor who handed it over, as in `model.actors`."""
    by_name: str
    """Name of the account or key, else its id."""
    at: int
    until: int
    note: str | None
    """Words for that person. Readers never see them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A comment that waits for a person in a queue."""

    id: int
    """0 in `new`, which has no cases: the comment names itself."""
    queue: Queue | Literal["new"]
    story: str
    """The story's code."""
    comment: Comment
    reasons: tuple[str, ...]
    """Keys of `REASONS` that readers gave, each once."""
    priority: int
    """0 is the most urgent."""
    opened_at: int
    revision: int
    """Revision of the comment when the case was opened or its text changed last."""
    waiting: str | None = None
    """Source of the edit that waits."""
    sealed: str | None = None
    """Sealed words of a held comment. Never shown."""
    lease_by: str | None = None
    """Who has taken the case last, and until when."""
    lease_until: int = 0
    handed: HandedOver | None = None
    """To whom it was handed over last; `until` may be over."""
