"""PostgreSQL killed, hanging, without connections, its answer to COMMIT cut off."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from tests.e2e.client import Client
from tests.faults.fault_environment import THOROUGH, FaultEnvironment, now
from tests.faults.load import ORIGIN
from tests.faults.slow_marker import slow
from tests.loopback import http_client
from tests.waiting import SLOWNESS, eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]

ANSWER_S = 8.0 * SLOWNESS
"""However the database is, every request is answered within this time."""


async def statuses(stage: FaultEnvironment, path: str) -> list[int]:
    """What each server answers now."""
    async with http_client() as http:
        asked = [http.get(server.url + path) for server in stage.servers]
        return [answer.status_code for answer in await asyncio.gather(*asked)]


async def is_unready(stage: FaultEnvironment) -> bool:
    return await statuses(stage, "/readyz") == [503, 503]


async def is_ready(stage: FaultEnvironment) -> bool:
    return await statuses(stage, "/readyz") == [200, 200]


async def test_postgresql_is_killed_and_restarted(set_stage: SetStage) -> None:
    stage = await set_stage("postgresql")
    assert stage.postgres is not None
    async with stage.load() as load:
        await load.more(40)
        stage.postgres.kill()
        await eventually(lambda: is_unready(stage), "it is noticed")
        assert await statuses(stage, "/healthz") == [200, 200]
        await eventually(lambda: load.ledger.retries["503"] > 3, "actions are put off")
        stage.postgres.start()
        returned = now()
        await eventually(lambda: is_ready(stage), "it is found again", 5)
        recovered = await load.recovery(returned)
        await load.more(40)
    assert set(load.ledger.retries) == {"503"}
    assert load.ledger.slowest < ANSWER_S
    await stage.verdict(load, "PostgreSQL killed and restarted", recovered)


async def test_postgresql_hangs(set_stage: SetStage) -> None:
    stage = await set_stage("postgresql")
    async with stage.load() as load:
        await load.more(40)
        stage.database.hang()
        hanging = now()
        await eventually(lambda: is_unready(stage), "it is noticed", 6)
        assert await statuses(stage, "/healthz") == [200, 200]
        # By then the site's rules are too old to be believed without asking, and no one answers.
        await eventually(lambda: now() - hanging > 3, "what is known is old")
        for watcher in load.watchers[:3]:
            assert watcher.client is not None
            async with Client(watcher.client.url, ORIGIN) as reader:
                snapshot = await reader.subscribe(watcher.stories[0].token)
                assert snapshot["type"] == "snapshot"
        await eventually(lambda: load.ledger.retries["503"] > 3, "actions are put off", 20)
        if THOROUGH:
            await eventually(lambda: now() - hanging > 20, "20 s", 30)
        stage.database.flow()
        returned = now()
        await eventually(lambda: is_ready(stage), "it is found again", 10)
        recovered = await load.recovery(returned)
        await load.more(40)
    assert set(load.ledger.retries) == {"503"}
    assert load.ledger.slowest < ANSWER_S * 2
    await stage.verdict(load, "PostgreSQL hangs", recovered)


async def test_the_answer_to_a_commit_is_lost(set_stage: SetStage) -> None:
    stage = await set_stage("postgresql")
    async with stage.load() as load:
        for number in range(1, 11 if THOROUGH else 5):
            await load.more(10)
            stage.database.cut_after = b"COMMIT"
            await eventually(
                lambda wanted=number: stage.database.cuts >= wanted, "an answer was cut off"
            )
        healed = now()
        recovered = await load.recovery(healed)
        await load.more(20)
    assert set(load.ledger.retries) <= {"503"}
    await stage.verdict(load, "PostgreSQL's answer to COMMIT cut off", recovered)


@slow
async def test_links_to_postgresql_are_cut_again_and_again(set_stage: SetStage) -> None:
    stage = await set_stage("postgresql")
    async with stage.load() as load:
        for _ in range(20 if THOROUGH else 5):
            await load.more(15)
            stage.database.cut()
        healed = now()
        recovered = await load.recovery(healed)
    assert set(load.ledger.retries) <= {"503"}
    await stage.verdict(load, "links to PostgreSQL cut again and again", recovered)


@slow
async def test_postgresql_is_out_of_connections(set_stage: SetStage) -> None:
    stage = await set_stage("postgresql")
    assert stage.postgres is not None
    async with stage.load() as load:
        await load.more(20)
        taken: list[asyncpg.Connection] = []
        stage.database.refusing = True
        stage.database.cut()
        try:
            while True:
                taken.append(await asyncpg.connect(stage.postgres.dsn))
        except asyncpg.PostgresError:
            stage.database.refusing = False
        await eventually(lambda: load.ledger.retries["503"] > 3, "actions are put off")
        for connection in taken:
            await connection.close()
        freed = now()
        recovered = await load.recovery(freed)
    assert set(load.ledger.retries) == {"503"}
    await stage.verdict(load, "PostgreSQL out of connections", recovered)
