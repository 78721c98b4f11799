"""Process that posts comments as fast as it can and logs what is committed, until it is killed."""

import asyncio
import os
from pathlib import Path

from tests.store.store_harness import LOG_KEYS
from widget_server.model.reactions import REACTIONS
from widget_server.store.engine import Database
from widget_server.store.queries.discussions import Discussions
from widget_server.store.writing.actions import Edit, Post, React
from widget_server.store.writing.writer import Writer

CODE = "crash0000001"


def main(url: str, acknowledged: Path, name: str) -> None:
    """Append the idempotency key of each comment to `acknowledged` after its commit, one write per key."""
    asyncio.run(_post(url, os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT), name))


async def _post(url: str, acknowledged: int, name: str) -> None:
    database = Database(url)
    await database.open()
    story = await Discussions(database).story(CODE)
    assert story is not None
    writer = Writer(database, lambda *_: None, LOG_KEYS)
    running = asyncio.create_task(writer.run())
    await asyncio.gather(
        *(_reader(writer, story.id, acknowledged, f"{name}-{n}") for n in range(10))
    )
    await running


async def _reader(writer: Writer, story: int, acknowledged: int, name: str) -> None:
    reactions = tuple(reaction.key for reaction in REACTIONS)
    number = 0
    while True:
        number += 1
        key = f"{name}-{number}"
        posted = await writer.submit(
            Post(
                story=story,
                id=f"{hash(key) & 0xFFFFFFFFFFF:x}"[:12].ljust(12, "z"),
                key=key,
                reader=name,
                source=f"Text of {key}.",
                text=[["p", None, f"Text of {key}."]],
                pending=False,
                reactions=reactions,
                at=1,
            )
        )
        os.write(acknowledged, f"{key}\n".encode())
        await writer.submit(React(story, posted.id, name, "happy", None, 1))
        await writer.submit(
            Edit(story, posted.id, name, "Edited.", [["p", None, "Edited."]], 10**9, False, 2)
        )
