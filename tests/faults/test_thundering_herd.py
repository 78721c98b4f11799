"""All readers of a killed server reconnect within one second."""

from typing import Any

import pytest

from tests.faults.fault_environment import THOROUGH, StartEnvironment
from tests.faults.load import FaultLoad
from tests.faults.thundering_herd import ThunderingHerd
from tests.waiting import SLOWNESS

READERS = 5_000 if THOROUGH else 300


def subscriptions(load: FaultLoad, positions: list[Any]) -> list[dict[str, Any]]:
    """Return the subscription fields of each reader.

    With `positions`, half of the readers resume. Every tenth reader has a reader token, so that the
    server also looks up the reader's own comments and reactions.
    """
    readers = []
    for number in range(READERS):
        fields: dict[str, Any] = {"token": load.stories[number % len(load.stories)].token}
        if number % 10 == 0:
            fields["reader"] = load.writers[number % len(load.writers)].reader
        if positions and number % 2:
            fields["since"] = positions[number]
        readers.append(fields)
    return readers


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"] if THOROUGH else ["sqlite"])
async def test_a_thundering_herd_needs_one_snapshot_query_per_story(
    start_environment: StartEnvironment, engine: str
) -> None:
    environment = await start_environment(engine)
    server = environment.pair.other
    # Long pauses of the writers: each comment goes to all readers, which run on the same cores.
    async with environment.load(max_pause_s=0.5) as load, ThunderingHerd(server.port) as herd:
        await load.wait_for_actions(40)
        before = await herd.connect(subscriptions(load, []), within=READERS / 500)
        assert (before["served"], before["missed"]) == (READERS, [])
        await server.kill()
        await herd.wait_closed()
        await server.start()
        back = await herd.connect(subscriptions(load, before["positions"]), within=1)
        assert (back["served"], back["missed"]) == (READERS, [])
        assert back["resumed"] == READERS // 2
        assert back["took"] < 20 * SLOWNESS
        # The limit includes readers that resume while writers post.
        assert 0 < await server.metric("widget_hub_snapshots_loaded_total") <= len(load.stories)
        await load.wait_for_actions(40)
    fault = f"{READERS:,} readers reconnect in one second after kill -9"
    await environment.record(load, fault, back["took"])
