"""Who watches what in this process, and how what happened reaches them.

Every change comes in through `announce` (committed here) or from the bus (committed elsewhere),
is put in order by its channel, and goes out with the tick as one prebuilt batch for all watchers
of the story. The bus is a hint: where a message is late or lost the database is asked, once for a
story and never once for a reader.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

from widget_server.live.channel import RECENT, Loaded, Recent
from widget_server.live.frames import Batch, Frame
from widget_server.live.left import Left
from widget_server.live.messages import Message
from widget_server.live.presence import Presence
from widget_server.live.tick import Tick
from widget_server.live.watched import Counts, Subscription, Watched
from widget_server.model.errors import Refused
from widget_server.model.records import Position

log = logging.getLogger(__name__)

LATE_S = 0.2
"""A message that is out of order may be this late before the database is asked instead."""
LISTEN_S = 0.5
"""How long a story's first reader waits for the bus to confirm that it is listened to."""
IDLE_S = 45.0
"""A story that nobody watches any more is listened to for this long: readers reload."""
FRESH_S = 0.2
"""Counts of comments inside a cached snapshot may be this old."""
CHUNK = 100
"""Snapshots drawn in one turn of the event loop, where many readers need one."""


class Source(Protocol):
    """Where the hub reads what it did not hear. Raises the model's refusals."""

    async def snapshot(self, code: str) -> Loaded:
        """The story now."""

    async def changes(self, code: str, seq: int) -> list[Message] | None:
        """The messages after `seq`, or None when a number is missing in between."""

    async def recent(self, code: str) -> Recent:
        """The last changes, for readers who come back."""

    async def tallies(self, code: str, version: int) -> list[Message]:
        """The tallies that changed after `version`, the oldest first; at most `RECENT`."""

    async def mine(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        """What each reader left in the story, as JSON."""

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        """The epoch, and `(seq, tally counter)` of each story."""


class Carrier(Protocol):
    """What the hub asks of the bus. Nothing here waits and nothing here fails."""

    @property
    def healthy(self) -> bool:
        """Whether messages are known to arrive."""

    def publish(self, message: Message) -> None:
        """Send to the other processes, if that is possible now."""

    def watch(self, code: str) -> "asyncio.Future[None]":
        """Listen to a story; done when that is confirmed."""

    def unwatch(self, codes: Iterable[str]) -> None:
        """Stop listening."""


class Hub:
    """The table of channels. `run` keeps it true; everything else may be called at any time."""

    def __init__(self, source: Source, process: str, sweep_s: float = 1.0) -> None:
        self._source = source
        self._left = Left(source.mine)
        self._process = process
        self._sweep_s = sweep_s
        self._channels: dict[str, Watched] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bus: Carrier | None = None
        self.counts = Counts()
        self._tick = Tick(self.counts)
        self.presence_frame: Callable[[str, int, int], bytes] = lambda _code, _n, _m: b"{}"
        """Draws a presence frame; set by the composition root."""

    def connect(self, bus: Carrier) -> None:
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
                channel.let_through(channel.take(message))
                self._watch_for_late(channel)
            case "tally":
                frame = channel.take_tally(message)
                if frame is not None:
                    self.counts.conflated += message.key in channel.tallied
                    channel.tallied[message.key] = frame
            case "presence":
                channel.presence.hear(message.key, message.payload, self._now())
        self._tick.schedule(channel)

    # Reading -----------------------------------------------------------------------------------

    async def visit(self, code: str) -> Watched:
        """The story's channel with a usable snapshot, loaded once for all who ask meanwhile.

        Raises `NotFound` and `Unavailable`.
        """
        channel = self._channels.get(code)
        if channel is None:
            channel = self._channels[code] = Watched(code, Presence(self._process))
        while channel.usable() is None:
            if channel.loading is None:
                channel.loading = self._start(self._load(channel))
            # Shielded: one reader who leaves must not take the snapshot from the others.
            await asyncio.shield(channel.loading)
        channel.idle_since = self._now()
        return channel

    async def _load(self, channel: Watched) -> None:
        try:
            if channel.last < 0 and self._bus is not None:
                # Listen first, read second: what happens in between is heard, not lost.
                await asyncio.wait({self._bus.watch(channel.code)}, timeout=LISTEN_S)
            loaded = await self._read(channel)
            channel.loaded_at = self._now()
            await self._adopt(channel, loaded)
        except BaseException:
            if channel.last < 0:
                self._forget([channel.code])
            raise
        finally:
            channel.loading = None

    async def _read(self, channel: Watched) -> Loaded:
        self.counts.snapshots += 1
        return await self._source.snapshot(channel.code)

    async def _adopt(self, channel: Watched, loaded: Loaded) -> None:
        """Keep what was just read, after the watchers were told what is new in it."""
        if channel.last < 0:
            channel.begin(loaded)
            self._watch_for_late(channel)
        elif loaded.epoch != channel.epoch:
            await self._begin_anew(channel, loaded)
        else:
            if loaded.seq > channel.last:
                await self._repair(channel)
            channel.refresh(loaded)

    async def public(self, code: str, since: Position | None) -> bytes:
        """A snapshot without anyone's own data, as JSON."""
        if since is not None:
            await self._know_since(await self.visit(code), since)
        channel = await self.visit(code)
        if since is not None and channel.can_resume(since):
            return channel.resumed_alone(since.seq)
        if self._is_stale(channel):
            # An answer that stands alone has to be the newest state, not a state and frames.
            channel.loaded = None
            channel = await self.visit(code)
        return channel.snapshot()

    def _is_stale(self, channel: Watched) -> bool:
        loaded = channel.loaded
        if loaded is None:
            return False
        counted = channel.has_tallies_after(loaded.version)
        return loaded.seq < channel.last or (counted and self._now() - channel.loaded_at > FRESH_S)

    async def join(
        self, code: str, subscription: Subscription, ref: int | None, since: Position | None
    ) -> None:
        """Send the snapshot (or what changed since) and from then on every change.

        Raises `NotFound` and `Unavailable`.
        """
        channel = await self.visit(code)
        if since is not None:
            await self._know_since(channel, since)
        mine = await self._mine(channel, [subscription])
        channel = await self.visit(code)
        # No await from here on: no change can fall between the snapshot and the table.
        personal = subscription.personal + mine(subscription)
        subscription.ref = ref
        channel.enter(subscription)
        self.counts.joined += 1
        if since is not None and channel.can_resume(since):
            self.counts.resumed += 1
            body = Frame(channel.resumed(since.seq, personal, ref))
            self._write_first(channel, subscription, [body, *channel.tallies_after(0)])
        else:
            frames = channel.snapshot_and_after(personal, ref)
            self._write_first(channel, subscription, frames)
        if not channel.asked and self._bus is not None:
            channel.asked = True
            self._bus.publish(channel.presence.message(channel.code, self._now(), ask=True))

    @staticmethod
    def _write_first(channel: Watched, subscription: Subscription, frames: Sequence[Frame]) -> None:
        if subscription.peer.write(Batch(frames)):
            subscription.seq = channel.last
            subscription.ref = None
        else:
            subscription.seq = -1
            channel.late = True

    def leave(self, subscription: Subscription) -> None:
        """Stop sending to this subscription."""
        channel = subscription.channel
        if channel is not None:
            channel.leave(subscription)
            channel.idle_since = self._now()

    def show(self, subscription: Subscription, *, visible: bool) -> None:
        """A hidden page gets no tallies; when it is seen again it gets the latest ones."""
        was, subscription.visible = subscription.visible, visible
        channel = subscription.channel
        if visible and not was and channel is not None and subscription.seq >= 0:
            frames = [*channel.tallies_after(0), self._presence(channel)]
            # Refused by a paused peer: it gets them when it takes frames again.
            subscription.peer.write(Batch(frames))

    def resumed_reading(self, subscription: Subscription) -> None:
        """A paused peer takes frames again: send what it missed."""
        channel = subscription.channel
        if channel is None or subscription.peer.paused:
            return
        missed = channel.frames_after(subscription.seq) if subscription.seq >= 0 else None
        if missed is None:
            subscription.seq = -1
            channel.late = True
            self._start(self._bring_up(channel, [subscription]))
            return
        frames = [*missed, *(channel.tallies_after(0) if subscription.visible else ())]
        if not frames or subscription.peer.write(Batch(frames)):
            subscription.seq = channel.last
            self.counts.caught_up += 1

    async def _know_since(self, channel: Watched, since: Position) -> None:
        """Ask the database what happened before this process listened, where that is needed."""
        if since.epoch != channel.epoch or since.seq > channel.last or channel.wide:
            return
        if channel.widening is None:
            channel.widening = self._start(self._widen(channel))
        await asyncio.shield(channel.widening)

    async def _widen(self, channel: Watched) -> None:
        try:
            recent = await self._source.recent(channel.code)
            channel.tallied |= channel.widen(recent)
            self._tick.schedule(channel)
        finally:
            channel.widening = None

    async def _mine(
        self, channel: Watched, subscriptions: Sequence[Subscription]
    ) -> Callable[[Subscription], bytes]:
        """The `mine` part of each subscription; one question for all readers together."""
        readers = sorted({s.reader for s in subscriptions if s.reader is not None})
        left = await self._left.of(channel.code, readers) if readers else {}
        nothing = b'{"reaction":null,"reactions":{},"comments":[]}'

        def draw(subscription: Subscription) -> bytes:
            reader = subscription.reader
            return b',"mine":' + (left.get(reader, nothing) if reader is not None else nothing)

        return draw

    # Repair ------------------------------------------------------------------------------------

    def _watch_for_late(self, channel: Watched) -> None:
        """What is missing may come by itself for a moment; then the database is asked."""
        if not channel.is_behind or channel.last < 0:
            if channel.overdue is not None:
                channel.overdue.cancel()
                channel.overdue = None
        elif channel.overdue is None:
            loop = asyncio.get_running_loop()
            channel.overdue = loop.call_later(LATE_S, self._too_late, channel)

    def _too_late(self, channel: Watched) -> None:
        channel.overdue = None
        if channel.is_behind and self._channels.get(channel.code) is channel:
            self._start(self._repair(channel))

    async def _repair(self, channel: Watched) -> None:
        """Ask the database for what was not heard, once at a time for a story."""
        if channel.repairing is None:
            channel.repairing = self._start(self._mend(channel))
        await asyncio.shield(channel.repairing)

    async def _mend(self, channel: Watched) -> None:
        """Let the missing changes through; where a number is gone for good, begin anew."""
        try:
            messages = await self._source.changes(channel.code, channel.last)
            self.counts.repaired += 1
            if messages is None or any(one.epoch != channel.epoch for one in messages):
                await self._begin_anew(channel, await self._read(channel))
            else:
                for message in messages:
                    channel.let_through(channel.take(message))
        finally:
            channel.repairing = None
        self._watch_for_late(channel)
        self._tick.schedule(channel)

    async def _begin_anew(self, channel: Watched, loaded: Loaded) -> None:
        """Send a fresh snapshot to everyone who watches, unless the missing came meanwhile."""
        if loaded.epoch == channel.epoch and loaded.seq <= channel.last:
            channel.refresh(loaded)
            return
        channel.begin(loaded)
        channel.loaded_at = self._now()
        for subscription in channel.subscriptions:
            subscription.seq = -1
        channel.late = True
        await self._send_snapshots(channel, list(channel.subscriptions))

    async def _bring_up(self, channel: Watched, subscriptions: list[Subscription]) -> None:
        await self.visit(channel.code)
        await self._send_snapshots(channel, subscriptions)

    async def _send_snapshots(self, channel: Watched, subscriptions: list[Subscription]) -> None:
        """Bring those up to date for whom frames are not enough.

        Who cannot be served now (it is paused, or the story is being read again) is served when
        it takes frames again or with the next sweep.
        """
        mine = await self._mine(channel, subscriptions)
        for start in range(0, len(subscriptions), CHUNK):
            if channel.usable() is None:
                return
            for subscription in subscriptions[start : start + CHUNK]:
                lost = subscription.channel is channel and subscription.seq < 0
                if lost and not subscription.peer.paused:
                    personal = subscription.personal + mine(subscription)
                    frames = channel.snapshot_and_after(personal, subscription.ref)
                    self._write_first(channel, subscription, frames)
                    self.counts.resynced += 1
            await asyncio.sleep(0)

    def lost_touch(self) -> None:
        """Messages may have been lost: look at every watched story now, not at the next sweep."""
        self._start(self._sweep(suspect=True))

    async def run(self) -> None:
        """Sweep, count readers and let go of idle stories until cancelled."""
        while True:
            await asyncio.sleep(self._sweep_s)
            try:
                await self._sweep(suspect=self._bus is None or not self._bus.healthy)
            except Refused as refusal:
                self.counts.sweeps_failed += 1
                log.warning("event=sweep_failed reason=%s", refusal.code)
            except Exception:
                self.counts.sweeps_failed += 1
                log.exception("event=sweep_failed")
            now = self._now()
            for channel in list(self._channels.values()):
                self._keep_presence(channel, now)
            self._forget_idle(now)

    async def _sweep(self, *, suspect: bool) -> None:
        """Compare all watched stories with the database, in one query.

        What is missing may still be on its way; without a healthy bus it is fetched at once.
        """
        codes = [code for code, channel in self._channels.items() if channel.last >= 0]
        if not codes:
            return
        self.counts.sweeps += 1
        epoch, positions = await self._source.positions(codes)
        for code, (seq, version) in positions.items():
            channel = self._channels.get(code)
            if channel is None or channel.last < 0:
                continue
            try:
                await self._compare(channel, epoch, seq, version, suspect=suspect)
            except Refused as refusal:
                # One story that cannot be read now must not keep the others from it.
                log.warning("event=story_not_compared story=%s reason=%s", code, refusal.code)

    async def _compare(
        self, channel: Watched, epoch: str, seq: int, version: int, *, suspect: bool
    ) -> None:
        if epoch != channel.epoch:
            await self._begin_anew(channel, await self._read(channel))
            return
        if seq > channel.last:
            channel.wanted = max(channel.wanted, seq)
            if suspect:
                await self._repair(channel)
            else:
                self._watch_for_late(channel)
        if version > channel.checked:
            counted = await self._source.tallies(channel.code, channel.checked)
            for message in counted:
                self.receive(message)
            channel.checked = version if len(counted) < RECENT else counted[-1].number
        if channel.late:
            await self._serve_late(channel)

    async def _serve_late(self, channel: Watched) -> None:
        """Serve whoever was passed over and is not about to be written to."""
        channel.late = False
        lost = []
        for subscription in list(channel.subscriptions):
            if subscription.peer.paused or subscription.peer.closed:
                continue
            if subscription.seq < 0:
                lost.append(subscription)
            elif channel.busy or channel.ordered:
                channel.late = True
            elif subscription.seq < channel.last:
                self.resumed_reading(subscription)
        if lost:
            channel.late = True
            await self._bring_up(channel, lost)

    def _forget_idle(self, now: float) -> None:
        self._forget(
            [
                code
                for code, channel in self._channels.items()
                if not channel.subscriptions
                and channel.loading is None
                and now - channel.idle_since > IDLE_S
            ]
        )

    def _forget(self, codes: Sequence[str]) -> None:
        for code in codes:
            channel = self._channels.pop(code, None)
            if channel is not None and channel.overdue is not None:
                channel.overdue.cancel()
        if self._bus is not None:
            self._bus.unwatch(codes)

    # Presence ----------------------------------------------------------------------------------

    def _presence(self, channel: Watched) -> Frame:
        return Frame(self.presence_frame(channel.code, *channel.presence.shown()))

    def _keep_presence(self, channel: Watched, now: float) -> None:
        if self._bus is not None and channel.presence.is_due(now):
            self._bus.publish(channel.presence.message(channel.code, now))
        if channel.presence.has_changed(now) and channel.subscriptions:
            channel.tallied["presence"] = self._presence(channel)
            self._tick.schedule(channel)

    # Small things ------------------------------------------------------------------------------

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run it beside everything else; whether or not anyone waits, its failure is noted."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Refused):
            log.error("event=hub_task_failed", exc_info=error)
