"""The tables of jobs in backups, and reads about closing that stay cheap."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tests.statements import engines_of, recorded
from tests.store.backup_harness import ignore_progress
from tests.store.store_harness import Store, open_store
from widget_server.model.page_facts import PageFacts
from widget_server.store import backup, migrate, restore
from widget_server.store.queries.closings import Closings
from widget_server.store.queries.page_facts import (
    PagesOfCopies,
    ask_for_page,
    store_page_facts,
)
from widget_server.store.queries.schedule import (
    Schedule,
    lease_work,
    put_in_schedule,
    repeat_in_schedule,
)
from widget_server.store.queries.stories import MAX_COPIES, record_copy
from widget_server.store.schema import copies, page_facts
from widget_server.store.writing.actions import UpdateStory

PAGE = "https://copy.example/article"


async def look(store: Store, copy: int, title: str) -> None:
    """Store what was seen on a copy's page."""
    run = store.writer.run_in_transaction
    assert await run(ask_for_page(copy, PAGE, "copy.example", 1_000, 0)) is None
    await run(store_page_facts(copy, PAGE, "read", PageFacts(title, "en", True, False, None)))


async def test_schedule_facts_and_closing_dates_survive_backup_and_restore(
    database_url: str, tmp_path: Path
) -> None:
    await migrate.upgrade(database_url)
    file = tmp_path / "backup.sqlite3"
    async with open_store(database_url) as store:
        run = store.writer.run_in_transaction
        story = await store.story()
        copy = await run(record_copy(story.id, "j", "https://copy.example", None, "en", PAGE))
        assert copy is not None
        await look(store, copy.id, "Copied")
        await store.writer.submit(UpdateStory(story.id, {"closes_at": 5_000}))
        await run(put_in_schedule("close_story", story.code, 5_000))
        await run(repeat_in_schedule([("sweep", 60_000, 1_000)]))
        schedule, pages = Schedule(store.database), PagesOfCopies(store.database)
        before = await schedule.all(10), await pages.seen([copy.id])
        await backup.back_up(database_url, file, ignore_progress)
        await run(put_in_schedule("close_story", "another", 5_000))
        await look(store, copy.id, "Changed")
        await store.writer.submit(UpdateStory(story.id, {"closes_at": None}))
        await restore.restore(database_url, file, ignore_progress)
        assert (await schedule.all(10), await pages.seen([copy.id])) == before
        assert (await store.now(story)).closes_at == 5_000


async def test_a_copy_that_gives_up_its_place_takes_its_facts_along(store: Store) -> None:
    run = store.writer.run_in_transaction
    story = await store.story()
    first = await run(record_copy(story.id, "j0", "https://c.example", None, None, PAGE))
    assert first is not None
    await look(store, first.id, "Copied")
    for number in range(1, MAX_COPIES + 1):
        await run(record_copy(story.id, f"j{number}", "https://c.example", None, None, None))
    assert await store.rows(copies, copies.c.id == first.id) == []
    assert await store.rows(page_facts) == []


async def test_only_open_stories_whose_date_has_passed_are_due(store: Store) -> None:
    due, later, closed, none = [await store.story(key) for key in ("a", "b", "c", "d")]
    for story, columns in (
        (due, {"closes_at": 1_000}),
        (later, {"closes_at": 1_001}),
        (closed, {"closes_at": 1_000, "closed": True}),
    ):
        await store.writer.submit(UpdateStory(story.id, columns))
    closings = Closings(store.database)
    assert await closings.due(1_000, 10) == [due.code]
    assert await closings.due(999, 10) == []
    assert none.closes_at is None


async def test_what_a_server_asks_at_rest_is_found_by_an_index(sqlite_url: str) -> None:
    await migrate.upgrade(sqlite_url)
    async with open_store(sqlite_url) as store:
        run = store.writer.run_in_transaction
        for number in range(300):
            await run(put_in_schedule("look_at_page", str(number), 2_000))
        with recorded(*engines_of(store.database)) as asked:
            await Schedule(store.database).is_due(["look_at_page", "sweep"], 1_000)
            await run(lease_work(["look_at_page", "sweep"], 1_000, 2_000))
            await Closings(store.database).due(1_000, 10)
            await run(ask_for_page(1, PAGE, "copy.example", 1_000, 10))
        plans = []
        for sql, given in asked:
            if "schedule" in sql or "stories" in sql or "max(" in sql:
                plans.append(await plan_of(store, sql, given))
    assert [INDEX.findall(plan)[:1] for plan in plans] == [
        ["ix_schedule_kind_due_at"],
        ["ix_schedule_kind_due_at"],
        ["ix_stories_closes_at"],
        ["ix_page_facts_host_fetched_at"],
    ], plans


INDEX = re.compile(r"INDEX (ix_\w+)")


async def plan_of(store: Store, sql: str, given: Any) -> str:
    """Return SQLite's plan for a statement."""

    async def read(connection: AsyncConnection) -> str:
        found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
        return " ".join(str(row) for row in found.all())

    return await store.database.read(read)
