"""One story as this process knows it: what was sent last, what came early, what may be resent.

Pure bookkeeping, no I/O and no clock. The rule it keeps: the frames it lets through have the
numbers last+1, last+2, … without a gap and without a repeat.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

from widget_server.bus.message import BusMessage
from widget_server.hub.prepared import PreparedMessage
from widget_server.model.limits import MAX_RESPONSE_BYTES

HISTORY_SIZE = 200
"""Frames kept for peers that were paused, and for snapshots that are a little old; fewer where they
are long, for what is sent to bring one reader up to date is at most an answer."""
RESUME_SIZE = 500
"""Changed comments, and targets counted anew, that are kept for readers who come back with `since`
(PROTOCOL, rule 3)."""
REORDER_SIZE = 1_000
"""Messages kept that came before their turn; more of them and the database is asked."""


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
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
class RecentChanges:
    """What happened last in a story, as it was at `seq` and `version`."""

    epoch: str
    seq: int
    version: int
    oldest_seq: int
    """All changes after this `seq` are in `comments`."""
    counted_from: int
    """All tallies of comments with a higher version are in `tallies`."""
    comments: list[tuple[int, str, bytes]]
    """`(seq, id, JSON)` in order of `seq`, each as it was last."""
    tallies: list[BusMessage]
    """The story's own, and those of comments in order of version."""


class ChannelHistory:
    """What one process keeps about one watched story."""

    __slots__ = (
        "_history",
        "_joined",
        "_recent_bytes",
        "_recent_changes",
        "_reorder_buffer",
        "_ring_bytes",
        "_story_changed_seq",
        "_tallies",
        "_tallies_missing_up_to",
        "code",
        "count",
        "covers_past",
        "epoch",
        "last_seq",
        "oldest_seq",
        "snapshot_data",
        "story_tally",
        "tallies_to_repeat",
        "tally_checkpoint",
    )

    def __init__(self, code: str) -> None:
        self.code = code
        self.epoch = ""
        self.last_seq = -1
        """`seq` of the last change let through; -1 until a snapshot was loaded."""
        self.count = 0
        self.snapshot_data: CachedSnapshot | None = None
        self.story_tally: bytes = b""
        self.tallies_to_repeat: dict[str, PreparedMessage] = {}
        """Tallies to be sent (again) after the comments that were let through: one that overtook
        its comment meant nothing to anybody."""
        self.tally_checkpoint = 0
        """The story's tally counter up to which the database was asked for lost tallies."""
        self.oldest_seq = 0
        """Changes after this `seq` are known one by one."""
        self.covers_past = False
        """Whether the database was asked for what happened before this process listened."""
        self._tallies_missing_up_to = 0
        """Tallies of comments up to this version may not be kept: none were heard, or dropped."""
        self._story_changed_seq = 0
        """The `seq` at which the story's title, notice or rules changed last."""
        self._history: deque[tuple[int, PreparedMessage]] = deque()
        self._ring_bytes = 0
        """Of the frames in `_history`."""
        self._recent_changes: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._recent_bytes = 0
        """Of the JSON in `_recent_changes`: no more than may be sent."""
        self._joined: tuple[int, int, bytes] | None = None
        """The changes after one `seq` up to another, as they were sent last."""
        self._reorder_buffer: dict[int, BusMessage] = {}
        self._tallies: OrderedDict[str, tuple[int, PreparedMessage, str]] = OrderedDict()
        """Version, frame and epoch of the latest tally of each target."""

    # Taking in ---------------------------------------------------------------------------------

    def reset(self, loaded: CachedSnapshot) -> list[PreparedMessage]:
        """Begin from a snapshot, or begin anew; answers the early frames that follow it."""
        if loaded.epoch != self.epoch:
            # Another numbering: what was kept under an old one says nothing any more.
            early, tallies = self._reorder_buffer, self._tallies
            self._reorder_buffer = {
                n: message for n, message in early.items() if message.epoch == loaded.epoch
            }
            self._tallies = OrderedDict(
                (target, kept) for target, kept in tallies.items() if kept[2] == loaded.epoch
            )
            self._tallies_missing_up_to = self._story_changed_seq = 0
        self.snapshot_data = loaded
        self.epoch = loaded.epoch
        self.last_seq = self.oldest_seq = loaded.seq
        self.count = loaded.count
        self.tally_checkpoint = loaded.version
        self._tallies_missing_up_to = max(self._tallies_missing_up_to, loaded.version)
        self.covers_past = False
        if "" not in self._tallies or self._tallies[""][0] <= loaded.tally_version:
            self.story_tally = loaded.tally
        self._recent_changes.clear()
        self._recent_bytes, self._joined = 0, None
        self._history.clear()
        self._ring_bytes = 0
        return self._release_in_order()

    def refresh(self, loaded: CachedSnapshot) -> None:
        """Keep a newer snapshot for those who join; what was sent stays as it is.

        One that is ahead of what was let through is passed over, and so is one that is older
        than the one that is kept, or of another epoch: it was read before a backup was restored.
        """
        kept = self.snapshot_data
        older = kept is not None and (kept.seq > loaded.seq or kept.version > loaded.version)
        if loaded.epoch == self.epoch and loaded.seq <= self.last_seq and not older:
            self.snapshot_data = loaded

    def accept(self, message: BusMessage) -> list[PreparedMessage]:
        """The frames that may now be sent; a message that came early waits, a repeat is dropped."""
        if message.number <= self.last_seq or not self._same_epoch(message):
            return []
        if len(self._reorder_buffer) < REORDER_SIZE:
            self._reorder_buffer.setdefault(message.number, message)
        if self.last_seq < 0:
            return []
        return self._release_in_order()

    def accept_tally(self, message: BusMessage) -> PreparedMessage | None:
        """The frame of a tally that is newer than the one known for its target."""
        known = self._tallies.get(message.target)
        late = known is not None and known[0] >= message.number and known[2] == message.epoch
        if late or not self._same_epoch(message) or self._is_told(message):
            return None
        return self._keep_tally(message)

    def _is_told(self, message: BusMessage) -> bool:
        """Whether the snapshot or a reconciliation has brought this, or what came after it, to everyone.

        A message that comes so late has been sent twice, by whomever.
        """
        return self.last_seq >= 0 and message.number <= self.tally_checkpoint

    def _keep_tally(self, message: BusMessage) -> PreparedMessage:
        frame = PreparedMessage(message.payload)
        self._tallies[message.target] = (message.number, frame, message.epoch)
        self._tallies.move_to_end(message.target)
        if len(self._tallies) > RESUME_SIZE:
            _, (version, _, _) = self._tallies.popitem(last=False)
            self._tallies_missing_up_to = max(self._tallies_missing_up_to, version)
        if not message.target:
            self.story_tally = b"{" + message.payload[message.body_offset :]
        return frame

    def _same_epoch(self, message: BusMessage) -> bool:
        """Whether its number means something here: before the first snapshot no one knows."""
        return self.last_seq < 0 or message.epoch == self.epoch

    @property
    def has_gap(self) -> bool:
        """Whether something came whose turn has not come: a message before it is late or lost."""
        return bool(self._reorder_buffer)

    def _release_in_order(self) -> list[PreparedMessage]:
        frames = []
        for number in [number for number in self._reorder_buffer if number <= self.last_seq]:
            del self._reorder_buffer[number]
        while (message := self._reorder_buffer.pop(self.last_seq + 1, None)) is not None:
            self.last_seq += 1
            frame = PreparedMessage(message.payload)
            self._keep_frame(frame)
            frames.append(frame)
            if message.kind == "comment":
                self.count = message.count
                self._remember_change(
                    message.target, self.last_seq, message.payload[message.body_offset : -1]
                )
                if message.target in self._tallies:
                    self.tallies_to_repeat[message.target] = self._tallies[message.target][1]
            else:
                self._story_changed_seq = self.last_seq
        return frames

    def _keep_frame(self, frame: PreparedMessage) -> None:
        self._history.append((self.last_seq, frame))
        self._ring_bytes += len(frame)
        while len(self._history) > HISTORY_SIZE or self._ring_bytes > MAX_RESPONSE_BYTES:
            self._ring_bytes -= len(self._history.popleft()[1])

    def _remember_change(self, comment: str, seq: int, body: bytes) -> None:
        _, before = self._recent_changes.pop(comment, (0, b""))
        self._recent_changes[comment] = (seq, body)
        self._recent_bytes += len(body) - len(before)
        self._keep_recent()

    def _keep_recent(self) -> None:
        """Let go of what could not be sent to anyone: it is too many changes, or they are too long."""
        while len(self._recent_changes) > RESUME_SIZE or self._recent_bytes > MAX_RESPONSE_BYTES:
            _, (dropped, body) = self._recent_changes.popitem(last=False)
            self._recent_bytes -= len(body)
            self.oldest_seq = max(self.oldest_seq, dropped)

    def extend_back(self, recent: RecentChanges) -> dict[str, PreparedMessage]:
        """Know more of the past, for readers who come back to a process that is new.

        Answers the tallies that no one here was told yet, by target. What was read too early to
        meet what is known from then on is passed over.
        """
        if (
            recent.epoch != self.epoch
            or recent.seq < self.oldest_seq
            or recent.version < self._tallies_missing_up_to
        ):
            return {}
        known = self._recent_changes
        self._recent_changes = OrderedDict()
        for seq, comment, body in recent.comments:
            # What is ahead of `last_seq` is on its way; it comes when its turn comes.
            if comment not in known and seq <= self.last_seq:
                self._recent_changes[comment] = (seq, body)
        self._recent_changes.update(known)
        self._recent_bytes = sum(len(body) for _, body in self._recent_changes.values())
        self.oldest_seq = min(self.oldest_seq, recent.oldest_seq)
        self._keep_recent()
        self.covers_past = True
        self._tallies_missing_up_to = recent.counted_from
        older = (one for one in recent.tallies if one.number > self._version_of(one.target))
        return {message.target: self._keep_tally(message) for message in older}

    def _version_of(self, target: str) -> int:
        kept = self._tallies.get(target)
        return kept[0] if kept is not None and kept[2] == self.epoch else -1

    # Giving out --------------------------------------------------------------------------------

    def messages_after(self, seq: int) -> list[PreparedMessage] | None:
        """The frames after `seq`, or None when the ring does not reach back so far."""
        if seq >= self.last_seq:
            return []
        if not self._history or self._history[0][0] > seq + 1:
            return None
        skip = seq + 1 - self._history[0][0]
        return [frame for _, frame in list(self._history)[skip:]]

    def usable_snapshot(self) -> CachedSnapshot | None:
        """The kept snapshot, if its head is true and what came since is still at hand."""
        loaded = self.snapshot_data
        if (
            loaded is None
            or loaded.version < self._tallies_missing_up_to
            or loaded.seq < self._story_changed_seq
        ):
            return None
        return None if self.messages_after(loaded.seq) is None else loaded

    def changes_after(self, seq: int) -> list[bytes] | None:
        """The comments changed after `seq`; None where not all of them are known, or not all that
        was counted: how far back someone's counts reach is not in a position."""
        if (
            not self.covers_past
            or self._tallies_missing_up_to
            or not self.oldest_seq <= seq <= self.last_seq
        ):
            return None
        changed = sorted(item for item in self._recent_changes.values() if item[0] > seq)
        return [body for _, body in changed]

    def joined_after(self, seq: int) -> bytes:
        """`changes_after` as JSON: the same object for all who ask one after another."""
        kept = self._joined
        if kept is None or kept[:2] != (seq, self.last_seq):
            kept = self._joined = seq, self.last_seq, b",".join(self.changes_after(seq) or [])
        return kept[2]

    def tallies_after(self, version: int) -> list[PreparedMessage]:
        """The latest tally frames with a higher version."""
        return [frame for known, frame, _ in self._tallies.values() if known > version]

    def has_tallies_after(self, version: int) -> bool:
        """Whether a comment was counted anew after `version`."""
        return any(target and known > version for target, (known, _, _) in self._tallies.items())
