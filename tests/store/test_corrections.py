"""Corrections of a story: each is a numbered change and an entry of the log, and survives a backup."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import LOG_KEYS, Store, decide, open_store, undo
from widget_server.model.corrections import MAX_SHOWN, MAX_STORED, Correction, shown
from widget_server.model.errors import NotPermittedError, TextRejectedError
from widget_server.model.records import Story
from widget_server.store import backup, migrate, restore
from widget_server.store.queries.decisions import Decisions, LogFilter
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.schema import stories
from widget_server.store.writing.actions import Decide

WORDS = "The Marit was built in 1961, not in 1971."


def correct(story: Story, name: str, at: int = 1, **more: Any) -> Decide:
    """Return the action that publishes a correction."""
    new = Correction(id=name, at=at, kind="correction", text=more.pop("text", WORDS), **more)
    return decide(story, "", "correct", at, id=name, correction=new)


async def test_a_correction_is_one_numbered_change_and_one_entry_of_the_log(store: Store) -> None:
    story = await store.story()
    await store.writer.submit(correct(story, "first"))
    await store.writer.submit(correct(story, "second", texts={"de": "1961"}, credit="Ana"))
    now = await store.now(story)
    assert [one.id for one in now.corrections] == ["first", "second"]
    assert (now.seq, now.corrections[1].text_in("de-AT")) == (2, "1961")
    entries = await Decisions(store.database).log("s", LogFilter(), None, 10)
    assert [one.verb for one in entries] == ["correct", "correct"]
    assert "1961" not in repr([(one.before, one.after) for one in entries])
    assert (await LogCheck(store.database, LOG_KEYS).verify()).damages == []


async def test_a_withdrawn_correction_keeps_its_place_and_loses_its_words(store: Store) -> None:
    story = await store.story()
    await store.writer.submit(correct(story, "first", passage="in 1971"))
    await store.writer.submit(decide(story, "", "close", 2))
    await store.writer.submit(correct(story, "second", 3))
    await store.writer.submit(undo(story, "", "first", 4, id="undone"))
    now = await store.now(story)
    first, second = now.corrections
    assert (first.text, first.passage, first.withdrawn_at) == ("", None, 4)
    assert (second.text, second.withdrawn_at, now.closed) == (WORDS, None, True)
    seq = now.seq
    await store.writer.submit(undo(story, "", "first", 5))
    assert (await store.now(story)).seq == seq, "it was withdrawn before"
    with pytest.raises(NotPermittedError):
        await store.writer.submit(undo(story, "", "undone", 6))


async def test_a_story_shows_its_newest_corrections_and_takes_so_many(store: Store) -> None:
    story = await store.story()
    for number in range(MAX_STORED):
        await store.writer.submit(correct(story, f"n{number}"))
    made = (await store.now(story)).corrections
    assert [one.id for one in shown(made)] == [f"n{MAX_STORED - 1 - n}" for n in range(MAX_SHOWN)]
    with pytest.raises(TextRejectedError):
        await store.writer.submit(correct(story, "one-more"))
    long = [Correction("a", 1, "update", "語" * 1_000, {"ja": "語" * 3_000})] * MAX_SHOWN
    assert 1 <= len(shown(long)) < 5


async def test_corrections_survive_a_backup_and_its_restoring(
    database_url: str, tmp_path: Path
) -> None:
    await migrate.upgrade(database_url)
    file = tmp_path / "backup.sqlite3"
    async with open_store(database_url) as store:
        story = await store.story()
        await store.writer.submit(correct(story, "first", texts={"ja": "1961年"}))
        before = (await store.now(story)).corrections
        await backup.back_up(database_url, file, lambda *_: None)
        await store.writer.submit(correct(story, "later"))
        await restore.restore(database_url, file, lambda *_: None)
        assert (await store.now(story)).corrections == before


@pytest.mark.parametrize("damage", ["[", "{}", '[{"id": 1}]', '[{"id":"a","at":1,"kind":"x"}]'])
async def test_damaged_corrections_cost_the_corrections_and_not_the_story(
    store: Store, damage: str
) -> None:
    story = await store.story()

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(update(stories).values(corrections=damage))

    await store.writer.run_in_transaction(run)
    assert (await store.now(story)).corrections == ()
