"""What the model of moderation remembers: comments, cases, bans and the entries of the log."""

from dataclasses import dataclass, field

HOUR = 3_600_000
DAY = 24 * HOUR
KEEP = 14 * DAY
WINDOW = 900_000
TOMBSTONES = ("removed", "held")
ABOUT_WORDS = ("pending", "reported", "held", "edits")
REMOVALS = ("remove", "spam", "reject", "hold", "erase")
TAG_VERBS = ("tag", "untag")
TAGS = ("tag-of-ana", "tag-of-ben")
"""The tags of the site. Ben gives and takes off the second one, all others the first."""
APPEALABLE = ("remove", "spam", "reject")


@dataclass(frozen=True)
class View:
    """What the log tells of a comment."""

    state: str
    pinned: bool
    featured: bool
    waiting: bool
    kept: bool
    queues: frozenset[str]
    tags: tuple[str, ...] = ()


@dataclass(eq=False)
class Mute:
    """A mute of a reader: at a report of which comment, from when and until when."""

    reader: str
    comment: str
    at: int
    until: int | None
    id: str = ""

    def holds(self, now: int) -> bool:
        """Return whether it is in effect."""
        return self.until is None or now < self.until


@dataclass(eq=False)
class MuteEntry:
    """An entry of the site's log: a reader was muted (`on`), or their reports count again."""

    mute: Mute
    on: bool
    was_until: int | None = None
    """Of a lifting: the end that the mute had."""
    undone: bool = False
    id: str = ""


@dataclass(eq=False)
class Report:
    """A report that a reader gave. It counts unless there is a mute because of which it does not."""

    comment: str
    reader: str
    at: int
    category: str
    mute: Mute | None = None


@dataclass(frozen=True)
class StoryState:
    """What people decide about a story itself."""

    closed: bool = False
    closes_at: int | None = None
    notice: str | None = None


@dataclass(eq=False)
class Ban:
    """A ban of a reader or of a network, by the decision that made it. Of a network: with the day of its key."""

    made: "Entry"
    subject: str
    mode: str
    until: int | None
    at: int
    network: str | None = None
    day: int | None = None

    @property
    def kind(self) -> str:
        """What is banned."""
        return "reader" if self.network is None else "network"

    def holds(self, now: int) -> bool:
        """Return whether it is in effect."""
        return self.until is None or now < self.until


@dataclass(eq=False)
class Entry:
    """An entry of the story's log. `by` is a person, or a rule's name; `kind` says which."""

    verb: str
    comment: str
    by: str
    batch: str | None = None
    undoes: "Entry | None" = None
    before: View | None = None
    after: View | None = None
    revision: int = 0
    upholds: list["Entry"] = field(default_factory=list)
    was_ban: Ban | None = None
    """The ban that was in effect before, as it was then."""
    until: int | None = None
    """Of a ban: its end, as it was made."""
    ban_kind: str | None = None
    """Of a decision about a ban: what it bans, a reader or a network."""
    was_story: StoryState | None = None
    """Of a decision about the story: the story before."""
    kind: str = "account"
    undone: bool = False
    at: int = 0
    id: str = ""

    @property
    def is_rule(self) -> bool:
        """Whether a rule of the site held new words: that is not undone, unlike what reports hid."""
        return self.kind == "rule" and self.by != "reports"

    @property
    def about_ban(self) -> bool:
        """Whether it is about the writer or the network and not about the words."""
        return self.verb in ("ban", "unban")

    @property
    def moved(self) -> tuple[str, str] | None:
        """Return the states before and after, if they differ."""
        if self.before is None or self.after is None or self.before.state == self.after.state:
            return None
        return self.before.state, self.after.state

    @property
    def decided_edit(self) -> bool:
        """Whether it took a waiting edit away: approved or rejected it."""
        return bool(self.before and self.after and self.before.waiting and not self.after.waiting)

    @property
    def changed_pin(self) -> bool:
        """Whether it pinned or unpinned the comment, and nothing else of its words."""
        return bool(self.before and self.after and self.before.pinned != self.after.pinned)

    @property
    def changed_featured(self) -> bool:
        """Whether it featured the comment or ended that, and nothing else of its words."""
        return bool(self.before and self.after and self.before.featured != self.after.featured)

    @property
    def tag(self) -> str:
        """The tag that it is about, if it is about one."""
        return tag_of(self.by)


def tag_of(by: str) -> str:
    """Return the tag that a person gives and takes off."""
    return TAGS[by == "ben"]


def asked_tag(verb: str, by: str) -> str | None:
    """Return the tag to name in a decision, or None for another verb."""
    return tag_of(by) if verb in TAG_VERBS else None


@dataclass(eq=False)
class Case:
    """A case. `number` and `priority` are those of the product, once they are known."""

    comment: str
    queue: str
    opened_at: int
    is_open: bool = True
    closed_by: Entry | None = None
    closed_at: int = 0
    number: int = 0
    priority: int = 0
    lease_by: str = ""
    lease_until: int = 0


@dataclass
class Kept:
    """Words that a removal took away, and until when they can come back."""

    state: str
    text: str
    waiting: str | None
    pinned: bool
    featured: bool
    until: int


@dataclass(eq=False)
class Comment:
    """A comment. State `held` is a tombstone that waits for a person."""

    id: str
    reader: str
    created_at: int
    state: str
    text: str
    waiting: str | None = None
    pinned: bool = False
    featured: bool = False
    tags: tuple[str, ...] = ()
    revision: int = 1
    kept: Kept | None = None
    replaced: tuple[Entry, str, int] | None = None
    """The decision about an edit, the words that it replaced, and until when they are kept."""
