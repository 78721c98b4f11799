"""The stories that this process listens to, each kept as the database has it.

A story is read once for all who ask for it. What the bus did not bring is asked of the database,
once for a story and never once for a reader; a sweep over all stories finds what nothing told of.
"""

import asyncio
import logging
from collections.abc import Sequence

from widget_server.live.background import Background
from widget_server.live.catch_up import CatchUp
from widget_server.live.channel import RECENT, Loaded
from widget_server.live.messages import Message
from widget_server.live.outside import Carrier, Source
from widget_server.live.presence import Presence
from widget_server.live.tick import Tick
from widget_server.live.watched import Counts, Watched
from widget_server.model.errors import Refused
from widget_server.model.records import Position

log = logging.getLogger(__name__)

LATE_S = 0.2
"""A message that is out of order may be this late before the database is asked instead."""
LISTEN_S = 0.5
"""How long a story's first reader waits for the bus to confirm that it is listened to."""
IDLE_S = 45.0
"""A story that nobody watches any more is listened to for this long: readers reload."""
FRESH_S = 0.2
"""Counts of comments inside a cached snapshot may be this old."""


class Channels:
    """The table of channels, by code."""

    def __init__(self, source: Source, process: str, counts: Counts, readers: int = 0) -> None:
        """`readers` is how many one network counts as in presence; 0 for as many as it has."""
        self._source = source
        self._process = process
        self._readers = readers
        self._counts = counts
        self._background = Background()
        self._bus: Carrier | None = None
        self.table: dict[str, Watched] = {}
        self.tick = Tick(counts)
        self.catch_up = CatchUp(source, self.visit, self._background, counts)

    def connect(self, bus: Carrier) -> None:
        """Use this bus from now on."""
        self._bus = bus

    def receive(self, message: Message) -> None:
        """Take in a message, from here or from the bus."""
        channel = self.table.get(message.story)
        if channel is None:
            return
        match message.kind:
            case "comment" | "story":
                channel.let_through(channel.take(message))
                self._watch_for_late(channel)
            case "tally":
                frame = channel.take_tally(message)
                if frame is not None:
                    self._counts.conflated += message.key in channel.tallied
                    channel.tallied[message.key] = frame
            case "presence":
                channel.presence.hear(message.key, message.payload, self._now())
        self.tick.schedule(channel)

    # Reading -----------------------------------------------------------------------------------

    async def visit(self, code: str) -> Watched:
        """The story's channel with a usable snapshot, loaded once for all who ask meanwhile.

        Raises `NotFound` and `Unavailable`.
        """
        channel = self.table.get(code)
        if channel is None:
            channel = self.table[code] = Watched(code, Presence(self._process, self._readers))
        while channel.usable() is None:
            if channel.loading is None:
                channel.loading = self._background.start(self._load(channel))
            # Shielded: one reader who leaves must not take the snapshot from the others.
            await asyncio.shield(channel.loading)
        channel.idle_since = self._now()
        return channel

    async def _load(self, channel: Watched) -> None:
        try:
            if channel.last < 0 and self._bus is not None:
                # Listen first, read second: what happens in between is heard, not lost.
                await asyncio.wait({self._bus.watch(channel.code)}, timeout=LISTEN_S)
            loaded = await self._read(channel)
            channel.loaded_at = self._now()
            await self._adopt(channel, loaded)
        except BaseException:
            if channel.last < 0:
                self._forget([channel.code])
            raise
        finally:
            channel.loading = None

    async def _read(self, channel: Watched) -> Loaded:
        self._counts.snapshots += 1
        return await self._source.snapshot(channel.code)

    async def _adopt(self, channel: Watched, loaded: Loaded) -> None:
        """Keep what was just read, after the watchers were told what is new in it."""
        if channel.last < 0:
            channel.begin(loaded)
            self._watch_for_late(channel)
        elif loaded.epoch != channel.epoch:
            await self._begin_anew(channel, loaded)
        else:
            if loaded.seq > channel.last:
                await self._repair(channel)
            channel.refresh(loaded)

    async def newest(self, code: str) -> Watched:
        """`visit`, for an answer that stands alone: the newest state, not a state and frames."""
        channel = await self.visit(code)
        if self._is_stale(channel):
            channel.loaded = None
            channel = await self.visit(code)
        return channel

    def _is_stale(self, channel: Watched) -> bool:
        loaded = channel.loaded
        if loaded is None:
            return False
        counted = channel.has_tallies_after(loaded.version)
        return loaded.seq < channel.last or (counted and self._now() - channel.loaded_at > FRESH_S)

    async def know_since(self, channel: Watched, since: Position) -> None:
        """Ask the database what happened before this process listened, where that is needed."""
        if since.epoch != channel.epoch or since.seq > channel.last or channel.wide:
            return
        if channel.widening is None:
            channel.widening = self._background.start(self._widen(channel))
        await asyncio.shield(channel.widening)

    async def _widen(self, channel: Watched) -> None:
        try:
            recent = await self._source.recent(channel.code)
            channel.tallied |= channel.widen(recent)
            self.tick.schedule(channel)
        finally:
            channel.widening = None

    # Repair ------------------------------------------------------------------------------------

    def _watch_for_late(self, channel: Watched) -> None:
        """What is missing may come by itself for a moment; then the database is asked."""
        if not channel.is_behind or channel.last < 0:
            if channel.overdue is not None:
                channel.overdue.cancel()
                channel.overdue = None
        elif channel.overdue is None:
            loop = asyncio.get_running_loop()
            channel.overdue = loop.call_later(LATE_S, self._too_late, channel)

    def _too_late(self, channel: Watched) -> None:
        channel.overdue = None
        if channel.is_behind and self.table.get(channel.code) is channel:
            self._background.start(self._repair(channel))

    async def _repair(self, channel: Watched) -> None:
        """Ask the database for what was not heard, once at a time for a story."""
        if channel.repairing is None:
            channel.repairing = self._background.start(self._mend(channel))
        await asyncio.shield(channel.repairing)

    async def _mend(self, channel: Watched) -> None:
        """Let the missing changes through; where a number is gone for good, begin anew."""
        try:
            messages = await self._source.changes(channel.code, channel.last)
            self._counts.repaired += 1
            if messages is None or any(one.epoch != channel.epoch for one in messages):
                await self._begin_anew(channel, await self._read(channel))
            else:
                for message in messages:
                    channel.let_through(channel.take(message))
        finally:
            channel.repairing = None
        self._watch_for_late(channel)
        self.tick.schedule(channel)

    async def _begin_anew(self, channel: Watched, loaded: Loaded) -> None:
        """Send a fresh snapshot to everyone who watches, unless the missing came meanwhile."""
        if loaded.epoch == channel.epoch and loaded.seq <= channel.last:
            channel.refresh(loaded)
            return
        channel.begin(loaded)
        channel.loaded_at = self._now()
        channel.scatter()
        channel.late = True
        await self.catch_up.send_snapshots(channel, list(channel.outside))

    def lost_touch(self) -> None:
        """Messages may have been lost: look at every watched story now, not at the next sweep."""
        self._background.start(self.sweep(suspect=True))

    async def sweep(self, *, suspect: bool = False) -> None:
        """Compare all watched stories with the database, in one query.

        What is missing may still be on its way; without a healthy bus, or where messages are
        suspected to be lost, it is fetched at once.
        """
        suspect = suspect or self._bus is None or not self._bus.healthy
        codes = [code for code, channel in self.table.items() if channel.last >= 0]
        if not codes:
            return
        self._counts.sweeps += 1
        epoch, positions = await self._source.positions(codes)
        for code, (seq, version) in positions.items():
            channel = self.table.get(code)
            if channel is None or channel.last < 0:
                continue
            try:
                await self._compare(channel, epoch, seq, version, suspect=suspect)
            except Refused as refusal:
                # One story that cannot be read now must not keep the others from it.
                log.warning("event=story_not_compared story=%s reason=%s", code, refusal.code)

    async def _compare(
        self, channel: Watched, epoch: str, seq: int, version: int, *, suspect: bool
    ) -> None:
        if epoch != channel.epoch:
            await self._begin_anew(channel, await self._read(channel))
            return
        if seq > channel.last:
            channel.wanted = max(channel.wanted, seq)
            if suspect:
                await self._repair(channel)
            else:
                self._watch_for_late(channel)
        if version > channel.checked:
            counted = await self._source.tallies(channel.code, channel.checked)
            for message in counted:
                self.receive(message)
            # Another sweep may have begun the story anew meanwhile, with numbers of its own.
            if channel.epoch == epoch:
                channel.checked = version if len(counted) < RECENT else counted[-1].number
        if channel.late:
            await self.catch_up.serve_late(channel)

    # Letting go --------------------------------------------------------------------------------

    def forget_idle(self, now: float) -> None:
        """Stop listening to stories that nobody has watched or asked for since `IDLE_S`."""
        self._forget(
            [
                code
                for code, channel in self.table.items()
                if not channel.watchers
                and channel.loading is None
                and now - channel.idle_since > IDLE_S
            ]
        )

    def _forget(self, codes: Sequence[str]) -> None:
        for code in codes:
            channel = self.table.pop(code, None)
            if channel is not None and channel.overdue is not None:
                channel.overdue.cancel()
        if self._bus is not None:
            self._bus.unwatch(codes)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
