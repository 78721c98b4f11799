"""What programs send to the owner API: queries and JSON bodies, one model for each.

Unknown fields are passed over, so that a newer client works with an older server. Lengths are in
characters. Operations check what a value means; these models check its shape.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from widget_server.model.bans import BanMode
from widget_server.model.batches import BatchVerb
from widget_server.model.corrections import CorrectionKind
from widget_server.model.decisions import REASONS, CommentVerb, Queue
from widget_server.model.identifiers import COMMENT_ID, STORY_CODE
from widget_server.model.limits import MAX_PAGE

MAX_TARGETS = 500
"""Comments in one decision."""
FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
LAST_TIME = datetime(2200, 1, 1, tzinfo=UTC)


NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
"""Pattern of a text of one line. PostgreSQL cannot store NUL."""


def _stored_time(at: datetime) -> datetime:
    if not FIRST_TIME <= at < LAST_TIME:
        raise ValueError("give a time between 1970 and 2200")
    return at


Word = Annotated[str, StringConstraints(max_length=200, pattern=NO_CONTROLS)]
Words = Annotated[str, StringConstraints(max_length=300, pattern=NO_CONTROLS)]
Paragraph = Annotated[
    str, StringConstraints(max_length=4_000), Field(description="Shown as one line.")
]
Line = Annotated[str, StringConstraints(max_length=2_000, pattern=NO_CONTROLS)]
Note = Annotated[
    str, StringConstraints(max_length=2_000), Field(description="For moderators only.")
]
Answer = Annotated[
    str, StringConstraints(max_length=2_000), Field(description="For the reader alone.")
]
Time = Annotated[AwareDatetime, AfterValidator(_stored_time)]
Code = Annotated[str, StringConstraints(pattern=f"^{STORY_CODE.pattern}$")]
CommentId = Annotated[str, StringConstraints(pattern=f"^{COMMENT_ID.pattern}$")]
WatchId = Annotated[str, StringConstraints(pattern="^[0-9A-Za-z]{1,16}$")]
CopyId = Annotated[int, Field(ge=1, lt=2**53)]
CaseId = Annotated[int, Field(ge=1, lt=2**53)]
After = Annotated[
    Annotated[str, StringConstraints(max_length=400, pattern=NO_CONTROLS)] | None,
    Field(description="`next` of the page before, with the same order and filters."),
]
Tag = Annotated[
    Annotated[str, StringConstraints(max_length=200, pattern=NO_CONTROLS)],
    Field(description="A tag of the site's own people."),
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Entries of a page.")]
Reason = Annotated[str, Field(json_schema_extra={"enum": [*REASONS]}, description="Why.")]
Scope = Literal["story", "site"]
DryRun = Annotated[bool, Field(description="Say what would change, and change nothing.")]
CopyReason = Literal["credit", "changed", "context", "asked", "abuse", "other"]
SnippetForm = Literal[
    "html", "jsx", "markdown", "link", "iframe", "email", "text", "atom", "address"
]
InvitedRole = Literal["owner", "editor", "moderator", "auditor", "local"]


class _Request(BaseModel):
    """A query or body. Fields that are not listed are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Page(_Request):
    """A page of a list."""

    limit: Limit = 25
    after: After = None


class StoriesQuery(Page):
    """Which stories to list."""

    q: Word = Field("", description="Words in title, key or code.")
    closed: bool | None = None
    author: Word | None = None
    lang: Word | None = Field(None, description="Only stories with a copy in this language.")
    order: Literal["activity", "created", "comments", "reactions"] = "activity"


class CommentsQuery(Page):
    """Which comments to list, the newest first, in any state."""

    story: Code | None = None
    tag: Tag | None = None


class _CaseFilter(_Request):
    """Which open cases."""

    queue: Queue | Literal["all"] = "pending"
    story: Code | None = None
    copy_id: CopyId | None = Field(None, alias="copy", description="Written on this copy.")
    lang: Word | None = None
    reason: Reason | None = None
    age: Literal["day", "older"] | None = Field(
        None, description="Opened in the last 24 hours, or before."
    )
    watch: WatchId | None = Field(None, description="Only of the stories of this watch-list.")
    tag: Tag | None = None


class CasesQuery(_CaseFilter, Page):
    """Which queue of waiting comments to list."""


class TakeCases(_CaseFilter):
    """Which cases to take. Until they are given back or the time is over, no other person gets them."""

    limit: int = Field(10, ge=1, le=50)
    seconds: int = Field(60, ge=1, le=600)


class NewQuery(Page):
    """Which published comments to list that came in since this key last looked, the oldest first."""

    story: Code | None = None
    copy_id: CopyId | None = Field(None, alias="copy", description="Written on this copy.")
    lang: Word | None = None
    watch: WatchId | None = Field(None, description="Only of the stories of this watch-list.")


class MarkSeen(_Request):
    """Up to which comment this key has looked at what came in."""

    comment: CommentId
    seen: bool = Field(True, description="false: this comment and those after it are new again.")


class NewWatchList(_Request):
    """A named set of stories. All given conditions hold; one is needed."""

    name: Word
    stories: list[Code] = Field([], max_length=100)
    newer_than: int | None = Field(None, ge=1, le=743, description="Hours since the story came.")
    top: int | None = Field(
        None, ge=1, le=100, description="So many stories with the most comments of the last hour."
    )
    lang: Word | None = Field(None, description="Language of the comments.")
    origin: Line | None = Field(None, description="Address of the site that carries the copies.")
    tag: Tag | None = None


class GiveBackCases(_Request):
    """Which taken cases to give back; null: all of this key."""

    cases: list[CaseId] | None = Field(None, max_length=100)


class HandOverCase(_Request):
    """To whom to hand a case over. For a day no other person gets it from a queue."""

    to: str = Field(
        pattern="^[0-9a-f]{16}$",
        description="Account of a person who may decide here; see `people`.",
    )
    note: Note | None = Field(None, description="Words for that person. Readers never see them.")


class DecideCase(_Request):
    """A decision about a case. It is refused as stale if another decision has closed the case."""

    verb: CommentVerb
    reason: Reason | None = None
    note: Note | None = None
    revision: int | None = Field(None, ge=1, lt=2**31)
    tag: Tag | None = None


class BatchSearch(_Request):
    """Which comments. All given conditions must hold; one besides `story` and `until` is needed."""

    writer: CommentId | None = Field(None, description="A comment: all comments by its writer.")
    story: Code | None = None
    copy_id: CopyId | None = Field(None, alias="copy", description="Written on this copy.")
    phrase: Word | None = Field(None, description="At least 3 characters, whatever their case.")
    since: Time | None = None
    until: Time | None = Field(None, description="Before this time.")


class StartBatch(_Request):
    """A decision about all comments that a search finds."""

    verb: BatchVerb
    search: BatchSearch
    reason: Reason | None = None
    note: Note | None = None
    dry_run: DryRun = False


class LogQuery(_Request):
    """Which entries of the log to read, the newest first."""

    format: Literal["json", "ndjson", "csv", "dsa"] = Field(
        "json",
        description="`json`: a page. `ndjson` and `csv`: all entries, streamed. `dsa`: restrictions in the"
        " fields of the EU's Transparency Database, as CSV, the oldest first.",
    )
    limit: Limit = 100
    after: After = None
    start: Time | None = Field(None, alias="from", description="From this time on.")
    until: Time | None = Field(None, description="Before this time.")
    verb: Word | None = None
    actor: Word | None = Field(None, description="Id of an account or key.")
    story: Code | None = None
    comment: CommentId | None = None
    batch: Word | None = None


class CopiesQuery(Page):
    """Which copies to list."""

    format: Literal["json", "csv"] = Field("json", description="`csv`: all copies, streamed.")
    q: Word = Field("", description="Words in page, origin or label.")
    story: Code | None = None
    lang: Word | None = None
    status: Literal["live", "revoked", "shut_out"] | None = None
    first_seen_since: Time | None = None
    order: Literal["readers", "first_seen", "last_seen", "reactions", "comments"] = "readers"


class TokensQuery(Page):
    """Which widget tokens to list, the newest first."""

    q: Word = Field("", description="Words in label, story key or jti.")
    story: Word | None = Field(None, description="Key of a story.")
    status: Literal["live", "unseen", "expired", "revoked", "retired"] | None = None
    elsewhere: bool | None = Field(None, description="Whether it was minted outside this server.")


class RevokeTokenQuery(_Request):
    """Whether the one origin that showed the token is shut out as well."""

    shut_out: Scope | None = None


class NumbersQuery(_Request):
    """What to count. Without times: the last 30 days."""

    by: Literal["day", "hour", "copy", "lang", "weekday", "story", "queue"] = "day"
    format: Literal["json", "csv"] = Field("json", description="`csv`: only by day, hour or queue.")
    start: Time | None = Field(None, alias="from")
    until: Time | None = None
    zone: Word = Field("UTC", description="Time zone of days and hours, as Europe/Lisbon.")
    story: Code | None = None
    copy_id: CopyId | None = Field(None, alias="copy")
    lang: Word | None = None


class ChangeSite(_Request):
    """Settings to change, by key. null stands for the default."""

    settings: dict[Word, Any] = Field(max_length=100)
    dry_run: DryRun = False


class ChangeStory(_Request):
    """What to change of a story. A field that is missing stays as it is."""

    notice: Word | None = Field(None, description="One line above the discussion; null for none.")
    closes_at: Time | None = Field(None, description="When to close it; null: as the site says.")
    settings: dict[Word, Any] | None = Field(
        None, max_length=100, description="Overrides of the site's settings; null: the site's."
    )
    dry_run: DryRun = False
    reason: Reason | None = None
    note: Note | None = None


class StoryDecision(_Request):
    """Why a story is closed or opened."""

    reason: Reason | None = None
    note: Note | None = None


class CorrectStory(_Request):
    """What was wrong and what is right. The texts of copies are not changed."""

    text: Paragraph
    kind: CorrectionKind = "correction"
    texts: dict[Word, Paragraph] = Field({}, max_length=20, description="By language (BCP 47).")
    passage: Paragraph = Field("", description="The words of the story that it is about.")
    credit: Word = Field("", description="Who pointed it out.")
    note: Note | None = None


class HintsQuery(Page):
    """Which open error reports of readers to list, the oldest first."""

    story: Code | None = None


class AcceptHint(_Request):
    """The correction that follows an error report of a reader."""

    text: Paragraph
    kind: CorrectionKind = "correction"
    texts: dict[Word, Paragraph] = Field({}, max_length=20, description="By language (BCP 47).")
    passage: Paragraph | None = Field(
        None, description="The words of the story that it is about. Null: those of the report."
    )
    credit: bool = Field(True, description="Thank the reader by name, if the reader left one.")
    answer: Answer | None = None


class DeclineHint(_Request):
    """An answer to an error report of a reader, without a correction."""

    answer: Answer | None = None


class Target(_Request):
    """A comment to decide about, as it was read."""

    id: CommentId
    revision: int | None = Field(None, ge=1, lt=2**31)


class Decide(_Request):
    """A decision about comments. With `revision` it is refused as stale if the words changed since."""

    verb: CommentVerb
    targets: list[CommentId | Target] = Field(min_length=1, max_length=MAX_TARGETS)
    reason: Reason | None = None
    note: Note | None = None
    revision: int | None = Field(
        None, ge=1, lt=2**31, description="Revision of each target that names none."
    )
    tag: Tag | None = None
    dry_run: DryRun = False


class Ban(_Request):
    """Ban the writer of a comment on the whole site. A second ban replaces the first."""

    comment: CommentId
    mode: BanMode = Field("read", description="`approval`: what they write waits.")
    network: bool = Field(
        False, description="Ban the writer's network, for 48 hours at most, in a raid only."
    )
    until: Time | None = Field(None, description="null: for good, or a network for 48 hours.")
    reason: Reason | None = None
    note: Note | None = None


class LiftBan(_Request):
    """Why a ban is lifted."""

    note: Note | None = None


class MuteReporter(_Request):
    """Let the reports of the reader who gave this one no longer count, on the whole site."""

    comment: CommentId
    report: str = Field(
        pattern="^[0-9a-f]{16}$", description="Id of the report, as in the `reports` of a case."
    )
    until: Time | None = Field(None, description="null: for good.")


class UndoDecision(_Request):
    """Why a decision is undone."""

    note: Note | None = None


class RevokeCopy(_Request):
    """How to take a copy back."""

    shut_out: Scope | None = Field(None, description="Also shut its exact origin out.")
    reason: CopyReason | None = Field(None, description="Why: for the log and the list of copies.")
    dry_run: DryRun = False


class AgreeWithCopy(_Request):
    """Whether readers see the name that the republisher of a copy wants."""

    agreed: bool = True


class CheckPage(_Request):
    """A page that carries the story."""

    page: Line = Field(description="Its address: http or https, port 80 or 443.")


class ShowOnCopy(_Request):
    """The comment of the copy's story to show again."""

    comment: CommentId


class HideOnCopy(ShowOnCopy):
    """The comment of the copy's story to hide, and why."""

    reason: Reason | None = None


class LetCopyWait(_Request):
    """Whether new comments from the copy wait for a moderator."""

    on: bool = True


class HiddenQuery(Page):
    """Which hidden comments to list."""

    copy_id: CopyId | None = Field(None, alias="copy", description="Only on this copy.")
    story: Code | None = None


class StoryImage(_Request):
    """An image of a story."""

    url: Line = Field(description="Where it can be loaded from: http or https.")
    alt: Words = Field("", description="What is seen in it.")
    credit: Words = Field("", description="Who made it, as it is to be named.")
    licence: Words = Field("", description="Its own licence; empty: that of the story.")
    included: bool = Field(True, description="Whether it may be republished with the story.")


class PutStoryText(_Request):
    """The text of a story, for republishers. HTML is reduced to plain elements."""

    text: str = Field(min_length=1, max_length=100_000)
    format: Literal["html", "markdown"] = "html"
    title: Words = ""
    images: list[StoryImage] = Field([], max_length=50)


class PutTranslation(_Request):
    """A translation of a story: the same discussion under another title and address."""

    title: Line = Field(description="The story's title in this language.")
    url: Line = Field(
        description="Where the translation is read. The story's own address names the original's language."
    )


class ShutOut(_Request):
    """An origin to shut out, or to admit again."""

    origin: Word = Field(description="Exact: https://host or https://host:port.")
    story: Word | None = Field(None, description="Key of a story; null: all stories of the site.")


class MintToken(_Request):
    """The claims of a new widget token (docs/users/tokens.md)."""

    story: Word = Field(description="Your key of the story, never its URL.")
    origins: list[Word] = Field(min_length=1, max_length=100)
    can: list[Literal["read", "react", "comment"]] = Field(
        ["read", "react", "comment"], min_length=1, max_length=3
    )
    title: Line | None = None
    author: Line | None = None
    publisher: Line | None = None
    url: Line | None = None
    license: Word = "CC-BY-4.0"
    changes: Line | None = None
    label: Word | None = None
    lang: Word | None = None
    listed: bool = Field(False, description="Whether the story's page may list the copy.")
    expires_at: Time | None = None
    jti: Word | None = None
    forms: list[SnippetForm] = Field(["html"], max_length=10, description="Snippets to answer.")


class RetireKeys(_Request):
    """Whether to retire all signing keys but the newest."""

    dry_run: DryRun = False


class Nothing(_Request):
    """No fields."""


class Invite(_Request):
    """Whom to invite."""

    role: InvitedRole
    email: Word = Field("", description="For the list of invitations only: no mail is sent.")
    copies: list[CopyId] | None = Field(
        None, max_length=100, description="Only for `local`: the copies."
    )


class ChangeMember(_Request):
    """The new role of a person."""

    role: InvitedRole
    copies: list[CopyId] | None = Field(None, max_length=100)


class NewKey(_Request):
    """A new API key."""

    label: Word
    scopes: list[Word] = Field(min_length=1, max_length=100)
    days: int | None = Field(365, ge=1, le=3650, description="null: until it is ended.")
