"""A process whose event loop stands still for seconds: what it was told is done when it goes on."""

from collections.abc import Awaitable, Callable

from tests.faults.fault_environment import THOROUGH, FaultEnvironment, now
from tests.loopback import http_client
from tests.waiting import eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]

FROZEN_S = 12 if THOROUGH else 4


async def test_a_process_stands_still_and_goes_on(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    frozen = stage.pair.other
    async with stage.load() as load:
        await load.more(40)
        sockets = [id(watcher.client) for watcher in load.watchers]
        lags = await frozen.metric("widget_event_loop_lag_seconds_sum")
        frozen.stop_hanging()
        held = now()
        try:
            load.endpoints = [stage.pair.one]
            async with http_client(timeout=5) as http:
                for story in load.stories:
                    answer = await http.get(f"{stage.pair.one.url}/v1/stories/{story.code}")
                    assert answer.status_code == 200, "the other one works on"
            await eventually(lambda: now() - held > FROZEN_S, "some seconds", FROZEN_S + 5)
        finally:
            frozen.cont()
        freed = now()
        load.endpoints = list(stage.servers)
        recovered = await load.recovery(freed)
        await load.more(40)
        # No one was cut: their sockets were silent for a while, and caught up.
        assert [id(watcher.client) for watcher in load.watchers] == sockets
        risen = await frozen.metric("widget_event_loop_lag_seconds_sum") - lags
        assert risen > FROZEN_S / 2, "operators see it"
    # One that is stopped inside a transaction holds SQLite's lock: the other says “later” then.
    assert set(load.ledger.retries) <= {"503"}
    await stage.verdict(load, f"a process stands still for {FROZEN_S} s (SIGSTOP)", recovered)
