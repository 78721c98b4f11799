"""Freeze what this version writes, so that later versions can be tested with it.

Run `python -m tests.contract.make_version` once for each release. It writes `versions/NUMBER.json`
(bus messages) and `versions/NUMBER.sql` (a SQLite database). The files of a released version are
never written again.
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from tests.store.store_harness import LOG_KEYS
from widget_server.bus.message import BusMessage
from widget_server.model.claims import Attribution
from widget_server.model.reactions import REACTIONS
from widget_server.model.records import Site
from widget_server.model.settings import SiteSettings
from widget_server.store import migrate
from widget_server.store.engine import Database
from widget_server.store.queries.sites import insert_site
from widget_server.store.queries.stories import insert_story, record_copy
from widget_server.store.writing.actions import Edit, Post, React
from widget_server.store.writing.writer import Writer

FOLDER = Path(__file__).parent / "versions"
CODE = "frozenstory1"
KEYS = tuple(reaction.key for reaction in REACTIONS)

MESSAGES = [
    BusMessage("comment", CODE, 41, "k3Jx", b'{"type":"comment"}', 12, 8, "9f2c"),
    BusMessage("story", CODE, 42, "", b'{"type":"story"}', 12, 0, "9f2c"),
    BusMessage("tally", CODE, 7, "k3Jx", b'{"type":"tally"}', 0, 0, "9f2c"),
    BusMessage("tally", CODE, 8, "", b'{"type":"tally"}', 0, 0, "9f2c"),
    BusMessage("presence", CODE, 3, "a1b2", b"1 2", 0, 0, ""),
]


async def fill(url: str) -> None:
    """Create a site, a story, a copy, two comments (one of them edited) and reactions."""
    await migrate.upgrade(url)
    database = Database(url)
    await database.open()
    writer = Writer(database, lambda *_: None, LOG_KEYS)
    running = asyncio.create_task(writer.run())
    await writer.run_in_transaction(insert_site(Site("paper", "A paper", 2, 1, SiteSettings())))
    story = await writer.run_in_transaction(
        insert_story(CODE, "paper", "s", 1, Attribution(title="A title"), dict.fromkeys(KEYS, 0))
    )
    await writer.run_in_transaction(
        record_copy(story, "j1", "https://copy.example", "Copy", "en", None)
    )
    for name, parent in (("first0000000", None), ("reply0000000", "first0000000")):
        await writer.submit(
            Post(
                story,
                name,
                f"key-{name}",
                "reader1",
                "Hello",
                ["Hello"],
                False,
                KEYS,
                parent=parent,
                copy=1,
                name="Ana",
                at=1_000,
            )
        )
        await writer.submit(React(story, name, "reader2", "happy", 1, 2_000))
    await writer.submit(React(story, None, "reader2", "sad", 1, 2_000))
    await writer.submit(
        Edit(story, "first0000000", "reader1", "Edited", ["Edited"], 10**9, False, 3_000)
    )
    running.cancel()
    await asyncio.wait({running})
    await database.close()


def write(print_line: Callable[[str], object] = sys.stdout.write) -> None:
    """Write both files of this version."""
    number = version("widget-server")
    frozen = [
        {
            **asdict(message),
            "payload": message.payload.decode(),
            "wire": message.encode().decode(),
        }
        for message in MESSAGES
    ]
    (FOLDER / f"{number}.json").write_text(json.dumps(frozen, indent=1) + "\n", "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frozen.db"
        asyncio.run(fill(f"sqlite+aiosqlite:///{file}"))
        with closing(sqlite3.connect(file)) as database:
            (FOLDER / f"{number}.sql").write_text("\n".join(database.iterdump()) + "\n", "utf-8")
    print_line(f"{FOLDER.name}/{number}\n")


if __name__ == "__main__":
    write()
