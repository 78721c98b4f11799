"""Stored records: sites, stories, copies, comments and tallies.

Times are milliseconds since 1970 in UTC; `protocol` encodes them as RFC 3339.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from widget_server.model.corrections import Correction
from widget_server.model.settings import SiteSettings

#: A node of a comment's text: a string, or `[tag, attributes or None, *nodes]`.
Node = str | list[Any]
Tree = list[Node]

STORY = ""
"""The target of a reaction or tally that belongs to the story itself. Other targets are comment ids."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a story's changes: `seq` within an `epoch`.

    A restored backup starts a new epoch, because it may reuse numbers.
    """

    epoch: str
    seq: int


class CommentState(StrEnum):
    """State of a comment, which decides who may see it."""

    PUBLISHED = "published"
    """Visible to all."""
    PENDING = "pending"
    """Visible to its author and the moderators. It has no `seq` yet."""
    REMOVED = "removed"
    """A tombstone: it keeps its place and time, without text and name, so that replies keep theirs."""


@dataclass(frozen=True, slots=True)
class Tally:
    """All counts of one story or comment. The tally with the higher version is the newer one."""

    version: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a story: one token used on one page origin."""

    id: int
    label: str | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class NarrowedCopy:
    """A copy that shows less than others: it hides comments, or its readers' comments wait."""

    id: int
    story: str
    """The story's code."""
    handle: str | None
    """The end of its token; empty for a bare code; None if it was not seen since handles exist."""
    origin: str
    label: str | None
    hidden: tuple[str, ...]
    """Ids of hidden comments, and of replies below hidden replies."""
    approval: bool
    """Whether new comments written there wait for a moderator."""
    approval_by_site: bool = False
    """Whether one of the site's own people set that."""


@dataclass(frozen=True, slots=True)
class PlacedCopy:
    """Where a copy is: by its id, or by what `?copy=` says and the origin of the page that asks."""

    id: int
    story: str
    """The story's code."""
    handle: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class OlderCopy:
    """A copy whose page has an earlier version of the story's text than the newest one."""

    copy: PlacedCopy
    version: int
    """The version that its page has."""
    changed_at: int
    """When the newest version was stored."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as stored. `email` and `reader` never leave the server; `source` only for its author."""

    id: str
    parent: str | None
    thread: str
    born: int
    """The `seq` at which it was published, which orders comments. 0 while pending."""
    seq: int
    """The `seq` of its last change."""
    state: CommentState
    source: str
    text: Tree
    name: str | None
    email: str | None
    website: str | None
    role: str | None
    reader: str
    copy: Copy | None
    lang: str | None
    created_at: int
    edited_at: int | None
    pinned: bool
    tally: Tally
    vouched: bool = False
    """Whether the site signed the name."""
    waiting: bool = False
    """Whether an edit of the published comment waits for a moderator."""
    revision: int = 1
    """Incremented when the author's words change."""
    licence: str | None = None
    """SPDX id of the licence under which its author gave it."""
    featured_at: int | None = None
    """When the site featured it, or None."""
    changed_at: int = 0
    """Time of the last public change, also of a removal. 0 if an earlier version stored the comment."""
    tags: tuple[str, ...] = ()
    """What the site's own people noted of it, in the order given. Never sent to readers."""

    @property
    def updated_at(self) -> int:
        """Time of the last public change, as far as it is known."""
        return max(self.changed_at, self.edited_at or 0, self.created_at)


@dataclass(frozen=True, slots=True)
class Thread:
    """A top comment with consecutive replies, in order of writing."""

    top: Comment
    replies: list[Comment]
    more: int = 0
    """Number of replies after these."""
    earlier: int = 0
    """Number of replies before these."""
    last: str | None = None
    """Id of the last reply read. It is not in `replies` if its row is damaged."""
    position: Position | None = None
    """Where the story was when the thread was read, if it was read alone."""

    @property
    def next(self) -> str | None:
        """Id of the comment after which the next replies follow; None if there are none."""
        if not self.more:
            return None
        return self.last or (self.replies[-1].id if self.replies else self.top.id)


@dataclass(frozen=True, slots=True)
class Translation:
    """Title and address of a story in another language."""

    title: str
    url: str
    original: bool = False
    """Whether they are the story's own: the link says in which language the original is."""


@dataclass(frozen=True, slots=True)
class Story:
    """A story with the counters of its discussion."""

    id: int
    code: str
    site: str
    key: str
    title: str | None
    author: str | None
    publisher: str | None
    url: str | None
    license: str
    attributed: int
    """`iat` (in seconds) of the token whose attribution is shown."""
    closed: bool
    notice: str | None
    seq: int
    tallies: int
    """Tally counter: increases with every change of a tally in the story."""
    tally: Tally
    count: int
    """Published comments."""
    created_at: int
    closes_at: int | None = None
    """When the story is to be closed; None if only the site's settings decide."""
    changed_at: int = 0
    """Time of the last change that `seq` counts."""
    translations: Mapping[str, Translation] = field(default_factory=dict)
    """Linked translations by language tag, in the order of the tags."""
    corrections: tuple[Correction, ...] = ()
    """All that were made, the oldest first."""


@dataclass(frozen=True, slots=True)
class Site:
    """A publisher's site. Tokens of key generations outside `oldest..generation` are rejected."""

    slug: str
    name: str
    generation: int
    oldest: int
    settings: SiteSettings
    """In a grant, with those that its story overrides."""
    rights: int = 0
    """Increases with every change of what pages may do."""
    copy_changes: int = 0
    """Increases with every change of what the readers of single copies are told."""


@dataclass(frozen=True, slots=True)
class SeenCopy:
    """The page on which a widget token was used last."""

    story: str
    """The story's key."""
    origin: str
    label: str | None
    page: str | None
    last_seen: int


@dataclass(frozen=True, slots=True)
class ListedCopy:
    """A copy that agrees to be listed on the story's page."""

    jti: str
    origin: str
    page: str
    label: str | None
    lang: str | None


@dataclass(frozen=True, slots=True)
class ShutOut:
    """A blocked origin: for one story (its code), or for all stories ("")."""

    origin: str
    story: str
