"""Flush pending changes to subscribers in few, large writes.

The interval between two flushes grows with the number of subscribers.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from widget_server.hub.channel import Channel, Subscription
from widget_server.hub.metrics import HubMetrics, WriteMetrics
from widget_server.hub.prepared import PreparedBatch, PreparedMessage

CHUNK = 500
"""Writes in one iteration of the event loop, so that a large story does not delay the others."""


def change_interval(subscribers: int) -> float:
    """Return the seconds between two flushes of comments.

    50 Hz up to 1,000 subscribers, 4 Hz from 12,500 on. At 10 µs for a write, continuous comments
    take less than half of a process's time.
    """
    return min(0.25, max(0.02, subscribers / 50_000))


def tally_interval(subscribers: int) -> float:
    """Return the seconds between two flushes of tallies: 10 Hz, falling to 1 Hz at 10,000."""
    return min(1.0, max(0.1, subscribers / 10_000))


@dataclass(slots=True)
class _FlushRun:
    """One flush in progress: changes `before + 1` to `after` of `epoch`, and the latest tallies."""

    epoch: str
    before: int
    changes: Sequence[PreparedMessage]
    tallies: Sequence[PreparedMessage]
    others: list[Subscription] | None = None
    """Subscriptions outside the broadcast group, listed once that group has been written.

    The list includes those that left the group during the flush.
    """
    others_written: int = 0
    """Number of `others` that have been written to."""
    batches: dict[tuple[int, bool], PreparedBatch | None] = field(default_factory=dict)
    """By number of changes that the subscription already has, and by visibility."""

    @property
    def after(self) -> int:
        return self.before + len(self.changes)

    @property
    def full_batch(self) -> PreparedBatch:
        """The batch for a visible subscription that has all changes up to `before`."""
        batch = self.batches.get((0, True))
        if batch is None:
            batch = self.batches[0, True] = PreparedBatch([*self.changes, *self.tallies])
        return batch

    def batch(self, seq: int, *, visible: bool) -> PreparedBatch | None:
        """Return the batch for a subscription that has all changes up to `seq`; None for nothing.

        A subscription added after `before` has some of the changes already. Tallies go to all
        visible subscriptions: receiving the same tally twice has no effect.
        """
        have = min(seq, self.after) - self.before
        if (have, visible) not in self.batches:
            messages = [*self.changes[have:], *(self.tallies if visible else ())]
            self.batches[have, visible] = PreparedBatch(messages) if messages else None
        return self.batches[have, visible]


class Flusher:
    """Writes a channel's pending messages: at once after a pause, otherwise at an interval."""

    def __init__(self, metrics: HubMetrics, write_metrics: WriteMetrics) -> None:
        self._metrics = metrics
        self._write_metrics = write_metrics

    def schedule(self, channel: Channel) -> None:
        """Flush now if the channel's interval is over, otherwise when it ends."""
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
            # A comment is not delayed by a tally that was scheduled before it.
            channel.flush_handle.cancel()
        channel.flush_at = at
        if at <= now:
            # At the end of this iteration of the event loop: further messages share the write.
            channel.flush_handle = loop.call_soon(self._flush, channel)
        else:
            channel.flush_handle = loop.call_at(at, self._flush, channel)

    def _flush(self, channel: Channel) -> None:
        channel.flush_handle = None
        now, subscribers = asyncio.get_running_loop().time(), channel.subscribers
        changes, tallies = channel.pending_changes, list(channel.pending_tallies.values())
        if tallies and now < channel.tallies_sent_at + tally_interval(subscribers) - 0.001:
            tallies = []
        if changes:
            channel.pending_changes = []
            channel.changes_sent_at = now
        if tallies:
            channel.pending_tallies = {}
            channel.tallies_sent_at = now
        if subscribers and (changes or tallies):
            self._metrics.flushes += 1
            channel.flushing = True
            before = channel.history.current_seq - len(changes)
            run = _FlushRun(channel.history.epoch, before, changes, tallies)
            channel.broadcast.begin_write(run.after)
            self._continue(channel, run)
        self.schedule(channel)

    def _continue(self, channel: Channel, run: _FlushRun) -> None:
        if run.epoch == channel.history.epoch and self._write_chunk(channel, run):
            asyncio.get_running_loop().call_soon(self._continue, channel, run)
        else:
            channel.flushing = False
            self.schedule(channel)

    def _write_chunk(self, channel: Channel, run: _FlushRun) -> bool:
        """Write to the next `CHUNK` subscriptions, the broadcast group first.

        Returns whether subscriptions remain.
        """
        batch = run.full_batch
        taken = channel.broadcast.write(batch, CHUNK)
        self._metrics.batches_delivered += taken
        self._write_metrics.add(batch, taken)
        if not channel.broadcast.is_done:
            return True
        if run.others is None:
            run.others = list(channel.others)
        start = run.others_written
        run.others_written += CHUNK - taken
        for subscription in run.others[start : run.others_written]:
            self._write(channel, run, subscription)
        return run.others_written < len(run.others)

    def _write(self, channel: Channel, run: _FlushRun, subscription: Subscription) -> None:
        """Write to one subscription, or skip it if it lacks earlier changes: it catches up later."""
        if subscription.channel is not channel:
            return
        seq = subscription.seq
        if seq is not None and seq >= run.before:
            batch = run.batch(seq, visible=subscription.visible)
            if batch is None or subscription.connection.write(batch):
                subscription.seq = seq = max(seq, run.after)
                self._metrics.batches_delivered += 1
                if batch is not None:
                    self._write_metrics.add(batch)
                if seq == run.after:
                    channel.join_broadcast(subscription)
                return
        channel.has_lagging = True
        self._metrics.batches_skipped += 1
