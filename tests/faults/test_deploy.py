"""SIGTERM of one of two servers behind one address: no one is turned away, sockets leave in turn."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx
import pytest

from tests.faults.fault_environment import FaultEnvironment, now
from tests.faults.load import Endpoint, FaultLoad
from tests.faults.proxy import Proxy
from tests.faults.slow_clients import never_reads
from tests.loopback import http_client
from tests.waiting import SLOWNESS, eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]

DRAIN_S = 3.0
"""As the stage sets it."""


async def turns_away(port: int) -> bool:
    """Whether a server takes no more connections, not even of who asks whether it is ready."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


def only_new_connections(load: FaultLoad) -> None:
    """As a proxy asks: a kept connection may end at any time, which a browser retries by itself."""
    for writer in load.writers:
        headers = writer.http.headers
        limits = httpx.Limits(max_keepalive_connections=0)
        writer.http = http_client(headers=headers, limits=limits)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_deploy_loses_no_request_and_spreads_the_sockets_over_the_drain(
    set_stage: SetStage, engine: str
) -> None:
    stage = await set_stage(engine)
    one, other = stage.servers
    door = await Proxy(one.port, other.port).start()
    load = stage.load(subscribers=40)
    load.endpoints = [Endpoint(f"http://127.0.0.1:{door.port}")]
    only_new_connections(load)
    deaf: list[asyncio.StreamWriter] = []
    try:
        async with load:
            deaf += [await never_reads(other, load.stories[0]) for _ in range(20)]
            await load.more(40)
            struck = now()
            load.servers = [one]
            leaving = asyncio.create_task(other.terminate(timeout=DRAIN_S + 5))
            await eventually(lambda: turns_away(other.port), "no probe finds it ready")
            assert not leaving.done(), "while it drains"
            status = await leaving
            took = now() - struck
            await load.everyone_is_back()
            recovered = await load.recovery(struck)
            await load.more(20)
        assert status == 0, "it ended by itself, with its work done"
        assert took < (DRAIN_S + 5) * SLOWNESS
        assert not load.ledger.retries, "no request failed"
        closes = [
            (at, code) for watcher in load.watchers for at, code in watcher.closes if at > struck
        ]
        closed = sorted(at for at, code in closes if code == 1012)
        assert len(closed) >= 10
        assert {code for at, code in closes if at < struck + took} <= {1012}
        assert closed[-1] - closed[0] > DRAIN_S / 2, "not all in the same moment"
        assert sum(watcher.goodbyes for watcher in load.watchers) >= len(closed)
        await stage.verdict(load, "SIGTERM of one of two, 20 clients never read", recovered)
    finally:
        for writer in deaf:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
        await door.close()
