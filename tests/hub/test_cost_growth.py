"""How cost grows with readers and stories, measured by counters, which are equal on all machines.

Whole processes with a real database and a real bus. Only the readers' sockets are fakes, except in
tests that measure the socket's own path.
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

from tests.engines import Valkey
from tests.hub.fakes import CODE, FakeDatabase, Process, ScriptedConnection, attach
from tests.transport.serving import serving, upgraded
from tests.waiting import eventually
from widget_server.app import Components
from widget_server.bus.publisher import TALLY_INTERVAL_S
from widget_server.config import Config
from widget_server.hub.channel import Subscription
from widget_server.hub.flush import tally_interval
from widget_server.hub.prepared import PreparedMessage
from widget_server.model.actors import shell
from widget_server.model.claims import WidgetClaims
from widget_server.model.records import Story
from widget_server.operations.owners import sites
from widget_server.operations.readers import authorize
from widget_server.store import migrate
from widget_server.store.writing.actions import Post, React
from widget_server.transport.websocket.protocol import CONNECTION_EXTENSION

READERS = 20
LAST_COUNT = b'"happy":300'


class RecordingConnection(ScriptedConnection):
    """A connection that only records what is written."""

    def _take(self, data: bytes) -> None:
        self.writes.append(data)


@asynccontextmanager
async def processes(
    number: int, folder: Path, url: str, valkey: Valkey
) -> AsyncIterator[list[Components]]:
    """Start `number` processes on one database and one bus."""
    await migrate.upgrade(url)
    config = Config(
        data_dir=folder,
        database_url=url,
        redis_url=valkey.url,
        secret_keys=("a secret for these tests",),
        rate_limits=None,
        reconcile_seconds=60,
    )
    async with AsyncExitStack() as stack:
        components = [Components(config) for _ in range(number)]
        for each in components:
            await stack.enter_async_context(each.running())
        await sites.create_site(components[0].services, shell("test"), "s", "S")
        yield components


async def story(components: Components, key: str) -> Story:
    """Register a story."""
    claims = WidgetClaims("s", key, ("*",), 1_700_000_000, "")
    return await authorize.register_story(
        components.services, await sites.mint(components.services, shell("test"), claims)
    )


async def subscribe(
    components: Components, code: str, readers: int = READERS
) -> list[RecordingConnection]:
    """Subscribe `readers` readers at the same time."""
    connections = [RecordingConnection() for _ in range(readers)]
    subscriptions = [Subscription(connection, 0, b"", None) for connection in connections]
    for connection, subscription in zip(connections, subscriptions, strict=True):
        attach(connection, components.hub, subscription)
    await asyncio.gather(*(components.hub.subscribe(code, each, 1, None) for each in subscriptions))
    return connections


async def react(components: Components, to: Story, number: int, first: int = 0) -> None:
    """Add a reaction of `number` readers at the same time."""
    readers = [f"{first + reader:032x}" for reader in range(number)]
    actions = [React(to.id, None, reader, "happy", None, 1) for reader in readers]
    await asyncio.gather(*(components.writer.submit(action) for action in actions))


async def test_actions_cost_one_transaction_per_batch_and_one_encoding_per_event(
    tmp_path: Path, database_url: str, valkey: Valkey
) -> None:
    async with processes(2, tmp_path, database_url, valkey) as (source, carrier):
        one = await story(source, "one")
        connections = [await subscribe(components, one.code) for components in (source, carrier)]
        transactions: list[None] = []
        engine = source.database._writer.sync_engine
        event.listen(engine, "begin", lambda _: transactions.append(None))
        before, encoded = source.writer.metrics.batches, source.hub.metrics.events_published
        for _ in range(4):
            await react(source, one, 250)
        batches = source.writer.metrics.batches - before
        assert len(transactions) == batches
        assert batches < 250
        # Only the first round changes something: each of its batches publishes one tally.
        assert 1 <= source.hub.metrics.events_published - encoded <= batches

        encoded = source.hub.metrics.events_published
        await asyncio.gather(*(source.writer.submit(post(one, number)) for number in range(30)))
        for components, own in zip((source, carrier), connections, strict=True):
            await eventually(
                lambda own=own: all(comments_in(connection) == 30 for connection in own),
                "all comments were received",
            )
            # The same object: nothing was encoded or copied for a single reader.
            assert {id(connection.writes[-1]) for connection in own} == {id(own[0].writes[-1])}
            assert components.hub.metrics.events_published == (
                encoded + 30 if components is source else 0
            )


def post(to: Story, number: int) -> Post:
    """Return the action of posting a comment."""
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


def comments_in(connection: RecordingConnection) -> int:
    """Count the comments that the connection was sent."""
    return sum(data.count(b'{"type":"comment"') for data in connection.writes)


async def test_writes_are_flushes_times_readers_for_any_number_of_reactions(
    tmp_path: Path, sqlite_url: str, valkey: Valkey
) -> None:
    async with processes(2, tmp_path, sqlite_url, valkey) as (source, carrier):
        one = await story(source, "one")
        connections = [await subscribe(components, one.code) for components in (source, carrier)]
        begin = time.monotonic()
        for number in (3, 300):
            await react(source, one, number)
        for components, own in zip((source, carrier), connections, strict=True):
            await eventually(
                lambda own=own: all(LAST_COUNT in connection.writes[-1] for connection in own),
                "the last tally was received",
            )
            counts = components.hub.metrics
            elapsed = time.monotonic() - begin
            assert counts.batches_delivered == counts.flushes * READERS
            assert counts.flushes <= 2 + math.ceil(elapsed / tally_interval(READERS))
            # One snapshot, and one write for each flush.
            assert {len(connection.writes) for connection in own} == {1 + counts.flushes}


async def test_bus_messages_are_at_most_stories_times_intervals_times_processes(
    tmp_path: Path, sqlite_url: str, valkey: Valkey
) -> None:
    async with processes(2, tmp_path, sqlite_url, valkey) as both:
        stories = [await story(both[0], key) for key in ("one", "two")]
        for each in stories:
            await subscribe(both[1], each.code)
        for components in both:
            assert await components.bus.wait_flushed(10)
        sent, begin = (
            [components.bus.metrics.messages_sent for components in both],
            time.monotonic(),
        )
        for number in range(100, 600, 100):
            await asyncio.gather(
                *(
                    react(components, each, number, first)
                    # Different readers in each process: a repeated reaction would change nothing.
                    for components, first in zip(both, (0, 1_000), strict=True)
                    for each in stories
                )
            )
        for components, before in zip(both, sent, strict=True):
            assert await components.bus.wait_flushed(10)
            intervals = 1 + math.ceil((time.monotonic() - begin) / TALLY_INTERVAL_S)
            assert 1 <= components.bus.metrics.messages_sent - before <= len(stories) * intervals


async def test_a_mass_reconnect_reads_each_story_once(
    tmp_path: Path, database_url: str, valkey: Valkey
) -> None:
    async with processes(2, tmp_path, database_url, valkey) as (source, fresh):
        stories = [await story(source, f"story-{number}") for number in range(5)]
        before = fresh.database.metrics.read_transactions
        await asyncio.gather(*(subscribe(fresh, each.code, 100) for each in stories))
        assert fresh.hub.metrics.subscribes == 500
        assert fresh.hub.metrics.snapshots_loaded == len(stories)
        # For each story also at most its site and the site's revoked tokens.
        assert fresh.database.metrics.read_transactions - before <= 3 * len(stories)


async def test_a_flush_allocates_nothing_per_reader() -> None:
    process = Process(FakeDatabase())
    subscribed: list[Subscription] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        connection = scope["extensions"][CONNECTION_EXTENSION]["connection"]
        subscription = Subscription(connection, 0, b"", None)
        connection.on_direct_revoked = subscription.leave_broadcast
        await process.hub.subscribe(CODE, subscription, 1, None)
        subscribed.append(subscription)
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async with serving(app) as served, AsyncExitStack() as stack:
        peaks: list[int] = []
        for more in (20, 400):
            number = len(subscribed) + more
            for _ in range(more):
                await stack.enter_async_context(upgraded(served.port))
            await eventually(lambda number=number: len(subscribed) == number, "all have subscribed")
            peaks.append(_peak_of_a_flush(process))
        assert process.hub.metrics.batches_delivered == 2 * (20 + 420)
        # Two lists of subscriptions take 8 bytes for each; the smallest object takes 24 bytes.
        assert peaks[1] - peaks[0] < 400 * 24


def _peak_of_a_flush(process: Process) -> int:
    """Return the peak of allocated bytes during a flush of one tally."""
    channel, flusher = process.hub._channels.table[CODE], process.hub._channels.flusher
    message = PreparedMessage(b"x" * 150)
    peak = 0
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(2):  # the first flush also allocates objects that are reused
            channel.tallies_sent_at = -1e9
            channel.pending_tallies = {"": message}
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            flusher._flush(channel)
            peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    return peak


@pytest.mark.parametrize("readers", [1, 1_000])
def test_the_flush_interval_grows_with_the_number_of_readers(readers: int) -> None:
    # Writes per second, flushes times readers, stay within what one process can send.
    assert readers / tally_interval(readers) <= 10_000
