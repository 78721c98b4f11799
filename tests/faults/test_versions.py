"""Two versions side by side on one database and one bus, and a rolling restart from one to the other.

`next_version` plays the newer one. A migration runs while the older one serves; then one process after
the other is replaced, one is taken back, and the last one follows, all under the load.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.e2e.harness import ServerProcess
from tests.faults.fault_environment import THOROUGH, FaultEnvironment, now
from tests.faults.load import Endpoint
from tests.faults.proxy import Proxy
from tests.faults.test_deploy import only_new_connections

SetStage = Callable[..., Awaitable[FaultEnvironment]]

OLD, NEXT = "widget_server", "tests.faults.next_version"


async def moods(url: str) -> set[str | None]:
    """Whether comments were stored by the next version (“calm”), and by this one (nothing)."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return set(await connection.scalars(text("SELECT DISTINCT mood FROM comments")))
    finally:
        await engine.dispose()


async def replace(server: ServerProcess, module: str) -> None:
    """A deploy of one of two: asked to leave, and started as another version."""
    assert await server.terminate() == 0
    server.module = module
    await server.start()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"] if THOROUGH else ["sqlite"])
async def test_a_rolling_restart_with_a_migration_fails_no_request_and_keeps_all_in_step(
    set_stage: SetStage, engine: str
) -> None:
    stage = await set_stage(engine)
    one, other = stage.servers
    door = await Proxy(one.port, other.port).start()
    load = stage.load()
    load.endpoints = [Endpoint(f"http://127.0.0.1:{door.port}")]
    only_new_connections(load)
    for number, watcher in enumerate(load.watchers):
        # Or all of them would end up on the server that was never away.
        watcher.servers = (stage.servers[number % 2],)
    try:
        async with load:
            await load.more(30)
            other.module = NEXT
            said = await asyncio.to_thread(other.cli, "migrate")
            assert said.endswith("9999."), said
            await load.more(30)
            assert await moods(stage.url) == {None}, "the older one serves from the newer tables"
            await replace(other, NEXT)
            heard = [
                await server.metric("widget_bus_messages_received_total") for server in (one, other)
            ]
            await load.everyone_is_back()
            await load.spread()
            await load.more(30)
            assert await moods(stage.url) == {None, "calm"}, "both write"
            for server, before in zip((one, other), heard, strict=True):
                assert await server.metric("widget_bus_messages_received_total") > before
            # Back to the older one, from tables that are newer than it; and on to the next.
            await replace(other, OLD)
            await load.more(20)
            await replace(other, NEXT)
            await replace(one, NEXT)
            await load.everyone_is_back()
            recovered = await load.recovery(now())
            await load.more(20)
        assert not load.ledger.retries, "no request failed"
        fault = "rolling restart with a migration, and back, and on"
        await stage.verdict(load, fault, recovered)
    finally:
        await door.close()
