"""One story in this process: its history, its subscriptions, and the snapshots built for them."""

import asyncio

from widget_server.hub.broadcast import NOT_A_MEMBER, BroadcastGroup
from widget_server.hub.connection import Connection
from widget_server.hub.history import ChannelHistory
from widget_server.hub.prepared import PiecedMessage, PreparedMessage
from widget_server.hub.presence import Presence
from widget_server.hub.snapshot import CachedSnapshot
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Position


class Subscription:
    """A connection's interest in one story."""

    __slots__ = (
        "_seq",
        "channel",
        "connection",
        "copy",
        "counted",
        "network",
        "personal",
        "reader",
        "ref",
        "session_fields",
        "slot",
        "visible",
    )

    def __init__(
        self,
        connection: Connection,
        copy: int,
        session_fields: bytes,
        reader: str | None,
        network: str = "",
    ) -> None:
        self.connection = connection
        self.copy = copy
        """The copy's number, for presence; 0 if it has none."""
        self.counted = True
        """Whether it counts as a reader. The dashboard's own previews do not."""
        self.session_fields = session_fields
        """`,"copy":…,"can":…`: the part of a snapshot that only this connection is sent."""
        self.reader = reader
        self.network = network
        """The client's network, hashed with the key of the day, for presence."""
        self.personal = True
        """Whether a snapshot has `mine`. Not on an event stream: it is the same for all readers."""
        self.visible = True
        """Whether the page is visible. A hidden page is sent no tallies and no presence."""
        self.ref: int | None = None
        """The `ref` that the first snapshot echoes; None once that snapshot was written."""
        self.channel: Channel | None = None
        self.slot = NOT_A_MEMBER
        """Index in the channel's broadcast group."""
        self._seq: int | None = None

    @property
    def seq(self) -> int | None:
        """`seq` of the last change written to the connection; None while it needs a snapshot."""
        if self.channel is None or self.slot == NOT_A_MEMBER:
            return self._seq
        return self.channel.broadcast.seq_at(self.slot)

    @seq.setter
    def seq(self, seq: int | None) -> None:
        self.leave_broadcast()
        self._seq = seq

    def leave_broadcast(self) -> None:
        """Leave the broadcast group: changes are missing, or the connection cannot be written to."""
        if self.channel is not None and self.slot != NOT_A_MEMBER:
            self._seq = self.channel.broadcast.remove(self)
            self.channel.others[self] = None


class Channel:
    """One story with its subscriptions and the messages that are pending for them."""

    __slots__ = (
        "_public_snapshot",
        "broadcast",
        "changes_sent_at",
        "code",
        "flush_at",
        "flush_handle",
        "flushing",
        "gap_timer",
        "has_lagging",
        "history",
        "history_task",
        "idle_since",
        "known_seq",
        "load_task",
        "loaded_at",
        "others",
        "pending_changes",
        "pending_tallies",
        "presence",
        "presence_requested",
        "repair_task",
        "tallies_sent_at",
    )

    def __init__(self, code: str, presence: Presence) -> None:
        self.code = code
        self.presence = presence
        self.history = ChannelHistory()
        self._public_snapshot: tuple[bytes, bytes, bytes] | None = None
        """Last result of `snapshot_message`: `(head, threads, JSON)`."""
        self.broadcast: BroadcastGroup[Subscription] = BroadcastGroup()
        self.others: dict[Subscription, None] = {}
        """Subscriptions outside the broadcast group, in order of joining."""
        self.pending_changes: list[PreparedMessage] = []
        self.pending_tallies: dict[str, PreparedMessage] = {}
        """By comment id, `STORY` or `presence`; only the newest of each is sent."""
        self.flush_handle: asyncio.Handle | None = None
        """The scheduled flush."""
        self.flush_at = 0.0
        self.flushing = False
        """True while a batch is being written in chunks."""
        self.has_lagging = False
        """Whether a subscription was skipped and has to catch up."""
        self.changes_sent_at = self.tallies_sent_at = -1e9
        self.load_task: asyncio.Task[None] | None = None
        self.loaded_at = 0.0
        self.history_task: asyncio.Task[None] | None = None
        self.repair_task: asyncio.Task[None] | None = None
        self.gap_timer: asyncio.TimerHandle | None = None
        """Fires when missing changes have been missing for `GAP_TIMEOUT_S`."""
        self.known_seq = 0
        """The highest `seq` that a reconciliation found in the database."""
        self.presence_requested = False
        """Whether the other processes were asked for their number of readers."""
        self.idle_since = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether a change is known to exist that has not been released."""
        last = self.history.last_seq
        return self.history.has_gap or (last is not None and last < self.known_seq)

    def restart(self, loaded: CachedSnapshot) -> None:
        """Start from this snapshot; drop pending messages, which belong to the state before it."""
        self.pending_changes, self.pending_tallies, self.known_seq = [], {}, 0
        self.enqueue(self.history.reset(loaded))

    def enqueue(self, messages: list[PreparedMessage]) -> None:
        """Add messages that `history` released to those of the next flush."""
        self.pending_changes += messages
        self.pending_tallies |= self.history.tallies_to_repeat
        self.history.tallies_to_repeat.clear()

    @property
    def subscribers(self) -> int:
        """Number of subscriptions, in the broadcast group and outside it."""
        return len(self.broadcast) + len(self.others)

    def add(self, subscription: Subscription) -> None:
        """Send every later change to this subscription."""
        subscription.channel = self
        self.others[subscription] = None
        if subscription.counted:
            self.presence.add(subscription.copy, subscription.network)

    def remove(self, subscription: Subscription) -> None:
        """Send nothing more to this subscription."""
        if subscription.channel is self:
            subscription.leave_broadcast()
            del self.others[subscription]
            subscription.channel = None
            if subscription.counted:
                self.presence.remove(subscription.copy, subscription.network)

    def join_broadcast(self, subscription: Subscription) -> None:
        """Move an up-to-date subscription into the broadcast group, if it can be written directly."""
        direct = subscription.connection.direct_socket
        if direct is not None and subscription.visible:
            del self.others[subscription]
            self.broadcast.add(subscription, direct)

    def mark_all_stale(self) -> None:
        """Mark all subscriptions as stale: each needs a new snapshot."""
        for subscription in [*self.broadcast, *self.others]:
            subscription.seq = None

    # Snapshots and resumed snapshots -----------------------------------------------------------

    def can_resume(self, since: Position) -> bool:
        """Whether all changes after `since` are kept in this process."""
        history = self.history
        return since.epoch == history.epoch and history.changes_after(since.seq) is not None

    def resume_message(self, seq: int, personal: bytes, ref: int | None) -> PreparedMessage:
        """Return a snapshot message with only the comments changed after `seq`.

        Tallies are not included: the caller sends them as messages.
        """
        return PiecedMessage(self._resumed(seq, ref, personal))

    def poll_response(self, seq: int) -> bytes | None:
        """Return `resume_message` for an HTTP client, with the tallies included.

        Returns None if it is longer than `MAX_RESPONSE_BYTES`.
        """
        tallies = b",".join(message.payload for message in self.history.tallies.after(0))
        body = b"".join(self._resumed(seq, None, b',"tallies":[%b]' % tallies))
        return body if len(body) <= MAX_RESPONSE_BYTES else None

    def _resumed(self, seq: int, ref: int | None, more: bytes) -> list[bytes]:
        history = self.history
        head = self._head(ref, history.current_seq, history.count)
        changes = history.joined_changes_after(seq)
        return [head + b',"resumed":true,"changes":[', changes, b"]" + more + b"}"]

    def snapshot_message(self) -> bytes:
        """Return the last loaded snapshot as JSON, without any reader's own data.

        Messages after the snapshot are not included. Calls return the same object until a part
        of it changes.
        """
        loaded = self.history.snapshot
        parts = self._snapshot(None, b"" if loaded is None else loaded.public)
        cached = self._public_snapshot
        if cached is None or cached[0] != parts[0] or cached[1] is not parts[1]:
            cached = self._public_snapshot = parts[0], parts[1], b"".join(parts)
        return cached[2]

    def _snapshot(self, ref: int | None, personal: bytes) -> list[bytes]:
        loaded = self.history.snapshot
        if loaded is None:
            raise RuntimeError("The channel has no snapshot yet.")
        head = self._head(ref, loaded.seq, loaded.count)
        return [head + b',"resumed":false,"comments":', loaded.threads, personal + b"}"]

    def snapshot_and_messages(self, personal: bytes, ref: int | None) -> list[PreparedMessage]:
        """Return the snapshot and all messages since; together they are the current state."""
        snapshot = PiecedMessage(self._snapshot(ref, personal))
        loaded = self.history.snapshot
        if loaded is None:
            return [snapshot]
        later = self.history.messages_after(loaded.seq) or []
        return [snapshot, *later, *self.history.tallies.after(loaded.version)]

    def _head(self, ref: int | None, seq: int, count: int) -> bytes:
        return b"".join(self._head_parts(ref, seq, count))

    def _head_parts(self, ref: int | None, seq: int, count: int) -> list[bytes]:
        readers, copies = self.presence.totals()
        loaded, epoch = self.history.snapshot, self.history.epoch.encode()
        return [
            b'{"type":"snapshot",',
            b"" if ref is None else b'"ref":%d,' % ref,
            loaded.head if loaded is not None else b'"story":null',
            b',"position":{"epoch":"%b","seq":%d},"count":%d' % (epoch, seq, count),
            b',"tally":',
            self.history.tallies.story_tally,
            b',"presence":{"readers":%d,"copies":%d}' % (readers, copies),
        ]
