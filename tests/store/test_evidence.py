"""What was reported is kept as it was then, for some days, and then no byte of it is left."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.store.backup_harness import ignore_progress
from tests.store.store_harness import DAY, LOG_KEYS, Store, decide, open_store
from tests.store.test_restore_merge import restored, store_at
from widget_server.model.records import Comment, Story
from widget_server.store import backup, migrate
from widget_server.store.engine import sqlite_path
from widget_server.store.schema_readers import reported_texts
from widget_server.store.writing.actions import Delete, Edit, Erase, Forget, Report
from widget_server.store.writing.kept_texts import erase_reported

AT = 2_000_000
KEEP = 14 * DAY


def report(story: Story, comment: str, reader: str, at: int = AT) -> Report:
    """Return a report of a comment."""
    return Report(story.id, comment, reader, None, at, "hate", keep=KEEP)


def edit(story: Story, comment: str, body: str, *, moderated: bool = False) -> Edit:
    """Return an edit by the comment's author."""
    return Edit(story.id, comment, "ana", body, [["p", None, body]], 10**9, moderated, AT)


async def reported(store: Store, body: str = "bad words") -> tuple[Story, Comment]:
    """Return a comment of `ana` that was reported."""
    story = await store.story()
    comment = await store.post(story, "ana", body)
    await store.writer.submit(report(story, comment.id, "ben"))
    return story, comment


async def kept(store: Store) -> list[tuple[int, str]]:
    """Return revisions and words of the reported texts."""
    rows = await store.rows(reported_texts)
    opened: list[Any] = [(row.revision, LOG_KEYS.unseal(row.sealed)) for row in rows]
    return sorted((revision, words["source"]) for revision, words in opened)


async def test_what_was_reported_stays_as_it_was_when_its_author_changes_it(store: Store) -> None:
    story, comment = await reported(store)
    await store.writer.submit(report(story, comment.id, "cem"))
    await store.writer.submit(edit(story, comment.id, "good words"))
    assert await kept(store) == [(1, "bad words")]
    await store.writer.submit(report(story, comment.id, "dan"))
    assert await kept(store) == [(1, "bad words"), (2, "good words")]
    (row, _) = sorted(await store.rows(reported_texts), key=lambda one: one.revision)
    assert "bad words" not in row.sealed
    assert (row.at, row.until) == (AT, AT + KEEP)


async def test_it_is_kept_while_its_case_waits_and_then_erased_on_its_day(store: Store) -> None:
    story, comment = await reported(store)
    late = AT + KEEP + 1
    assert await store.writer.run_in_transaction(erase_reported(late)) == 0
    await store.writer.submit(decide(story, comment.id, "approve", AT, queue="reported"))
    assert await store.writer.run_in_transaction(erase_reported(late - 1)) == 0
    assert await store.writer.run_in_transaction(erase_reported(late)) == 1
    assert await kept(store) == []


@pytest.mark.parametrize("how", ["delete", "forget", "erase"])
async def test_erasing_the_comment_erases_what_was_reported(store: Store, how: str) -> None:
    story, comment = await reported(store)
    await store.writer.submit(edit(story, comment.id, "good words"))
    match how:
        case "delete":
            await store.writer.submit(Delete(story.id, comment.id, "ana", 10**9, AT))
        case "forget":
            await store.writer.submit(Forget("ana", AT))
        case "erase":
            await store.writer.submit(decide(story, comment.id, "erase", AT))
    assert await kept(store) == []


async def test_a_report_and_an_erasure_in_one_batch_leave_nothing(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "bad words")
    await store.together(
        report(story, comment.id, "ben"), Delete(story.id, comment.id, "ana", 10**9, AT)
    )
    assert await kept(store) == []


async def test_a_removed_comment_keeps_it_and_a_reporter_who_forgets_does_not_take_it_away(
    store: Store,
) -> None:
    story, comment = await reported(store)
    await store.writer.submit(decide(story, comment.id, "remove", AT))
    await store.writer.submit(Forget("ben", AT))
    assert await kept(store) == [(1, "bad words")]
    await store.writer.submit(Erase(story.id, comment.id, AT))
    assert await kept(store) == []


async def test_a_backup_does_not_bring_back_what_was_erased_since(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.sqlite3"
    async with store_at(database_url) as store:
        story, comment = await reported(store)
        await backup.back_up(database_url, file, ignore_progress)
        await restored(store, database_url, file)
        assert await kept(store) == [(1, "bad words")]
        now = await store.now(story)
        await store.writer.submit(Delete(now.id, comment.id, "ana", 10**9, AT))
        await restored(store, database_url, file)
        assert await kept(store) == []


async def test_no_byte_of_it_is_left_in_the_file_after_its_day(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'widget.db'}"
    await migrate.upgrade(url)
    async with open_store(url) as store:
        story, comment = await reported(store, "a sentence that only this test writes")
        await store.writer.submit(edit(story, comment.id, "good words"))
        await store.writer.submit(decide(story, comment.id, "approve", AT, queue="reported"))
        (row,) = await store.rows(reported_texts)
        sealed = row.sealed.encode()
        assert LOG_KEYS.unseal(row.sealed) == {"source": "a sentence that only this test writes"}
        assert await store.writer.run_in_transaction(erase_reported(AT + KEEP + 1)) == 1
    path = sqlite_path(url)
    assert path is not None
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    for left in (path, tmp_path / "copy.db"):
        content = left.read_bytes()
        assert b"good words" in content
        assert b"a sentence that only this test" not in content
        assert sealed not in content
        assert sealed[20:60] not in content
