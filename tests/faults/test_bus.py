"""Valkey is killed, frozen, cut off or missing: actions never fail, and servers stay in sync."""

import asyncio
import contextlib
import signal

import pytest

from tests.faults.fault_environment import (
    SEED,
    THOROUGH,
    FaultEnvironment,
    StartEnvironment,
    now,
    readiness,
)
from tests.faults.proxy import Mangler
from tests.waiting import SLOWNESS, eventually

RECONCILE_S = 2.0 * SLOWNESS
"""Without the bus, the other processes show a change within this time, by reconciliation."""
BUS_DETECTION_S = 8.0
"""`/readyz` reports that the bus failed, or works again, within this time."""


async def is_degraded(environment: FaultEnvironment) -> bool:
    """Return True if both servers report the bus as degraded."""
    return await readiness(environment) == [["bus"], ["bus"]]


async def is_healthy(environment: FaultEnvironment) -> bool:
    """Return True if no server reports a degraded part."""
    return await readiness(environment) == [[], []]


async def test_no_action_fails_while_valkey_is_killed_and_restarts_empty(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        await load.wait_for_actions(40)
        environment.valkey.kill()
        await eventually(
            lambda: is_degraded(environment),
            "both servers report the bus as degraded",
            BUS_DETECTION_S,
        )
        for _ in range(3):
            assert await load.delivery_time() < RECONCILE_S
        environment.valkey.start()
        fault_ended_at = now()
        await eventually(
            lambda: is_healthy(environment), "both servers use the bus again", BUS_DETECTION_S
        )
        recovered = now() - fault_ended_at
        await load.wait_for_actions(40)
        assert await load.delivery_time() < 1
    assert not load.ledger.retries, "no action failed because of the bus"
    assert load.ledger.slowest < 1.5 * SLOWNESS
    await environment.record(load, "Valkey killed and restarted empty", recovered)


async def test_no_action_fails_while_valkey_is_frozen(start_environment: StartEnvironment) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        await load.wait_for_actions(40)
        process = environment.valkey.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        try:
            hanging = now()
            assert await load.delivery_time() < RECONCILE_S + 1, "also before the servers report it"
            await eventually(
                lambda: is_degraded(environment),
                "both servers report the bus as degraded",
                BUS_DETECTION_S,
            )
            while now() - hanging < (30 if THOROUGH else 6):
                assert await load.delivery_time() < RECONCILE_S
        finally:
            process.send_signal(signal.SIGCONT)
        fault_ended_at = now()
        await eventually(
            lambda: is_healthy(environment), "both servers use the bus again", BUS_DETECTION_S
        )
        recovered = now() - fault_ended_at
        await load.wait_for_actions(40)
    assert not load.ledger.retries
    # One that waited for the bus would have taken as long as it was frozen.
    assert load.ledger.slowest < (fault_ended_at - hanging) / 2
    await environment.record(load, "Valkey frozen (SIGSTOP)", recovered)


async def test_no_action_fails_while_connections_to_valkey_are_cut(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        for _ in range(30 if THOROUGH else 6):
            await load.wait_for_actions(15)
            environment.bus.cut()
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
    assert not load.ledger.retries
    await environment.record(load, "connections to Valkey cut repeatedly", recovered)


async def test_readers_stay_in_sync_if_bus_messages_are_lost_repeated_and_reordered(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    environment.bus.mangle = Mangler(SEED, lose=0.1, repeat=0.1, hold=0.3)
    environment.bus.cut()
    await eventually(lambda: is_healthy(environment), "the servers have reconnected")
    async with environment.load() as load:
        await load.wait_for_actions(600 if THOROUGH else 200)
        environment.bus.mangle.lose = environment.bus.mangle.repeat = (
            environment.bus.mangle.hold
        ) = 0
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
    mangled = environment.bus.mangle
    assert mangled.lost > 5
    assert mangled.repeated > 5
    assert mangled.held > 20
    assert not load.ledger.retries
    await environment.record(load, "messages lost, repeated, reordered", recovered)


@pytest.mark.slow
async def test_no_action_fails_while_responses_of_valkey_are_dropped(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        for _ in range(5 if THOROUGH else 2):
            await load.wait_for_actions(15)
            environment.bus.drop_responses = True
            await load.wait_for_actions(15)
            assert await load.delivery_time() < RECONCILE_S + 1
            environment.bus.drop_responses = False
        fault_ended_at = now()
        await eventually(
            lambda: is_healthy(environment), "both servers use the bus again", BUS_DETECTION_S
        )
        recovered = now() - fault_ended_at
    assert not load.ledger.retries
    await environment.record(load, "responses of Valkey dropped", recovered)


async def test_servers_work_without_valkey_and_use_it_once_it_starts(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite", bus=False)
    async with environment.load() as load:
        await load.wait_for_actions(30)
        assert await load.delivery_time() < RECONCILE_S
        environment.valkey.start()
        fault_ended_at = now()
        await eventually(
            lambda: is_healthy(environment), "both servers use the bus", BUS_DETECTION_S
        )
        recovered = now() - fault_ended_at
        await load.wait_for_actions(30)
    assert not load.ledger.retries
    assert load.ledger.slowest < 1.5 * SLOWNESS
    await environment.record(load, "Valkey not running at the start", recovered)


@pytest.mark.slow
async def test_no_action_fails_while_connections_to_valkey_hang_for_a_minute(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        await load.wait_for_actions(40)
        environment.bus.hang()
        begun = now()
        while now() - begun < 60:
            assert await load.delivery_time() < RECONCILE_S + 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 2)
        environment.bus.flow()
        fault_ended_at = now()
        await eventually(
            lambda: is_healthy(environment), "both servers use the bus again", BUS_DETECTION_S
        )
        recovered = now() - fault_ended_at
    assert not load.ledger.retries
    await environment.record(load, "connections to Valkey hang, 60 s", recovered)


@pytest.mark.slow
async def test_a_server_without_valkey_stays_in_sync(start_environment: StartEnvironment) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        await load.wait_for_actions(20)
        await environment.pair.other.kill()
        environment.pair.other.env["REDIS_URL"] = "redis://127.0.0.1:1"
        await environment.pair.other.start()
        await load.wait_connected()
        await load.wait_for_actions(20)
        recovered = await load.delivery_time()
        assert recovered < RECONCILE_S
    await environment.record(load, "one server without Valkey", recovered)
