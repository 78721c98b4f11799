"""A process that posts as fast as it can and says what is saved, until it is killed."""

import asyncio
import os
from pathlib import Path

from widget_server.model.settings import REACTIONS
from widget_server.store.engine import Database
from widget_server.store.queries.discussions import Discussions
from widget_server.store.writing.actions import Edit, Post, React
from widget_server.store.writing.writer import Writer

CODE = "crash0000001"


def main(url: str, said: Path, name: str) -> None:
    """Append the client key of each comment to `said` after its commit, in one write each."""
    asyncio.run(_post(url, os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT), name))


async def _post(url: str, said: int, name: str) -> None:
    database = Database(url)
    await database.open()
    story = await Discussions(database).story(CODE)
    assert story is not None
    writer = Writer(database, lambda *_: None)
    running = asyncio.create_task(writer.run())
    await asyncio.gather(*(_reader(writer, story.id, said, f"{name}-{n}") for n in range(10)))
    await running


async def _reader(writer: Writer, story: int, said: int, name: str) -> None:
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
        os.write(said, f"{key}\n".encode())
        await writer.submit(React(story, posted.id, name, "happy", None, 1))
        await writer.submit(
            Edit(story, posted.id, name, "Edited.", [["p", None, "Edited."]], 10**9, False, 2)
        )
