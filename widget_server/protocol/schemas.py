"""Models of everything the server sends, for the generated reference and its tests.

`server_messages.py` encodes messages without these models; a test checks that both agree.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Node = Any
"""A string, or `[tag, attributes or null, ...nodes]` (see docs/developers/protocol.md)."""


class _ServerModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


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


class OwnComment(Comment):
    """A comment as its author sees it."""

    body: str
    editable_until: str
    waiting: bool | None = Field(None, description="Whether an edit waits for a moderator.")


class Thread(Comment):
    """A top comment with its first replies, in order of writing, and the number of further ones."""

    replies: list[Comment]
    more: int
    next: str | None = Field(description="`after` for the next replies, if there are `more`.")


class PartOfThread(Thread):
    """A page of a thread: its top comment and some of its replies."""

    earlier: int = Field(description="Number of replies before these.")


class Threads(_ServerModel):
    """A page of threads, and the cursor for the next page."""

    threads: list[Thread]
    next: str | None


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


class CallToAction(_ServerModel):
    """A link for readers who reacted. `labels` are by language, `label` is for all others."""

    url: str
    label: str
    labels: dict[str, str] | None = None


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
    edit_window: int
    max_length: int
    show_copy: bool
    accent: str | None
    density: float


class Presence(_ServerModel):
    """Number of current readers (rounded above 100), and of the copies that they read."""

    readers: int
    copies: int


class Own(_ServerModel):
    """The reader's own reactions and comments in the story; `reactions` by comment id."""

    reaction: str | None
    reactions: dict[str, str]
    comments: list[OwnComment]


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
    copy_: Copy | None = Field(None, alias="copy")
    can: list[Literal["read", "react", "comment"]] | None = None
    read_only: str | None = Field(None, description="Error code: why this copy may only read.")
    mine: Own | None = None
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


class PresenceMessage(_ServerModel):
    """A changed number of readers."""

    type: Literal["presence"]
    story: str
    readers: int
    copies: int


class OkMessage(_ServerModel):
    """The action was stored. `comment` is the own comment, or the id of the one reacted to."""

    type: Literal["ok"]
    ref: int | None
    story: str | None = None
    comment: OwnComment | str | None = None
    tally: Tally | None = None
    reaction: str | None = None
    reader: str | None = None
    now: str | None = Field(None, description="The server's time, in the reply to `visible`.")
    identity: str | None = Field(
        None, description="Error code: why the sign-in is no longer valid."
    )


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
    Snapshot, TallyMessage, CommentMessage, StoryMessage, PresenceMessage, OkMessage, ErrorMessage,
    ReconnectMessage,
)  # fmt: skip
"""All messages that the server sends over a WebSocket."""
RESPONSES: tuple[type[_ServerModel], ...] = (
    Snapshot,
    Threads,
    Thread,
    PartOfThread,
    StoryCounts,
    Problem,
    OkMessage,
    ErrorMessage,
)
"""All responses over HTTP."""
