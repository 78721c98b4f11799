"""Process that decides and undoes as fast as it can, and logs what is committed, until it is killed."""

import asyncio
import itertools
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.store.store_harness import LOG_KEYS, decide, post, undo
from widget_server.auth.tokens import story_code
from widget_server.model.claims import Attribution
from widget_server.model.corrections import Correction
from widget_server.model.decisions import new_id
from widget_server.model.errors import ProblemError
from widget_server.model.records import Story
from widget_server.store.engine import Database
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.stories import insert_story
from widget_server.store.writing.actions import Forget, Report, SendHint
from widget_server.store.writing.writer import Writer

CODE = "crash0000001"
VERBS = (
    *("remove", "hold", "approve", "pin", "unpin", "feature", "unfeature", "restore"),
    *("tag", "untag"),
)


def main(url: str, acknowledged: Path, name: str, seed: int, about: str) -> None:
    """Append the id of each decision to `acknowledged` after its commit, one write per id.

    `about` is `comments` or `hints`.
    """
    opened = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    asyncio.run(_decide(url, opened, name, random.Random(seed), about))


async def _decide(url: str, acknowledged: int, name: str, rng: random.Random, about: str) -> None:
    database = Database(url)
    await database.open()
    story = await Discussions(database).story(CODE)
    assert story is not None
    writer = Writer(database, lambda *_: None, LOG_KEYS)
    running = asyncio.create_task(writer.run())
    if about == "comments":
        work = [_moderator(writer, story, acknowledged, f"{name}{n}", rng) for n in range(5)]
    else:
        work = [_editor(database, writer, acknowledged, f"{name}{n}", rng) for n in range(5)]
    await asyncio.gather(*work)
    await running


async def _moderator(
    writer: Writer, story: Story, acknowledged: int, name: str, rng: random.Random
) -> None:
    for number in itertools.count():
        comment = f"{name}x{number}"
        words = post(story, name, f"Words of {comment}.", id=comment, pending=number % 2 == 0)
        await writer.submit(words)
        for _ in range(4):
            verb = rng.choice(VERBS)
            action: Any = decide(story, comment, verb, id=new_id(), note="a note", tag="urgent")
            if await _submit(writer, acknowledged, action) and rng.random() < 0.5:
                await _submit(writer, acknowledged, undo(story, comment, action.id, id=new_id()))
        await _submit(writer, acknowledged, Report(story.id, comment, "reader", "spam", 1))


async def _editor(
    database: Database, writer: Writer, acknowledged: int, name: str, rng: random.Random
) -> None:
    """Answer hints with corrections and without, undo some answers, and let some readers forget."""
    for number in itertools.count():
        key = f"{name}x{number}"
        code = story_code("paper", key)
        title = Attribution(title=key)
        await writer.run_in_transaction(insert_story(code, "paper", key, 1, title, {}))
        story = await Discussions(database).story(code)
        assert story is not None
        for reader in ("a", "b", "c", "d"):
            sent = await writer.submit(SendHint(story.id, new_id(), f"{key}{reader}", "Words.", 1))
            for _ in range(rng.randrange(3)):
                action: Any = decide(story, "", "reject", id=new_id(), hint=sent.id)
                if rng.random() < 0.6:
                    new = Correction(action.id, 1, "update", "Words.")
                    action = replace(action, verb="correct", correction=new)
                if await _submit(writer, acknowledged, action) and rng.random() < 0.5:
                    await _submit(writer, acknowledged, undo(story, "", action.id, id=new_id()))
            if rng.random() < 0.2:
                await writer.submit(Forget(f"{key}{reader}", 2))


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
