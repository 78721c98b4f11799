"""Who watches what in this process, and how what happened reaches them.

Every change comes in through `announce` (committed here) or from the bus (committed elsewhere),
is put in order by its channel, and goes out as one prebuilt batch for all watchers of the story.
The bus is a hint: where a message is late or lost the database is asked, once for a story and
never once for a reader.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from widget_server.live.bus import Bus
from widget_server.live.channel import RECENT, Channel, Loaded, Recent
from widget_server.live.frames import Batch, Frame
from widget_server.live.messages import Message
from widget_server.live.peers import Peer
from widget_server.live.presence import Presence
from widget_server.model.errors import Refused
from widget_server.model.records import Position

log = logging.getLogger(__name__)

LATE_S = 0.2
"""A message that is out of order may be this late before the database is asked instead."""
IDLE_S = 45.0
"""A story that nobody watches any more is listened to for this long: readers reload."""
FRESH_S = 0.2
"""Counts of comments inside a cached snapshot may be this old."""
CHUNK = 500
"""Writes in one turn of the event loop, so that a large story does not hold up the others."""


class Source(Protocol):
    """Where the hub reads what it did not hear. Raises the model's refusals."""

    async def snapshot(self, code: str) -> Loaded:
        """The story now."""

    async def changes(self, code: str, seq: int) -> list[Message] | None:
        """The messages after `seq`, or None when a number is missing in between."""

    async def recent(self, code: str) -> Recent:
        """The last changes, for readers who come back."""

    async def tallies(self, code: str, version: int) -> list[Message]:
        """The tallies that changed after `version`."""

    async def mine(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        """What each reader left in the story, as JSON."""

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        """The epoch, and `(seq, tally counter)` of each story."""


class Subscription:
    """One socket's interest in one story."""

    __slots__ = ("channel", "copy", "peer", "personal", "reader", "seq", "visible")

    def __init__(self, peer: Peer, copy: int, personal: bytes, reader: str | None) -> None:
        self.peer = peer
        self.copy = copy
        """The copy's number, for presence; 0 where none is known."""
        self.personal = personal
        """`,"copy":…,"can":…`: what a snapshot says to this socket alone."""
        self.reader = reader
        self.visible = True
        self.seq = -1
        self.channel: Watched | None = None


class Watched(Channel):
    """A channel with those who watch it here."""

    __slots__ = (
        "asked",
        "busy",
        "due",
        "idle_since",
        "loaded_at",
        "loading",
        "ordered",
        "presence",
        "repairing",
        "sent_ordered",
        "sent_tallies",
        "subscriptions",
        "tallied",
        "widening",
    )

    def __init__(self, code: str, presence: Presence) -> None:
        super().__init__(code)
        self.presence = presence
        self.subscriptions: dict[Subscription, None] = {}
        self.ordered: list[Frame] = []
        self.tallied: dict[str, Frame] = {}
        self.due: asyncio.TimerHandle | asyncio.Handle | None = None
        self.busy = False
        self.sent_ordered = self.sent_tallies = -1e9
        self.loading: asyncio.Task[None] | None = None
        self.loaded_at = 0.0
        self.widening: asyncio.Task[None] | None = None
        self.repairing: asyncio.Task[None] | None = None
        self.asked = False
        self.idle_since = 0.0


@dataclass(slots=True)
class Counts:
    """What the hub did, for /metrics and for the tests of how cost grows."""

    encoded: int = 0
    flushes: int = 0
    deliveries: int = 0
    skipped: int = 0
    joined: int = 0
    resumed: int = 0
    resynced: int = 0
    repaired: int = 0
    caught_up: int = 0
    sweeps: int = 0


def ordered_interval(watchers: int) -> float:
    """Seconds between two writes of comments: at once for few, 4 Hz for 5,000 and more."""
    return min(0.25, max(0.02, watchers / 20_000))


def tally_interval(watchers: int) -> float:
    """Seconds between two writes of tallies: 10 Hz, falling to 1 Hz at 10,000 watchers."""
    return min(1.0, max(0.1, watchers / 10_000))


class Hub:
    """The table of channels. `run` keeps it true; everything else may be called at any time."""

    def __init__(self, source: Source, process: str, sweep_s: float = 1.0) -> None:
        self._source = source
        self._process = process
        self._sweep_s = sweep_s
        self._channels: dict[str, Watched] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bus: Bus | None = None
        self.counts = Counts()
        self.presence_frame: Callable[[str, int, int], bytes] = lambda _code, _n, _m: b"{}"
        """Draws a presence frame; set by the composition root."""

    def connect(self, bus: Bus) -> None:
        """Use this bus from now on."""
        self._bus = bus

    @property
    def channels(self) -> int:
        """Stories that this process listens to."""
        return len(self._channels)

    @property
    def watching(self) -> int:
        """Subscriptions in this process."""
        return sum(len(channel.subscriptions) for channel in self._channels.values())

    # What happened -----------------------------------------------------------------------------

    def announce(self, messages: Iterable[Message]) -> None:
        """Tell everyone, here and in the other processes, what was committed in this one."""
        for message in messages:
            self.counts.encoded += 1
            self.receive(message)
            if self._bus is not None:
                self._bus.publish(message)

    def receive(self, message: Message) -> None:
        """Take in a message, from here or from the bus."""
        channel = self._channels.get(message.story)
        if channel is None:
            return
        match message.kind:
            case "comment" | "story":
                frames = channel.take(message)
                channel.ordered += frames
                if channel.has_gap and channel.last >= 0:
                    self._soon(channel, LATE_S)
            case "tally":
                frame = channel.take_tally(message)
                if frame is not None:
                    channel.tallied[message.key] = frame
            case "presence":
                channel.presence.hear(message.key, message.payload, self._now())
        self._schedule(channel)

    # Reading -----------------------------------------------------------------------------------

    async def visit(self, code: str) -> Watched:
        """The story's channel with a usable snapshot, loaded once for all who ask meanwhile.

        Raises `NotFound` and `Unavailable`.
        """
        channel = self._channels.get(code)
        if channel is None:
            channel = self._channels[code] = Watched(code, Presence(self._process))
            channel.idle_since = self._now()
        while channel.usable() is None:
            if channel.loading is None:
                channel.loading = asyncio.create_task(self._load(channel))
            # Shielded: one reader who leaves must not take the snapshot from the others.
            await asyncio.shield(channel.loading)
        if not channel.subscriptions:
            channel.idle_since = self._now()
        return channel

    async def _load(self, channel: Watched) -> None:
        try:
            if channel.last < 0 and self._bus is not None:
                # Listen first, read second: what happens in between is heard, not lost.
                await asyncio.wait({self._bus.watch(channel.code)}, timeout=1)
            loaded = await self._source.snapshot(channel.code)
            channel.loaded_at = self._now()
            if channel.last < 0:
                channel.ordered += channel.start(loaded)
            elif loaded.epoch != channel.epoch:
                await self._resync(channel, loaded)
            elif loaded.seq > channel.last:
                # Newer than what the watchers were told: tell them first.
                await self._repair(channel)
                channel.refresh(loaded)
            else:
                channel.refresh(loaded)
        except BaseException:
            if channel.last < 0:
                self._channels.pop(channel.code, None)
                if self._bus is not None:
                    self._bus.unwatch([channel.code])
            raise
        finally:
            channel.loading = None

    async def public(self, code: str, since: Position | None) -> bytes:
        """A snapshot without anyone's own data, as JSON."""
        channel = await self.visit(code)
        resumed = await self._resumable(channel, since)
        if since is not None and resumed:
            return self._resumed(channel, since.seq, b"")
        channel = await self.visit(code)
        if self._is_stale(channel):
            # An answer that stands alone has to be the newest state, not a state and frames.
            channel.loaded = None
            channel = await self.visit(code)
        return self._snapshot(channel, b"")

    def _is_stale(self, channel: Watched) -> bool:
        loaded = channel.loaded
        if loaded is None or channel.loading is not None:
            return False
        counted = channel.has_tallies_after(loaded.version)
        return loaded.seq < channel.last or (counted and self._now() - channel.loaded_at > FRESH_S)

    async def join(
        self, code: str, subscription: Subscription, ref: int | None, since: Position | None
    ) -> None:
        """Send the snapshot (or what changed since) and from then on every change.

        No await stands between drawing the snapshot and being in the table, so that no change
        can fall in between. Raises `NotFound` and `Unavailable`.
        """
        channel = await self.visit(code)
        resumed = await self._resumable(channel, since)
        mine = await self._mine(channel, [subscription])
        channel = await self.visit(code)
        personal = subscription.personal + mine(subscription)
        subscription.channel = channel
        channel.subscriptions[subscription] = None
        self._set_presence(channel)
        lead = b'"ref":%d,' % ref if ref is not None else b""
        if since is not None and resumed and self._is_known(channel, since):
            body = self._resumed(channel, since.seq, lead, personal)
            frames = [Frame(body), *channel.tallies_after(0)]
            self.counts.resumed += 1
        else:
            frames = self._snapshot_and_after(channel, lead, personal)
        self.counts.joined += 1
        if subscription.peer.write(Batch(frames)):
            subscription.seq = channel.last
        else:
            subscription.seq = -1
        if not channel.asked and self._bus is not None:
            channel.asked = True
            self._bus.publish(channel.presence.message(channel.code, self._now(), ask=True))

    def leave(self, subscription: Subscription) -> None:
        """Stop sending to this subscription."""
        channel = subscription.channel
        if channel is not None:
            channel.subscriptions.pop(subscription, None)
            subscription.channel = None
            channel.idle_since = self._now()

    def show(self, subscription: Subscription, *, visible: bool) -> None:
        """A hidden page gets no tallies; when it is seen again it gets the latest ones."""
        was, subscription.visible = subscription.visible, visible
        channel = subscription.channel
        if visible and not was and channel is not None and subscription.seq == channel.last:
            frames = [*channel.tallies_after(0), self._presence(channel)]
            subscription.peer.write(Batch(frames))

    def resumed_reading(self, subscription: Subscription) -> None:
        """A paused peer takes frames again: send what it missed."""
        channel = subscription.channel
        if channel is None or subscription.peer.paused:
            return
        missed = channel.frames_after(subscription.seq) if subscription.seq >= 0 else None
        if missed is None:
            self._later(self._resync_some(channel, [subscription]))
            return
        self.counts.caught_up += 1
        frames = [*missed, *(channel.tallies_after(0) if subscription.visible else ())]
        if not frames or subscription.peer.write(Batch(frames)):
            subscription.seq = channel.last

    # Snapshots ---------------------------------------------------------------------------------

    def _parts(self, channel: Watched, lead: bytes, seq: int, count: int) -> list[bytes]:
        readers, copies = channel.presence.shown()
        loaded = channel.loaded
        head = loaded.head if loaded is not None else b'"story":null'
        return [
            b'{"type":"snapshot",',
            lead,
            head,
            b',"position":{"epoch":"%b","seq":%d},"count":%d'
            % (channel.epoch.encode(), seq, count),
            b',"tally":',
            channel.story_tally,
            b',"presence":{"readers":%d,"copies":%d}' % (readers, copies),
        ]

    def _snapshot(self, channel: Watched, lead: bytes, personal: bytes = b"") -> bytes:
        loaded = channel.loaded
        if loaded is None:
            raise RuntimeError("a channel was drawn without its snapshot")
        parts = self._parts(channel, lead, loaded.seq, loaded.count)
        parts += [b',"resumed":false,"comments":', loaded.threads, personal, b"}"]
        return b"".join(parts)

    def _snapshot_and_after(self, channel: Watched, lead: bytes, personal: bytes) -> list[Frame]:
        loaded = channel.loaded
        if loaded is None:
            raise RuntimeError("a channel was joined without its snapshot")
        after = channel.frames_after(loaded.seq) or []
        tallies = channel.tallies_after(loaded.version)
        return [Frame(self._snapshot(channel, lead, personal)), *after, *tallies]

    def _resumed(self, channel: Watched, seq: int, lead: bytes, personal: bytes = b"") -> bytes:
        changes = channel.changes_after(seq) or []
        parts = self._parts(channel, lead, channel.last, channel.count)
        parts += [b',"resumed":true,"changes":[', b",".join(changes), b"]", personal, b"}"]
        return b"".join(parts)

    async def _resumable(self, channel: Watched, since: Position | None) -> bool:
        """Whether what changed after `since` is known here, after asking the database if needed."""
        if since is None or since.epoch != channel.epoch or not 0 <= since.seq <= channel.last:
            return False
        if channel.changes_after(since.seq) is None:
            if channel.widening is None:
                channel.widening = asyncio.create_task(self._widen(channel))
            await asyncio.shield(channel.widening)
        return self._is_known(channel, since)

    @staticmethod
    def _is_known(channel: Watched, since: Position) -> bool:
        known = channel.changes_after(since.seq) if since.epoch == channel.epoch else None
        return known is not None and len(known) <= RECENT

    async def _widen(self, channel: Watched) -> None:
        try:
            channel.widen(await self._source.recent(channel.code))
        finally:
            channel.widening = None

    async def _mine(
        self, channel: Watched, subscriptions: Sequence[Subscription]
    ) -> Callable[[Subscription], bytes]:
        """The `mine` part of each subscription; one question for all readers together."""
        readers = sorted({s.reader for s in subscriptions if s.reader is not None})
        left = await self._source.mine(channel.code, readers) if readers else {}
        nothing = b'{"reaction":null,"reactions":{},"comments":[]}'

        def draw(subscription: Subscription) -> bytes:
            reader = subscription.reader
            return b',"mine":' + (left.get(reader, nothing) if reader is not None else nothing)

        return draw

    async def _resync(self, channel: Watched, loaded: Loaded) -> None:
        """Begin anew from a snapshot and send it to everyone who watches."""
        channel.ordered.clear()
        channel.ordered += channel.start(loaded)
        for subscription in channel.subscriptions:
            subscription.seq = -1
        await self._send_snapshots(channel, list(channel.subscriptions))

    async def _resync_some(self, channel: Watched, subscriptions: list[Subscription]) -> None:
        await self.visit(channel.code)
        await self._send_snapshots(channel, subscriptions)

    async def _send_snapshots(self, channel: Watched, subscriptions: list[Subscription]) -> None:
        mine = await self._mine(channel, subscriptions)
        if channel.usable() is None:
            # Changed again meanwhile; who is still without a snapshot gets it with the next sweep.
            return
        for subscription in subscriptions:
            if subscription.channel is not channel or subscription.peer.paused:
                continue
            frames = self._snapshot_and_after(
                channel, b"", subscription.personal + mine(subscription)
            )
            if subscription.peer.write(Batch(frames)):
                subscription.seq = channel.last
                self.counts.resynced += 1

    # Repair ------------------------------------------------------------------------------------

    async def _repair(self, channel: Watched) -> None:
        """Ask the database for what was not heard, once at a time for a story."""
        if channel.repairing is None:
            channel.repairing = asyncio.create_task(self._mend(channel))
            channel.repairing.add_done_callback(lambda _: setattr(channel, "repairing", None))
        await asyncio.shield(channel.repairing)

    async def _mend(self, channel: Watched) -> None:
        """Let the missing changes through; where a number is gone for good, begin anew."""
        messages = await self._source.changes(channel.code, channel.last)
        self.counts.repaired += 1
        if messages is None:
            await self._resync(channel, await self._source.snapshot(channel.code))
            return
        for message in messages:
            channel.ordered += channel.take(message)
        self._schedule(channel)

    async def _repair_if_late(self, channel: Watched) -> None:
        if channel.has_gap and channel.last >= 0 and self._channels.get(channel.code) is channel:
            await self._repair(channel)

    def lost_touch(self) -> None:
        """Messages may have been lost: look at every watched story now, not at the next sweep."""
        self._later(self._sweep(suspect=True))

    async def run(self) -> None:
        """Sweep, count readers and let go of idle stories until cancelled."""
        behind: set[str] = set()
        while True:
            await asyncio.sleep(self._sweep_s)
            try:
                healthy = self._bus is not None and self._bus.healthy
                behind = await self._sweep(suspect=not healthy, behind=behind)
            except Refused as refusal:
                log.warning("sweep failed reason=%s", refusal.code)
            except Exception:
                log.exception("sweep failed")
            now = self._now()
            for channel in list(self._channels.values()):
                self._keep_presence(channel, now)
            self._forget_idle(now)

    async def _sweep(self, *, suspect: bool, behind: set[str] | None = None) -> set[str]:
        """Compare all watched stories with the database, in one query.

        A story that is behind once may have a message on its way; behind twice, or without a
        healthy bus, it is repaired. Answers the stories that were behind.
        """
        codes = [code for code, channel in self._channels.items() if channel.last >= 0]
        if not codes:
            return set()
        self.counts.sweeps += 1
        epoch, positions = await self._source.positions(codes)
        still: set[str] = set()
        for code, (seq, version) in positions.items():
            channel = self._channels.get(code)
            if channel is None or channel.last < 0:
                continue
            if epoch != channel.epoch:
                await self._resync(channel, await self._source.snapshot(code))
                continue
            if seq > channel.last:
                if suspect or (behind is not None and code in behind):
                    await self._repair(channel)
                else:
                    still.add(code)
            if version > channel.checked and channel.subscriptions:
                for message in await self._source.tallies(code, channel.checked):
                    self.receive(message)
                channel.checked = version
            left = [s for s in channel.subscriptions if s.seq < 0 and not s.peer.paused]
            if left:
                await self._resync_some(channel, left)
        return still

    def _forget_idle(self, now: float) -> None:
        idle = [
            code
            for code, channel in self._channels.items()
            if not channel.subscriptions
            and channel.loading is None
            and now - channel.idle_since > IDLE_S
        ]
        for code in idle:
            del self._channels[code]
        if self._bus is not None:
            self._bus.unwatch(idle)

    # Presence ----------------------------------------------------------------------------------

    def _set_presence(self, channel: Watched) -> None:
        copies = {subscription.copy for subscription in channel.subscriptions}
        channel.presence.set(len(channel.subscriptions), copies - {0})

    def _presence(self, channel: Watched) -> Frame:
        return Frame(self.presence_frame(channel.code, *channel.presence.shown()))

    def _keep_presence(self, channel: Watched, now: float) -> None:
        self._set_presence(channel)
        if self._bus is not None and channel.presence.is_due(now):
            self._bus.publish(channel.presence.message(channel.code, now))
        if channel.presence.has_changed(now) and channel.subscriptions:
            channel.tallied["presence"] = self._presence(channel)
            self._schedule(channel)

    # Delivery ----------------------------------------------------------------------------------

    def _schedule(self, channel: Watched) -> None:
        """Flush now if the story was quiet, otherwise when its interval is over."""
        if channel.busy or channel.due is not None or not (channel.ordered or channel.tallied):
            return
        loop = asyncio.get_running_loop()
        now, watchers = loop.time(), len(channel.subscriptions)
        at = min(
            channel.sent_ordered + ordered_interval(watchers) if channel.ordered else 1e18,
            channel.sent_tallies + tally_interval(watchers) if channel.tallied else 1e18,
        )
        if at <= now:
            # At the end of this turn: what else happens in it shares the write.
            channel.due = loop.call_soon(self._flush, channel)
        else:
            channel.due = loop.call_at(at, self._flush, channel)

    def _flush(self, channel: Watched) -> None:
        channel.due = None
        now, watchers = self._now(), len(channel.subscriptions)
        ordered, tallied = channel.ordered, list(channel.tallied.values())
        if tallied and now < channel.sent_tallies + tally_interval(watchers) - 0.001:
            tallied = []
        if ordered:
            channel.ordered = []
            channel.sent_ordered = now
        if tallied:
            channel.tallied = {}
            channel.sent_tallies = now
        if channel.subscriptions and (ordered or tallied):
            self.counts.flushes += 1
            batch = Batch([*ordered, *tallied])
            hidden = Batch(ordered) if ordered else None
            channel.busy = True
            before = channel.last - len(ordered)
            self._deliver(channel, list(channel.subscriptions), 0, batch, hidden, before)
        self._schedule(channel)

    def _deliver(
        self,
        channel: Watched,
        subscriptions: list[Subscription],
        start: int,
        batch: Batch,
        hidden: Batch | None,
        before: int,
    ) -> None:
        """Write to the next few; who is not exactly at `before` is skipped and catches up."""
        after = before + (len(hidden) if hidden is not None else 0)
        stop = start + CHUNK
        for subscription in subscriptions[start:stop]:
            chosen = batch if subscription.visible else hidden
            if subscription.seq != before:
                # Late, or already ahead because it joined or caught up between two writes.
                chosen = self._rest(subscription.seq, hidden, before, after)
            if chosen is None:
                self.counts.skipped += 1
            elif subscription.peer.write(chosen):
                subscription.seq = after
                self.counts.deliveries += 1
            else:
                self.counts.skipped += 1
        if stop < len(subscriptions):
            asyncio.get_running_loop().call_soon(
                self._deliver, channel, subscriptions, stop, batch, hidden, before
            )
            return
        channel.busy = False
        self._schedule(channel)

    @staticmethod
    def _rest(seq: int, ordered: Batch | None, before: int, after: int) -> Batch | None:
        if ordered is None or not before < seq < after:
            return None
        return Batch(ordered.frames[seq - before :])

    # Small things ------------------------------------------------------------------------------

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _soon(self, channel: Watched, delay: float) -> None:
        asyncio.get_running_loop().call_later(
            delay, lambda: self._later(self._repair_if_late(channel))
        )

    def _later(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("hub task failed", exc_info=task.exception())
