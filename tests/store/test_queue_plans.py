"""Query plans of the queue: each page is read from an index in its order, and counts are never counted."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import open_store
from widget_server.model.queue import CaseFilter, StorySet
from widget_server.store import migrate
from widget_server.store.queries.handed_cases import is_handed_to_other
from widget_server.store.queries.hints import select_own_hints, select_page_of_hints
from widget_server.store.queries.made_decisions import HARD_ONES
from widget_server.store.queries.new_comments import select_new
from widget_server.store.queries.queue import select_page
from widget_server.store.queries.queue_facts import select_facts, select_queue_counts
from widget_server.store.schema import cases
from widget_server.store.writing.old_cases import select_old_cases

AFTER = (5, 1_000, 7)
PAGES: dict[str, tuple[CaseFilter, str]] = {
    "a queue": (CaseFilter("pending"), "ix_cases_open"),
    "all queues": (CaseFilter(), "ix_cases_site"),
    "a queue in one language": (CaseFilter("reported", lang="fr"), "ix_cases_open"),
    "a queue of one copy": (CaseFilter("reported", copy=3), "ix_cases_open"),
    "a queue by reason": (CaseFilter("reported", reason="hate"), "ix_cases_open"),
    "a story": (CaseFilter(story="AbCdEfGhIjKl"), "ix_cases_story"),
    "a queue with a tag": (CaseFilter("reported", tag="urgent"), "ix_cases_open"),
    "a watch-list of a tag": (
        CaseFilter("reported", stories=StorySet(tag="urgent")),
        "ix_cases_open",
    ),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database with all tables."""
    path: Path = tmp_path_factory.mktemp("plans") / "widget.db"
    url = f"sqlite+aiosqlite:///{path}"
    asyncio.run(migrate.upgrade(url))
    return url


async def plan(url: str, query: Any) -> list[str]:
    """Return the steps that SQLite would take."""
    sql = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})

    async def explain(connection: AsyncConnection) -> list[str]:
        steps = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")
        return [row.detail for row in steps]

    async with open_store(url) as store:
        return await store.database.read(explain)


@pytest.mark.parametrize("after", [None, AFTER])
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_of_cases_comes_from_an_index_in_its_order(
    database: str, name: str, after: Any
) -> None:
    chosen, index = PAGES[name]
    query: Select[Any] = select_page("s", chosen, 2_000, after, 25, ("edits",))
    steps = await plan(database, query)
    own = [step for step in steps if " cases " in f"{step} "]
    assert len(own) == 1, steps
    assert f"USING INDEX {index}" in own[0], steps
    assert not [step for step in steps if "ORDER BY" in step or step.startswith("SCAN")], steps


async def test_handed_cases_are_read_by_person_and_the_names_beside_a_case_by_key(
    database: str,
) -> None:
    mine = CaseFilter("mine", handed_to="account:ann")
    steps = await plan(database, select_page("s", mine, 2_000, None, 25))
    assert "SEARCH cases USING INTEGER PRIMARY KEY (rowid=?)" in steps, steps
    assert any("USING INDEX ix_handed_cases_person (site=? AND person=?)" in one for one in steps)
    others = is_handed_to_other("account:ann", 2_000)
    page = select_page("s", CaseFilter("pending"), 2_000, None, 25)
    for query in (page, page.where(~others), select(cases.c.id).where(~others)):
        steps = await plan(database, query)
        assert not [step for step in steps if "handed_cases" in step and "rowid=?" not in step]
        for name in ("receiver", "giver", "api_keys"):
            assert all("(id=?)" in step for step in steps if f" {name} " in step), steps


async def test_the_numbers_come_from_counters_and_the_oldest_case_from_an_index(
    database: str,
) -> None:
    steps = await plan(database, select_queue_counts("s", None))
    assert any("case_counts" in step and "site=?" in step for step in steps), steps
    (own,) = [step for step in steps if " cases " in f"{step} "]
    assert "USING INDEX ix_cases_age (site=? AND queue=?)" in own
    steps = await plan(database, select_facts("s", 1, None))
    assert not [
        step
        for step in steps
        if step.startswith("SCAN") and "some" not in step and "anon" not in step
    ], steps


async def test_what_cases_are_filtered_by_is_counted_before_the_names_are_looked_up(
    tmp_path: Path,
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'widget.db'}"
    await migrate.upgrade(url)
    # With numbers like these, SQLite would rather read all copies than look some of them up.
    known = (
        "('stories', 'sqlite_autoindex_stories_1', '1000 1'),"
        "('copies', 'sqlite_autoindex_copies_1', '500 1 1 1'),"
        "('cases', 'ix_cases_site', '100000 100000 100000 1 1')"
    )
    async with open_store(url) as store:
        for change in ("ANALYZE", f"INSERT INTO sqlite_stat1 VALUES {known}"):
            await store.writer.run_in_transaction(
                lambda connection, change=change: connection.exec_driver_sql(change)  # type: ignore[misc]
            )
    steps = await plan(url, select_facts("s", 1, None))
    for table in ("stories", "copies"):
        assert f"SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)" in steps, steps


@pytest.mark.parametrize(
    "query",
    [
        select_facts("s", 1, None),
        select_page("s", CaseFilter("reported", reason="off_topic"), 2_000, None, 25),
        HARD_ONES,
    ],
)
def test_no_pattern_is_a_parameter_with_which_sqlite_would_plan_anew_each_time(query: Any) -> None:
    sql = str(query.compile(dialect=sqlite.dialect()))
    assert " LIKE '" in sql
    assert "LIKE ?" not in sql


@pytest.mark.parametrize("after", [None, (1_000, "h")])
async def test_a_page_of_hints_comes_from_an_index_in_its_order(database: str, after: Any) -> None:
    steps = await plan(database, select_page_of_hints("s", None, after, 25))
    (own,) = [step for step in steps if " hints " in f"{step} "]
    assert "USING INDEX ix_hints_open (site=?" in own
    record = [step for step in steps if " other " in step]
    assert record
    assert all("ix_hints_reader (reader=?" in step for step in record), steps
    assert not [step for step in steps if "ORDER BY" in step or step.startswith("SCAN")], steps


async def test_own_hints_are_read_by_reader_and_story(database: str) -> None:
    steps = await plan(database, select_own_hints(7, ["ann", "ben"]))
    (own,) = [step for step in steps if " hints " in f"{step} "]
    assert "USING INDEX ix_hints_reader (reader=? AND story=?)" in own
    assert not [step for step in steps if step.startswith("SCAN")], steps


async def test_what_is_new_is_read_from_the_comments_of_stories_that_changed_since(
    database: str,
) -> None:
    query = select_new("s", CaseFilter("new"), (1_000, "c"), 2_000, 3_000, 25, ("x",))
    steps = await plan(database, query)
    own = [step for step in steps if " comments " in f"{step} "]
    assert any("ix_comments_story_created (story=? AND created_at>" in step for step in own), steps
    stories = [step for step in steps if " stories " in f"{step} "]
    assert any("ix_stories_site_changed (site=? AND changed_at>?)" in step for step in stories)
    assert not [step for step in steps if step.startswith("SCAN")], steps


@pytest.mark.parametrize(
    "terms",
    [
        StorySet(("AbCdEfGhIjKl",)),
        StorySet(newer_than=24),
        StorySet(top=20),
        StorySet(lang="fr", origin="https://x.example"),
    ],
)
async def test_a_watch_list_reads_no_whole_table(database: str, terms: StorySet) -> None:
    chosen = CaseFilter(stories=terms)
    steps = await plan(database, select_page("s", chosen, 2_000, AFTER, 25, ("edits",)))
    # The first rows of a subquery with an order are a list of their own, which is short.
    assert not [step for step in steps if step.startswith("SCAN") and "subquery" not in step], steps
    cases = [step for step in steps if " cases " in f"{step} "]
    assert len(cases) == 1, steps
    assert "USING INDEX ix_cases" in cases[0], steps


async def test_old_closed_cases_are_found_by_site_and_time(database: str) -> None:
    steps = await plan(database, select_old_cases("s", 1_000))
    (own,) = [step for step in steps if " cases " in f"{step} "]
    assert "ix_cases_closed (site=? AND closed_at" in own, steps
