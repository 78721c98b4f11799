"""When and how what changed is written to those who watch: few, large writes, paced by audience."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from widget_server.hub.channel import Channel, HubMetrics, Subscription
from widget_server.hub.prepared import PreparedBatch, PreparedMessage

CHUNK = 500
"""Writes in one turn of the event loop, so that a large story does not hold up the others."""


def change_interval(subscribers: int) -> float:
    """Seconds between two writes of comments: 50 Hz up to 1,000 watchers, 4 Hz from 12,500 on.

    At 10 µs for a write, comments without end take less than half of a process's time.
    """
    return min(0.25, max(0.02, subscribers / 50_000))


def tally_interval(subscribers: int) -> float:
    """Seconds between two writes of tallies: 10 Hz, falling to 1 Hz at 10,000 watchers."""
    return min(1.0, max(0.1, subscribers / 10_000))


@dataclass(slots=True)
class _FlushRun:
    """One batch on its way: comments `before + 1` to `after` in `epoch`, and the latest tallies."""

    epoch: str
    before: int
    changes: Sequence[PreparedMessage]
    tallies: Sequence[PreparedMessage]
    others: list[Subscription] | None = None
    """Who is beside the broadcast group when that has had its turn: also who left it before."""
    others_written: int = 0
    """How many of these have had theirs."""
    batches_by_seq: dict[tuple[int, bool], PreparedBatch | None] = field(default_factory=dict)

    @property
    def after(self) -> int:
        return self.before + len(self.changes)

    @property
    def full_batch(self) -> PreparedBatch:
        """What one is sent who was where everyone is, and sees the page."""
        batch = self.batches_by_seq.get((0, True))
        if batch is None:
            batch = self.batches_by_seq[0, True] = PreparedBatch([*self.changes, *self.tallies])
        return batch

    def batch(self, seq: int, *, visible: bool) -> PreparedBatch | None:
        """What one who has all up to `seq` is still to be sent; None for nothing.

        Who came in between has some of it already. Tallies go to all who see the page: sent
        twice they say the same.
        """
        have = min(seq, self.after) - self.before
        if (have, visible) not in self.batches_by_seq:
            frames = [*self.changes[have:], *(self.tallies if visible else ())]
            self.batches_by_seq[have, visible] = PreparedBatch(frames) if frames else None
        return self.batches_by_seq[have, visible]


class Flusher:
    """Writes what waits in a channel: the first change after quiet at once, then at a pace."""

    def __init__(self, counts: HubMetrics) -> None:
        self._metrics = counts

    def schedule(self, channel: Channel) -> None:
        """Write now if the story was quiet, otherwise when its interval is over."""
        if channel.flushing or not (channel.pending_changes or channel.pending_tallies):
            return
        loop = asyncio.get_running_loop()
        now, subscribers = loop.time(), channel.subscribers
        at = min(
            channel.changes_sent_at + change_interval(subscribers)
            if channel.pending_changes
            else 1e18,
            channel.tallies_sent_at + tally_interval(subscribers)
            if channel.pending_tallies
            else 1e18,
        )
        if channel.flush_handle is not None:
            if channel.flush_at <= at:
                return
            # A comment does not wait for the tally that came before it.
            channel.flush_handle.cancel()
        channel.flush_at = at
        if at <= now:
            # At the end of this turn: what else happens in it shares the write.
            channel.flush_handle = loop.call_soon(self._flush, channel)
        else:
            channel.flush_handle = loop.call_at(at, self._flush, channel)

    def _flush(self, channel: Channel) -> None:
        channel.flush_handle = None
        now, subscribers = asyncio.get_running_loop().time(), channel.subscribers
        ordered, tallies = channel.pending_changes, list(channel.pending_tallies.values())
        if tallies and now < channel.tallies_sent_at + tally_interval(subscribers) - 0.001:
            tallies = []
        if ordered:
            channel.pending_changes = []
            channel.changes_sent_at = now
        if tallies:
            channel.pending_tallies = {}
            channel.tallies_sent_at = now
        if subscribers and (ordered or tallies):
            self._metrics.flushes += 1
            channel.flushing = True
            before = channel.last_seq - len(ordered)
            delivery = _FlushRun(channel.epoch, before, ordered, tallies)
            channel.broadcast.begin_write(delivery.after)
            self._deliver(channel, delivery)
        self.schedule(channel)

    def _deliver(self, channel: Channel, delivery: _FlushRun) -> None:
        if delivery.epoch == channel.epoch and self._write_chunk(channel, delivery):
            asyncio.get_running_loop().call_soon(self._deliver, channel, delivery)
        else:
            channel.flushing = False
            self.schedule(channel)

    def _write_chunk(self, channel: Channel, delivery: _FlushRun) -> bool:
        """Write to the next few, the broadcast group before the others; whether anyone is left."""
        taken = channel.broadcast.write(delivery.full_batch, CHUNK)
        self._metrics.batches_delivered += taken
        if not channel.broadcast.is_done:
            return True
        if delivery.others is None:
            delivery.others = list(channel.others)
        start = delivery.others_written
        delivery.others_written += CHUNK - taken
        for subscription in delivery.others[start : delivery.others_written]:
            self._write(channel, delivery, subscription)
        return delivery.others_written < len(delivery.others)

    def _write(self, channel: Channel, delivery: _FlushRun, subscription: Subscription) -> None:
        """Write to one; who lacks something from before is passed over and catches up."""
        if subscription.channel is not channel:
            return
        if subscription.seq >= delivery.before:
            batch = delivery.batch(subscription.seq, visible=subscription.visible)
            if batch is None or subscription.connection.write(batch):
                subscription.seq = max(subscription.seq, delivery.after)
                self._metrics.batches_delivered += 1
                if subscription.seq == delivery.after:
                    channel.join_broadcast(subscription)
                return
        channel.has_lagging = True
        self._metrics.batches_skipped += 1
