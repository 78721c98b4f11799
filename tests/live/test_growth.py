"""How cost grows, as counters: laws that hold on every machine, where times say nothing.

Whole processes with a real database and a real bus; only the readers' sockets are scripted, except
where it is the socket's own path that is counted.
"""

import asyncio
import gc
import math
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from starlette.types import Receive, Scope, Send

from tests.edge.serving import serving, upgraded
from tests.engines import Valkey
from tests.live.scripted import CODE, Process, ScriptedPeer, Truth, attach
from tests.waiting import eventually
from widget_server.app import Rooms
from widget_server.config import Config
from widget_server.edge.fanout import EXTENSION
from widget_server.live.bus import TALLY_S
from widget_server.live.frames import Frame
from widget_server.live.tick import tally_interval
from widget_server.live.watched import Subscription
from widget_server.model.claims import WidgetClaims
from widget_server.model.records import Story
from widget_server.operations import admit, enrol
from widget_server.store import migrate
from widget_server.store.deeds import Post, React

READERS = 20
LAST_COUNT = b'"happy":300'


class Quiet(ScriptedPeer):
    """A reader who only counts what comes."""

    def _take(self, wire: bytes) -> None:
        self.wires.append(wire)


@asynccontextmanager
async def processes(
    number: int, folder: Path, url: str, valkey: Valkey
) -> AsyncIterator[list[Rooms]]:
    """So many processes on one database and one bus."""
    await migrate.upgrade(url)
    config = Config(
        data_dir=folder,
        database_url=url,
        redis_url=valkey.url,
        secret_keys=("a secret for growth laws",),
        rate_limits=None,
        sweep_seconds=60,
    )
    async with AsyncExitStack() as stack:
        rooms = [Rooms(config) for _ in range(number)]
        for each in rooms:
            await stack.enter_async_context(each.open())
        await enrol.create_site(rooms[0].services, "s", "S")
        yield rooms


async def story(rooms: Rooms, key: str) -> Story:
    """A story, made known."""
    claims = WidgetClaims("s", key, ("*",), 1_700_000_000, "")
    return await admit.make_known(rooms.services, await enrol.mint(rooms.services, claims))


async def watch(rooms: Rooms, code: str, readers: int = READERS) -> list[Quiet]:
    """So many readers who subscribe at the same moment."""
    peers = [Quiet() for _ in range(readers)]
    subscriptions = [Subscription(peer, 0, b"", None) for peer in peers]
    for peer, subscription in zip(peers, subscriptions, strict=True):
        attach(peer, rooms.hub, subscription)
    await asyncio.gather(*(rooms.hub.join(code, each, 1, None) for each in subscriptions))
    return peers


async def react(rooms: Rooms, to: Story, number: int, first: int = 0) -> None:
    """So many readers react at the same moment."""
    readers = [f"{first + reader:032x}" for reader in range(number)]
    deeds = [React(to.id, None, reader, "happy", None, 1) for reader in readers]
    await asyncio.gather(*(rooms.writer.submit(deed) for deed in deeds))


async def test_deeds_cost_one_transaction_a_batch_and_one_encoding_an_event(
    tmp_path: Path, database_url: str, valkey: Valkey
) -> None:
    async with processes(2, tmp_path, database_url, valkey) as (source, carrier):
        one = await story(source, "one")
        peers = [await watch(rooms, one.code) for rooms in (source, carrier)]
        begun: list[None] = []
        engine = source.database._writer.sync_engine
        event.listen(engine, "begin", lambda _: begun.append(None))
        before, encoded = source.writer.counts.batches, source.hub.counts.encoded
        for _ in range(4):
            await react(source, one, 250)
        batches = source.writer.counts.batches - before
        assert len(begun) == batches
        assert batches < 250
        # The first round alone changes something: its batches each announce one tally.
        assert 1 <= source.hub.counts.encoded - encoded <= batches

        encoded = source.hub.counts.encoded
        await asyncio.gather(*(source.writer.submit(post(one, number)) for number in range(30)))
        for rooms, own in zip((source, carrier), peers, strict=True):
            await eventually(
                lambda own=own: all(comments_in(peer) == 30 for peer in own), "all comments came"
            )
            # The very same bytes: nothing was encoded or copied for a reader of its own.
            assert {id(peer.wires[-1]) for peer in own} == {id(own[0].wires[-1])}
            assert rooms.hub.counts.encoded == (encoded + 30 if rooms is source else 0)


def post(to: Story, number: int) -> Post:
    """One reader's comment."""
    return Post(
        story=to.id,
        id=f"{number:012d}",
        key=f"{number:032x}",
        reader=f"{number:032x}",
        source="text",
        text=[["p", None, "text"]],
        pending=False,
        reactions=("happy",),
        at=1,
    )


def comments_in(peer: Quiet) -> int:
    """How many comments the reader was sent."""
    return sum(wire.count(b'{"type":"comment"') for wire in peer.wires)


async def test_writes_are_ticks_times_watchers_whatever_the_number_of_reactions(
    tmp_path: Path, sqlite_url: str, valkey: Valkey
) -> None:
    async with processes(2, tmp_path, sqlite_url, valkey) as (source, carrier):
        one = await story(source, "one")
        peers = [await watch(rooms, one.code) for rooms in (source, carrier)]
        begin = time.monotonic()
        for number in (3, 300):
            await react(source, one, number)
        for rooms, own in zip((source, carrier), peers, strict=True):
            await eventually(
                lambda own=own: all(LAST_COUNT in peer.wires[-1] for peer in own),
                "the last count has come",
            )
            counts = rooms.hub.counts
            passed = time.monotonic() - begin
            assert counts.deliveries == counts.flushes * READERS
            assert counts.flushes <= 2 + math.ceil(passed / tally_interval(READERS))
            # One snapshot, and one write for each flush.
            assert {len(peer.wires) for peer in own} == {1 + counts.flushes}


async def test_bus_messages_are_at_most_stories_times_ticks_times_processes(
    tmp_path: Path, sqlite_url: str, valkey: Valkey
) -> None:
    async with processes(2, tmp_path, sqlite_url, valkey) as both:
        stories = [await story(both[0], key) for key in ("one", "two")]
        for each in stories:
            await watch(both[1], each.code)
        for rooms in both:
            assert await rooms.bus.drained(10)
        sent, begin = [rooms.bus.counts.sent for rooms in both], time.monotonic()
        for number in range(100, 600, 100):
            await asyncio.gather(
                *(
                    react(rooms, each, number, first)
                    # Readers of their own: who reacts again, at the other process, changes nothing.
                    for rooms, first in zip(both, (0, 1_000), strict=True)
                    for each in stories
                )
            )
        for rooms, before in zip(both, sent, strict=True):
            assert await rooms.bus.drained(10)
            ticks = 1 + math.ceil((time.monotonic() - begin) / TALLY_S)
            assert 1 <= rooms.bus.counts.sent - before <= len(stories) * ticks


async def test_a_mass_reconnect_asks_the_database_once_for_each_story(
    tmp_path: Path, database_url: str, valkey: Valkey
) -> None:
    async with processes(2, tmp_path, database_url, valkey) as (source, fresh):
        stories = [await story(source, f"story-{number}") for number in range(5)]
        before = fresh.database.counts.reads
        await asyncio.gather(*(watch(fresh, each.code, 100) for each in stories))
        assert fresh.hub.counts.joined == 500
        assert fresh.hub.counts.snapshots == len(stories)
        # With each at most its site and the tokens that the site withdrew.
        assert fresh.database.counts.reads - before <= 3 * len(stories)


async def test_a_delivery_allocates_nothing() -> None:
    process = Process(Truth())
    joined: list[Subscription] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        peer = scope["extensions"][EXTENSION]["peer"]
        subscription = Subscription(peer, 0, b"", None)
        peer.on_busy = subscription.step_out
        await process.hub.join(CODE, subscription, 1, None)
        joined.append(subscription)
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async with serving(app) as served, AsyncExitStack() as stack:
        peaks: list[int] = []
        for more in (20, 400):
            number = len(joined) + more
            for _ in range(more):
                await stack.enter_async_context(upgraded(served.port))
            await eventually(lambda number=number: len(joined) == number, "all have joined")
            peaks.append(_peak_of_a_flush(process))
        assert process.hub.counts.deliveries == 2 * (20 + 420)
        # Two lists of those who watch take 8 bytes for each; the smallest object takes 24.
        assert peaks[1] - peaks[0] < 400 * 24


def _peak_of_a_flush(process: Process) -> int:
    """Bytes that were in use at once while a tally was written to all, beyond those before."""
    channel, tick = process.hub._channels.table[CODE], process.hub._channels.tick
    frame = Frame(b"x" * 150)
    peak = 0
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(2):  # the first time makes what is made once
            channel.sent_tallies = -1e9
            channel.tallied = {"": frame}
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            tick._flush(channel)
            peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    return peak


@pytest.mark.parametrize("readers", [1, 1_000])
def test_the_tick_slows_down_as_the_audience_grows(readers: int) -> None:
    # So that writes a second, ticks times watchers, stay within what one process can send.
    assert readers / tally_interval(readers) <= 10_000
