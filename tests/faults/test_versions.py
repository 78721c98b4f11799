"""Two versions on one database and one bus, and a rolling restart from one to the other.

`next_version` simulates the newer version. A migration runs while the older version serves. Then one
process is upgraded, downgraded and upgraded again, and the other process is upgraded, all under load.
"""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.e2e.harness import ServerProcess
from tests.faults.fault_environment import THOROUGH, StartEnvironment, now
from tests.faults.load import Endpoint, disable_keepalive
from tests.faults.proxy import Proxy

OLD, NEXT = "widget_server", "tests.faults.next_version"


async def moods(url: str) -> set[str | None]:
    """Return the values of the new column: “calm” by the next version, None by this one."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return set(await connection.scalars(text("SELECT DISTINCT mood FROM comments")))
    finally:
        await engine.dispose()


async def replace(server: ServerProcess, module: str) -> None:
    """Stop a server with SIGTERM and start it as another version."""
    assert await server.terminate() == 0
    server.module = module
    await server.start()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"] if THOROUGH else ["sqlite"])
async def test_a_rolling_restart_with_a_migration_fails_no_request_and_keeps_all_in_sync(
    start_environment: StartEnvironment, engine: str
) -> None:
    environment = await start_environment(engine)
    one, other = environment.servers
    proxy = await Proxy(one.port, other.port).start()
    load = environment.load()
    load.endpoints = [Endpoint(f"http://127.0.0.1:{proxy.port}")]
    disable_keepalive(load)
    for number, subscriber in enumerate(load.subscribers):
        # Fix the server of each subscriber. Otherwise all would end up on the server that runs longest.
        subscriber.servers = (environment.servers[number % 2],)
    try:
        async with load:
            await load.wait_for_actions(30)
            other.module = NEXT
            output = await asyncio.to_thread(other.cli, "migrate")
            assert output.endswith("9999."), output
            await load.wait_for_actions(30)
            assert await moods(environment.url) == {None}, (
                "the older version serves from the newer tables"
            )
            await replace(other, NEXT)
            received = [
                await server.metric("widget_bus_messages_received_total") for server in (one, other)
            ]
            await load.wait_connected()
            await load.delivery_time()
            await load.wait_for_actions(30)
            assert await moods(environment.url) == {None, "calm"}, "both versions write"
            for server, before in zip((one, other), received, strict=True):
                assert await server.metric("widget_bus_messages_received_total") > before
            # Downgrade on the newer tables, and upgrade again.
            await replace(other, OLD)
            await load.wait_for_actions(20)
            await replace(other, NEXT)
            await replace(one, NEXT)
            await load.wait_connected()
            recovered = await load.recovery_time(now())
            await load.wait_for_actions(20)
        assert not load.ledger.retries, "no request failed"
        fault = "rolling restart with a migration, back and forward again"
        await environment.record(load, fault, recovered)
    finally:
        await proxy.close()
