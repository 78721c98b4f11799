"""Backups are complete and verified. A restore replaces all data or nothing, and sets a new epoch."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.e2e.client import Client
from tests.e2e.harness import ServerProcess
from tests.store.backup_harness import CODE, ignore_progress, make, opened, post
from tests.waiting import eventually
from widget_server.model.errors import UnavailableError
from widget_server.model.records import ShutOut
from widget_server.store import backup, migrate, restore
from widget_server.store.engine import DatabaseUnavailableError
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.embed_files import EmbedFiles, store_embed_files
from widget_server.store.queries.sites import Sites, revoke_token, shut_out_origin
from widget_server.store.schema_raids import raids
from widget_server.store.writing.actions import React


async def test_a_backup_holds_every_row_and_restores_into_either_engine(
    database_url: str, tmp_path: Path, sqlite_url: str, postgres_url: str
) -> None:
    file = tmp_path / "backup.sqlite3"
    async with opened(database_url) as (_, writer):
        story = await make(writer)
        await asyncio.gather(*(writer.submit(post(story, n)) for n in range(1_500)))
        await writer.submit(React(story, None, "r1", "happy", None, 1))
        await writer.run_in_transaction(revoke_token("press", "gone"))
        await writer.run_in_transaction(shut_out_origin("press", "https://bad.example", CODE))
        rows = await backup.back_up(database_url, file, ignore_progress)
    assert rows["comments"] == 1_500
    assert rows["reactions"] == 1
    for url in {sqlite_url, postgres_url} - {database_url}:
        async with opened(url) as (database, writer):
            before = database.epoch
            assert (await restore.restore(url, file, ignore_progress)).rows == rows
            found = await Discussions(database).snapshot(CODE)
            restored, page = found.story, found.page
            assert restored.count == 1_500
            assert restored.tally.counts == {"happy": 1, "sad": 0}
            assert page.threads[0].top.source == "Hello"
            assert database.epoch not in {"", before}
            sites = Sites(database)
            assert await sites.revoked("press") == {"gone"}
            assert await sites.shut_out("press") == {ShutOut("https://bad.example", CODE)}
            # The next `seq` follows the last one of the backup.
            again = await writer.submit(post(restored.id, 1_500))
            assert again.seq == restored.seq + 1


async def test_a_backup_does_not_say_from_which_network_a_raid_came(
    database_url: str, tmp_path: Path, sqlite_url: str
) -> None:
    file = tmp_path / "backup.sqlite3"
    begun = {"site": "press", "began_at": 1, "held_until": 2, "until": 2, "by": "", "held": 1}
    subjects = {"network": "secret network", "text": "1f"}
    found = [begun | {"id": one, "kind": one, "subject": subjects[one]} for one in subjects]

    async def put(connection: AsyncConnection) -> None:
        await connection.execute(insert(raids), found)

    async with opened(database_url) as (_, writer):
        await make(writer)
        await writer.run_in_transaction(put)
        await backup.back_up(database_url, file, ignore_progress)
    with closing(sqlite3.connect(file)) as copy:
        kept = copy.execute("SELECT kind, subject FROM raids ORDER BY kind").fetchall()
    assert b"secret network" not in file.read_bytes()
    assert kept == [("network", ""), ("text", "1f")]


async def test_a_backup_is_one_consistent_view_while_readers_write(
    database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url) as (_, writer):
        story = await make(writer)
        await asyncio.gather(*(writer.submit(post(story, n)) for n in range(200)))

        async def keep_writing() -> None:
            for number in range(200, 600):
                await writer.submit(post(story, number))

        writing = asyncio.create_task(keep_writing())
        await backup.back_up(database_url, tmp_path / "b.sqlite3", ignore_progress)
        await writing
    with sqlite3.connect(tmp_path / "b.sqlite3") as copy:
        comments, published, seq = copy.execute(
            "SELECT (SELECT COUNT(*) FROM comments), published, seq FROM stories"
        ).fetchone()
    copy.close()
    assert comments == published == seq
    assert 200 <= comments <= 600


async def test_an_existing_file_is_not_overwritten(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "precious"
    file.write_text("mine")
    await migrate.upgrade(sqlite_url)
    with pytest.raises(DatabaseUnavailableError, match="exists already"):
        await backup.back_up(sqlite_url, file, ignore_progress)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"not a database at all", b"SQLite format 3\x00" * 99])
async def test_a_file_that_is_no_backup_is_rejected_and_the_old_data_stays(
    database_url: str, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    async with opened(database_url) as (database, writer):
        await make(writer)
        with pytest.raises(DatabaseUnavailableError):
            await restore.restore(database_url, file, ignore_progress)
        story = await Discussions(database).story(CODE)
        assert story is not None


async def test_an_interrupted_restore_leaves_the_old_data_serving(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.sqlite3"
    async with opened(database_url) as (database, writer):
        story = await make(writer)
        await asyncio.gather(*(writer.submit(post(story, n)) for n in range(50)))
        await backup.back_up(database_url, file, ignore_progress)
        await writer.submit(post(story, 50))
        before = database.epoch

        def interrupted(table: str, done: int, _total: int) -> None:
            if table == "comments" and done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await restore.restore(database_url, file, interrupted)
        assert (await Discussions(database).snapshot(CODE)).story.count == 51
        assert database.epoch == before


async def test_after_a_restore_the_first_action_must_be_retried(
    database_url: str, tmp_path: Path
) -> None:
    """Ids may belong to other stories now, so no action with old ids is written."""
    file = tmp_path / "backup.sqlite3"
    async with opened(database_url) as (_, writer):
        story = await make(writer)
        await backup.back_up(database_url, file, ignore_progress)
        await restore.restore(database_url, file, ignore_progress)
        with pytest.raises(UnavailableError):
            await writer.submit(post(story, 1))
        assert (await writer.submit(post(story, 1))).seq == 1


async def test_open_pages_receive_a_new_snapshot_after_a_restore(
    new_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = new_server()
    await server.start()
    server.cli("site", "create", "press", "--name", "Press")
    token = server.cli(
        "token", "--site", "press", "--story", "one", "--origin", "https://a.example"
    )
    async with Client(server.url, "https://a.example") as reader:
        code = (await reader.subscribe(token=token))["story"]["code"]
        await reader.comment(code, "before the backup")
        server.cli("backup", str(tmp_path / "b.sqlite3"))
        await reader.comment(code, "after the backup")
        server.cli("restore", str(tmp_path / "b.sqlite3"))

        def snapshots() -> int:
            return sum(message["type"] == "snapshot" for message in reader.messages)

        await eventually(lambda: snapshots() == 2, "a fresh snapshot")
        await reader.wait_in_sync(code)
        assert reader.messages[-1]["count"] == 1
        await reader.comment(code, "life goes on")
        await reader.wait_in_sync(code)


async def test_a_restore_keeps_the_embed_files_of_every_build(
    database_url: str, tmp_path: Path
) -> None:
    """Open pages may still request files of any build. A file never changes."""
    file = tmp_path / "backup.sqlite3"
    async with opened(database_url) as (database, writer):
        await writer.run_in_transaction(store_embed_files({"1.0.0-aaaaaaaa-live.js": "old"}))
        rows = await backup.back_up(database_url, file, ignore_progress)
        assert rows["embed_files"] == 1
        await writer.run_in_transaction(
            store_embed_files({"1.0.0-aaaaaaaa-live.js": "other", "1.0.1-bbbbbbbb-live.js": "new"})
        )
        await restore.restore(database_url, file, ignore_progress)
        files = EmbedFiles(database)
        assert await files.names() == {"1.0.0-aaaaaaaa-live.js", "1.0.1-bbbbbbbb-live.js"}
        assert await files.content("1.0.0-aaaaaaaa-live.js") == "old", "what was there first stays"
        assert await files.content("1.0.1-bbbbbbbb-live.js") == "new"
        assert await files.content("1.0.2-cccccccc-live.js") is None
