"""Those who lack something, brought to where everyone is: who comes, who was slow, who was lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from widget_server.live.background import Background
from widget_server.live.frames import Frame, SharedBatch
from widget_server.live.left import Left
from widget_server.live.outside import Source
from widget_server.live.watched import Counts, Subscription, Watched

CHUNK = 100
"""Snapshots drawn in one turn of the event loop, where many readers need one."""


class CatchUp:
    """What a subscription is sent beside the tick. `visit` loads a story's snapshot if need be."""

    def __init__(
        self,
        source: Source,
        visit: Callable[[str], Awaitable[Watched]],
        background: Background,
        counts: Counts,
    ) -> None:
        self._left = Left(source.mine)
        self._visit = visit
        self._background = background
        self._counts = counts

    async def mine(
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

    @staticmethod
    def write_first(channel: Watched, subscription: Subscription, frames: Sequence[Frame]) -> None:
        """Write what makes the subscription as far as the channel, or note that it is not."""
        if subscription.peer.write(SharedBatch(frames)):
            subscription.seq = channel.last
            subscription.ref = None
        else:
            subscription.seq = -1
            channel.late = True

    async def bring_up(self, channel: Watched, subscriptions: list[Subscription]) -> None:
        """`send_snapshots`, once the story has one."""
        await self._visit(channel.code)
        await self.send_snapshots(channel, subscriptions)

    def begin_anew(self, channel: Watched, subscriptions: list[Subscription]) -> None:
        """Forget what these have been sent, and send them snapshots."""
        for subscription in subscriptions:
            subscription.seq = -1
        channel.late = True
        self._background.start(self.bring_up(channel, subscriptions))

    async def send_snapshots(self, channel: Watched, subscriptions: list[Subscription]) -> None:
        """Bring those up to date for whom frames are not enough.

        Who cannot be served now (it is paused, or the story is being read again) is served when
        it takes frames again or with the next sweep.
        """
        mine = await self.mine(channel, subscriptions)
        for start in range(0, len(subscriptions), CHUNK):
            if channel.usable() is None:
                return
            for subscription in subscriptions[start : start + CHUNK]:
                lost = subscription.channel is channel and subscription.seq < 0
                if lost and not subscription.peer.paused:
                    personal = subscription.personal + mine(subscription)
                    frames = channel.snapshot_and_after(personal, subscription.ref)
                    self.write_first(channel, subscription, frames)
                    self._counts.resynced += 1
            await asyncio.sleep(0)

    def resumed_reading(self, subscription: Subscription) -> None:
        """A paused peer takes frames again: send what it missed."""
        channel = subscription.channel
        if channel is None or subscription.peer.paused:
            return
        missed = channel.frames_after(subscription.seq) if subscription.seq >= 0 else None
        if missed is None:
            subscription.seq = -1
            channel.late = True
            self._background.start(self.bring_up(channel, [subscription]))
            return
        frames = [*missed, *(channel.tallies_after(0) if subscription.visible else ())]
        if not frames or subscription.peer.write(SharedBatch(frames)):
            subscription.seq = channel.last
            self._counts.caught_up += 1

    async def serve_late(self, channel: Watched) -> None:
        """Serve whoever was passed over and is not about to be written to."""
        channel.late = False
        lost = []
        for subscription in list(channel.outside):
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
            await self.bring_up(channel, lost)
