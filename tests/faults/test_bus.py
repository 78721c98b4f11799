"""Valkey killed, emptied, frozen, cut off, swallowing, absent: posting never fails for it."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

from tests.faults.fault_environment import SEED, THOROUGH, FaultEnvironment, now, readiness
from tests.faults.proxy import Mangler
from tests.faults.slow_marker import slow
from tests.waiting import SLOWNESS, eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]

RECONCILE_S = 2.0 * SLOWNESS
"""Without a bus the other processes show a change within this time (by reconciliation)."""
NOTICED_S = 8.0
"""A bus that is away or back is noticed within this time."""


async def is_degraded(stage: FaultEnvironment) -> bool:
    return await readiness(stage) == [["bus"], ["bus"]]


async def is_well(stage: FaultEnvironment) -> bool:
    return await readiness(stage) == [[], []]


async def test_valkey_is_killed_and_comes_back_empty(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        await load.more(40)
        stage.valkey.kill()
        await eventually(lambda: is_degraded(stage), "it is noticed", NOTICED_S)
        for _ in range(3):
            assert await load.spread() < RECONCILE_S
        stage.valkey.start()
        returned = now()
        await eventually(lambda: is_well(stage), "it is found again", NOTICED_S)
        recovered = now() - returned
        await load.more(40)
        assert await load.spread() < 1
    assert not load.ledger.retries, "no action failed because of the bus"
    assert load.ledger.slowest < 1.5 * SLOWNESS
    await stage.verdict(load, "Valkey killed, back empty", recovered)


async def test_valkey_hangs(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        await load.more(40)
        process = stage.valkey.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        try:
            hanging = now()
            assert await load.spread() < RECONCILE_S + 1, "also before it is noticed"
            await eventually(lambda: is_degraded(stage), "it is noticed", NOTICED_S)
            while now() - hanging < (30 if THOROUGH else 6):
                assert await load.spread() < RECONCILE_S
        finally:
            process.send_signal(signal.SIGCONT)
        returned = now()
        await eventually(lambda: is_well(stage), "it is found again", NOTICED_S)
        recovered = now() - returned
        await load.more(40)
    assert not load.ledger.retries
    assert load.ledger.slowest < 1.5 * SLOWNESS
    await stage.verdict(load, "Valkey frozen (SIGSTOP)", recovered)


async def test_links_to_valkey_are_cut_again_and_again(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        for _ in range(30 if THOROUGH else 6):
            await load.more(15)
            stage.bus.cut()
        healed = now()
        recovered = await load.recovery(healed)
    assert not load.ledger.retries
    await stage.verdict(load, "links to Valkey cut again and again", recovered)


async def test_messages_are_lost_repeated_and_reordered(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    stage.bus.mangle = Mangler(SEED, lose=0.1, repeat=0.1, hold=0.3)
    stage.bus.cut()
    await eventually(lambda: is_well(stage), "the links are new")
    async with stage.load() as load:
        await load.more(600 if THOROUGH else 200)
        stage.bus.mangle.lose = stage.bus.mangle.repeat = stage.bus.mangle.hold = 0
        healed = now()
        recovered = await load.recovery(healed)
    mangled = stage.bus.mangle
    assert mangled.lost > 5
    assert mangled.repeated > 5
    assert mangled.held > 20
    assert not load.ledger.retries
    await stage.verdict(load, "messages lost, repeated, reordered", recovered)


@slow
async def test_answers_of_valkey_are_swallowed(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        for _ in range(5 if THOROUGH else 2):
            await load.more(15)
            stage.bus.swallowing = True
            await load.more(15)
            assert await load.spread() < RECONCILE_S + 1
            stage.bus.swallowing = False
        healed = now()
        await eventually(lambda: is_well(stage), "it is found again", NOTICED_S)
        recovered = now() - healed
    assert not load.ledger.retries
    await stage.verdict(load, "answers of Valkey swallowed", recovered)


async def test_valkey_is_away_at_the_start_and_comes_later(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite", bus=False)
    async with stage.load() as load:
        await load.more(30)
        assert await load.spread() < RECONCILE_S
        stage.valkey.start()
        came = now()
        await eventually(lambda: is_well(stage), "it is found", NOTICED_S)
        recovered = now() - came
        await load.more(30)
    assert not load.ledger.retries
    assert load.ledger.slowest < 1.5 * SLOWNESS
    await stage.verdict(load, "Valkey away at the start", recovered)


@slow
async def test_the_network_to_valkey_is_a_black_hole_for_a_minute(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        await load.more(40)
        stage.bus.hang()
        begun = now()
        while now() - begun < 60:
            assert await load.spread() < RECONCILE_S + 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 2)
        stage.bus.flow()
        healed = now()
        await eventually(lambda: is_well(stage), "it is found again", NOTICED_S)
        recovered = now() - healed
    assert not load.ledger.retries
    await stage.verdict(load, "black hole before Valkey, 60 s", recovered)


@slow
async def test_only_one_server_is_cut_off_from_valkey(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        await load.more(20)
        await stage.pair.other.kill()
        stage.pair.other.env["REDIS_URL"] = "redis://127.0.0.1:1"
        await stage.pair.other.start()
        await load.everyone_is_back()
        await load.more(20)
        recovered = await load.spread()
        assert recovered < RECONCILE_S
    await stage.verdict(load, "one server cut off from Valkey", recovered)
