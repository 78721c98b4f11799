"""The stories that this process listens to, each kept as the database has it.

A story is read once for all who ask for it. What the bus did not bring is asked of the database,
once for a story and never once for a reader; a reconciliation over all stories finds what nothing told of.
"""

import asyncio
import logging
from collections.abc import Sequence

from widget_server.bus.message import BusMessage
from widget_server.hub.catch_up import CatchUp
from widget_server.hub.channel import Channel, HubMetrics
from widget_server.hub.flush import Flusher
from widget_server.hub.history import RESUME_SIZE, CachedSnapshot
from widget_server.hub.interfaces import Bus, SnapshotSource
from widget_server.hub.presence import Presence
from widget_server.hub.tasks import TaskSet
from widget_server.model.errors import ProblemError
from widget_server.model.records import Position

log = logging.getLogger(__name__)

GAP_TIMEOUT_S = 0.2
"""A message that is out of order may be this late before the database is asked instead."""
BUS_SUBSCRIBE_TIMEOUT_S = 0.5
"""How long a story's first reader waits for the bus to confirm that it is listened to."""
IDLE_S = 45.0
"""A story that no one watches any more is listened to for this long: readers reload."""
SNAPSHOT_MAX_AGE_S = 0.2
"""Counts of comments inside a cached snapshot may be this old."""


class ChannelTable:
    """The table of channels, by code."""

    def __init__(
        self, source: SnapshotSource, process: str, counts: HubMetrics, readers: int = 0
    ) -> None:
        """`readers` is how many one network counts as in presence; 0 for as many as it has."""
        self._source = source
        self._process = process
        self._readers = readers
        self._metrics = counts
        self._tasks = TaskSet()
        self._bus: Bus | None = None
        self.table: dict[str, Channel] = {}
        self.flusher = Flusher(counts)
        self.catch_up = CatchUp(source, self.get, self._tasks, counts)

    def connect(self, bus: Bus) -> None:
        """Use this bus from now on."""
        self._bus = bus

    def receive(self, message: BusMessage) -> None:
        """Take in a message, from here or from the bus."""
        channel = self.table.get(message.story)
        if channel is None:
            return
        match message.kind:
            case "comment" | "story":
                channel.enqueue(channel.accept(message))
                self._arm_gap_timer(channel)
            case "tally":
                frame = channel.accept_tally(message)
                if frame is not None:
                    self._metrics.tallies_conflated += message.target in channel.pending_tallies
                    channel.pending_tallies[message.target] = frame
            case "presence":
                channel.presence.receive(message.target, message.payload, self._now())
        self.flusher.schedule(channel)

    # Reading -----------------------------------------------------------------------------------

    async def get(self, code: str) -> Channel:
        """The story's channel with a usable snapshot, loaded once for all who ask meanwhile.

        Raises `NotFoundError` and `UnavailableError`.
        """
        channel = self.table.get(code)
        if channel is None:
            channel = self.table[code] = Channel(code, Presence(self._process, self._readers))
        while channel.usable_snapshot() is None:
            if channel.load_task is None:
                channel.load_task = self._tasks.start(self._load(channel))
            # Shielded: one reader who leaves must not take the snapshot from the others.
            await asyncio.shield(channel.load_task)
        channel.idle_since = self._now()
        return channel

    async def _load(self, channel: Channel) -> None:
        try:
            if channel.last_seq < 0 and self._bus is not None:
                # Listen first, read second: what happens in between is heard, not lost.
                await asyncio.wait(
                    {self._bus.subscribe(channel.code)}, timeout=BUS_SUBSCRIBE_TIMEOUT_S
                )
            loaded = await self._read(channel)
            channel.loaded_at = self._now()
            await self._apply_snapshot(channel, loaded)
        except BaseException:
            if channel.last_seq < 0:
                self._forget([channel.code])
            raise
        finally:
            channel.load_task = None

    async def _read(self, channel: Channel) -> CachedSnapshot:
        self._metrics.snapshots_loaded += 1
        return await self._source.snapshot(channel.code)

    async def _apply_snapshot(self, channel: Channel, loaded: CachedSnapshot) -> None:
        """Keep what was just read, after the watchers were told what is new in it."""
        if channel.last_seq < 0:
            channel.restart(loaded)
            self._arm_gap_timer(channel)
        elif loaded.epoch != channel.epoch:
            await self._resync_all(channel, loaded)
        else:
            if loaded.seq > channel.last_seq:
                await self._repair_gap(channel)
            channel.refresh(loaded)

    async def get_fresh(self, code: str) -> Channel:
        """`get`, for an answer that stands alone: the newest state, not a state and frames."""
        channel = await self.get(code)
        if self._is_stale(channel):
            channel.snapshot_data = None
            channel = await self.get(code)
        return channel

    def _is_stale(self, channel: Channel) -> bool:
        loaded = channel.snapshot_data
        if loaded is None:
            return False
        counted = channel.has_tallies_after(loaded.version)
        return loaded.seq < channel.last_seq or (
            counted and self._now() - channel.loaded_at > SNAPSHOT_MAX_AGE_S
        )

    async def load_history(self, channel: Channel, since: Position) -> None:
        """Ask the database what happened before this process listened, where that is needed."""
        if since.epoch != channel.epoch or since.seq > channel.last_seq or channel.covers_past:
            return
        if channel.history_task is None:
            channel.history_task = self._tasks.start(self._load_recent(channel))
        await asyncio.shield(channel.history_task)

    async def _load_recent(self, channel: Channel) -> None:
        try:
            recent = await self._source.recent(channel.code)
            channel.pending_tallies |= channel.extend_back(recent)
            self.flusher.schedule(channel)
        finally:
            channel.history_task = None

    # Repair ------------------------------------------------------------------------------------

    def _arm_gap_timer(self, channel: Channel) -> None:
        """What is missing may come by itself for a moment; then the database is asked."""
        if not channel.is_behind or channel.last_seq < 0:
            if channel.gap_timer is not None:
                channel.gap_timer.cancel()
                channel.gap_timer = None
        elif channel.gap_timer is None:
            loop = asyncio.get_running_loop()
            channel.gap_timer = loop.call_later(GAP_TIMEOUT_S, self._on_gap_timeout, channel)

    def _on_gap_timeout(self, channel: Channel) -> None:
        channel.gap_timer = None
        if channel.is_behind and self.table.get(channel.code) is channel:
            self._tasks.start(self._repair_gap(channel))

    async def _repair_gap(self, channel: Channel) -> None:
        """Ask the database for what was not heard, once at a time for a story."""
        if channel.repair_task is None:
            channel.repair_task = self._tasks.start(self._fetch_missing(channel))
        await asyncio.shield(channel.repair_task)

    async def _fetch_missing(self, channel: Channel) -> None:
        """Let the missing changes through; where a number is gone for good, begin anew."""
        try:
            messages = await self._source.changes(channel.code, channel.last_seq)
            self._metrics.gaps_repaired += 1
            if messages is None or any(one.epoch != channel.epoch for one in messages):
                await self._resync_all(channel, await self._read(channel))
            else:
                for message in messages:
                    channel.enqueue(channel.accept(message))
        finally:
            channel.repair_task = None
        self._arm_gap_timer(channel)
        self.flusher.schedule(channel)

    async def _resync_all(self, channel: Channel, loaded: CachedSnapshot) -> None:
        """Send a fresh snapshot to everyone who watches, unless the missing came meanwhile."""
        if loaded.epoch == channel.epoch and loaded.seq <= channel.last_seq:
            channel.refresh(loaded)
            return
        channel.restart(loaded)
        channel.loaded_at = self._now()
        channel.mark_all_stale()
        channel.has_lagging = True
        await self.catch_up.send_snapshots(channel, list(channel.others))

    def on_bus_gap(self) -> None:
        """Messages may have been lost: look at every watched story now, not at the next reconciliation."""
        self._tasks.start(self.reconcile(suspect=True))

    async def reconcile(self, *, suspect: bool = False) -> None:
        """Compare all watched stories with the database, in one query.

        What is missing may still be on its way; without a healthy bus, or where messages are
        suspected to be lost, it is fetched at once.
        """
        suspect = suspect or self._bus is None or not self._bus.healthy
        codes = [code for code, channel in self.table.items() if channel.last_seq >= 0]
        if not codes:
            return
        self._metrics.reconciliations += 1
        epoch, positions = await self._source.positions(codes)
        for code, (seq, version) in positions.items():
            channel = self.table.get(code)
            if channel is None or channel.last_seq < 0:
                continue
            try:
                await self._reconcile_one(channel, epoch, seq, version, suspect=suspect)
            except ProblemError as rejection:
                # One story that cannot be read now must not keep the others from it.
                log.warning("event=reconcile_story_failed story=%s reason=%s", code, rejection.code)

    async def _reconcile_one(
        self, channel: Channel, epoch: str, seq: int, version: int, *, suspect: bool
    ) -> None:
        if epoch != channel.epoch:
            await self._resync_all(channel, await self._read(channel))
            return
        if seq > channel.last_seq:
            channel.known_seq = max(channel.known_seq, seq)
            if suspect:
                await self._repair_gap(channel)
            else:
                self._arm_gap_timer(channel)
        if version > channel.tally_checkpoint:
            counted = await self._source.tallies(channel.code, channel.tally_checkpoint)
            for message in counted:
                self.receive(message)
            # Another sweep may have begun the story anew meanwhile, with numbers of its own.
            if channel.epoch == epoch:
                channel.tally_checkpoint = (
                    version if len(counted) < RESUME_SIZE else counted[-1].number
                )
        if channel.has_lagging:
            await self.catch_up.resync_lagging(channel)

    # Letting go --------------------------------------------------------------------------------

    def forget_idle(self, now: float) -> None:
        """Stop listening to stories that no one has watched or asked for since `IDLE_S`."""
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
