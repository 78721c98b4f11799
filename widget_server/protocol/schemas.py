"""The shape of everything the server sends, for the generated reference and its tests.

Frames are written by `frames.py` without passing through these models; a test holds the two
together.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Node = Any
"""A string, or `[tag, attributes or null, ...nodes]` (see docs/developers/protocol.md)."""


class _ServerModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Position(_ServerModel):
    """Where a story stands; `seq` counts public changes without a gap."""

    epoch: str
    seq: int


class Tally(_ServerModel):
    """Complete counts; of two, the one with the higher version holds."""

    version: int
    counts: dict[str, int]


class Author(_ServerModel):
    """Who wrote a comment, as far as they said."""

    name: str | None
    website: str | None
    role: Literal["author", "moderator"] | None
    vouched: bool = Field(description="The site signed this name: the reader was signed in.")


class Copy(_ServerModel):
    """The copy of the story that something was written on."""

    label: str | None
    origin: str | None


class Comment(_ServerModel):
    """A comment as everyone may see it; of a removed one only place and time are left."""

    id: str
    parent: str | None
    thread: str
    seq: int
    published_seq: int = Field(description="`seq` at which it was published: its place. 0 before.")
    state: Literal["published", "pending", "removed"]
    text: list[Node]
    author: Author
    copy_: Copy | None = Field(alias="copy")
    lang: str | None
    created_at: str
    edited_at: str | None
    pinned: bool
    tally: Tally


class OwnComment(Comment):
    """A comment for its author."""

    body: str
    editable_until: str
    waiting: bool | None = Field(None, description="An edit of it waits for a moderator.")


class Thread(Comment):
    """A top comment, its first replies in order of writing, and how many are left out."""

    replies: list[Comment]
    more: int
    next: str | None = Field(description="`after` for the next ones, where there are `more`.")


class PartOfThread(Thread):
    """A thread from its beginning or from somewhere in it."""

    earlier: int = Field(description="Replies before these.")


class Threads(_ServerModel):
    """Some threads, and the cursor for the next ones."""

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
    """One of the answers that a reader can tap.

    `face`: a filled shape, the lines on it (SVG paths in a square of 24) and the shape's colour;
    missing where the emoji is to be shown.
    """

    key: str
    label: str
    emoji: str
    face: tuple[str, str, str] | None = None


class Settings(_ServerModel):
    """The site's rules; `edit_window` in seconds, `max_length` in code points."""

    prompt: str
    reactions: list[Reaction]
    name: Literal["off", "optional", "required"]
    website: Literal["off", "optional", "required"]
    email: Literal["off", "optional", "required"]
    moderation: Literal["post", "pre"]
    guidelines: str | None
    edit_window: int
    max_length: int
    show_copy: bool


class Presence(_ServerModel):
    """How many read now (rounded above 100), on how many copies."""

    readers: int
    copies: int


class Own(_ServerModel):
    """What the reader of this socket left in the story; `reactions` by comment id."""

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
    """A story's whole state at a position, or (`resumed`) what changed since one."""

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
        None, description="Over HTTP, with `changes`: the latest tallies, as the frames would be."
    )
    copy_: Copy | None = Field(None, alias="copy")
    can: list[Literal["read", "react", "comment"]] | None = None
    read_only: str | None = Field(None, description="Error code: why this copy may only read.")
    mine: Own | None = None
    reader: str | None = Field(
        None, description="Reader token in exchange for an identity token, or for one that ended."
    )
    identity: str | None = Field(
        None, description="Error code: why the sign-in was not taken, or holds no more."
    )


class CommentMessage(_ServerModel):
    """A comment as it now is: insert or replace by its id."""

    type: Literal["comment"]
    story: str
    position: Position
    count: int
    comment: Comment


class StoryMessage(_ServerModel):
    """What changed about a story, whose code is `story`; what a frame leaves out is as it was."""

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
    """The audience changed."""

    type: Literal["presence"]
    story: str
    readers: int
    copies: int


class OkMessage(_ServerModel):
    """The action is on disk. `comment` is the own comment, or the id of the one reacted to."""

    type: Literal["ok"]
    ref: int | None
    story: str | None = None
    comment: OwnComment | str | None = None
    tally: Tally | None = None
    reaction: str | None = None
    reader: str | None = None
    now: str | None = Field(None, description="The server's time, in the answer to `visible`.")
    identity: str | None = Field(None, description="Error code: why the sign-in holds no more.")


class ErrorMessage(_ServerModel):
    """The action was refused; `detail` says what to do.

    Without `ref`, the story that is read with a token by now, and is sent no more.
    """

    type: Literal["error"]
    ref: int | None = None
    story: str | None = None
    code: str
    detail: str
    retry_after: float | None = None


class ReconnectMessage(_ServerModel):
    """The server will close this socket; come back after that long."""

    type: Literal["goodbye"]
    retry_after_ms: int


class StoryCount(_ServerModel):
    """For lists: published comments and tally."""

    comments: int
    tally: Tally


class StoryCounts(_ServerModel):
    """By the story's code; those that do not exist are left out."""

    stories: dict[str, StoryCount]
    more: int = Field(description="The last of those asked for, for which there was no room.")


class Problem(_ServerModel):
    """RFC 9457, with the contract's `code`."""

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
"""Everything that travels down a socket."""
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
"""Everything that is answered over HTTP."""
