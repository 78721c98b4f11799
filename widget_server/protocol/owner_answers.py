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


class SeenPage(Answer):
    """What the server saw when it last looked at a copy's page; null: not known."""

    at: str
    status: str
    title: str | None
    lang: str | None
    credit: bool | None
    licence: bool | None
    snippet: bool | None


class WithdrawnAnswer(Answer):
    """The last decision that took a copy's right to write away."""

    at: str
    by: str = Field(description="Name of a person, else the id of a key or a user of the shell.")
    reason: str | None


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
    withdrawn: WithdrawnAnswer | None = None
    seen: SeenPage | None = Field(None, description="Only in lists of copies.")


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


class Wait(Answer):
    """How long the cases of a queue waited that were decided in one day, in seconds."""

    start: str | None = Field(None, description="null: the whole time that was asked for.")
    queue: str
    decided: int
    median: int
    nine_in_ten: int


class NumbersAnswer(Answer):
    """Numbers, by what was asked: one of the lists is filled, the others are null."""

    by: str
    start: str
    until: str
    periods: list[Period] | None = None
    shares: list[Share] | None = None
    hours: list[list[int]] | None = Field(None, description="Comments by weekday, then hour.")
    cells: list[Cell] | None = None
    waits: list[Wait] | None = Field(
        None, description="By queue: the whole time first, then each day with a decision."
    )


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
