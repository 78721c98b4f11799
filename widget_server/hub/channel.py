"""A story with those who watch it in this process, and what it says to one who joins."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from widget_server.hub.broadcast import NOT_A_MEMBER, BroadcastGroup
from widget_server.hub.connection import Connection
from widget_server.hub.history import CachedSnapshot, ChannelHistory
from widget_server.hub.prepared import PiecedFrame, PreparedMessage
from widget_server.hub.presence import Presence
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Position


class Subscription:
    """One socket's interest in one story."""

    __slots__ = (
        "_seq",
        "channel",
        "connection",
        "copy",
        "network",
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
        """The copy's number, for presence; 0 where none is known."""
        self.session_fields = session_fields
        """`,"copy":…,"can":…`: what a snapshot says to this socket alone."""
        self.reader = reader
        self.network = network
        """From where, by today's key, for presence."""
        self.visible = True
        self.ref: int | None = None
        """What the first snapshot answers, until it was written."""
        self.channel: Channel | None = None
        self.slot = NOT_A_MEMBER
        """Where it stands in the channel's broadcast group."""
        self._seq = -1

    @property
    def seq(self) -> int:
        """`seq` of the last change written to the peer; -1 while it needs a snapshot."""
        if self.channel is None or self.slot == NOT_A_MEMBER:
            return self._seq
        return self.channel.broadcast.seq_at(self.slot)

    @seq.setter
    def seq(self, seq: int) -> None:
        self.leave_broadcast()
        self._seq = seq

    def leave_broadcast(self) -> None:
        """Be written to by itself from now on: it lacks something, or its peer is busy."""
        if self.channel is not None and self.slot != NOT_A_MEMBER:
            self._seq = self.channel.broadcast.remove(self)
            self.channel.others[self] = None


@dataclass(slots=True)
class HubMetrics:
    """What the hub did, for /metrics and for the tests of how cost grows."""

    events_published: Annotated[int, "changes committed here and encoded as frames"] = 0
    flushes: Annotated[int, "times that what is new in a story was written to its readers"] = 0
    batches_delivered: Annotated[int, "batches of frames that sockets took"] = 0
    tallies_conflated: Annotated[
        int, "tallies replaced by newer ones before readers were sent them"
    ] = 0
    batches_skipped: Annotated[int, "batches that slow or late sockets did not get"] = 0
    snapshots_loaded: Annotated[
        int, "stories read whole from the database, once for all readers who come at once"
    ] = 0
    subscribes: Annotated[int, "subscriptions"] = 0
    resumes: Annotated[int, "subscriptions that were sent only what had changed"] = 0
    resyncs: Annotated[int, "fresh snapshots for sockets that frames could not bring up"] = 0
    gaps_repaired: Annotated[int, "gaps in a story's changes closed from the database"] = 0
    catch_ups: Annotated[int, "slow sockets that were sent what they had missed"] = 0
    reconciliations: Annotated[int, "comparisons of all watched stories with the database"] = 0
    reconciliations_failed: Annotated[int, "comparisons that the database did not answer"] = 0


class Channel(ChannelHistory):
    """A channel with its subscriptions, and what waits to be sent to them."""

    __slots__ = (
        "_public",
        "broadcast",
        "changes_sent_at",
        "flush_at",
        "flush_handle",
        "flushing",
        "gap_timer",
        "has_lagging",
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
        super().__init__(code)
        self.presence = presence
        self._public: tuple[bytes, bytes, bytes] | None = None
        """Of what `snapshot_message` was made last: its head, its threads; and what it answered."""
        self.broadcast: BroadcastGroup[Subscription] = BroadcastGroup()
        self.others: dict[Subscription, None] = {}
        """Who watches and is not in the broadcast group."""
        self.pending_changes: list[PreparedMessage] = []
        self.pending_tallies: dict[str, PreparedMessage] = {}
        self.flush_handle: asyncio.Handle | None = None
        """When the tick writes next."""
        self.flush_at = 0.0
        self.flushing = False
        """While one batch is being written in chunks."""
        self.has_lagging = False
        """Whether a subscription was passed over and has to catch up."""
        self.changes_sent_at = self.tallies_sent_at = -1e9
        self.load_task: asyncio.Task[None] | None = None
        self.loaded_at = 0.0
        self.history_task: asyncio.Task[None] | None = None
        self.repair_task: asyncio.Task[None] | None = None
        self.gap_timer: asyncio.TimerHandle | None = None
        """When what is missing has been missing for too long."""
        self.known_seq = 0
        """The highest `seq` that the database was seen to have."""
        self.presence_requested = False
        """Whether the other processes were asked for their readers."""
        self.idle_since = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether a change is known to exist that has not been let through."""
        return self.has_gap or self.last_seq < self.known_seq

    def restart(self, loaded: CachedSnapshot) -> None:
        """Start from this snapshot; nothing that waited to be sent before it means anything now."""
        self.pending_changes, self.pending_tallies, self.known_seq = [], {}, 0
        self.enqueue(self.reset(loaded))

    def enqueue(self, frames: list[PreparedMessage]) -> None:
        """What the channel gave out is to be sent with the next tick."""
        self.pending_changes += frames
        self.pending_tallies |= self.tallies_to_repeat
        self.tallies_to_repeat.clear()

    @property
    def subscribers(self) -> int:
        """Subscriptions, of whatever kind."""
        return len(self.broadcast) + len(self.others)

    def add(self, subscription: Subscription) -> None:
        """From now on every change goes to this subscription too."""
        subscription.channel = self
        self.others[subscription] = None
        self.presence.add(subscription.copy, subscription.network)

    def remove(self, subscription: Subscription) -> None:
        """Nothing more goes to this subscription."""
        if subscription.channel is self:
            subscription.leave_broadcast()
            del self.others[subscription]
            subscription.channel = None
            self.presence.remove(subscription.copy, subscription.network)

    def join_broadcast(self, subscription: Subscription) -> None:
        """Into the broadcast group with one who has what the broadcast group has, if it can be written to like them."""
        direct = subscription.connection.direct_socket
        if direct is not None and subscription.visible:
            del self.others[subscription]
            self.broadcast.add(subscription, direct)

    def mark_all_stale(self) -> None:
        """What anyone has means nothing any more: all need a snapshot."""
        for subscription in [*self.broadcast, *self.others]:
            subscription.seq = -1

    # What one who comes is told ----------------------------------------------------------------

    def can_resume(self, since: Position) -> bool:
        """Whether all that changed after a position is known here."""
        return since.epoch == self.epoch and self.changes_after(since.seq) is not None

    def resume_message(self, seq: int, personal: bytes, ref: int | None) -> PreparedMessage:
        """The snapshot that carries only what changed after `seq`; tallies follow as frames."""
        return PiecedFrame(self._resumed(seq, ref, personal))

    def poll_response(self, seq: int) -> bytes | None:
        """The same for one who polls: with the tally frames, for none will follow.

        None where that is more than an answer may be.
        """
        tallies = b",".join(frame.payload for frame in self.tallies_after(0))
        body = b"".join(self._resumed(seq, None, b',"tallies":[%b]' % tallies))
        return body if len(body) <= MAX_RESPONSE_BYTES else None

    def _resumed(self, seq: int, ref: int | None, more: bytes) -> list[bytes]:
        head = self._head(ref, self.last_seq, self.count)
        return [head + b',"resumed":true,"changes":[', self.joined_after(seq), b"]" + more + b"}"]

    def snapshot_message(self) -> bytes:
        """The snapshot as last loaded, without anyone's own data; the frames after it are not in here.

        The same object for all who ask before anything in it has changed.
        """
        parts = self._snapshot(None, b"")
        kept = self._public
        if kept is None or kept[0] != parts[0] or kept[1] is not parts[1]:
            kept = self._public = parts[0], parts[1], b"".join(parts)
        return kept[2]

    def _snapshot(self, ref: int | None, personal: bytes) -> list[bytes]:
        loaded = self.snapshot_data
        if loaded is None:
            raise RuntimeError("a channel was drawn without its snapshot")
        head = self._head(ref, loaded.seq, loaded.count)
        return [head + b',"resumed":false,"comments":', loaded.threads, personal + b"}"]

    def snapshot_and_messages(self, personal: bytes, ref: int | None) -> list[PreparedMessage]:
        """The snapshot and all that happened since; together, the story now."""
        snapshot = PiecedFrame(self._snapshot(ref, personal))
        if self.snapshot_data is None:
            return [snapshot]
        after = self.messages_after(self.snapshot_data.seq) or []
        return [snapshot, *after, *self.tallies_after(self.snapshot_data.version)]

    def _head(self, ref: int | None, seq: int, count: int) -> bytes:
        return b"".join(self._parts(ref, seq, count))

    def _parts(self, ref: int | None, seq: int, count: int) -> list[bytes]:
        readers, copies = self.presence.totals()
        loaded = self.snapshot_data
        return [
            b'{"type":"snapshot",',
            b"" if ref is None else b'"ref":%d,' % ref,
            loaded.head if loaded is not None else b'"story":null',
            b',"position":{"epoch":"%b","seq":%d},"count":%d' % (self.epoch.encode(), seq, count),
            b',"tally":',
            self.story_tally,
            b',"presence":{"readers":%d,"copies":%d}' % (readers, copies),
        ]
