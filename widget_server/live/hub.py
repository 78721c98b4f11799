"""Who watches what in this process, and how what happened reaches them.

Every change comes in through `announce` (committed here) or from the bus (committed elsewhere),
is put in order by its channel, and goes out with the tick as one prebuilt batch for all watchers
of the story. The bus is a hint: where a message is late or lost the database is asked.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from widget_server.live.channels import Channels
from widget_server.live.frames import Batch, Frame
from widget_server.live.messages import Message
from widget_server.live.outside import Carrier, Source
from widget_server.live.watched import Counts, Subscription, Watched
from widget_server.model.answers import MOST_ANSWER
from widget_server.model.errors import Refused
from widget_server.model.records import Position

log = logging.getLogger(__name__)


class Hub:
    """The subscriptions of this process. `run` keeps them true; all else may be called at any time."""

    def __init__(
        self, source: Source, process: str, sweep_s: float = 1.0, readers_per_network: int = 0
    ) -> None:
        self._sweep_s = sweep_s
        self._bus: Carrier | None = None
        self.counts = Counts()
        self._channels = Channels(source, process, self.counts, readers_per_network)
        self.presence_frame: Callable[[str, int, int], bytes] = lambda _code, _n, _m: b"{}"
        """Draws a presence frame; set by the composition root."""

    def connect(self, bus: Carrier) -> None:
        """Use this bus from now on."""
        self._bus = bus
        self._channels.connect(bus)

    @property
    def channels(self) -> int:
        """Stories that this process listens to."""
        return len(self._channels.table)

    @property
    def watching(self) -> int:
        """Subscriptions in this process."""
        return sum(channel.watchers for channel in self._channels.table.values())

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
        self._channels.receive(message)

    def lost_touch(self) -> None:
        """Messages may have been lost: look at every watched story now, not at the next sweep."""
        self._channels.lost_touch()

    # Reading -----------------------------------------------------------------------------------

    async def public(self, code: str, since: Position | None) -> bytes:
        """A snapshot without anyone's own data, as JSON. Raises `NotFound` and `Unavailable`."""
        if since is not None:
            channel = await self._channels.visit(code)
            await self._channels.know_since(channel, since)
            channel = await self._channels.visit(code)
            body = channel.resumed_alone(since.seq) if channel.can_resume(since) else None
            if body is not None:
                return body
        return (await self._channels.newest(code)).snapshot()

    async def join(
        self, code: str, subscription: Subscription, ref: int | None, since: Position | None
    ) -> None:
        """Send the snapshot (or what changed since) and from then on every change.

        Raises `NotFound` and `Unavailable`.
        """
        channels, catch_up = self._channels, self._channels.catch_up
        channel = await channels.visit(code)
        if since is not None:
            await channels.know_since(channel, since)
        mine = await catch_up.mine(channel, [subscription])
        channel = await channels.visit(code)
        # No await from here on: no change can fall between the snapshot and the table.
        personal = subscription.personal + mine(subscription)
        subscription.ref = ref
        channel.enter(subscription)
        self.counts.joined += 1
        changes = None
        if since is not None and channel.can_resume(since):
            changes = channel.resumed(since.seq, personal, ref)
        if changes is not None and len(changes) <= MOST_ANSWER:
            self.counts.resumed += 1
            catch_up.write_first(channel, subscription, [changes, *channel.tallies_after(0)])
        else:
            frames = channel.snapshot_and_after(personal, ref)
            catch_up.write_first(channel, subscription, frames)
        if not channel.asked and self._bus is not None:
            channel.asked = True
            self._bus.publish(channel.presence.message(channel.code, self._now(), ask=True))

    def renew(self, code: str, subscriptions: Sequence[Subscription]) -> None:
        """Send each a fresh snapshot, now or with a sweep: what it says to them alone has changed."""
        channel = self._channels.table.get(code)
        if channel is None:
            return
        self._channels.catch_up.begin_anew(
            channel, [one for one in subscriptions if one.channel is channel]
        )

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
        if not visible:
            subscription.step_out()
        if visible and not was and channel is not None and subscription.seq >= 0:
            frames = [*channel.tallies_after(0), self._presence(channel)]
            # Refused by a paused peer: it gets them when it takes frames again.
            subscription.peer.write(Batch(frames))

    def resumed_reading(self, subscription: Subscription) -> None:
        """A paused peer takes frames again: send what it missed."""
        self._channels.catch_up.resumed_reading(subscription)

    async def run(self) -> None:
        """Sweep, count readers and let go of idle stories until cancelled."""
        while True:
            await asyncio.sleep(self._sweep_s)
            try:
                await self._channels.sweep()
            except Refused as refusal:
                self.counts.sweeps_failed += 1
                log.warning("event=sweep_failed reason=%s", refusal.code)
            except Exception:
                self.counts.sweeps_failed += 1
                log.exception("event=sweep_failed")
            now = self._now()
            for channel in list(self._channels.table.values()):
                self._keep_presence(channel, now)
            self._channels.forget_idle(now)

    def _presence(self, channel: Watched) -> Frame:
        return Frame(self.presence_frame(channel.code, *channel.presence.shown()))

    def _keep_presence(self, channel: Watched, now: float) -> None:
        if self._bus is not None and channel.presence.is_due(now):
            self._bus.publish(channel.presence.message(channel.code, now))
        if channel.presence.has_changed(now) and channel.watchers:
            channel.tallied["presence"] = self._presence(channel)
            self._channels.tick.schedule(channel)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
