"""This version reads the bus messages and (after a migration) the databases of released versions.

`versions/` has both for each release, written once by `make_version.py`.
"""

import asyncio
import json
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.contract.make_version import CODE, FOLDER, KEYS
from tests.store.store_harness import LOG_KEYS
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
def test_its_messages_are_decoded(number: str) -> None:
    frozen = json.loads((FOLDER / f"{number}.json").read_text("utf-8"))
    assert {entry["kind"] for entry in frozen} >= {"comment", "story", "tally", "presence"}
    for entry in frozen:
        encoded, payload = entry.pop("wire").encode(), entry.pop("payload").encode()
        assert decode(entry["story"], encoded) == BusMessage(**entry, payload=payload)


@pytest.mark.parametrize("number", RELEASED)
async def test_its_database_can_be_migrated_and_used(
    number: str, tmp_path: Path, postgres_url: str
) -> None:
    file = tmp_path / "frozen.db"
    with closing(sqlite3.connect(file)) as database:
        database.executescript((FOLDER / f"{number}.sql").read_text("utf-8"))
    # Both ways of an operator: migrated in place, and restored from its backup to PostgreSQL.
    await migrate.upgrade(postgres_url)
    await restore.restore(postgres_url, file, lambda _table, _done, _total: None)
    for url in (f"sqlite+aiosqlite:///{file}", postgres_url):
        assert await migrate.upgrade(url) == migrate.head_revision()
        await _check_reads_and_writes(url)


async def _check_reads_and_writes(url: str) -> None:
    database = Database(url)
    await database.open()
    discussions = Discussions(database)
    snapshot = await discussions.snapshot(CODE)
    story, page = snapshot.story, snapshot.page
    assert (story.count, story.tally.counts["sad"]) == (2, 1)
    (thread,) = page.threads
    assert (thread.top.source, thread.top.name) == ("Edited", "Ana")
    assert [reply.id for reply in thread.replies] == ["reply0000000"]
    assert thread.top.tally.counts["happy"] == 1
    writer = Writer(database, lambda *_: None, LOG_KEYS)
    running = asyncio.create_task(writer.run())
    posted = await writer.submit(
        Post(story.id, "third0000000", "key", "reader1", "New", ["New"], False, KEYS, at=4_000)
    )
    assert posted.seq == story.seq + 1
    running.cancel()
    await asyncio.wait({running})
    await database.close()
