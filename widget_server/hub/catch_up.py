"""Bring new, slow and out-of-sync subscriptions to the channel's current position."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from widget_server.hub.batch_loader import BatchLoader
from widget_server.hub.channel import Channel, Subscription
from widget_server.hub.interfaces import SnapshotSource
from widget_server.hub.metrics import HubMetrics, WriteMetrics
from widget_server.hub.prepared import PreparedMessage, SharedBatch
from widget_server.hub.tasks import TaskSet

CHUNK = 100
"""Snapshots built in one iteration of the event loop, if many subscriptions need one."""


class CatchUp:
    """Writes to single subscriptions, outside the flush.

    `get_channel` returns a story's channel after loading a usable snapshot.
    """

    def __init__(
        self,
        source: SnapshotSource,
        get_channel: Callable[[str], Awaitable[Channel]],
        tasks: TaskSet,
        metrics: HubMetrics,
        write_metrics: WriteMetrics,
    ) -> None:
        self._own_loader = BatchLoader(source.own)
        self._get_channel = get_channel
        self._tasks = tasks
        self._metrics = metrics
        self._write_metrics = write_metrics

    async def load_own(
        self, channel: Channel, subscriptions: Sequence[Subscription]
    ) -> Callable[[Subscription], bytes]:
        """Load the readers' own data in one query; return a function from subscription to JSON.

        The JSON is `,"mine":…`, a part of a snapshot. Raises `NotFoundError` and
        `UnavailableError`.
        """
        readers = sorted({s.reader for s in subscriptions if s.reader is not None})
        own = await self._own_loader.load(channel.code, readers) if readers else {}
        nothing = b'{"reaction":null,"reactions":{},"comments":[]}'

        def encode(subscription: Subscription) -> bytes:
            if not subscription.personal:
                return b""
            reader = subscription.reader
            return b',"mine":' + (own.get(reader, nothing) if reader is not None else nothing)

        return encode

    def send_initial(
        self, channel: Channel, subscription: Subscription, messages: Sequence[PreparedMessage]
    ) -> None:
        """Write messages that bring the subscription to the channel's position.

        If the connection does not accept them, mark the subscription as needing a snapshot.
        """
        if self._write(subscription, messages):
            subscription.seq = channel.history.last_seq
            subscription.ref = None
        else:
            subscription.seq = None
            channel.has_lagging = True

    async def resync(self, channel: Channel, subscriptions: list[Subscription]) -> None:
        """Load the story's snapshot, then call `send_snapshots`."""
        await self._get_channel(channel.code)
        await self.send_snapshots(channel, subscriptions)

    def start_resync(self, channel: Channel, subscriptions: list[Subscription]) -> None:
        """Mark these subscriptions as stale and send each a new snapshot in the background."""
        for subscription in subscriptions:
            subscription.seq = None
        channel.has_lagging = True
        self._tasks.start(self.resync(channel, subscriptions))

    async def send_snapshots(self, channel: Channel, subscriptions: list[Subscription]) -> None:
        """Send a snapshot to each of these subscriptions that needs one.

        A subscription is skipped if its connection is write-paused or the story is being loaded
        again. It gets its snapshot when the connection becomes writable or at the next
        reconciliation.
        """
        encode_own = await self.load_own(channel, subscriptions)
        for start in range(0, len(subscriptions), CHUNK):
            if channel.history.usable_snapshot() is None:
                return
            for subscription in subscriptions[start : start + CHUNK]:
                stale = subscription.channel is channel and subscription.seq is None
                if stale and not subscription.connection.write_paused:
                    personal = subscription.session_fields + encode_own(subscription)
                    messages = channel.snapshot_and_messages(personal, subscription.ref)
                    self.send_initial(channel, subscription, messages)
                    self._metrics.resyncs += 1
            await asyncio.sleep(0)

    def on_writable(self, subscription: Subscription) -> None:
        """Send the missed messages to a connection that is writable again."""
        channel = subscription.channel
        if channel is None or subscription.connection.write_paused:
            return
        history, seq = channel.history, subscription.seq
        missed = history.messages_after(seq) if seq is not None else None
        if missed is None:
            subscription.seq = None
            channel.has_lagging = True
            self._tasks.start(self.resync(channel, [subscription]))
            return
        messages = [*missed, *(history.tallies.after(0) if subscription.visible else ())]
        if not messages or self._write(subscription, messages):
            subscription.seq = history.last_seq
            self._metrics.catch_ups += 1

    def _write(self, subscription: Subscription, messages: Sequence[PreparedMessage]) -> bool:
        batch = SharedBatch(messages)
        accepted = subscription.connection.write(batch)
        if accepted:
            self._write_metrics.add(batch)
        return accepted

    async def resync_lagging(self, channel: Channel) -> None:
        """Bring skipped subscriptions up to date, except those that a pending flush will write to."""
        channel.has_lagging = False
        stale = []
        for subscription in list(channel.others):
            if subscription.connection.write_paused or subscription.connection.closed:
                continue
            if subscription.seq is None:
                stale.append(subscription)
            elif channel.flushing or channel.pending_changes:
                channel.has_lagging = True
            elif subscription.seq < channel.history.current_seq:
                self.on_writable(subscription)
        if stale:
            channel.has_lagging = True
            await self.resync(channel, stale)
