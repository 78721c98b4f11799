"""Readers who read slowly or never: they cost their buffer, and no one else waits for them."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.e2e.harness import ServerProcess
from tests.faults.fault_environment import FaultEnvironment
from tests.faults.load import Endpoint
from tests.faults.proxy import Proxy
from tests.faults.slow_clients import Slow, never_reads
from tests.faults.slow_marker import slow
from tests.waiting import SLOWNESS, eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]

DEAF = 10
SLOW = 20
BYTES_A_SECOND = 8_000
"""64 kbit/s."""


def resident(server: ServerProcess) -> int:
    """Bytes of memory that the process holds."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


@slow
async def test_readers_who_do_not_read_are_cut_and_slow_ones_catch_up(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("sqlite")
    server = stage.pair.one
    slow_line = await Proxy(server.port).start()
    slow_line.rate = BYTES_A_SECOND
    load = stage.load()
    for writer in load.writers:
        writer.size = 4_000
    deaf: list[asyncio.StreamWriter] = []
    try:
        async with load:
            await load.more(100)
            before = resident(server)
            deaf = [await never_reads(server, load.stories[0]) for _ in range(DEAF)]
            for watcher in load.watchers[:SLOW]:
                watcher.servers = [Endpoint(f"http://127.0.0.1:{slow_line.port}")]
                assert watcher.client is not None
                watcher.client.socket.transport.abort()
            quick = load.watchers[SLOW:]
            everyone, load.watchers = load.watchers, quick
            worst = 0.0
            for _ in range(10):
                await load.more(60)
                worst = max(worst, await load.spread())
            assert worst < 1.5 * SLOWNESS, "no one waits for those who do not read"
            grown = resident(server) - before
            assert grown < (DEAF + SLOW) * 1024 * 1024
            await eventually(
                lambda: _all_cut(server), "those who never read are cut", 45, pause=0.5
            )
            load.watchers = everyone
            for writer in load.writers:
                writer.size = 0
            slow_line.rate = 0
            recovered = await load.spread()
        await stage.verdict(load, "10 readers never read, 20 read 64 kbit/s", recovered)
    finally:
        for closing in deaf:
            closing.transport.abort()
        await slow_line.close()


RATES = (4_000, 8_000, 50_000)
"""32, 64 and 400 kbit/s."""


@slow
async def test_honest_readers_on_slow_lines_are_not_cut_in_a_lively_story(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("sqlite")
    server = stage.pair.one
    load = stage.load()
    for writer in load.writers:
        writer.size = 500
    async with load, contextlib.AsyncExitStack() as lines:
        story = load.stories[0]
        for _ in range(250):
            await load.writers[0].post(story)
        cut = await server.metric("widget_websocket_slow_consumers_dropped_total")
        slow = [await lines.enter_async_context(Slow(server, story, rate)) for rate in RATES]

        async def all_have_read_for_long() -> bool:
            await load.more(20)
            await load.writers[1].post(story)
            assert not [one.rate for one in slow if one.cut], "who reads is kept"
            return all(one.taken > 40 * one.rate or one.rate > 8_000 for one in slow)

        await eventually(all_have_read_for_long, "they have read for 40 s", 90, pause=0.5)
        assert all(one.taken > 160_000 for one in slow)
        assert await server.metric("widget_websocket_slow_consumers_dropped_total") == cut
        recovered = await load.spread()
    await stage.verdict(load, "lines of 32, 64 and 400 kbit/s", recovered)


async def _all_cut(server: ServerProcess) -> bool:
    return await server.metric("widget_websocket_slow_consumers_dropped_total") >= DEAF
