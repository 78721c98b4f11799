"""When and how what changed is written to those who watch: few, large writes, paced by audience."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from widget_server.live.frames import Batch, Frame
from widget_server.live.watched import Counts, Subscription, Watched

CHUNK = 500
"""Writes in one turn of the event loop, so that a large story does not hold up the others."""


def ordered_interval(watchers: int) -> float:
    """Seconds between two writes of comments: 50 Hz up to 1,000 watchers, 4 Hz from 12,500 on.

    At 10 µs for a write, comments without end take less than half of a process's time.
    """
    return min(0.25, max(0.02, watchers / 50_000))


def tally_interval(watchers: int) -> float:
    """Seconds between two writes of tallies: 10 Hz, falling to 1 Hz at 10,000 watchers."""
    return min(1.0, max(0.1, watchers / 10_000))


@dataclass(slots=True)
class _Delivery:
    """One batch on its way: comments `before + 1` to `after` in `epoch`, and the latest tallies."""

    epoch: str
    before: int
    ordered: Sequence[Frame]
    tallied: Sequence[Frame]
    outside: list[Subscription] | None = None
    """Who is beside the crowd when that has had its turn: also who left it before."""
    served: int = 0
    """How many of these have had theirs."""
    drawn: dict[tuple[int, bool], Batch | None] = field(default_factory=dict)

    @property
    def after(self) -> int:
        return self.before + len(self.ordered)

    @property
    def everyones(self) -> Batch:
        """What one is sent who was where everyone is, and sees the page."""
        batch = self.drawn.get((0, True))
        if batch is None:
            batch = self.drawn[0, True] = Batch([*self.ordered, *self.tallied])
        return batch

    def batch(self, seq: int, *, visible: bool) -> Batch | None:
        """What one who has all up to `seq` is still to be sent; None for nothing.

        Who came in between has some of it already. Tallies go to all who see the page: sent
        twice they say the same.
        """
        have = min(seq, self.after) - self.before
        if (have, visible) not in self.drawn:
            frames = [*self.ordered[have:], *(self.tallied if visible else ())]
            self.drawn[have, visible] = Batch(frames) if frames else None
        return self.drawn[have, visible]


class Tick:
    """Writes what waits in a channel: the first change after quiet at once, then at a pace."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def schedule(self, channel: Watched) -> None:
        """Write now if the story was quiet, otherwise when its interval is over."""
        if channel.busy or not (channel.ordered or channel.tallied):
            return
        loop = asyncio.get_running_loop()
        now, watchers = loop.time(), channel.watchers
        at = min(
            channel.sent_ordered + ordered_interval(watchers) if channel.ordered else 1e18,
            channel.sent_tallies + tally_interval(watchers) if channel.tallied else 1e18,
        )
        if channel.due is not None:
            if channel.due_at <= at:
                return
            # A comment does not wait for the tally that came before it.
            channel.due.cancel()
        channel.due_at = at
        if at <= now:
            # At the end of this turn: what else happens in it shares the write.
            channel.due = loop.call_soon(self._flush, channel)
        else:
            channel.due = loop.call_at(at, self._flush, channel)

    def _flush(self, channel: Watched) -> None:
        channel.due = None
        now, watchers = asyncio.get_running_loop().time(), channel.watchers
        ordered, tallied = channel.ordered, list(channel.tallied.values())
        if tallied and now < channel.sent_tallies + tally_interval(watchers) - 0.001:
            tallied = []
        if ordered:
            channel.ordered = []
            channel.sent_ordered = now
        if tallied:
            channel.tallied = {}
            channel.sent_tallies = now
        if watchers and (ordered or tallied):
            self._counts.flushes += 1
            channel.busy = True
            before = channel.last - len(ordered)
            delivery = _Delivery(channel.epoch, before, ordered, tallied)
            channel.crowd.begin(delivery.after)
            self._deliver(channel, delivery)
        self.schedule(channel)

    def _deliver(self, channel: Watched, delivery: _Delivery) -> None:
        if delivery.epoch == channel.epoch and self._write_some(channel, delivery):
            asyncio.get_running_loop().call_soon(self._deliver, channel, delivery)
        else:
            channel.busy = False
            self.schedule(channel)

    def _write_some(self, channel: Watched, delivery: _Delivery) -> bool:
        """Write to the next few, the crowd before the others; whether anyone is left."""
        taken = channel.crowd.write(delivery.everyones, CHUNK)
        self._counts.deliveries += taken
        if not channel.crowd.is_done:
            return True
        if delivery.outside is None:
            delivery.outside = list(channel.outside)
        start = delivery.served
        delivery.served += CHUNK - taken
        for subscription in delivery.outside[start : delivery.served]:
            self._write(channel, delivery, subscription)
        return delivery.served < len(delivery.outside)

    def _write(self, channel: Watched, delivery: _Delivery, subscription: Subscription) -> None:
        """Write to one; who lacks something from before is passed over and catches up."""
        if subscription.channel is not channel:
            return
        if subscription.seq >= delivery.before:
            batch = delivery.batch(subscription.seq, visible=subscription.visible)
            if batch is None or subscription.peer.write(batch):
                subscription.seq = max(subscription.seq, delivery.after)
                self._counts.deliveries += 1
                if subscription.seq == delivery.after:
                    channel.step_in(subscription)
                return
        channel.late = True
        self._counts.skipped += 1
