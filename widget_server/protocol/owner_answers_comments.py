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
    featured: bool
    tags: list[str] = Field(description="Given by the site's own people, who alone see them.")
    edit_waits: bool


class CommentList(PageOf):
    """Comments, the newest first."""

    comments: list[CommentAnswer]


class ReportAnswer(Answer):
    """A reader's report."""

    id: str = Field(description="By which its reader can be muted; it names no reader.")
    reason: str | None
    at: str
    category: str | None
    muted: bool = Field(description="Whether it does not count, because its reader was muted.")


class AppealAnswer(Answer):
    """A reader's objection to a decision."""

    decision: str
    verb: str = Field(description="What was decided: remove, spam, reject or ban.")
    at: str
    text: str | None = Field(description="null if the reader wrote none, or it was erased.")


class ReportedTextAnswer(Answer):
    """A comment as it was when it was reported."""

    revision: int
    at: str = Field(description="Time of the first report of this revision.")
    body: str


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
    appeals: list[AppealAnswer] | None = Field(
        None, description="In the queue `appeals`: the objections, the oldest first."
    )
    handed_to: str | None = Field(None, description="Account to which the case was handed over.")
    handed_until: str | None = Field(
        None, description="Until when no other person gets it from a queue."
    )


class CaseList(PageOf):
    """Waiting comments, the most urgent first, then the oldest."""

    cases: list[CaseAnswer]


class BanAnswer(Answer):
    """A ban in effect. Who it is about is known only by the comment."""

    id: str = Field(description="Id of the decision.")
    kind: str
    mode: str
    comment: str
    story: str
    name: str | None = Field(description="Name at the comment; null if none or removed.")
    by: str = Field(description="Name of who made the ban.")
    reason: str | None
    note: str | None
    at: str
    until: str | None = Field(description="null: for good.")
    appealed_at: str | None


class BanList(PageOf):
    """Bans in effect, the newest first."""

    bans: list[BanAnswer]


class ReportMuteAnswer(Answer):
    """A reader whose reports do not count. Who it is is known only by the comment."""

    id: str = Field(description="Id of the entry of the log.")
    comment: str
    at: str
    until: str | None = Field(description="null: for good.")


class ListedMuteAnswer(ReportMuteAnswer):
    """A mute in effect."""

    story: str = Field(description="Empty if a restored backup does not have the comment.")
    by: str = Field(description="Name of who muted the reader.")


class ReportMuteList(PageOf):
    """Mutes in effect, the newest first."""

    mutes: list[ListedMuteAnswer]


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
    reported_texts: list[ReportedTextAnswer] = Field(
        description="What was reported, where its author has changed it since; the oldest first."
    )
    suspects: list[str] = Field(
        description="What the rules about words find in text, name and website, as it is written there."
    )
    harm: str | None = Field(
        description="In the queue `reported`: high, middle or low, by the reasons that readers gave."
    )
    reach: str | None = Field(description="By the number of readers now and of reports.")
    trust: str | None = Field(description="By what became of earlier reports of the same readers.")


class TakenCases(Answer):
    """The cases that were taken, in the order to decide them: never more than three harsh ones in a row."""

    cases: list[CaseCard]


class NewList(PageOf):
    """Published comments since this key last looked, the oldest first."""

    comments: list[CommentAnswer]


class Seen(Answer):
    """Up to which comment this key has looked."""

    comment: str
    seen: bool


class WatchListAnswer(Answer):
    """A named set of stories whose cases are a queue of their own."""

    id: str
    name: str
    stories: list[str]
    newer_than: int | None
    top: int | None
    lang: str | None
    origin: str | None
    tag: str | None
    created_at: str


class WatchListList(Answer):
    """The watch-lists of a site by name."""

    watch_lists: list[WatchListAnswer]


class CaseHandedOver(Answer):
    """To whom a case belongs now. null: to all."""

    handed_to: str | None
    handed_until: str | None


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
