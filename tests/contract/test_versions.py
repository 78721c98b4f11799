"""What released versions wrote is read: messages of the bus as they are, databases after a migration.

`versions/` holds both for each release, made by `make_version.py` and never again.
"""

import asyncio
import json
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.contract.make_version import CODE, FOLDER, KEYS
from widget_server.bus.message import BusMessage, decode
from widget_server.store import migrate, restore
from widget_server.store.engine import Database
from widget_server.store.queries.discussions import Discussions
from widget_server.store.writing.actions import Post
from widget_server.store.writing.writer import Writer

RELEASED = sorted(path.stem for path in FOLDER.glob("*.sql"))


def test_this_version_is_frozen_too() -> None:
    assert version("widget-server") in RELEASED
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == RELEASED


@pytest.mark.parametrize("number", RELEASED)
def test_its_messages_are_understood(number: str) -> None:
    frozen = json.loads((FOLDER / f"{number}.json").read_text("utf-8"))
    assert {one["kind"] for one in frozen} >= {"comment", "story", "tally", "presence"}
    for one in frozen:
        wire, payload = one.pop("wire").encode(), one.pop("payload").encode()
        assert decode(one["story"], wire) == BusMessage(**one, payload=payload)


@pytest.mark.parametrize("number", RELEASED)
async def test_its_database_is_migrated_and_goes_on(
    number: str, tmp_path: Path, postgres_url: str
) -> None:
    file = tmp_path / "frozen.db"
    with closing(sqlite3.connect(file)) as database:
        database.executescript((FOLDER / f"{number}.sql").read_text("utf-8"))
    # As an operator of either engine has it: in place, and moved by its backup.
    await migrate.upgrade(postgres_url)
    await restore.restore(postgres_url, file, lambda _table, _done, _total: None)
    for url in (f"sqlite+aiosqlite:///{file}", postgres_url):
        assert await migrate.upgrade(url) == migrate.head_revision()
        await _goes_on(url)


async def _goes_on(url: str) -> None:
    database = Database(url)
    await database.open()
    discussions = Discussions(database)
    found = await discussions.snapshot(CODE)
    story, page = found.story, found.page
    assert (story.count, story.tally.counts["sad"]) == (2, 1)
    (thread,) = page.threads
    assert (thread.top.source, thread.top.name) == ("Edited", "Ana")
    assert [reply.id for reply in thread.replies] == ["reply0000000"]
    assert thread.top.tally.counts["happy"] == 1
    writer = Writer(database, lambda *_: None)
    running = asyncio.create_task(writer.run())
    posted = await writer.submit(
        Post(story.id, "third0000000", "key", "reader1", "New", ["New"], False, KEYS, at=4_000)
    )
    assert posted.seq == story.seq + 1
    running.cancel()
    await asyncio.wait({running})
    await database.close()
