"""One story as this process knows it: what was sent last, what came early, what may be resent.

Pure bookkeeping, no I/O and no clock. The rule it keeps: the frames it lets through have the
numbers last+1, last+2, … without a gap and without a repeat.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

from widget_server.live.frames import Frame
from widget_server.live.messages import Message
from widget_server.model.answers import MOST_ANSWER

RING = 200
"""Frames kept for peers that were paused, and for snapshots that are a little old; fewer where they
are long, for what is sent to bring one reader up to date is at most an answer."""
RECENT = 500
"""Changed comments, and targets counted anew, that are kept for readers who come back with `since`
(PROTOCOL, rule 3)."""
EARLY = 1_000
"""Messages kept that came before their turn; more of them and the database is asked."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot from the database, in finished pieces of JSON."""

    epoch: str
    seq: int
    version: int
    """The story's tally counter when this was read: later tallies are not in here."""
    count: int
    tally: bytes
    tally_version: int
    head: bytes
    threads: bytes


@dataclass(frozen=True, slots=True)
class Recent:
    """What happened last in a story, as it was at `seq` and `version`."""

    epoch: str
    seq: int
    version: int
    floor: int
    """All changes after this `seq` are in `comments`."""
    counted_from: int
    """All tallies of comments with a higher version are in `tallies`."""
    comments: list[tuple[int, str, bytes]]
    """`(seq, id, JSON)` in order of `seq`, each as it was last."""
    tallies: list[Message]
    """The story's own, and those of comments in order of version."""


class Channel:
    """What one process keeps about one watched story."""

    __slots__ = (
        "_early",
        "_headed",
        "_joined",
        "_recent",
        "_recent_bytes",
        "_ring",
        "_ring_bytes",
        "_tallies",
        "_unknown",
        "checked",
        "code",
        "count",
        "epoch",
        "floor",
        "last",
        "loaded",
        "recounted",
        "story_tally",
        "wide",
    )

    def __init__(self, code: str) -> None:
        self.code = code
        self.epoch = ""
        self.last = -1
        """`seq` of the last change let through; -1 until a snapshot was loaded."""
        self.count = 0
        self.loaded: Loaded | None = None
        self.story_tally: bytes = b""
        self.recounted: dict[str, Frame] = {}
        """Tallies to be sent (again) after the comments that were let through: one that overtook
        its comment meant nothing to anybody."""
        self.checked = 0
        """The story's tally counter up to which the database was asked for lost tallies."""
        self.floor = 0
        """Changes after this `seq` are known one by one."""
        self.wide = False
        """Whether the database was asked for what happened before this process listened."""
        self._unknown = 0
        """Tallies of comments up to this version may not be kept: none were heard, or dropped."""
        self._headed = 0
        """The `seq` at which the story's title, notice or rules changed last."""
        self._ring: deque[tuple[int, Frame]] = deque()
        self._ring_bytes = 0
        """Of the frames in `_ring`."""
        self._recent: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._recent_bytes = 0
        """Of the JSON in `_recent`: no more than may be sent."""
        self._joined: tuple[int, int, bytes] | None = None
        """The changes after one `seq` up to another, as they were sent last."""
        self._early: dict[int, Message] = {}
        self._tallies: OrderedDict[str, tuple[int, Frame, str]] = OrderedDict()
        """Version, frame and epoch of the latest tally of each target."""

    # Taking in ---------------------------------------------------------------------------------

    def start(self, loaded: Loaded) -> list[Frame]:
        """Begin from a snapshot, or begin anew; answers the early frames that follow it."""
        if loaded.epoch != self.epoch:
            # Another numbering: what was kept under an old one says nothing any more.
            early, tallies = self._early, self._tallies
            self._early = {
                n: message for n, message in early.items() if message.epoch == loaded.epoch
            }
            self._tallies = OrderedDict(
                (target, kept) for target, kept in tallies.items() if kept[2] == loaded.epoch
            )
            self._unknown = self._headed = 0
        self.loaded = loaded
        self.epoch = loaded.epoch
        self.last = self.floor = loaded.seq
        self.count = loaded.count
        self.checked = loaded.version
        self._unknown = max(self._unknown, loaded.version)
        self.wide = False
        if "" not in self._tallies or self._tallies[""][0] <= loaded.tally_version:
            self.story_tally = loaded.tally
        self._recent.clear()
        self._recent_bytes, self._joined = 0, None
        self._ring.clear()
        self._ring_bytes = 0
        return self._release()

    def refresh(self, loaded: Loaded) -> None:
        """Keep a newer snapshot for those who join; what was sent stays as it is.

        One that is ahead of what was let through is passed over, and so is one that is older
        than the one that is kept, or of another epoch: it was read before a backup was restored.
        """
        kept = self.loaded
        older = kept is not None and (kept.seq > loaded.seq or kept.version > loaded.version)
        if loaded.epoch == self.epoch and loaded.seq <= self.last and not older:
            self.loaded = loaded

    def take(self, message: Message) -> list[Frame]:
        """The frames that may now be sent; a message that came early waits, a repeat is dropped."""
        if message.number <= self.last or not self._speaks_to_us(message):
            return []
        if len(self._early) < EARLY:
            self._early.setdefault(message.number, message)
        if self.last < 0:
            return []
        return self._release()

    def take_tally(self, message: Message) -> Frame | None:
        """The frame of a tally that is newer than the one known for its target."""
        known = self._tallies.get(message.key)
        late = known is not None and known[0] >= message.number and known[2] == message.epoch
        if late or not self._speaks_to_us(message) or self._is_told(message):
            return None
        return self._keep_tally(message)

    def _is_told(self, message: Message) -> bool:
        """Whether the snapshot or a sweep has brought this, or what came after it, to everyone.

        A message that comes so late has been sent twice, by whomever.
        """
        return self.last >= 0 and message.number <= self.checked

    def _keep_tally(self, message: Message) -> Frame:
        frame = Frame(message.payload)
        self._tallies[message.key] = (message.number, frame, message.epoch)
        self._tallies.move_to_end(message.key)
        if len(self._tallies) > RECENT:
            _, (version, _, _) = self._tallies.popitem(last=False)
            self._unknown = max(self._unknown, version)
        if not message.key:
            self.story_tally = b"{" + message.payload[message.start :]
        return frame

    def _speaks_to_us(self, message: Message) -> bool:
        """Whether its number means something here: before the first snapshot nobody knows."""
        return self.last < 0 or message.epoch == self.epoch

    @property
    def has_gap(self) -> bool:
        """Whether something came whose turn has not come: a message before it is late or lost."""
        return bool(self._early)

    def _release(self) -> list[Frame]:
        frames = []
        for number in [number for number in self._early if number <= self.last]:
            del self._early[number]
        while (message := self._early.pop(self.last + 1, None)) is not None:
            self.last += 1
            frame = Frame(message.payload)
            self._keep_frame(frame)
            frames.append(frame)
            if message.kind == "comment":
                self.count = message.count
                self._remember(message.key, self.last, message.payload[message.start : -1])
                if message.key in self._tallies:
                    self.recounted[message.key] = self._tallies[message.key][1]
            else:
                self._headed = self.last
        return frames

    def _keep_frame(self, frame: Frame) -> None:
        self._ring.append((self.last, frame))
        self._ring_bytes += len(frame)
        while len(self._ring) > RING or self._ring_bytes > MOST_ANSWER:
            self._ring_bytes -= len(self._ring.popleft()[1])

    def _remember(self, comment: str, seq: int, body: bytes) -> None:
        _, before = self._recent.pop(comment, (0, b""))
        self._recent[comment] = (seq, body)
        self._recent_bytes += len(body) - len(before)
        self._keep_recent()

    def _keep_recent(self) -> None:
        """Let go of what could not be sent to anyone: it is too many changes, or they are too long."""
        while len(self._recent) > RECENT or self._recent_bytes > MOST_ANSWER:
            _, (dropped, body) = self._recent.popitem(last=False)
            self._recent_bytes -= len(body)
            self.floor = max(self.floor, dropped)

    def widen(self, recent: Recent) -> dict[str, Frame]:
        """Know more of the past, for readers who come back to a process that is new.

        Answers the tallies that nobody here was told yet, by target. What was read too early to
        meet what is known from then on is passed over.
        """
        if recent.epoch != self.epoch or recent.seq < self.floor or recent.version < self._unknown:
            return {}
        known = self._recent
        self._recent = OrderedDict()
        for seq, comment, body in recent.comments:
            # What is ahead of `last` is on its way; it comes when its turn comes.
            if comment not in known and seq <= self.last:
                self._recent[comment] = (seq, body)
        self._recent.update(known)
        self._recent_bytes = sum(len(body) for _, body in self._recent.values())
        self.floor = min(self.floor, recent.floor)
        self._keep_recent()
        self.wide = True
        self._unknown = recent.counted_from
        older = (one for one in recent.tallies if one.number > self._version_of(one.key))
        return {message.key: self._keep_tally(message) for message in older}

    def _version_of(self, target: str) -> int:
        kept = self._tallies.get(target)
        return kept[0] if kept is not None and kept[2] == self.epoch else -1

    # Giving out --------------------------------------------------------------------------------

    def frames_after(self, seq: int) -> list[Frame] | None:
        """The frames after `seq`, or None when the ring does not reach back so far."""
        if seq >= self.last:
            return []
        if not self._ring or self._ring[0][0] > seq + 1:
            return None
        skip = seq + 1 - self._ring[0][0]
        return [frame for _, frame in list(self._ring)[skip:]]

    def usable(self) -> Loaded | None:
        """The kept snapshot, if its head is true and what came since is still at hand."""
        loaded = self.loaded
        if loaded is None or loaded.version < self._unknown or loaded.seq < self._headed:
            return None
        return None if self.frames_after(loaded.seq) is None else loaded

    def changes_after(self, seq: int) -> list[bytes] | None:
        """The comments changed after `seq`; None where not all of them are known, or not all that
        was counted: how far back somebody's counts reach is not in a position."""
        if not self.wide or self._unknown or not self.floor <= seq <= self.last:
            return None
        changed = sorted(item for item in self._recent.values() if item[0] > seq)
        return [body for _, body in changed]

    def joined_after(self, seq: int) -> bytes:
        """`changes_after` as JSON: the same object for all who ask one after another."""
        kept = self._joined
        if kept is None or kept[:2] != (seq, self.last):
            kept = self._joined = seq, self.last, b",".join(self.changes_after(seq) or [])
        return kept[2]

    def tallies_after(self, version: int) -> list[Frame]:
        """The latest tally frames with a higher version."""
        return [frame for known, frame, _ in self._tallies.values() if known > version]

    def has_tallies_after(self, version: int) -> bool:
        """Whether a comment was counted anew after `version`."""
        return any(target and known > version for target, (known, _, _) in self._tallies.items())
