"""Query plans: no read or action makes SQLite scan all comments of a story."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.statements import engines_of, recorded
from tests.store.store_harness import LOG_KEYS, Store, decide, open_store, post
from widget_server.model.batches import Search
from widget_server.model.records import Story
from widget_server.store import migrate
from widget_server.store.queries import log_check
from widget_server.store.queries.batches import Batches
from widget_server.store.queries.decisions import Decisions
from widget_server.store.queries.owner_comments import OwnerComments
from widget_server.store.queries.whole_discussion import Place
from widget_server.store.writing.actions import Delete, Edit, Forget, React, Report

COMMENTS = 10_000

#: A scan of a table, or of all rows of a story: an index of which only the story is used.
SCAN = re.compile(
    r"SCAN (comments|reactions|stories)\b"
    r"|SEARCH (comments|reactions) USING .*(autoindex_\w+|_seq|_thread) \(story=\?\)"
    r"|SEARCH comments USING INDEX ix_comments_top_born \(story=\? AND born>\?\)"
    r"|SEARCH comments USING INDEX ix_comments_story_born \(story=\?\)"
    r"|SEARCH decisions USING INDEX sqlite_autoindex_decisions_1 \(story=\?\)"
)
#: Queries whose rows an index already holds in order: they must not sort.
SORTED = {
    *("changes", "tallies", "recent", "whole", "whole thread"),
    *("tagged", "tagged further", "tagged for programs"),
}
Operation = Callable[[Store, Story, str], Awaitable[Any]]


def reads(name: str, *arguments: Any) -> Operation:
    return lambda store, story, _: getattr(store.discussions, name)(story.code, *arguments)


OPERATIONS: dict[str, Operation] = {
    "snapshot": reads("snapshot"),
    "newest": reads("page", "newest", "WyJuZXdlc3QiLDUwMF0", 20),
    "oldest": reads("page", "oldest", None, 20),
    "top": reads("page", "top", None, 20),
    "top further": reads("page", "top", "WyJ0b3AiLDEsNTAwXQ", 20),
    "changes": reads("changes", COMMENTS - 50),
    "tallies": reads("tallies", 5, 500),
    "recent": reads("recent", 500),
    "latest": lambda store, story, _: store.discussions.latest(story, 50),
    "latest of site": lambda store, story, _: store.discussions.latest_of_site(story.site, 50),
    "featured": lambda store, story, _: store.discussions.featured(story, 50),
    "featured of site": lambda store, story, _: store.discussions.featured(story.site, 50),
    "tagged": lambda store, story, _: OwnerComments(store.database).tagged(
        story.site, "urgent", None, 30
    ),
    "tagged further": lambda store, story, _: OwnerComments(store.database).tagged(
        story.site, "urgent", (5, "a"), 30
    ),
    "tagged for programs": lambda store, story, _: Decisions(store.database).comments(
        story.site, None, None, 30, "urgent"
    ),
    "whole": lambda store, story, _: store.discussions.part(story.id, Place(COMMENTS - 900)),
    "whole thread": lambda store, story, comment: store.discussions.part(
        story.id, Place(COMMENTS - 900, comment, COMMENTS - 900)
    ),
    "in order": lambda store, story, _: store.discussions.in_order(story.id, COMMENTS - 50, 20),
    "changed at": lambda store, story, _: store.discussions.changed_at(story.site),
    "counts": lambda store, story, _: store.discussions.counts([story.code]),
    "positions": lambda store, story, _: store.discussions.positions([story.code]),
    "mine": lambda store, story, _: store.discussions.own(story.id, ["r1", "r2"]),
    "thread": lambda store, story, comment: store.discussions.thread(story.code, comment),
    "react": lambda store, story, comment: store.writer.submit(
        React(story.id, comment, "f", "happy", None, 1)
    ),
    "post": lambda store, story, comment: store.post(story, parent=comment),
    "edit": lambda store, story, comment: store.writer.submit(
        Edit(story.id, comment, "r0", "new", [], 10**9, False, 2)
    ),
    "report": lambda store, story, comment: store.writer.submit(
        Report(story.id, comment, "r", None, 1)
    ),
    "moderate": lambda store, story, comment: store.writer.submit(decide(story, comment, "pin", 1)),
    "delete": lambda store, story, comment: store.writer.submit(
        Delete(story.id, comment, "r0", 10**9, 2)
    ),
    "forget": lambda store, story, _: store.writer.submit(Forget("r3", 1)),
}


@pytest.fixture(scope="module")
def busy_database(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Return a database with a story of 10,000 comments: its URL, the story's code, the first comment."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('busy_database') / 'widget.db'}"
    return asyncio.run(_group(url))


async def _group(url: str) -> tuple[str, str, str]:
    await migrate.upgrade(url)
    async with open_store(url) as store:
        story = await store.story()
        other = await store.story("other")
        top = await store.post(story, "r0", id="first")
        await asyncio.gather(
            *(
                store.writer.submit(
                    post(
                        story if number % 10 else other,
                        f"r{number % 997}",
                        parent=top.id if number % 3 == 1 and number % 10 else None,
                    )
                )
                for number in range(COMMENTS)
            )
        )
    return url, story.code, top.id


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_query_finds_its_comments_by_an_index(
    busy_database: tuple[str, str, str], name: str
) -> None:
    url, code, comment = busy_database
    async with open_store(url) as store:
        story = await store.discussions.story(code)
        assert story is not None
        plans = await _plans(store, partial(OPERATIONS[name], store, story, comment))
        assert plans
        for sql, steps in plans:
            scans = [step for step in steps if SCAN.match(step)]
            if name.startswith("whole"):
                # The beginning of the rest, in the order of the index: nothing is sorted.
                assert "LIMIT" in sql
                scans = [step for step in scans if "ix_comments_top_born" not in step]
            if "IS NULL AND pinned" in sql:
                scans += [step for step in steps if "top_" in step]
            scans += [step for step in steps if "ORDER BY" in step and name in SORTED]
            assert not scans, (sql, steps)


async def test_a_search_of_a_whole_site_reads_its_comments_in_the_order_of_the_table(
    busy_database: tuple[str, str, str],
) -> None:
    # By an index, each comment is on another page of the file: four times as long for a million.
    async with open_store(busy_database[0]) as store:
        batches = Batches(store.database)
        search = Search(phrase="ferry", until=10**15)
        found = partial(batches.targets, "s", "remove", search, None, 100)
        previewed = partial(batches.preview, "s", "remove", search, 10, None)
        for read in (found, previewed):
            steps = [step for _, steps in await _plans(store, read) for step in steps]
            assert "SCAN comments" in steps, steps
            assert not [step for step in steps if step.startswith("SCAN comments USING")], steps


async def test_a_log_is_checked_part_after_part_without_reading_it_from_its_beginning(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_check, "CHUNK", 2)
    async with open_store(migrated_url) as store:
        story = await store.story()
        comment = await store.post(story)
        for number in range(6):
            verb = "pin" if number % 2 == 0 else "unpin"
            await store.writer.submit(decide(story, comment.id, verb, number))
        check = log_check.LogCheck(store.database, LOG_KEYS)
        assert (await check.verify()).entries == 6
        if not store.database.is_sqlite:
            return
        later = [steps for sql, steps in await _plans(store, check.verify) if ") > (" in sql]
        assert len(later) == 3
        assert all("((story,number)>(?,?))" in steps[0] for steps in later), later


async def _plans(store: Store, work: Callable[[], Awaitable[Any]]) -> list[tuple[str, list[str]]]:
    """Do the work and return its statements, each with the steps by which SQLite does it."""
    with recorded(*engines_of(store.database)) as statements:
        await work()

    async def explain(connection: AsyncConnection, sql: str, parameters: Any) -> list[str]:
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
        return [row.detail for row in plan]

    return [
        (sql, await store.database.read(partial(explain, sql=sql, parameters=parameters)))
        for sql, parameters in statements
        if sql.startswith(("SELECT", "UPDATE", "DELETE", "WITH"))
    ]
