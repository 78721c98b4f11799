"""Answers of the owner API about comments, decisions and the log, one model for each."""

from typing import Any

from pydantic import Field

from widget_server.protocol.owner_answers import Answer, PageOf


class CopyName(Answer):
    """The copy on which a comment was written."""

    id: int
    label: str | None
    origin: str | None


class CommentAnswer(Answer):
    """A comment as moderators see it, without address, contact and reader."""

    id: str
    story: str
    parent: str | None
    state: str
    revision: int
    body: str = Field(description="Markdown as written; empty once it was taken away.")
    name: str | None
    vouched: bool
    role: str | None
    copied_on: CopyName | None
    lang: str | None
    created_at: str
    edited_at: str | None
    pinned: bool
    edit_waits: bool


class CommentList(PageOf):
    """Comments, the newest first."""

    comments: list[CommentAnswer]


class ReportAnswer(Answer):
    """A reader's report."""

    reason: str | None
    at: str


class CommentDetails(CommentAnswer):
    """A comment with the reports about it, and until when its removal can be undone."""

    reports: list[ReportAnswer] | None = Field(description="null without the scope read_reports.")
    restorable_until: str | None


class CaseAnswer(Answer):
    """A comment that waits for a person. It is as it would be after approval."""

    id: int
    queue: str
    reasons: list[str]
    priority: int
    opened_at: str
    revision: int
    comment: CommentAnswer


class CaseList(PageOf):
    """Waiting comments, the most urgent first, then the oldest."""

    cases: list[CaseAnswer]


class CaseCard(CaseAnswer):
    """A case with what a decision about it needs."""

    taken_until: str | None = Field(
        description="Until when this key has the case; null: it has not."
    )
    writer: dict[str, int] = Field(description="The writer's comments on the site by state.")
    writer_since: str | None
    reports: list[ReportAnswer] | None = Field(description="null without the scope read_reports.")
    reporters_right: int = Field(
        description="Earlier reports by the same readers that led to a removal."
    )
    reporters_wrong: int = Field(
        description="Earlier reports by the same readers after which the comment stayed."
    )


class TakenCases(Answer):
    """The cases that were taken, in the order to decide them: never more than three harsh ones in a row."""

    cases: list[CaseCard]


class GivenBack(Answer):
    """How many cases were given back."""

    given_back: int


class CaseDecided(Answer):
    """A decision about a case. `decision` is null if everything was so already."""

    decision: str | None
    comment: str
    state: str
    revision: int


class BatchProgress(Answer):
    """A decision about all comments that a search finds, and how far it is."""

    id: str | None = Field(description="Undo all of it by this id; null with dry_run.")
    verb: str
    undoes: str | None
    total: int
    done: int
    refused: int
    created_at: str | None
    ended_at: str | None = Field(description="null while it goes on.")
    samples: list[CommentAnswer] | None = Field(description="Ten of the comments, with dry_run.")


class BatchList(Answer):
    """The last batches, the newest first."""

    batches: list[BatchProgress]


class DecisionAnswer(Answer):
    """An entry of the log."""

    id: str
    at: str
    actor_kind: str
    actor: str
    via: str
    verb: str
    targets: list[str]
    story: str | None
    reason: str | None
    note: str | None
    batch: str | None
    undoes: str | None
    before: dict[str, Any]
    after: dict[str, Any]


class DecisionList(PageOf):
    """Entries of the log, the newest first."""

    decisions: list[DecisionAnswer]


class Done(Answer):
    """A decision that was made. `decision` is null if everything was so already."""

    decision: str | None
    comment: str | None
    state: str | None
    revision: int | None


class Refused(Answer):
    """A target about which nothing was decided."""

    target: str
    code: str
    detail: str


class BatchAnswer(Answer):
    """Result of a decision about several comments."""

    batch: str | None = Field(description="Undo all of it by this id; null with dry_run.")
    dry_run: bool
    done: list[Done]
    stale: list[CommentAnswer] = Field(description="Comments that changed since, as they are now.")
    refused: list[Refused]


class Damage(Answer):
    """An entry of the log that is not as it was written."""

    log: str
    number: int
    id: str | None
    what: str


class Verification(Answer):
    """Result of checking the site's logs."""

    entries: int
    logs: int
    erased: int = Field(description="Entries whose words were erased.")
    unknown_key: int = Field(description="Entries signed with a secret that is gone.")
    heads: int = Field(description="Recorded heads that were compared.")
    damages: list[Damage]
