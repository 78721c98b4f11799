"""Subscriptions of this process, and delivery of changes to them.

Every change arrives through `publish` (committed by this process) or from the bus (committed by
another). The story's channel puts it in order, and the next flush writes it as one prepared batch
to all subscribers. The bus may lose or delay messages; then the database is read instead.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from widget_server.bus.message import BusMessage
from widget_server.hub.channel import Channel, Subscription
from widget_server.hub.channels import ChannelTable
from widget_server.hub.connection import Connection
from widget_server.hub.interfaces import Bus, SnapshotSource
from widget_server.hub.metrics import HubMetrics, WriteMetrics
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.hub.readers_now import TOPIC, ReadersNow, StoryReaders
from widget_server.model.errors import ProblemError
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Position

log = logging.getLogger(__name__)


class Hub:
    """The subscriptions of this process. `run` must be running; other methods may be called anytime."""

    def __init__(
        self,
        source: SnapshotSource,
        process: str,
        reconcile_s: float = 1.0,
        readers_per_network: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`process` names this process on the bus; `readers_per_network` limits presence, 0 not.

        `clock` returns seconds since 1970.
        """
        self._reconcile_s = reconcile_s
        self._bus: Bus | None = None
        self.metrics = HubMetrics()
        self.write_metrics = WriteMetrics()
        self._channels = ChannelTable(
            source, process, self.metrics, self.write_metrics, readers_per_network, clock
        )
        self.readers_now = ReadersNow(process, self._own_readers)
        self.encode_presence: Callable[[str, int, int], bytes] = lambda _code, _n, _m: b"{}"
        """Encodes a presence message from code, readers and copies; set by the composition root."""

    def connect(self, bus: Bus) -> None:
        """Use this bus from now on."""
        self._bus = bus
        self._channels.connect(bus)
        self.readers_now.connect(bus)

    @property
    def channel_count(self) -> int:
        """Number of stories loaded in this process."""
        return len(self._channels.table)

    @property
    def subscription_count(self) -> int:
        """Number of subscriptions in this process."""
        return sum(channel.subscribers for channel in self._channels.table.values())

    def open_stories(self) -> dict[str, tuple[int, int]]:
        """Return the stories with subscriptions here: by code, readers and copies over all processes."""
        return {
            code: channel.presence.totals()
            for code, channel in self._channels.table.items()
            if channel.subscribers
        }

    # Changes -----------------------------------------------------------------------------------

    def publish(self, messages: Iterable[BusMessage]) -> None:
        """Send changes committed by this process to its subscribers and to the other processes."""
        for message in messages:
            self.metrics.events_published += 1
            self.receive(message)
            if self._bus is not None:
                self._bus.publish(message)

    def receive(self, message: BusMessage) -> None:
        """Apply a message from this process or from the bus."""
        if message.story == TOPIC:
            self.readers_now.receive(message)
        else:
            self._channels.receive(message)

    def on_bus_gap(self) -> None:
        """Reconcile all channels now: the bus may have lost messages."""
        self._channels.reconciler.on_bus_gap()

    # Reading -----------------------------------------------------------------------------------

    async def public_snapshot(self, code: str, since: Position | None) -> bytes:
        """Return a snapshot as JSON, without any reader's own data.

        If all changes after `since` are kept here, only these are included. Raises
        `NotFoundError` and `UnavailableError`.
        """
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
        """Send the snapshot, or the changes after `since`, and every later change.

        Raises `NotFoundError` and `UnavailableError`.
        """
        channels, catch_up = self._channels, self._channels.catch_up
        channel = await channels.get(code)
        if since is not None:
            await channels.load_history(channel, since)
        encode_own = await catch_up.load_own(channel, [subscription])
        channel = await channels.get(code)
        # No `await` from here on: no change can arrive between building the snapshot and adding
        # the subscription to the channel.
        personal = subscription.session_fields + encode_own(subscription)
        subscription.ref = ref
        channel.add(subscription)
        self.metrics.subscribes += 1
        changes = None
        if since is not None and channel.can_resume(since):
            changes = channel.resume_message(since.seq, personal, ref)
        if changes is not None and len(changes) <= MAX_RESPONSE_BYTES:
            self.metrics.resumes += 1
            tallies = channel.history.tallies.after(0)
            catch_up.send_initial(channel, subscription, [changes, *tallies])
        else:
            messages = channel.snapshot_and_messages(personal, ref)
            catch_up.send_initial(channel, subscription, messages)
        if not channel.presence_requested and self._bus is not None:
            channel.presence_requested = True
            self._bus.publish(channel.presence.message(channel.code, self._now(), ask=True))

    def renew(self, code: str, subscriptions: Sequence[Subscription]) -> None:
        """Send each a new snapshot, at the latest with a reconciliation.

        For subscriptions whose `session_fields` have changed.
        """
        channel = self._channels.table.get(code)
        if channel is None:
            return
        self._channels.catch_up.start_resync(
            channel,
            [subscription for subscription in subscriptions if subscription.channel is channel],
        )

    def renew_own_fields(self, code: str, subscription: Subscription) -> None:
        """Send the subscription's new `session_fields` in a snapshot with only the changes that it lacks.

        If these are not kept any more, or it cannot be written to, it is sent a whole snapshot later.
        """
        channel, seq = self._channels.table.get(code), subscription.seq
        if channel is None or subscription.channel is not channel or seq is None:
            return
        if channel.history.changes_after(seq) is None or channel.history.usable_snapshot() is None:
            self.renew(code, [subscription])
            return
        message = channel.resume_message(seq, subscription.session_fields, None)
        self._channels.catch_up.send_initial(channel, subscription, [message])

    def unsubscribe(self, subscription: Subscription) -> None:
        """Send nothing more to this subscription."""
        channel = subscription.channel
        if channel is not None:
            channel.remove(subscription)
            channel.idle_since = self._now()

    def set_visibility(self, subscription: Subscription, *, visible: bool) -> None:
        """Stop sending tallies to a hidden page; send the latest when it is visible again."""
        was_visible, subscription.visible = subscription.visible, visible
        channel = subscription.channel
        if not visible:
            subscription.leave_broadcast()
        if visible and not was_visible and channel is not None and subscription.seq is not None:
            messages = [*channel.history.tallies.after(0), self._encode_presence(channel)]
            # If the connection is write-paused, `on_writable` sends the tallies.
            self.write(subscription.connection, PreparedBatch(messages))

    def write(self, connection: Connection, batch: PreparedBatch) -> bool:
        """Write to one connection, for example a reply. Return whether it accepted the batch."""
        accepted = connection.write(batch)
        if accepted:
            self.write_metrics.add(batch)
        return accepted

    def on_writable(self, subscription: Subscription) -> None:
        """Send the missed messages to a connection that is writable again."""
        self._channels.catch_up.on_writable(subscription)

    async def run(self) -> None:
        """Reconcile, update presence and forget idle stories until cancelled."""
        self.readers_now.tick()
        while True:
            await asyncio.sleep(self._reconcile_s)
            try:
                await self._channels.reconciler.reconcile()
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
            self.readers_now.tick()

    def _own_readers(self) -> dict[str, StoryReaders]:
        return {
            code: StoryReaders(*channel.presence.own_readers())
            for code, channel in self._channels.table.items()
            if channel.subscribers
        }

    def _encode_presence(self, channel: Channel) -> PreparedMessage:
        return PreparedMessage(self.encode_presence(channel.code, *channel.presence.totals()))

    def _refresh_presence(self, channel: Channel, now: float) -> None:
        if self._bus is not None and channel.presence.should_announce(now):
            self._bus.publish(channel.presence.message(channel.code, now))
        if channel.presence.has_changed(now) and channel.subscribers:
            channel.pending_tallies["presence"] = self._encode_presence(channel)
            self._channels.flusher.schedule(channel)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
