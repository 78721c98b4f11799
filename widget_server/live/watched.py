"""A story with those who watch it in this process, and what it says to one who joins."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from widget_server.live.channel import Channel, Loaded
from widget_server.live.crowd import OUTSIDE, Crowd
from widget_server.live.frames import Frame, PiecedFrame
from widget_server.live.peers import Peer
from widget_server.live.presence import Presence
from widget_server.model.answers import MOST_ANSWER
from widget_server.model.records import Position


class Subscription:
    """One socket's interest in one story."""

    __slots__ = (
        "_seq",
        "channel",
        "copy",
        "network",
        "peer",
        "personal",
        "place",
        "reader",
        "ref",
        "visible",
    )

    def __init__(
        self, peer: Peer, copy: int, personal: bytes, reader: str | None, network: str = ""
    ) -> None:
        self.peer = peer
        self.copy = copy
        """The copy's number, for presence; 0 where none is known."""
        self.personal = personal
        """`,"copy":…,"can":…`: what a snapshot says to this socket alone."""
        self.reader = reader
        self.network = network
        """From where, by today's key, for presence."""
        self.visible = True
        self.ref: int | None = None
        """What the first snapshot answers, until it was written."""
        self.channel: Watched | None = None
        self.place = OUTSIDE
        """Where it stands in the channel's crowd."""
        self._seq = -1

    @property
    def seq(self) -> int:
        """`seq` of the last change written to the peer; -1 while it needs a snapshot."""
        if self.channel is None or self.place == OUTSIDE:
            return self._seq
        return self.channel.crowd.seq_at(self.place)

    @seq.setter
    def seq(self, seq: int) -> None:
        self.step_out()
        self._seq = seq

    def step_out(self) -> None:
        """Be written to by itself from now on: it lacks something, or its peer is busy."""
        if self.channel is not None and self.place != OUTSIDE:
            self._seq = self.channel.crowd.leave(self)
            self.channel.outside[self] = None


@dataclass(slots=True)
class Counts:
    """What the hub did, for /metrics and for the tests of how cost grows."""

    encoded: Annotated[int, "changes committed here and encoded as frames"] = 0
    flushes: Annotated[int, "times that what is new in a story was written to its readers"] = 0
    deliveries: Annotated[int, "batches of frames that sockets took"] = 0
    conflated: Annotated[int, "tallies replaced by newer ones before readers were sent them"] = 0
    skipped: Annotated[int, "batches that slow or late sockets did not get"] = 0
    snapshots: Annotated[
        int, "stories read whole from the database, once for all readers who come at once"
    ] = 0
    joined: Annotated[int, "subscriptions"] = 0
    resumed: Annotated[int, "subscriptions that were sent only what had changed"] = 0
    resynced: Annotated[int, "fresh snapshots for sockets that frames could not bring up"] = 0
    repaired: Annotated[int, "gaps in a story's changes closed from the database"] = 0
    caught_up: Annotated[int, "slow sockets that were sent what they had missed"] = 0
    sweeps: Annotated[int, "comparisons of all watched stories with the database"] = 0
    sweeps_failed: Annotated[int, "comparisons that the database did not answer"] = 0


class Watched(Channel):
    """A channel with its subscriptions, and what waits to be sent to them."""

    __slots__ = (
        "_public",
        "asked",
        "busy",
        "crowd",
        "due",
        "due_at",
        "idle_since",
        "late",
        "loaded_at",
        "loading",
        "ordered",
        "outside",
        "overdue",
        "presence",
        "repairing",
        "sent_ordered",
        "sent_tallies",
        "tallied",
        "wanted",
        "widening",
    )

    def __init__(self, code: str, presence: Presence) -> None:
        super().__init__(code)
        self.presence = presence
        self._public: tuple[bytes, bytes, bytes] | None = None
        """Of what `snapshot` was made last: its head, its threads; and what it answered."""
        self.crowd: Crowd[Subscription] = Crowd()
        self.outside: dict[Subscription, None] = {}
        """Who watches and is not in the crowd."""
        self.ordered: list[Frame] = []
        self.tallied: dict[str, Frame] = {}
        self.due: asyncio.Handle | None = None
        """When the tick writes next."""
        self.due_at = 0.0
        self.busy = False
        """While one batch is being written in chunks."""
        self.late = False
        """Whether a subscription was passed over and has to catch up."""
        self.sent_ordered = self.sent_tallies = -1e9
        self.loading: asyncio.Task[None] | None = None
        self.loaded_at = 0.0
        self.widening: asyncio.Task[None] | None = None
        self.repairing: asyncio.Task[None] | None = None
        self.overdue: asyncio.TimerHandle | None = None
        """When what is missing has been missing for too long."""
        self.wanted = 0
        """The highest `seq` that the database was seen to have."""
        self.asked = False
        """Whether the other processes were asked for their readers."""
        self.idle_since = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether a change is known to exist that has not been let through."""
        return self.has_gap or self.last < self.wanted

    def begin(self, loaded: Loaded) -> None:
        """Start from this snapshot; nothing that waited to be sent before it means anything now."""
        self.ordered, self.tallied, self.wanted = [], {}, 0
        self.let_through(self.start(loaded))

    def let_through(self, frames: list[Frame]) -> None:
        """What the channel gave out is to be sent with the next tick."""
        self.ordered += frames
        self.tallied |= self.recounted
        self.recounted.clear()

    @property
    def watchers(self) -> int:
        """Subscriptions, of whatever kind."""
        return len(self.crowd) + len(self.outside)

    def enter(self, subscription: Subscription) -> None:
        """From now on every change goes to this subscription too."""
        subscription.channel = self
        self.outside[subscription] = None
        self.presence.enter(subscription.copy, subscription.network)

    def leave(self, subscription: Subscription) -> None:
        """Nothing more goes to this subscription."""
        if subscription.channel is self:
            subscription.step_out()
            del self.outside[subscription]
            subscription.channel = None
            self.presence.leave(subscription.copy, subscription.network)

    def step_in(self, subscription: Subscription) -> None:
        """Into the crowd with one who has what the crowd has, if it can be written to like them."""
        direct = subscription.peer.direct
        if direct is not None and subscription.visible:
            del self.outside[subscription]
            self.crowd.enter(subscription, direct)

    def scatter(self) -> None:
        """What anyone has means nothing any more: all need a snapshot."""
        for subscription in [*self.crowd, *self.outside]:
            subscription.seq = -1

    # What one who comes is told ----------------------------------------------------------------

    def can_resume(self, since: Position) -> bool:
        """Whether all that changed after a position is known here."""
        return since.epoch == self.epoch and self.changes_after(since.seq) is not None

    def resumed(self, seq: int, personal: bytes, ref: int | None) -> Frame:
        """The snapshot that carries only what changed after `seq`; tallies follow as frames."""
        return PiecedFrame(self._resumed(seq, ref, personal))

    def resumed_alone(self, seq: int) -> bytes | None:
        """The same for one who polls: with the tally frames, for none will follow.

        None where that is more than an answer may be.
        """
        tallies = b",".join(frame.payload for frame in self.tallies_after(0))
        body = b"".join(self._resumed(seq, None, b',"tallies":[%b]' % tallies))
        return body if len(body) <= MOST_ANSWER else None

    def _resumed(self, seq: int, ref: int | None, more: bytes) -> list[bytes]:
        head = self._head(ref, self.last, self.count)
        return [head + b',"resumed":true,"changes":[', self.joined_after(seq), b"]" + more + b"}"]

    def snapshot(self) -> bytes:
        """The snapshot as last loaded, without anyone's own data; the frames after it are not in here.

        The same object for all who ask before anything in it has changed.
        """
        parts = self._snapshot(None, b"")
        kept = self._public
        if kept is None or kept[0] != parts[0] or kept[1] is not parts[1]:
            kept = self._public = parts[0], parts[1], b"".join(parts)
        return kept[2]

    def _snapshot(self, ref: int | None, personal: bytes) -> list[bytes]:
        loaded = self.loaded
        if loaded is None:
            raise RuntimeError("a channel was drawn without its snapshot")
        head = self._head(ref, loaded.seq, loaded.count)
        return [head + b',"resumed":false,"comments":', loaded.threads, personal + b"}"]

    def snapshot_and_after(self, personal: bytes, ref: int | None) -> list[Frame]:
        """The snapshot and all that happened since; together, the story now."""
        snapshot = PiecedFrame(self._snapshot(ref, personal))
        if self.loaded is None:
            return [snapshot]
        after = self.frames_after(self.loaded.seq) or []
        return [snapshot, *after, *self.tallies_after(self.loaded.version)]

    def _head(self, ref: int | None, seq: int, count: int) -> bytes:
        return b"".join(self._parts(ref, seq, count))

    def _parts(self, ref: int | None, seq: int, count: int) -> list[bytes]:
        readers, copies = self.presence.shown()
        loaded = self.loaded
        return [
            b'{"type":"snapshot",',
            b"" if ref is None else b'"ref":%d,' % ref,
            loaded.head if loaded is not None else b'"story":null',
            b',"position":{"epoch":"%b","seq":%d},"count":%d' % (self.epoch.encode(), seq, count),
            b',"tally":',
            self.story_tally,
            b',"presence":{"readers":%d,"copies":%d}' % (readers, copies),
        ]
