"""PostgreSQL is killed, hangs, is out of connections, or its response to COMMIT is lost."""

import asyncio

import asyncpg
import pytest

from tests.e2e.client import Client
from tests.faults.fault_environment import THOROUGH, FaultEnvironment, StartEnvironment, now
from tests.faults.load import ORIGIN
from tests.loopback import http_client
from tests.waiting import SLOWNESS, eventually

RESPONSE_S = 8.0 * SLOWNESS
"""Every request is answered within this time, whatever the state of the database."""


async def statuses(environment: FaultEnvironment, path: str) -> list[int]:
    """Return the status of each server's response to GET `path`."""
    async with http_client() as http:
        requests = [http.get(server.url + path) for server in environment.servers]
        return [answer.status_code for answer in await asyncio.gather(*requests)]


async def is_unready(environment: FaultEnvironment) -> bool:
    """Return True if no server is ready."""
    return await statuses(environment, "/readyz") == [503, 503]


async def is_ready(environment: FaultEnvironment) -> bool:
    """Return True if both servers are ready."""
    return await statuses(environment, "/readyz") == [200, 200]


async def test_actions_get_503_while_postgresql_is_down_and_none_is_lost(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("postgresql")
    assert environment.postgres is not None
    async with environment.load() as load:
        await load.wait_for_actions(40)
        environment.postgres.kill()
        await eventually(lambda: is_unready(environment), "no server is ready")
        assert await statuses(environment, "/healthz") == [200, 200]
        await eventually(lambda: load.ledger.retries["503"] > 3, "actions get 503")
        environment.postgres.start()
        fault_ended_at = now()
        await eventually(lambda: is_ready(environment), "both servers are ready again", 5)
        recovered = await load.recovery_time(fault_ended_at)
        await load.wait_for_actions(40)
    assert set(load.ledger.retries) == {"503"}
    assert load.ledger.slowest < RESPONSE_S
    await environment.record(load, "PostgreSQL killed and restarted", recovered)


async def test_actions_get_503_while_postgresql_hangs_and_none_is_lost(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("postgresql")
    async with environment.load() as load:
        await load.wait_for_actions(40)
        environment.database.hang()
        hanging = now()
        await eventually(lambda: is_unready(environment), "no server is ready", 6)
        assert await statuses(environment, "/healthz") == [200, 200]
        # After 3 s the cached site settings have expired, and the database does not answer.
        await eventually(lambda: now() - hanging > 3, "the cached site settings have expired")
        for subscriber in load.subscribers[:3]:
            assert subscriber.client is not None
            async with Client(subscriber.client.url, ORIGIN) as reader:
                snapshot = await reader.subscribe(subscriber.stories[0].token)
                assert snapshot["type"] == "snapshot"
        await eventually(lambda: load.ledger.retries["503"] > 3, "actions get 503", 20)
        if THOROUGH:
            await eventually(lambda: now() - hanging > 20, "20 s", 30)
        environment.database.flow()
        fault_ended_at = now()
        await eventually(lambda: is_ready(environment), "both servers are ready again", 10)
        recovered = await load.recovery_time(fault_ended_at)
        await load.wait_for_actions(40)
    assert set(load.ledger.retries) == {"503"}
    assert load.ledger.slowest < RESPONSE_S * 2
    await environment.record(load, "PostgreSQL hangs", recovered)


async def test_no_action_is_stored_twice_if_the_response_to_a_commit_is_lost(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("postgresql")
    async with environment.load() as load:
        for number in range(1, 11 if THOROUGH else 5):
            await load.wait_for_actions(10)
            environment.database.cut_after = b"COMMIT"
            await eventually(
                lambda number=number: environment.database.cuts >= number, "a response was lost"
            )
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
        await load.wait_for_actions(20)
    assert set(load.ledger.retries) <= {"503"}
    await environment.record(load, "PostgreSQL's response to COMMIT lost", recovered)


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_if_connections_to_postgresql_are_cut(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("postgresql")
    async with environment.load() as load:
        for _ in range(20 if THOROUGH else 5):
            await load.wait_for_actions(15)
            environment.database.cut()
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
    assert set(load.ledger.retries) <= {"503"}
    await environment.record(load, "connections to PostgreSQL cut repeatedly", recovered)


@pytest.mark.slow
async def test_actions_get_503_while_postgresql_is_out_of_connections(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("postgresql")
    assert environment.postgres is not None
    async with environment.load() as load:
        await load.wait_for_actions(20)
        connections: list[asyncpg.Connection] = []
        environment.database.refuse_connections = True
        environment.database.cut()
        try:
            while True:
                connections.append(await asyncpg.connect(environment.postgres.dsn))
        except asyncpg.PostgresError:
            environment.database.refuse_connections = False
        await eventually(lambda: load.ledger.retries["503"] > 3, "actions get 503")
        for connection in connections:
            await connection.close()
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
    assert set(load.ledger.retries) == {"503"}
    await environment.record(load, "PostgreSQL out of connections", recovered)
