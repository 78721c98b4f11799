"""All readers of a server that died come back within one second."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.faults.fault_environment import THOROUGH, FaultEnvironment
from tests.faults.load import FaultLoad
from tests.faults.thundering_herd import ThunderingHerd
from tests.waiting import SLOWNESS

SetStage = Callable[..., Awaitable[FaultEnvironment]]

READERS = 5_000 if THOROUGH else 300


def asked(load: FaultLoad, positions: list[Any]) -> list[dict[str, Any]]:
    """What each subscribes with: of those who come back half know where they were.

    Every tenth has a token as reader, so that what it left in the story is looked for.
    """
    readers = []
    for number in range(READERS):
        asks: dict[str, Any] = {"token": load.stories[number % len(load.stories)].token}
        if number % 10 == 0:
            asks["reader"] = load.writers[number % len(load.writers)].reader
        if positions and number % 2:
            asks["since"] = positions[number]
        readers.append(asks)
    return readers


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"] if THOROUGH else ["sqlite"])
async def test_a_herd_is_served_from_one_snapshot_query_for_each_story(
    set_stage: SetStage, engine: str
) -> None:
    stage = await set_stage(engine)
    server = stage.pair.other
    # Writers who rest: each comment is read by all of the herd, which lives on the same two cores.
    async with stage.load(rest=0.5) as load, ThunderingHerd(server.port) as thundering_herd:
        await load.more(40)
        before = await thundering_herd.come(asked(load, []), within=READERS / 500)
        assert (before["served"], before["missed"]) == (READERS, [])
        await server.kill()
        await thundering_herd.gone()
        await server.start()
        back = await thundering_herd.come(asked(load, before["positions"]), within=1)
        assert (back["served"], back["missed"]) == (READERS, [])
        assert back["resumed"] == READERS // 2
        assert back["took"] < 20 * SLOWNESS
        # Also of those who came while others wrote, and who know where they were.
        assert 0 < await server.metric("widget_hub_snapshots_loaded_total") <= len(load.stories)
        await load.more(40)
    fault = f"{READERS:,} readers back in one second after kill -9"
    await stage.verdict(load, fault, back["took"])
