"""Sequencing of one story's messages: order, last sent `seq`, and recent changes for resends.

No I/O and no clock. Invariant: the messages that `reset` and `accept` return have the numbers
last+1, last+2, … without a gap and without a repeat.
"""

from collections import OrderedDict, deque

from widget_server.bus.message import BusMessage
from widget_server.hub.latest_tallies import LatestTallies
from widget_server.hub.prepared import PreparedMessage
from widget_server.hub.snapshot import CachedSnapshot, RecentChanges
from widget_server.model.limits import MAX_RESPONSE_BYTES

HISTORY_SIZE = 200
"""Messages kept for write-paused connections and for snapshots that are slightly old.

Fewer are kept if they are long: together they may not exceed one response.
"""
RESUME_SIZE = 500
"""Changed comments, and latest tallies, kept for clients that resume with `since`
(docs/developers/protocol.md, guarantee 3)."""
REORDER_SIZE = 1_000
"""Out-of-order messages kept. Beyond this number, the missing changes are read from the
database."""


class ChannelHistory:
    """Messages and positions that one process keeps about one story."""

    __slots__ = (
        "_joined_changes",
        "_recent_bytes",
        "_recent_changes",
        "_reorder_buffer",
        "_sent",
        "_sent_bytes",
        "_story_changed_seq",
        "count",
        "covers_past",
        "epoch",
        "last_seq",
        "oldest_seq",
        "snapshot",
        "tallies",
        "tallies_to_repeat",
        "tally_checkpoint",
    )

    def __init__(self) -> None:
        self.epoch = ""
        self.last_seq: int | None = None
        """`seq` of the last message released in order; None until a snapshot was loaded."""
        self.count = 0
        """Published comments of the story, at `last_seq`."""
        self.snapshot: CachedSnapshot | None = None
        self.tallies = LatestTallies(RESUME_SIZE)
        self.tallies_to_repeat: dict[str, PreparedMessage] = {}
        """Tallies to resend after their comments. A client that received a tally before its
        comment could not apply it."""
        self.tally_checkpoint = 0
        """Lost tallies up to this value of the story's tally counter were read from the
        database."""
        self.oldest_seq = 0
        """All changes after this `seq` are in `_recent_changes`."""
        self.covers_past = False
        """Whether the changes from before this process subscribed were read from the database."""
        self._story_changed_seq = 0
        """The `seq` of the latest change to the story's title, notice or rules."""
        self._sent: deque[tuple[int, PreparedMessage]] = deque()
        """`(seq, message)` of the latest released messages."""
        self._sent_bytes = 0
        """Bytes of the messages in `_sent`."""
        self._recent_changes: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        """`(seq, JSON)` by comment id, the oldest change first."""
        self._recent_bytes = 0
        """Bytes of the JSON in `_recent_changes`, at most `MAX_RESPONSE_BYTES`."""
        self._joined_changes: tuple[int, int | None, bytes] | None = None
        """Last result of `joined_changes_after`: `(after, last_seq, JSON)`."""
        self._reorder_buffer: dict[int, BusMessage] = {}
        """Out-of-order messages, by `seq`."""

    @property
    def current_seq(self) -> int:
        """`last_seq` of a loaded story. Raises `RuntimeError` before the first snapshot."""
        if self.last_seq is None:
            raise RuntimeError("The channel has no snapshot yet.")
        return self.last_seq

    # Incoming messages -------------------------------------------------------------------------

    def reset(self, loaded: CachedSnapshot) -> list[PreparedMessage]:
        """Start (again) from a snapshot; return the buffered messages that follow it."""
        if loaded.epoch != self.epoch:
            # Positions and tallies of another epoch have no meaning in this one.
            self._reorder_buffer = {
                seq: message
                for seq, message in self._reorder_buffer.items()
                if message.epoch == loaded.epoch
            }
            self.tallies.drop_other_epochs(loaded.epoch)
            self._story_changed_seq = 0
        self.snapshot = loaded
        self.epoch = loaded.epoch
        self.last_seq = self.oldest_seq = loaded.seq
        self.count = loaded.count
        self.tally_checkpoint = loaded.version
        self.tallies.apply_snapshot(loaded)
        self.covers_past = False
        self._recent_changes.clear()
        self._recent_bytes, self._joined_changes = 0, None
        self._sent.clear()
        self._sent_bytes = 0
        return self._release_in_order(loaded.seq)

    def refresh(self, loaded: CachedSnapshot) -> None:
        """Keep a newer snapshot for new subscribers; messages already sent are unaffected.

        A snapshot is ignored if it is ahead of `last_seq`, older than the current one, or of
        another epoch. The last was read before a backup was restored.
        """
        current = self.snapshot
        older = current is not None and (
            current.seq > loaded.seq or current.version > loaded.version
        )
        ahead = self.last_seq is None or loaded.seq > self.last_seq
        if loaded.epoch == self.epoch and not ahead and not older:
            self.snapshot = loaded

    def accept(self, message: BusMessage) -> list[PreparedMessage]:
        """Return the messages that can be sent now; buffer an early message, drop a repeat."""
        last = self.last_seq
        if last is not None and (message.number <= last or message.epoch != self.epoch):
            return []
        if len(self._reorder_buffer) < REORDER_SIZE:
            self._reorder_buffer.setdefault(message.number, message)
        return [] if last is None else self._release_in_order(last)

    def accept_tally(self, message: BusMessage) -> PreparedMessage | None:
        """Return the prepared tally if it is newer than the latest one of its target."""
        # Up to the checkpoint, a snapshot or a reconciliation has sent this tally or a newer one
        # to every subscriber. This message is late or was replayed.
        if self.last_seq is not None and (
            message.epoch != self.epoch or message.number <= self.tally_checkpoint
        ):
            return None
        return self.tallies.store_if_newer(message)

    @property
    def has_gap(self) -> bool:
        """Whether a message is buffered: a message before it is late or lost."""
        return bool(self._reorder_buffer)

    def _release_in_order(self, last_seq: int) -> list[PreparedMessage]:
        """Return the buffered messages that follow `last_seq` without a gap, and record them."""
        released = []
        for seq in [seq for seq in self._reorder_buffer if seq <= last_seq]:
            del self._reorder_buffer[seq]
        while (message := self._reorder_buffer.pop(last_seq + 1, None)) is not None:
            last_seq += 1
            self.last_seq = last_seq
            prepared = PreparedMessage(message.payload)
            self._store_sent(last_seq, prepared)
            released.append(prepared)
            if message.kind == "comment":
                self.count = message.count
                self._store_change(
                    message.target, last_seq, message.payload[message.body_offset : -1]
                )
                if (tally := self.tallies.get(message.target)) is not None:
                    self.tallies_to_repeat[message.target] = tally
            else:
                self._story_changed_seq = last_seq
        return released

    def _store_sent(self, seq: int, message: PreparedMessage) -> None:
        self._sent.append((seq, message))
        self._sent_bytes += len(message)
        while len(self._sent) > HISTORY_SIZE or self._sent_bytes > MAX_RESPONSE_BYTES:
            self._sent_bytes -= len(self._sent.popleft()[1])

    def _store_change(self, comment: str, seq: int, body: bytes) -> None:
        _, replaced = self._recent_changes.pop(comment, (0, b""))
        self._recent_changes[comment] = (seq, body)
        self._recent_bytes += len(body) - len(replaced)
        self._trim_recent_changes()

    def _trim_recent_changes(self) -> None:
        """Drop the oldest changes beyond what one response may carry, by number and by bytes."""
        while len(self._recent_changes) > RESUME_SIZE or self._recent_bytes > MAX_RESPONSE_BYTES:
            _, (dropped_seq, body) = self._recent_changes.popitem(last=False)
            self._recent_bytes -= len(body)
            self.oldest_seq = max(self.oldest_seq, dropped_seq)

    def add_earlier_changes(self, recent: RecentChanges) -> dict[str, PreparedMessage]:
        """Add changes from before this process subscribed, for clients that resume.

        Returns the tallies that this process has not sent yet, by target. If `recent` was read
        too early to join the changes stored here, it is ignored.
        """
        if (
            self.last_seq is None
            or recent.epoch != self.epoch
            or recent.seq < self.oldest_seq
            or recent.version < self.tallies.missing_up_to
        ):
            return {}
        newer = self._recent_changes
        self._recent_changes = OrderedDict()
        for seq, comment, body in recent.comments:
            # Changes after `last_seq` are skipped: their messages are still on the way.
            if comment not in newer and seq <= self.last_seq:
                self._recent_changes[comment] = (seq, body)
        self._recent_changes.update(newer)
        self._recent_bytes = sum(len(body) for _, body in self._recent_changes.values())
        self.oldest_seq = min(self.oldest_seq, recent.oldest_seq)
        self._trim_recent_changes()
        self.covers_past = True
        self.tallies.missing_up_to = recent.counted_from
        return {
            message.target: tally
            for message in recent.tallies
            if (tally := self.tallies.store_if_newer(message)) is not None
        }

    # Outgoing messages -------------------------------------------------------------------------

    def messages_after(self, seq: int) -> list[PreparedMessage] | None:
        """Return the messages after `seq`, or None if older messages than are kept are needed."""
        if self.last_seq is None or seq >= self.last_seq:
            return []
        if not self._sent or self._sent[0][0] > seq + 1:
            return None
        skip = seq + 1 - self._sent[0][0]
        return [message for _, message in list(self._sent)[skip:]]

    def usable_snapshot(self) -> CachedSnapshot | None:
        """Return the cached snapshot if its head is current and all later messages are kept."""
        loaded = self.snapshot
        if (
            loaded is None
            or loaded.version < self.tallies.missing_up_to
            or loaded.seq < self._story_changed_seq
        ):
            return None
        return None if self.messages_after(loaded.seq) is None else loaded

    def changes_after(self, seq: int) -> list[bytes] | None:
        """Return the JSON of the comments changed after `seq`, in order of change.

        Returns None if a changed comment may be missing, or any changed tally: a position does
        not say how old a client's tallies are.
        """
        if (
            self.last_seq is None
            or not self.covers_past
            or self.tallies.missing_up_to
            or not self.oldest_seq <= seq <= self.last_seq
        ):
            return None
        changed = sorted(item for item in self._recent_changes.values() if item[0] > seq)
        return [body for _, body in changed]

    def joined_changes_after(self, seq: int) -> bytes:
        """Return `changes_after(seq)` joined by commas.

        Consecutive calls with the same `seq` return the same object, which resumed snapshots
        share.
        """
        cached = self._joined_changes
        if cached is None or cached[:2] != (seq, self.last_seq):
            joined = b",".join(self.changes_after(seq) or [])
            cached = self._joined_changes = seq, self.last_seq, joined
        return cached[2]
