"""SIGTERM of one of two servers behind one address: no request fails, and sockets close in turn."""

import asyncio
from contextlib import suppress

import pytest

from tests.faults.fault_environment import StartEnvironment, now
from tests.faults.load import Endpoint, disable_keepalive
from tests.faults.proxy import Proxy
from tests.faults.slow_clients import never_reads
from tests.waiting import SLOWNESS, eventually

DRAIN_S = 3.0
"""DRAIN_SECONDS of the servers of `FaultEnvironment`."""


async def refuses_connections(port: int) -> bool:
    """Return True if the port refuses connections, so that also a readiness probe fails."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


@pytest.mark.slow("postgresql")
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_deploy_loses_no_request_and_spreads_the_sockets_over_the_drain(
    start_environment: StartEnvironment, engine: str
) -> None:
    environment = await start_environment(engine)
    one, other = environment.servers
    proxy = await Proxy(one.port, other.port).start()
    load = environment.load(subscribers=40)
    load.endpoints = [Endpoint(f"http://127.0.0.1:{proxy.port}")]
    disable_keepalive(load)
    non_readers: list[asyncio.StreamWriter] = []
    try:
        async with load:
            non_readers += [await never_reads(other, load.stories[0]) for _ in range(20)]
            await load.wait_for_actions(40)
            fault_at = now()
            load.servers = [one]
            leaving = asyncio.create_task(other.terminate(timeout=DRAIN_S + 5))
            await eventually(lambda: refuses_connections(other.port), "a probe fails")
            assert not leaving.done(), "the server still drains"
            status = await leaving
            took = now() - fault_at
            await load.wait_connected()
            recovered = await load.recovery_time(fault_at)
            await load.wait_for_actions(20)
        assert status == 0, "the server has ended by itself"
        assert took < (DRAIN_S + 5) * SLOWNESS
        assert not load.ledger.retries, "no request failed"
        closes = [
            (at, code)
            for subscriber in load.subscribers
            for at, code in subscriber.closes
            if at > fault_at
        ]
        closed = sorted(at for at, code in closes if code == 1012)
        assert len(closed) >= 10
        assert {code for at, code in closes if at < fault_at + took} <= {1012}
        assert closed[-1] - closed[0] > DRAIN_S / 2, "the closes are spread over the drain"
        assert sum(subscriber.goodbyes for subscriber in load.subscribers) >= len(closed)
        await environment.record(load, "SIGTERM of one of two, 20 clients never read", recovered)
    finally:
        for writer in non_readers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
        await proxy.close()
