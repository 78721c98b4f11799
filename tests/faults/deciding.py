"""Process that decides and undoes as fast as it can, and logs what is committed, until it is killed."""

import asyncio
import itertools
import os
import random
from pathlib import Path
from typing import Any

from tests.store.store_harness import LOG_KEYS, decide, post, undo
from widget_server.model.decisions import new_id
from widget_server.model.errors import ProblemError
from widget_server.model.records import Story
from widget_server.store.engine import Database
from widget_server.store.queries.discussions import Discussions
from widget_server.store.writing.actions import Report
from widget_server.store.writing.writer import Writer

CODE = "crash0000001"
VERBS = ("remove", "hold", "approve", "pin", "unpin", "restore")


def main(url: str, acknowledged: Path, name: str, seed: int) -> None:
    """Append the id of each decision to `acknowledged` after its commit, one write per id."""
    opened = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    asyncio.run(_decide(url, opened, name, random.Random(seed)))


async def _decide(url: str, acknowledged: int, name: str, rng: random.Random) -> None:
    database = Database(url)
    await database.open()
    story = await Discussions(database).story(CODE)
    assert story is not None
    writer = Writer(database, lambda *_: None, LOG_KEYS)
    running = asyncio.create_task(writer.run())
    await asyncio.gather(
        *(_moderator(writer, story, acknowledged, f"{name}{n}", rng) for n in range(5))
    )
    await running


async def _moderator(
    writer: Writer, story: Story, acknowledged: int, name: str, rng: random.Random
) -> None:
    for number in itertools.count():
        comment = f"{name}x{number}"
        words = post(story, name, f"Words of {comment}.", id=comment, pending=number % 2 == 0)
        await writer.submit(words)
        for _ in range(4):
            action: Any = decide(story, comment, rng.choice(VERBS), id=new_id(), note="a note")
            if await _submit(writer, acknowledged, action) and rng.random() < 0.5:
                await _submit(writer, acknowledged, undo(story, comment, action.id, id=new_id()))
        await _submit(writer, acknowledged, Report(story.id, comment, "reader", "spam", 1))


async def _submit(writer: Writer, acknowledged: int, action: Any) -> bool:
    """Submit an action. Return whether it was logged as a decision."""
    try:
        done = await writer.submit(action)
    except ProblemError:
        return False
    if done is None or done.decision is None:
        return False
    os.write(acknowledged, f"{done.decision.id}\n".encode())
    return True
