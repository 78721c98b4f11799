"""A process is frozen for seconds; it continues with the requests that it received meanwhile."""

from tests.faults.fault_environment import THOROUGH, StartEnvironment, now
from tests.loopback import http_client
from tests.waiting import eventually

FROZEN_S = 12 if THOROUGH else 4


async def test_a_frozen_process_continues_without_closing_sockets(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    frozen = environment.pair.other
    async with environment.load() as load:
        await load.wait_for_actions(40)
        sockets = [id(subscriber.client) for subscriber in load.subscribers]
        lags = await frozen.metric("widget_event_loop_lag_seconds_sum")
        frozen.freeze()
        held = now()
        try:
            load.endpoints = [environment.pair.one]
            async with http_client(timeout=5) as http:
                for story in load.stories:
                    answer = await http.get(f"{environment.pair.one.url}/v1/stories/{story.code}")
                    assert answer.status_code == 200, "the other server works"
            await eventually(lambda: now() - held > FROZEN_S, "some seconds", FROZEN_S + 5)
        finally:
            frozen.unfreeze()
        fault_ended_at = now()
        load.endpoints = list(environment.servers)
        recovered = await load.recovery_time(fault_ended_at)
        await load.wait_for_actions(40)
        # No socket was closed: the sockets got nothing for a while and then caught up.
        assert [id(subscriber.client) for subscriber in load.subscribers] == sockets
        risen = await frozen.metric("widget_event_loop_lag_seconds_sum") - lags
        assert risen > FROZEN_S / 2, "the loop lag metric shows it"
    # A process frozen inside a transaction holds SQLite's lock; then the other one answers 503.
    assert set(load.ledger.retries) <= {"503"}
    await environment.record(load, f"process frozen for {FROZEN_S} s (SIGSTOP)", recovered)
