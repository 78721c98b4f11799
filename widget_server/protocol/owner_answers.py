"""Answers of the owner API, one model for each. Times are RFC 3339 in UTC, as in the public API."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Counts = dict[str, int]


class Answer(BaseModel):
    """A JSON object that the owner API answers."""

    # Built at the first use: few processes answer the owner API, and building all takes a tenth of a start.
    model_config = ConfigDict(
        extra="forbid", json_schema_serialization_defaults_required=True, defer_build=True
    )


class PageOf(Answer):
    """A page of a list. `next` is the `after` of the next page, or null."""

    next: str | None


class Waiting(Answer):
    """Number of comments that wait for a person, by queue, and in `corrections` of error reports."""

    pending: int
    reported: int
    held: int
    edits: int
    appeals: int
    corrections: int


class SecondLooks(Answer):
    """How often a second person decided as the first one, in the last 30 days."""

    agreed: int
    looked: int


class SiteAnswer(Answer):
    """A site: what it is, what waits, and its settings."""

    site: str
    name: str
    server: str = Field(description="Address of this server.")
    stories: int
    readers: int | None = Field(description="Readers now; null: one or two.")
    waiting: Waiting
    second_looks: SecondLooks | None = Field(description="null without the scope read_numbers.")
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


class CorrectionAnswer(Answer):
    """A correction. Its id is that of the decision: undoing it withdraws the correction."""

    id: str
    at: str
    kind: str
    text: str
    texts: dict[str, str] = Field(description="By language; `text` is for all others.")
    passage: str | None
    credit: str | None
    withdrawn_at: str | None


class CorrectionList(Answer):
    """The corrections of a story, the newest first."""

    corrections: list[CorrectionAnswer]


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
    self_made: bool = Field(False, description="Whether its republisher made the token themselves.")
    wanted_label: str | None = Field(
        None, description="The name that its republisher wants. Readers see `label`."
    )
    wants_listing: bool = Field(False, description="Whether it wants to stand on the story's page.")
    agreed: bool = Field(False, description="Whether the site agreed to name and listing.")


class TranslationAnswer(Answer):
    """A linked translation of a story. `original`: it is the story itself, and names its language."""

    lang: str
    title: str
    url: str
    original: bool


class Translations(Answer):
    """The linked translations of a story, in the order of their languages."""

    translations: list[TranslationAnswer]


class StoryDetails(StoryAnswer):
    """A story with its own settings and its first copies."""

    settings: dict[str, Any] | None = Field(description="What it overrides.")
    version: str | None
    translations: list[TranslationAnswer]
    first_copies: list[CopyAnswer]


class StoryImageAnswer(Answer):
    """An image of a story's text."""

    url: str
    alt: str
    credit: str
    licence: str
    included: bool


class StoryTextAnswer(Answer):
    """The newest version of a story's text."""

    version: int
    title: str | None
    format: str
    text: str = Field(description="As it was sent.")
    html: str = Field(description="As republishers get it.")
    images: list[StoryImageAnswer]
    created_at: str


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


class FindingAnswer(Answer):
    """One thing that was looked for on a page."""

    code: str = Field(description="What it is, as in docs/users/republishing.md.")
    state: Literal["good", "fault", "advice", "unknown"]
    line: str = Field(description="What to paste into the page or its policy; may be empty.")
    missing: list[str] = Field(description="Words of the story that the page does not have.")
    outdated: list[str] = Field(description="Words of an earlier version that it still has.")
    version: int | None = Field(description="The version of the text that the page has.")
    version_at: str | None


class PageCheckAnswer(Answer):
    """What the server found on a page that carries a story."""

    story: str
    page: str
    faults: int
    findings: list[FindingAnswer]


class HiddenAnswer(Answer):
    """A comment that one copy does not show, with the replies below it."""

    copy_id: int = Field(serialization_alias="copy")
    origin: str
    label: str | None
    story: str
    comment: str
    at: str
    by_site: bool = Field(
        description="Whether the site's own people hid it, not a local moderator."
    )


class HiddenList(PageOf):
    """Hidden comments, in order of copy and comment."""

    hidden: list[HiddenAnswer]


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
