"""Models of everything the server sends, for the generated reference and its tests.

`server_messages.py` encodes messages without these models; a test checks that both agree.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Node = Any
"""A string, or `[tag, attributes or null, ...nodes]` (see docs/developers/protocol.md)."""


class _ServerModel(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


READ_AT = "Where the story was when this was read. Messages after it are not in this response."


class Position(_ServerModel):
    """A position in a story. `seq` numbers the public changes of an epoch without gaps."""

    epoch: str
    seq: int


class Tally(_ServerModel):
    """All counts of a story or comment. The tally with the higher version is the newer one."""

    version: int
    counts: dict[str, int]


class Author(_ServerModel):
    """The author of a comment, as given by the author."""

    name: str | None
    website: str | None
    role: Literal["author", "moderator"] | None
    vouched: bool = Field(
        description="Whether the site signed this name: the reader was signed in."
    )


class Copy(_ServerModel):
    """The copy of the story on which a comment was written."""

    label: str | None
    origin: str | None


class OwnCopy(Copy):
    """The copy that the client's page is."""

    hidden: list[str] | None = Field(
        None, description="Ids of comments that it does not show, nor their replies. Missing: none."
    )


class OlderCopy(_ServerModel):
    """That the client's page has an earlier version of the story's text than the newest one."""

    changed_at: int = Field(
        description="When the newest version was stored, in milliseconds since 1970."
    )
    url: str = Field(description="A page of this server that shows what changed.")


class Comment(_ServerModel):
    """A comment as all readers see it. A removed comment has only its place and time left."""

    id: str
    parent: str | None
    thread: str
    seq: int
    published_seq: int = Field(
        description="`seq` at which it was published: its place. 0 while pending."
    )
    state: Literal["published", "pending", "removed"]
    text: list[Node]
    author: Author
    copy_: Copy | None = Field(alias="copy")
    lang: str | None
    created_at: str
    edited_at: str | None
    pinned: bool
    tally: Tally
    license: str | None = Field(
        None, description="SPDX id of the licence under which its author gave it."
    )
    featured: bool | None = Field(None, description="Whether the site features it; only if true.")


class OwnDecision(_ServerModel):
    """What was decided against a comment, as its author sees it."""

    state: Literal["removed", "held", "edit_rejected", "restored"]
    reason: str | None = Field(description="A key of the reasons.")
    by: Literal["person", "rule"]
    at: str
    may_appeal: bool
    appeal: Literal["waiting", "upheld", "overturned"] | None = Field(
        None, description="State of the author's objection, if there is one."
    )


class OwnBan(_ServerModel):
    """A ban, as the banned reader sees it."""

    mode: Literal["read", "approval"]
    until: str | None = Field(description="Null: for good.")
    reason: str | None
    by: Literal["person", "rule"]
    at: str
    may_appeal: bool
    appeal: Literal["waiting", "upheld", "overturned"] | None = None


class OwnReport(_ServerModel):
    """A report of this reader, and what became of it."""

    comment: str
    category: str | None
    at: str
    outcome: Literal["waiting", "removed", "kept", "gone"]


class OwnHint(_ServerModel):
    """What this reader told the editors about an error in the story, and what became of it.

    The words are left out once they were deleted, and where they do not fit.
    """

    id: str
    at: str
    state: Literal["open", "accepted", "declined"]
    text: str | None = None
    passage: str | None = Field(None, description="The words of the story that it is about.")
    credit: str | None = Field(
        None, description="Name under which the reader wants to be thanked in public."
    )
    answer: str | None = Field(None, description="What the editor wrote to the reader.")
    correction: str | None = Field(
        None, description="Id of the correction that followed, if `state` is `accepted`."
    )
    decided_at: str | None = None


class OwnComment(Comment):
    """A comment as its author sees it."""

    body: str
    editable_until: str
    waiting: bool | None = Field(None, description="Whether an edit waits for a moderator.")
    decision: OwnDecision | None = None


class Thread(Comment):
    """A top comment with its first replies, in order of writing, and the number of further ones."""

    replies: list[Comment]
    more: int
    next: str | None = Field(description="`after` for the next replies, if there are `more`.")


class PartOfThread(Thread):
    """A page of a thread: its top comment and some of its replies."""

    earlier: int = Field(description="Number of replies before these.")
    position: Position = Field(description=READ_AT)


class Threads(_ServerModel):
    """A page of threads, and the cursor for the next page."""

    threads: list[Thread]
    next: str | None


class PageOfThreads(Threads):
    """A page of threads that was requested alone."""

    position: Position = Field(description=READ_AT)


class Translation(_ServerModel):
    """A story in another language: the same discussion under another title and address."""

    title: str
    url: str


class Correction(_ServerModel):
    """What the publisher says afterwards about the text of a story.

    `texts` are by language (BCP 47), `text` is for all others. One that was withdrawn has no text.
    """

    id: str
    at: str = Field(description="RFC 3339, UTC.")
    kind: Literal["correction", "clarification", "update", "retraction"]
    text: str
    texts: dict[str, str] | None = None
    passage: str | None = Field(None, description="The words of the story that it is about.")
    credit: str | None = Field(None, description="Who pointed it out.")
    withdrawn_at: str | None = None


class Story(_ServerModel):
    """A story and its attribution."""

    code: str
    key: str
    site: str
    title: str | None
    author: str | None
    publisher: str | None
    url: str | None
    license: str
    closed: bool
    notice: str | None
    translations: dict[str, Translation] | None = Field(
        None,
        description="Translations that the publisher linked, by BCP 47 tag; empty without any. One whose"
        " `url` is the story's own says the language of the original.",
    )
    corrections: list[Correction] | None = Field(
        None, description="The newest first, at most 20. Left out if there is none."
    )


class Reaction(_ServerModel):
    """A reaction that the site offers.

    `face` is a filled shape, the lines on it (both SVG paths in a square of 24) and the shape's
    colour. Without `face`, the emoji is shown. `labels` are by language, `label` is for all others.
    """

    key: str
    label: str
    emoji: str
    labels: dict[str, str] | None = None
    face: tuple[str, str, str] | None = None


class NamedReaction(_ServerModel):
    """A reaction that the site offers, with its name for readers of other languages."""

    key: str
    label: str
    emoji: str


class SiteName(_ServerModel):
    """The site that a story belongs to."""

    slug: str
    name: str


class WholeDiscussion(_ServerModel):
    """A whole discussion as a file. `complete` is its last field: a file that was cut off has none.

    Comments stand in the order of their threads: each top comment, then its replies.
    """

    format: Literal["story-widget-discussion"]
    version: Literal[1]
    downloaded_at: str
    position: Position
    page: str = Field(description="Address of the discussion's page.")
    site: SiteName
    story: Story
    rights: str = Field(description="Whose the comments are, and what their licences permit.")
    count: int = Field(description="Published comments. A removed one stands in the list, empty.")
    tally: Tally
    reactions: list[NamedReaction]
    comments: list[Comment]
    complete: Literal[True]


class CallToAction(_ServerModel):
    """A link for readers who reacted. `labels` are by language, `label` is for all others."""

    url: str
    label: str
    labels: dict[str, str] | None = None


class Edge(_ServerModel):
    """A change of the mode in the future."""

    at: str = Field(description="RFC 3339, UTC.")
    mode: Literal["open", "approval", "closed"]


class Settings(_ServerModel):
    """The site's rules. `edit_window` is in seconds, `max_length` in code points.

    `accent` is a colour (`#rrggbb`) or null for the client's own, `density` a factor for vertical
    space (0.75 to 1.25). Of what comes in several languages, the field in the singular is for all
    languages that the one in the plural does not have. A field that is left out is not set.
    """

    prompt: str
    prompts: dict[str, str] | None = None
    reactions: list[Reaction]
    name: Literal["off", "optional", "required"]
    website: Literal["off", "optional", "required"]
    email: Literal["off", "optional", "required"]
    moderation: Literal["post", "pre"]
    guidelines: str | None = Field(description="Address of the guidelines.")
    guidelines_text: list[Node] | None = Field(
        None, description="Guidelines to show where people write."
    )
    guidelines_texts: dict[str, list[Node]] | None = None
    comment_licence: str | None = Field(
        None, description="SPDX id of the licence under which readers give their comments."
    )
    calls_to_action: list[CallToAction] | None = None
    discussion_languages: Literal["apart"] | None = Field(
        None,
        description="Readers first see the comments of their own language, and those without one. Left out:"
        " those of all languages.",
    )
    edit_window: int
    max_length: int
    show_copy: bool
    accent: str | None
    density: float
    mode: Literal["open", "approval", "closed"] | None = Field(
        None,
        description="Whether comments can be written now: at once, after approval, or not. Left out where"
        " they always can. Reactions, reading and deleting are always possible.",
    )
    opens_at: str | None = Field(None, description="When more is possible than now.")
    closes_at: str | None = Field(None, description="When comments close next.")
    edges: list[Edge] | None = Field(
        None,
        description="The next changes of the mode. Clients apply them by the server's clock: no message"
        " is sent.",
    )


class Presence(_ServerModel):
    """Number of current readers (rounded above 100), and of the copies that they read."""

    readers: int
    copies: int


class Own(_ServerModel):
    """The reader's own reactions and comments in the story; `reactions` by comment id."""

    reaction: str | None
    reactions: dict[str, str]
    comments: list[OwnComment] = Field(
        description="With removed ones that have a `decision`: their text is gone."
    )
    reports: list[OwnReport] | None = None
    hints: list[OwnHint] | None = Field(
        None, description="The newest first, at most 10. Left out if there is none."
    )


class TallyMessage(_ServerModel):
    """All counts of a story, or of one comment."""

    type: Literal["tally"]
    story: str
    comment: str | None = None
    version: int
    counts: dict[str, int]


class Snapshot(_ServerModel):
    """A story's whole state at a position, or (`resumed`) the changes since one."""

    type: Literal["snapshot"]
    ref: int | None = None
    story: Story
    settings: Settings
    position: Position
    count: int = Field(description="Published comments of the whole story.")
    tally: Tally
    presence: Presence
    resumed: bool
    comments: Threads | None = None
    changes: list[Comment] | None = None
    tallies: list[TallyMessage] | None = Field(
        None, description="Over HTTP, with `changes`: the latest tallies, as tally messages."
    )
    copy_: OwnCopy | None = Field(None, alias="copy")
    older: OlderCopy | None = Field(
        None,
        description="That this copy is older than the story. Null: it is not, or not any more. Left out: as before.",
    )
    can: list[Literal["read", "react", "comment"]] | None = None
    granted: list[Literal["read", "react", "comment"]] | None = Field(
        None,
        description="What `can` is when comments are open. Only while they are closed by the `mode`.",
    )
    read_only: str | None = Field(None, description="Error code: why this copy may only read.")
    mine: Own | None = None
    ban: OwnBan | None = None
    reader: str | None = Field(
        None, description="New reader token, for an identity token or an expired reader token."
    )
    identity: str | None = Field(
        None, description="Error code: why the sign-in was rejected, or is no longer valid."
    )


class CommentMessage(_ServerModel):
    """A new or changed comment: insert or replace it by its id."""

    type: Literal["comment"]
    story: str
    position: Position
    count: int
    comment: Comment


class StoryMessage(_ServerModel):
    """A changed story, whose code is `story`. Fields that are left out have not changed."""

    type: Literal["story"]
    story: str
    position: Position
    closed: bool
    notice: str | None
    settings: Settings
    code: str | None = None
    key: str | None = None
    site: str | None = None
    title: str | None = None
    author: str | None = None
    publisher: str | None = None
    url: str | None = None
    license: str | None = None
    translations: dict[str, Translation] | None = None
    corrections: list[Correction] | None = Field(
        None, description="All that are shown. Left out if there is none."
    )


class PresenceMessage(_ServerModel):
    """A changed number of readers."""

    type: Literal["presence"]
    story: str
    readers: int
    copies: int


class CopyOlderMessage(_ServerModel):
    """This copy is older than the story, or not any more. Only pages of that copy get the message."""

    type: Literal["copy.older"]
    story: str
    changed_at: int | None = Field(
        description="As in `older` of a snapshot. Null: the copy is not older any more."
    )
    url: str | None = None


class OkMessage(_ServerModel):
    """The action was stored. `comment` is the own comment, or the id of the one reacted to."""

    type: Literal["ok"]
    ref: int | None
    story: str | None = None
    comment: OwnComment | str | None = None
    tally: Tally | None = None
    reaction: str | None = None
    reader: str | None = None
    hint: OwnHint | None = Field(None, description="In the reply to `hint`.")
    mine: Own | None = Field(None, description="In the reply to `mine`, `appeal` and `hint`.")
    ban: OwnBan | None = Field(None, description="In the reply to `mine`, `appeal` and `hint`.")
    now: str | None = Field(None, description="The server's time, in the reply to `visible`.")
    identity: str | None = Field(
        None, description="Error code: why the sign-in is no longer valid."
    )


class Challenge(_ServerModel):
    """A proof of work to do, in the format of ALTCHA. It is valid for ten minutes and for one story.

    Find the number from 0 to `maxnumber` whose decimal digits behind `salt` have the SHA-256 `challenge`.
    """

    algorithm: Literal["SHA-256"]
    challenge: str
    maxnumber: int
    salt: str
    signature: str


class ErrorMessage(_ServerModel):
    """The action was rejected; `detail` says what to do.

    Without `ref`, the subscription of `story` has ended, because the story now requires a token.
    """

    type: Literal["error"]
    ref: int | None = None
    story: str | None = None
    code: str
    detail: str
    retry_after: float | None = None
    challenge: Challenge | None = Field(None, description="With the code `proof_needed`.")


class ReconnectMessage(_ServerModel):
    """The server will close this connection. Reconnect after `retry_after_ms`."""

    type: Literal["goodbye"]
    retry_after_ms: int


class StoryCount(_ServerModel):
    """Counts of a story for lists: published comments and tally."""

    comments: int
    tally: Tally


class StoryCounts(_ServerModel):
    """Counts by story code. Stories that do not exist are left out."""

    stories: dict[str, StoryCount]
    more: int = Field(
        description="Number of requested stories, at the end of the list, that did not fit."
    )


class Problem(_ServerModel):
    """A problem (RFC 9457) with the error `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retry_after: float | None = None


SERVER_MESSAGES: tuple[type[_ServerModel], ...] = (
    Snapshot, TallyMessage, CommentMessage, StoryMessage, PresenceMessage, CopyOlderMessage, OkMessage,
    ErrorMessage, ReconnectMessage,
)  # fmt: skip
"""All messages that the server sends over a WebSocket."""
RESPONSES: tuple[type[_ServerModel], ...] = (
    Snapshot,
    Threads,
    PageOfThreads,
    Thread,
    PartOfThread,
    WholeDiscussion,
    StoryCounts,
    Problem,
    OkMessage,
    ErrorMessage,
)
"""All responses over HTTP."""
