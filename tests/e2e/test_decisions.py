"""Decisions are seen by open pages of both servers, and undone there too."""

import asyncio
import json
from typing import Any

import pytest

from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.waiting import eventually


def readable(comments: dict[str, Any]) -> dict[str, Any]:
    """Return comments without the numbers that every change moves."""
    return {name: {**one, "seq": 0} for name, one in comments.items()}


@pytest.mark.parametrize("verb", ["remove", "hold", "spam", "pin", "feature"])
async def test_a_decision_and_its_undoing_reach_every_reader(
    pair: Pair, publisher: Publisher, verb: str
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        top = await here.comment(code, "First.", name="Ana")
        await there.comment(code, "A reply.", parent=top["id"])
        await there.react(code, "thinking", comment=top["id"])
        await all_in_sync(code, here, there)
        before = readable(there.state(code).comments)
        done = await run(pair, "comment", verb, top["id"], "--reason", "other", "--json")
        await eventually(lambda: readable(there.state(code).comments) != before, "the decision")
        await all_in_sync(code, here, there)
        changed = there.state(code).comments[top["id"]]
        if verb not in ("pin", "feature"):
            assert (changed["state"], changed["text"], changed["author"]["name"]) == (
                "removed",
                [],
                None,
            )
            assert there.state(code).count == 1
        await run(pair, "undo", done["decision"], "--json")
        await eventually(lambda: readable(there.state(code).comments) == before, "the undoing")
        await all_in_sync(code, here, there)
        assert there.state(code).count == 2


async def run(pair: Pair, *words: str) -> Any:
    """Run a command next to the servers, and return its JSON."""
    return json.loads(await asyncio.to_thread(pair.cli, *words))
