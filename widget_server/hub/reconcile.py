"""Compare channels with the database and repair them: gaps, lost tallies, another epoch.

Each repair is one query for a story, never one for a reader.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from widget_server.bus.message import BusMessage
from widget_server.hub.catch_up import CatchUp
from widget_server.hub.channel import Channel
from widget_server.hub.flush import Flusher
from widget_server.hub.history import RESUME_SIZE
from widget_server.hub.interfaces import Bus, SnapshotSource
from widget_server.hub.metrics import HubMetrics
from widget_server.hub.snapshot import CachedSnapshot
from widget_server.hub.tasks import TaskSet
from widget_server.model.errors import ProblemError

log = logging.getLogger(__name__)

GAP_TIMEOUT_S = 0.2
"""A missing message may arrive this late; after that the database is read instead."""


class Reconciler:
    """Repairs the channels of `table` from the database.

    `receive` applies one message, as if it came from the bus.
    """

    def __init__(
        self,
        source: SnapshotSource,
        table: Mapping[str, Channel],
        receive: Callable[[BusMessage], None],
        catch_up: CatchUp,
        flusher: Flusher,
        tasks: TaskSet,
        metrics: HubMetrics,
    ) -> None:
        self._source = source
        self._table = table
        self._receive = receive
        self._catch_up = catch_up
        self._flusher = flusher
        self._tasks = tasks
        self._metrics = metrics
        self._bus: Bus | None = None

    def connect(self, bus: Bus) -> None:
        """Use this bus's health from now on."""
        self._bus = bus

    # Snapshots ---------------------------------------------------------------------------------

    async def read_snapshot(self, channel: Channel) -> CachedSnapshot:
        """Read the story from the database. Raises `NotFoundError` and `UnavailableError`."""
        self._metrics.snapshots_loaded += 1
        return await self._source.snapshot(channel.code)

    async def apply_snapshot(self, channel: Channel, loaded: CachedSnapshot) -> None:
        """Store a snapshot, after the subscribers were sent the changes that are new in it."""
        history = channel.history
        if history.last_seq is None:
            channel.restart(loaded)
            self.arm_gap_timer(channel)
        elif loaded.epoch != history.epoch:
            await self._resync_all(channel, loaded)
        else:
            if loaded.seq > history.last_seq:
                await self._repair_gap(channel)
            history.refresh(loaded)

    async def _resync_all(self, channel: Channel, loaded: CachedSnapshot) -> None:
        """Send a new snapshot to all subscribers, unless the missing changes arrived meanwhile."""
        history = channel.history
        if loaded.epoch == history.epoch and loaded.seq <= history.current_seq:
            history.refresh(loaded)
            return
        channel.restart(loaded)
        channel.loaded_at = asyncio.get_running_loop().time()
        channel.mark_all_stale()
        channel.has_lagging = True
        await self._catch_up.send_snapshots(channel, list(channel.others))

    # Gaps --------------------------------------------------------------------------------------

    def arm_gap_timer(self, channel: Channel) -> None:
        """Start the gap timer if changes are missing, or cancel it if none are.

        Until it fires, the missing messages may still arrive out of order.
        """
        if not channel.is_behind or channel.history.last_seq is None:
            if channel.gap_timer is not None:
                channel.gap_timer.cancel()
                channel.gap_timer = None
        elif channel.gap_timer is None:
            loop = asyncio.get_running_loop()
            channel.gap_timer = loop.call_later(GAP_TIMEOUT_S, self._on_gap_timeout, channel)

    def _on_gap_timeout(self, channel: Channel) -> None:
        channel.gap_timer = None
        if channel.is_behind and self._table.get(channel.code) is channel:
            self._tasks.start(self._repair_gap(channel))

    async def _repair_gap(self, channel: Channel) -> None:
        """Read the missing changes from the database; concurrent calls share one read."""
        if channel.repair_task is None:
            channel.repair_task = self._tasks.start(self._fetch_missing(channel))
        await asyncio.shield(channel.repair_task)

    async def _fetch_missing(self, channel: Channel) -> None:
        """Fetch and enqueue the missing changes.

        If one of them cannot be fetched, send a new snapshot to all subscribers.
        """
        history = channel.history
        try:
            messages = await self._source.changes(channel.code, history.current_seq)
            self._metrics.gaps_repaired += 1
            if messages is None or any(message.epoch != history.epoch for message in messages):
                await self._resync_all(channel, await self.read_snapshot(channel))
            else:
                for message in messages:
                    channel.enqueue(history.accept(message))
        finally:
            channel.repair_task = None
        self.arm_gap_timer(channel)
        self._flusher.schedule(channel)

    # Reconciliation ----------------------------------------------------------------------------

    def on_bus_gap(self) -> None:
        """Reconcile all channels now: the bus may have lost messages."""
        self._tasks.start(self.reconcile(suspect=True))

    async def reconcile(self, *, suspect: bool = False) -> None:
        """Compare all loaded channels with the database, in one query.

        Missing changes may still be on their way. If the bus is unhealthy or `suspect` is true
        (messages were probably lost), they are fetched at once. Raises `UnavailableError`.
        """
        suspect = suspect or self._bus is None or not self._bus.healthy
        codes = [
            code for code, channel in self._table.items() if channel.history.last_seq is not None
        ]
        if not codes:
            return
        self._metrics.reconciliations += 1
        epoch, positions = await self._source.positions(codes)
        for code, (seq, version) in positions.items():
            channel = self._table.get(code)
            if channel is None or channel.history.last_seq is None:
                continue
            try:
                await self._reconcile_one(channel, epoch, seq, version, suspect=suspect)
            except ProblemError as rejection:
                # An error of one story must not stop the reconciliation of the others.
                log.warning("event=reconcile_story_failed story=%s reason=%s", code, rejection.code)

    async def _reconcile_one(
        self, channel: Channel, epoch: str, seq: int, version: int, *, suspect: bool
    ) -> None:
        history = channel.history
        if epoch != history.epoch:
            await self._resync_all(channel, await self.read_snapshot(channel))
            return
        if seq > history.current_seq:
            channel.known_seq = max(channel.known_seq, seq)
            if suspect:
                await self._repair_gap(channel)
            else:
                self.arm_gap_timer(channel)
        if version > history.tally_checkpoint:
            counted = await self._source.tallies(channel.code, history.tally_checkpoint)
            for message in counted:
                self._receive(message)
            # Meanwhile another reconciliation may have restarted the channel in a new epoch,
            # whose tally counter is not comparable with `version`.
            if history.epoch == epoch:
                history.tally_checkpoint = (
                    version if len(counted) < RESUME_SIZE else counted[-1].number
                )
        if channel.has_lagging:
            await self._catch_up.resync_lagging(channel)
