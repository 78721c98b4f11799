"""The channels of this process, by story code: loaded once for all readers, forgotten when idle."""

import asyncio
import time
from collections.abc import Callable, Sequence

from widget_server.bus.message import BusMessage
from widget_server.hub.catch_up import CatchUp
from widget_server.hub.channel import Channel
from widget_server.hub.flush import Flusher
from widget_server.hub.interfaces import Bus, SnapshotSource
from widget_server.hub.metrics import HubMetrics, WriteMetrics
from widget_server.hub.presence import Presence
from widget_server.hub.reconcile import Reconciler
from widget_server.hub.tasks import TaskSet
from widget_server.model.records import Position

BUS_SUBSCRIBE_TIMEOUT_S = 0.5
"""A story's first reader waits at most this long for the bus to confirm its subscription."""
IDLE_S = 45.0
"""A story without subscriptions stays subscribed on the bus this long: readers reload pages."""
SNAPSHOT_MAX_AGE_S = 0.2
"""Comment tallies inside a cached snapshot may be this old."""


class ChannelTable:
    """Channels by story code. The hub's `reconciler`, `catch_up` and `flusher` work on them."""

    def __init__(
        self,
        source: SnapshotSource,
        process: str,
        metrics: HubMetrics,
        write_metrics: WriteMetrics,
        readers_per_network: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`readers_per_network` limits what one network adds to presence; 0 means no limit.

        `clock` returns seconds since 1970.
        """
        self._process = process
        self._readers_per_network = readers_per_network
        self._metrics = metrics
        self._source = source
        self._tasks = TaskSet()
        self._bus: Bus | None = None
        self._clock = clock
        self.table: dict[str, Channel] = {}
        self.flusher = Flusher(metrics, write_metrics)
        self.catch_up = CatchUp(source, self.get, self._tasks, metrics, write_metrics)
        self.reconciler = Reconciler(
            source, self.table, self.receive, self.catch_up, self.flusher, self._tasks, metrics
        )

    def connect(self, bus: Bus) -> None:
        """Use this bus from now on."""
        self._bus = bus
        self.reconciler.connect(bus)

    def receive(self, message: BusMessage) -> None:
        """Apply a message, from this process or from the bus, and schedule a flush."""
        channel = self.table.get(message.story)
        if channel is None:
            return
        match message.kind:
            case "comment" | "story":
                channel.enqueue(channel.history.accept(message))
                self.reconciler.arm_gap_timer(channel)
            case "tally":
                tally = channel.history.accept_tally(message)
                if tally is not None:
                    self._metrics.tallies_conflated += message.target in channel.pending_tallies
                    channel.pending_tallies[message.target] = tally
            case "presence":
                channel.presence.receive(message.target, message.payload, self._now())
        self.flusher.schedule(channel)

    # Loading -----------------------------------------------------------------------------------

    async def get(self, code: str) -> Channel:
        """Return the story's channel with a usable snapshot; concurrent calls share one load.

        Raises `NotFoundError` and `UnavailableError`.
        """
        channel = self.table.get(code)
        if channel is None:
            presence = Presence(self._process, self._readers_per_network)
            channel = self.table[code] = Channel(code, presence)
        loaded = channel.history.snapshot
        if loaded is not None and loaded.head_until <= self._clock():
            channel.history.snapshot = None
        while channel.history.usable_snapshot() is None:
            if channel.load_task is None:
                channel.load_task = self._tasks.start(self._load(channel))
            # Shielded: if one caller is cancelled, the others still need the snapshot.
            await asyncio.shield(channel.load_task)
        channel.idle_since = self._now()
        return channel

    async def _load(self, channel: Channel) -> None:
        try:
            if channel.history.last_seq is None and self._bus is not None:
                # Subscribe, then read: changes between the two arrive as messages.
                await asyncio.wait(
                    {self._bus.subscribe(channel.code)}, timeout=BUS_SUBSCRIBE_TIMEOUT_S
                )
            loaded = await self.reconciler.read_snapshot(channel)
            channel.loaded_at = self._now()
            await self.reconciler.apply_snapshot(channel, loaded)
        except BaseException:
            if channel.history.last_seq is None:
                self._forget([channel.code])
            raise
        finally:
            channel.load_task = None

    async def get_fresh(self, code: str) -> Channel:
        """Return the channel with a snapshot of the current state, for a response without messages.

        Raises `NotFoundError` and `UnavailableError`.
        """
        channel = await self.get(code)
        if self._is_stale(channel):
            channel.history.snapshot = None
            channel = await self.get(code)
        return channel

    def _is_stale(self, channel: Channel) -> bool:
        history = channel.history
        loaded = history.snapshot
        if loaded is None:
            return False
        counted = history.tallies.has_comment_after(loaded.version)
        return loaded.seq < history.current_seq or (
            counted and self._now() - channel.loaded_at > SNAPSHOT_MAX_AGE_S
        )

    async def load_history(self, channel: Channel, since: Position) -> None:
        """Read the changes from before this process subscribed, if `since` may need them.

        Raises `NotFoundError` and `UnavailableError`.
        """
        history = channel.history
        if since.epoch != history.epoch or since.seq > history.current_seq or history.covers_past:
            return
        if channel.history_task is None:
            channel.history_task = self._tasks.start(self._load_recent(channel))
        await asyncio.shield(channel.history_task)

    async def _load_recent(self, channel: Channel) -> None:
        try:
            recent = await self._source.recent(channel.code)
            channel.pending_tallies |= channel.history.add_earlier_changes(recent)
            self.flusher.schedule(channel)
        finally:
            channel.history_task = None

    # Forgetting --------------------------------------------------------------------------------

    def forget_idle(self, now: float) -> None:
        """Forget the stories that had no subscription and no request for `IDLE_S`."""
        self._forget(
            [
                code
                for code, channel in self.table.items()
                if not channel.subscribers
                and channel.load_task is None
                and now - channel.idle_since > IDLE_S
            ]
        )

    def _forget(self, codes: Sequence[str]) -> None:
        for code in codes:
            channel = self.table.pop(code, None)
            if channel is not None and channel.gap_timer is not None:
                channel.gap_timer.cancel()
        if self._bus is not None:
            self._bus.unsubscribe(codes)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
