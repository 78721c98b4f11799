"""Who watches what in this process, and how what happened reaches them.

Every change comes in through `publish` (committed here) or from the bus (committed elsewhere),
is put in order by its channel, and goes out with the tick as one prebuilt batch for all watchers
of the story. The bus is a hint: where a message is late or lost the database is asked.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from widget_server.bus.message import BusMessage
from widget_server.hub.channel import Channel, HubMetrics, Subscription
from widget_server.hub.channels import ChannelTable
from widget_server.hub.interfaces import Bus, SnapshotSource
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.model.errors import ProblemError
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Position

log = logging.getLogger(__name__)


class Hub:
    """The subscriptions of this process. `run` keeps them true; all else may be called at any time."""

    def __init__(
        self,
        source: SnapshotSource,
        process: str,
        reconcile_s: float = 1.0,
        readers_per_network: int = 0,
    ) -> None:
        self._reconcile_s = reconcile_s
        self._bus: Bus | None = None
        self.metrics = HubMetrics()
        self._channels = ChannelTable(source, process, self.metrics, readers_per_network)
        self.encode_presence: Callable[[str, int, int], bytes] = lambda _code, _n, _m: b"{}"
        """Draws a presence frame; set by the composition root."""

    def connect(self, bus: Bus) -> None:
        """Use this bus from now on."""
        self._bus = bus
        self._channels.connect(bus)

    @property
    def channel_count(self) -> int:
        """Stories that this process listens to."""
        return len(self._channels.table)

    @property
    def subscription_count(self) -> int:
        """Subscriptions in this process."""
        return sum(channel.subscribers for channel in self._channels.table.values())

    # What happened -----------------------------------------------------------------------------

    def publish(self, messages: Iterable[BusMessage]) -> None:
        """Tell everyone, here and in the other processes, what was committed in this one."""
        for message in messages:
            self.metrics.events_published += 1
            self.receive(message)
            if self._bus is not None:
                self._bus.publish(message)

    def receive(self, message: BusMessage) -> None:
        """Take in a message, from here or from the bus."""
        self._channels.receive(message)

    def on_bus_gap(self) -> None:
        """Messages may have been lost: look at every watched story now, not at the next reconciliation."""
        self._channels.on_bus_gap()

    # Reading -----------------------------------------------------------------------------------

    async def public_snapshot(self, code: str, since: Position | None) -> bytes:
        """A snapshot without anyone's own data, as JSON. Raises `NotFoundError` and `UnavailableError`."""
        if since is not None:
            channel = await self._channels.get(code)
            await self._channels.load_history(channel, since)
            channel = await self._channels.get(code)
            body = channel.poll_response(since.seq) if channel.can_resume(since) else None
            if body is not None:
                return body
        return (await self._channels.get_fresh(code)).snapshot_message()

    async def subscribe(
        self, code: str, subscription: Subscription, ref: int | None, since: Position | None
    ) -> None:
        """Send the snapshot (or what changed since) and from then on every change.

        Raises `NotFoundError` and `UnavailableError`.
        """
        channels, catch_up = self._channels, self._channels.catch_up
        channel = await channels.get(code)
        if since is not None:
            await channels.load_history(channel, since)
        mine = await catch_up.load_own(channel, [subscription])
        channel = await channels.get(code)
        # No await from here on: no change can fall between the snapshot and the table.
        personal = subscription.session_fields + mine(subscription)
        subscription.ref = ref
        channel.add(subscription)
        self.metrics.subscribes += 1
        changes = None
        if since is not None and channel.can_resume(since):
            changes = channel.resume_message(since.seq, personal, ref)
        if changes is not None and len(changes) <= MAX_RESPONSE_BYTES:
            self.metrics.resumes += 1
            catch_up.send_initial(channel, subscription, [changes, *channel.tallies_after(0)])
        else:
            frames = channel.snapshot_and_messages(personal, ref)
            catch_up.send_initial(channel, subscription, frames)
        if not channel.presence_requested and self._bus is not None:
            channel.presence_requested = True
            self._bus.publish(channel.presence.message(channel.code, self._now(), ask=True))

    def renew(self, code: str, subscriptions: Sequence[Subscription]) -> None:
        """Send each a fresh snapshot, now or with a reconciliation: what it says to them alone has changed."""
        channel = self._channels.table.get(code)
        if channel is None:
            return
        self._channels.catch_up.begin_anew(
            channel, [one for one in subscriptions if one.channel is channel]
        )

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop sending to this subscription."""
        channel = subscription.channel
        if channel is not None:
            channel.remove(subscription)
            channel.idle_since = self._now()

    def set_visibility(self, subscription: Subscription, *, visible: bool) -> None:
        """A hidden page gets no tallies; when it is seen again it gets the latest ones."""
        was, subscription.visible = subscription.visible, visible
        channel = subscription.channel
        if not visible:
            subscription.leave_broadcast()
        if visible and not was and channel is not None and subscription.seq >= 0:
            frames = [*channel.tallies_after(0), self._presence(channel)]
            # Refused by a paused peer: it gets them when it takes frames again.
            subscription.connection.write(PreparedBatch(frames))

    def on_writable(self, subscription: Subscription) -> None:
        """A paused peer takes frames again: send what it missed."""
        self._channels.catch_up.on_writable(subscription)

    async def run(self) -> None:
        """Sweep, count readers and let go of idle stories until cancelled."""
        while True:
            await asyncio.sleep(self._reconcile_s)
            try:
                await self._channels.reconcile()
            except ProblemError as rejection:
                self.metrics.reconciliations_failed += 1
                log.warning("event=reconcile_failed reason=%s", rejection.code)
            except Exception:
                self.metrics.reconciliations_failed += 1
                log.exception("event=reconcile_failed")
            now = self._now()
            for channel in list(self._channels.table.values()):
                self._refresh_presence(channel, now)
            self._channels.forget_idle(now)

    def _presence(self, channel: Channel) -> PreparedMessage:
        return PreparedMessage(self.encode_presence(channel.code, *channel.presence.totals()))

    def _refresh_presence(self, channel: Channel, now: float) -> None:
        if self._bus is not None and channel.presence.should_announce(now):
            self._bus.publish(channel.presence.message(channel.code, now))
        if channel.presence.has_changed(now) and channel.subscribers:
            channel.pending_tallies["presence"] = self._presence(channel)
            self._channels.flusher.schedule(channel)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
