"""Clients that read slowly or not at all cost their buffer and do not delay other readers."""

import asyncio
import contextlib

import pytest

from tests.e2e.harness import ServerProcess
from tests.faults.fault_environment import StartEnvironment
from tests.faults.load import Endpoint
from tests.faults.proxy import Proxy
from tests.faults.slow_clients import SlowClient, never_reads
from tests.waiting import SLOWNESS, eventually

NON_READERS = 10
SLOW_READERS = 20
BYTES_PER_SECOND = 8_000
"""Read rate of the slow readers: 64 kbit/s."""


@pytest.mark.slow
async def test_clients_that_do_not_read_are_closed_and_slow_ones_catch_up(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    server = environment.pair.one
    slow_proxy = await Proxy(server.port).start()
    slow_proxy.rate = BYTES_PER_SECOND
    load = environment.load()
    for writer in load.writers:
        writer.size = 4_000
    non_readers: list[asyncio.StreamWriter] = []
    try:
        async with load:
            await load.wait_for_actions(100)
            before = server.resident_memory()
            non_readers += [await never_reads(server, load.stories[0]) for _ in range(NON_READERS)]
            for subscriber in load.subscribers[:SLOW_READERS]:
                subscriber.servers = [Endpoint(f"http://127.0.0.1:{slow_proxy.port}")]
                assert subscriber.client is not None
                subscriber.client.socket.transport.abort()
            quick = load.subscribers[SLOW_READERS:]
            everyone, load.subscribers = load.subscribers, quick
            worst = 0.0
            for _ in range(10):
                await load.wait_for_actions(60)
                worst = max(worst, await load.delivery_time())
            assert worst < 1.5 * SLOWNESS, "other readers do not wait for slow ones"
            grown = server.resident_memory() - before
            assert grown < (NON_READERS + SLOW_READERS) * 1024 * 1024
            await eventually(
                lambda: _all_closed(server), "clients that never read are closed", 45, pause=0.5
            )
            load.subscribers = everyone
            for writer in load.writers:
                writer.size = 0
            slow_proxy.rate = 0
            recovered = await load.delivery_time()
        await environment.record(load, "10 readers never read, 20 read 64 kbit/s", recovered)
    finally:
        for connection in non_readers:
            connection.transport.abort()
        await slow_proxy.close()


RATES = (4_000, 8_000, 50_000)
"""Read rates in bytes per second: 32, 64 and 400 kbit/s."""


@pytest.mark.slow
async def test_readers_on_slow_connections_are_not_closed_in_an_active_story(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    server = environment.pair.one
    load = environment.load()
    for writer in load.writers:
        writer.size = 500
    async with load, contextlib.AsyncExitStack() as stack:
        story = load.stories[0]
        for _ in range(250):
            await load.writers[0].post(story)
        cut = await server.metric("widget_websocket_slow_consumers_dropped_total")
        slow = [await stack.enter_async_context(SlowClient(server, story, rate)) for rate in RATES]

        async def all_have_read_for_long() -> bool:
            await load.wait_for_actions(20)
            await load.writers[1].post(story)
            assert not [one.rate for one in slow if one.cut], "a client that reads is kept"
            return all(one.taken > 40 * one.rate or one.rate > 8_000 for one in slow)

        await eventually(all_have_read_for_long, "all have read for 40 s", 90, pause=0.5)
        assert all(one.taken > 160_000 for one in slow)
        assert await server.metric("widget_websocket_slow_consumers_dropped_total") == cut
        recovered = await load.delivery_time()
    await environment.record(load, "readers at 32, 64 and 400 kbit/s", recovered)


async def _all_closed(server: ServerProcess) -> bool:
    return await server.metric("widget_websocket_slow_consumers_dropped_total") >= NON_READERS
