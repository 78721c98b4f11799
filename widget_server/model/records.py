"""The things that are kept: sites, stories, copies, comments and what is counted about them.

Times are milliseconds since 1970 in UTC; `wire` writes them as RFC 3339.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from widget_server.model.settings import SiteSettings

#: A node of a comment's text: a string, or `[tag, attributes or None, *nodes]`.
Node = str | list[Any]
Tree = list[Node]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader stands in a story: `seq` within the numbering that `epoch` names."""

    epoch: str
    seq: int


class CommentState(StrEnum):
    """Who may see a comment."""

    PUBLISHED = "published"
    """Everyone."""
    PENDING = "pending"
    """Its author and the moderators; it has no place in the story's numbering yet."""
    REMOVED = "removed"
    """A tombstone: place and time only, so that replies keep theirs."""


@dataclass(frozen=True, slots=True)
class Tally:
    """All counts of one story or comment, complete; of two, the one with the higher version wins."""

    version: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Copy:
    """One place where a story is carried: a token on a page's origin."""

    id: int
    label: str | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as the store keeps it. `email`, `source` and `reader` never leave the server."""

    id: str
    parent: str | None
    thread: str
    born: int
    """The `seq` at which it was published: its place among the others. 0 while pending."""
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
    """True for a name that the site signed."""
    waiting: bool = False
    """True while an edit of a published comment waits for a moderator."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A top comment with some of its replies, one after another in order of writing."""

    top: Comment
    replies: list[Comment]
    more: int = 0
    """Replies after these."""
    earlier: int = 0
    """Replies before these."""
    last: str | None = None
    """The last reply that was read; not the last of `replies` where that one is damaged."""

    @property
    def next(self) -> str | None:
        """The comment after which the rest follows, where there is a rest."""
        if not self.more:
            return None
        return self.last or (self.replies[-1].id if self.replies else self.top.id)


@dataclass(frozen=True, slots=True)
class Story:
    """What is discussed, with the numbers of its discussion."""

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
    """`iat` in seconds of the token whose attribution is shown."""
    closed: bool
    notice: str | None
    seq: int
    tallies: int
    """Counts up with every change of any tally in the story."""
    tally: Tally
    count: int
    """Published comments."""
    created_at: int


@dataclass(frozen=True, slots=True)
class Site:
    """One publisher's account. Generations outside `oldest..generation` are refused."""

    slug: str
    name: str
    generation: int
    oldest: int
    settings: SiteSettings
    rights: int = 0
    """Counts up with every change of what pages may do."""


@dataclass(frozen=True, slots=True)
class SeenCopy:
    """Where a widget token was seen last. `last_seen` in milliseconds since 1970."""

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
    """An origin whose pages are let in no more: of one story (its code), or of all ("")."""

    origin: str
    story: str
