"""`kill -9` of one server process and of both: what was acknowledged is there, nothing is twice."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.stage import Stage, now
from tests.faults.thorough import thorough

SetStage = Callable[..., Awaitable[Stage]]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_one_of_two_servers_is_killed_and_comes_back(
    set_stage: SetStage, engine: str
) -> None:
    stage = await set_stage(engine)
    async with stage.load() as load:
        await load.more(60)
        struck = now()
        await stage.pair.other.kill()
        load.servers = load.doors = [stage.pair.one]
        await load.more(20)
        await load.everyone_is_back()
        recovered = await load.recovery(struck)
        assert max(watcher.away for watcher in load.watchers) < 10
        await stage.pair.other.start()
        load.servers = load.doors = list(stage.servers)
        await load.more(40)
    await stage.verdict(load, "kill -9 of one server", recovered)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_both_servers_are_killed_at_once_and_start_again(
    set_stage: SetStage, engine: str
) -> None:
    stage = await set_stage(engine)
    async with stage.load() as load:
        await load.more(60)
        await stage.pair.kill()
        await asyncio.gather(*(server.start() for server in stage.servers))
        restarted = now()
        await load.everyone_is_back()
        recovered = await load.recovery(restarted)
        await load.more(40)
    await stage.verdict(load, "kill -9 of both servers", recovered)


@thorough
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_servers_are_killed_in_turn_again_and_again(set_stage: SetStage, engine: str) -> None:
    stage = await set_stage(engine)
    async with stage.load() as load:
        for round_ in range(10):
            await load.more(30)
            victim = stage.servers[round_ % 2]
            await victim.kill()
            await load.more(10)
            await victim.start()
        restarted = now()
        await load.everyone_is_back()
        recovered = await load.recovery(restarted)
    await stage.verdict(load, "kill -9 of the servers in turn, 10 times", recovered)
