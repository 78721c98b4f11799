"""Those who lack something, brought to where everyone is: who comes, who was slow, who was lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from widget_server.hub.batch_loader import BatchLoader
from widget_server.hub.channel import Channel, HubMetrics, Subscription
from widget_server.hub.interfaces import SnapshotSource
from widget_server.hub.prepared import PreparedMessage, SharedBatch
from widget_server.hub.tasks import TaskSet

CHUNK = 100
"""Snapshots drawn in one turn of the event loop, where many readers need one."""


class CatchUp:
    """What a subscription is sent beside the tick. `visit` loads a story's snapshot if need be."""

    def __init__(
        self,
        source: SnapshotSource,
        visit: Callable[[str], Awaitable[Channel]],
        background: TaskSet,
        counts: HubMetrics,
    ) -> None:
        self._own_loader = BatchLoader(source.own)
        self._get_channel = visit
        self._tasks = background
        self._metrics = counts

    async def load_own(
        self, channel: Channel, subscriptions: Sequence[Subscription]
    ) -> Callable[[Subscription], bytes]:
        """The `load_own` part of each subscription; one question for all readers together."""
        readers = sorted({s.reader for s in subscriptions if s.reader is not None})
        left = await self._own_loader.load(channel.code, readers) if readers else {}
        nothing = b'{"reaction":null,"reactions":{},"comments":[]}'

        def draw(subscription: Subscription) -> bytes:
            reader = subscription.reader
            return b',"mine":' + (left.get(reader, nothing) if reader is not None else nothing)

        return draw

    @staticmethod
    def send_initial(
        channel: Channel, subscription: Subscription, frames: Sequence[PreparedMessage]
    ) -> None:
        """Write what makes the subscription as far as the channel, or note that it is not."""
        if subscription.connection.write(SharedBatch(frames)):
            subscription.seq = channel.last_seq
            subscription.ref = None
        else:
            subscription.seq = -1
            channel.has_lagging = True

    async def resync(self, channel: Channel, subscriptions: list[Subscription]) -> None:
        """`send_snapshots`, once the story has one."""
        await self._get_channel(channel.code)
        await self.send_snapshots(channel, subscriptions)

    def begin_anew(self, channel: Channel, subscriptions: list[Subscription]) -> None:
        """Forget what these have been sent, and send them snapshots."""
        for subscription in subscriptions:
            subscription.seq = -1
        channel.has_lagging = True
        self._tasks.start(self.resync(channel, subscriptions))

    async def send_snapshots(self, channel: Channel, subscriptions: list[Subscription]) -> None:
        """Bring those up to date for whom frames are not enough.

        Who cannot be served now (it is paused, or the story is being read again) is served when
        it takes frames again or with the next reconciliation.
        """
        mine = await self.load_own(channel, subscriptions)
        for start in range(0, len(subscriptions), CHUNK):
            if channel.usable_snapshot() is None:
                return
            for subscription in subscriptions[start : start + CHUNK]:
                lost = subscription.channel is channel and subscription.seq < 0
                if lost and not subscription.connection.write_paused:
                    personal = subscription.session_fields + mine(subscription)
                    frames = channel.snapshot_and_messages(personal, subscription.ref)
                    self.send_initial(channel, subscription, frames)
                    self._metrics.resyncs += 1
            await asyncio.sleep(0)

    def on_writable(self, subscription: Subscription) -> None:
        """A paused peer takes frames again: send what it missed."""
        channel = subscription.channel
        if channel is None or subscription.connection.write_paused:
            return
        missed = channel.messages_after(subscription.seq) if subscription.seq >= 0 else None
        if missed is None:
            subscription.seq = -1
            channel.has_lagging = True
            self._tasks.start(self.resync(channel, [subscription]))
            return
        frames = [*missed, *(channel.tallies_after(0) if subscription.visible else ())]
        if not frames or subscription.connection.write(SharedBatch(frames)):
            subscription.seq = channel.last_seq
            self._metrics.catch_ups += 1

    async def resync_lagging(self, channel: Channel) -> None:
        """Serve anyone who was passed over and is not about to be written to."""
        channel.has_lagging = False
        lost = []
        for subscription in list(channel.others):
            if subscription.connection.write_paused or subscription.connection.closed:
                continue
            if subscription.seq < 0:
                lost.append(subscription)
            elif channel.flushing or channel.pending_changes:
                channel.has_lagging = True
            elif subscription.seq < channel.last_seq:
                self.on_writable(subscription)
        if lost:
            channel.has_lagging = True
            await self.resync(channel, lost)
