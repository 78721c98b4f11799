"""Answers of the owner API, one model for each. Times are RFC 3339 in UTC, as in the public API."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Counts = dict[str, int]


class Answer(BaseModel):
    """A JSON object that the owner API answers."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class PageOf(Answer):
    """A page of a list. `next` is the `after` of the next page, or null."""

    next: str | None


class Waiting(Answer):
    """Number of comments that wait for a person, by queue."""

    pending: int
    reported: int
    held: int
    edits: int


class SiteAnswer(Answer):
    """A site: what it is, what waits, and its settings."""

    site: str
    name: str
    server: str = Field(description="Address of this server.")
    stories: int
    readers: int | None = Field(description="Readers now; null: one or two.")
    waiting: Waiting
    settings: dict[str, Any] | None = Field(description="null without the scope read_settings.")
    version: str | None = Field(description="State of the settings, as in the ETag.")


class SettingChange(Answer):
    """A setting that changes."""

    key: str
    before: Any
    after: Any
    not_for: list[str] = Field(description="Codes of stories that override it.")


class ReactionEffect(Answer):
    """What happens to a reaction."""

    key: str
    effect: str
    before: str | None
    after: str
    counted: int


class SettingsAnswer(Answer):
    """What a change of settings changes, and for whom."""

    version: str = Field(description="State of the settings afterwards; of now with dry_run.")
    dry_run: bool
    settings: dict[str, Any]
    changes: list[SettingChange]
    reactions: list[ReactionEffect]
    stories: int = Field(description="Stories for which something changes.")
    open_stories: int
    readers: int
    copies: int


class StoryAnswer(Answer):
    """A story with its numbers."""

    code: str
    key: str
    title: str | None
    author: str | None
    publisher: str | None
    url: str | None
    license: str
    notice: str | None
    closed: bool
    closes_at: str | None
    created_at: str
    active_at: str
    comments: int
    waiting: int
    reactions: Counts
    copies: int
    readers: int | None = Field(description="Readers now; null: one or two.")


class CopyAnswer(Answer):
    """A page that carries a story."""

    id: int
    story: str
    story_key: str
    story_title: str | None
    origin: str
    page: str | None
    label: str | None
    lang: str | None
    listed: bool
    code_only: bool
    jti: str
    generation: int | None
    first_seen: str
    last_seen: str
    readers: int | None
    reactions: int
    share: float
    comments: int
    status: str


class StoryDetails(StoryAnswer):
    """A story with its own settings and its first copies."""

    settings: dict[str, Any] | None = Field(description="What it overrides.")
    version: str | None
    first_copies: list[CopyAnswer]


class StoryChanged(Answer):
    """A story after a change, or with dry_run before it."""

    dry_run: bool
    story: StoryDetails
    settings: SettingsAnswer | None


class StoryList(PageOf):
    """Stories in the asked order."""

    stories: list[StoryAnswer]
    total: int


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


class CopyList(PageOf):
    """Copies in the asked order."""

    copies: list[CopyAnswer]
    total: int


class RevocationAnswer(Answer):
    """What revoking a copy did, or would do."""

    dry_run: bool
    copied: CopyAnswer
    token: bool = Field(description="Whether its token is revoked.")
    also: list[CopyAnswer] = Field(description="Other copies with the same token.")
    shut_out: str | None
    origin: str | None = Field(description="The exact origin that can be shut out.")
    before: bool = Field(description="Whether it was revoked already.")


class Readmitted(Answer):
    """Whether something was accepted again."""

    changed: bool


class ShutOutAnswer(Answer):
    """An origin that is shut out of a story (its key), or of all stories (null)."""

    origin: str
    story: str | None


class ShutOutList(Answer):
    """All origins that are shut out."""

    shut_out: list[ShutOutAnswer]


class TokenAnswer(Answer):
    """What a widget token says, and where it was used."""

    jti: str
    story: str
    title: str | None
    label: str | None
    origins: list[str]
    can: list[str]
    lang: str | None
    issued_at: str
    expires_at: str | None
    generation: int | None
    by: str | None = Field(description="Who minted it; null: made elsewhere.")
    status: str
    copies: int
    last_used_at: str | None


class TokenList(PageOf):
    """Widget tokens, the newest first."""

    tokens: list[TokenAnswer]
    total: int


class Minted(Answer):
    """A new widget token. `token` and `snippets` are only in the first answer."""

    jti: str
    code: str = Field(description="The story's public code.")
    token: str | None
    snippets: dict[str, str] | None


class RevokedToken(Answer):
    """A widget token that was taken back."""

    jti: str
    copies: list[str] = Field(description="Origins on which it was seen.")
    shut_out: str | None
    before: bool


class Generation(Answer):
    """A generation of the site's signing key."""

    number: int | None
    signs: bool
    accepted: bool
    tokens: int
    copies: int


class Stops(Answer):
    """What stops if all signing keys but the newest are retired."""

    generation: int
    copies: list[CopyAnswer]
    total: int
    unknown: int


class SigningKeys(Answer):
    """The site's signing keys, and what would stop without the old ones. Never the keys themselves."""

    generations: list[Generation]
    would_stop: Stops


class Retired(Answer):
    """What retiring the old signing keys stopped, or would stop."""

    dry_run: bool
    stops: Stops


class MemberAnswer(Answer):
    """A person with a role on the site."""

    account: str
    name: str
    role: str
    copies: list[int] | None


class MemberList(Answer):
    """All people of the site."""

    members: list[MemberAnswer]


class InvitationAnswer(Answer):
    """An open invitation. `url` signs somebody in, and is only in the first answer."""

    id: str
    role: str | None
    copies: list[int] | None
    until: str
    url: str | None


class InvitationList(Answer):
    """All open invitations."""

    invitations: list[InvitationAnswer]


class KeyAnswer(Answer):
    """An API key. `key` is only in the first answer."""

    id: str
    label: str
    scopes: list[str]
    by: str | None
    created_at: str
    last_used_at: str | None
    until: str | None
    key: str | None


class KeyList(Answer):
    """All API keys in use."""

    keys: list[KeyAnswer]


class Period(Answer):
    """The numbers of a day or hour."""

    start: str
    reactions: Counts
    comments: int
    removed: int
    pending: int


class Share(Answer):
    """The numbers of one copy (its id) or language."""

    key: int | str | None
    name: str | None
    reactions: int
    comments: int


class Cell(Answer):
    """The numbers of one story on one origin."""

    story: str
    origin: str | None
    reactions: int
    comments: int


class NumbersAnswer(Answer):
    """Numbers, by what was asked: one of the lists is filled, the others are null."""

    by: str
    start: str
    until: str
    periods: list[Period] | None = None
    shares: list[Share] | None = None
    hours: list[list[int]] | None = Field(None, description="Comments by weekday, then hour.")
    cells: list[Cell] | None = None


class OwnerProblem(Answer):
    """A problem (RFC 9457) of the owner API. Fields without a value are left out."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=False)

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = Field(None, description="The field that must be changed.")
    retry_after: float | None = None
    later: str | None = Field(None, description="The decision that must be undone first.")
    version: str | None = Field(None, description="The settings' state now.")
