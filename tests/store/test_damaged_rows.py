"""Damaged rows: a discussion is shown without them, and each is logged."""

import json
import logging
import re
from typing import Any

import pytest
from sqlalchemy import update

from tests.store.damages import DAMAGES
from tests.store.store_harness import Store, decide, done, post
from widget_server.model.errors import NotFoundError, UnavailableError
from widget_server.model.records import Comment
from widget_server.operations.cache import LookupCache
from widget_server.store import damaged_rows
from widget_server.store.queries.sites import update_site
from widget_server.store.schema import comments, sites, stories
from widget_server.store.writing.actions import Edit, Forget


async def break_row(store: Store, table: Any, columns: dict[str, Any], *where: Any) -> None:
    """Write directly to the database."""

    async def run(connection: Any) -> None:
        await connection.execute(update(table).where(*where).values(columns))

    await store.writer.run_in_transaction(run)


@pytest.fixture(autouse=True)
def _nothing_logged_yet() -> None:
    damaged_rows._logged.clear()


async def test_a_story_is_read_without_a_comment_that_is_damaged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for name, columns in DAMAGES.items():
        caplog.clear()
        await read_without(store, name, columns)
        lines = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
        assert len(lines) == 2, name
        assert all(re.fullmatch(r"event=row_damaged table=comments row=c\d+", one) for one in lines)


async def read_without(store: Store, name: str, columns: dict[str, Any]) -> None:
    """Every read of a story with two damaged comments."""
    story = await store.story(name)
    bad = await store.post(story, "ann", "secret words")
    good = await store.post(story, "ben")
    reply = await store.post(story, "ann", parent=good.id)
    before = damaged_rows.DAMAGE_METRICS.damaged
    await break_row(store, comments, columns, comments.c.id.in_([bad.id, reply.id]))
    read = store.discussions

    def ids(found: list[Comment]) -> list[str]:
        return [one.id for one in found]

    (thread,) = (await read.snapshot(story.code)).page.threads
    assert (thread.top.id, ids(thread.replies)) == (good.id, [])
    for order in ("newest", "oldest", "top"):
        page = await read.page(story.code, order, None, 10)
        assert [one.top.id for one in page.threads] == [good.id]
    assert ids((await read.thread(story.code, good.id)).replies) == []
    with pytest.raises(NotFoundError):
        await read.thread(story.code, bad.id)
    changes = await read.changes(story.code, 0)
    assert (ids(changes.comments), changes.complete) == ([good.id], False)
    assert ids((await read.recent(story.code, 10)).comments) == [good.id]
    assert ids((await read.own(story.id, ["ann", "ben"]))["ben"].comments) == [good.id]
    assert (await read.tallies(story.code, 0, 10))[1] == []
    assert await read.pending("s", 10) == []
    assert (await read.counts([story.code]))[0][2] == 3
    assert damaged_rows.DAMAGE_METRICS.damaged > before


async def test_a_page_continues_after_a_damaged_comment(store: Store) -> None:
    story = await store.story()
    posted = [await store.post(story, f"r{n}", at=n) for n in range(6)]
    await break_row(store, comments, {"text": "{"}, comments.c.id.in_([posted[4].id, posted[2].id]))
    seen, before = [], None
    for _ in range(6):
        page = await store.discussions.page(story.code, "newest", before, 2)
        seen += [thread.top.id for thread in page.threads]
        before = page.next
        if before is None:
            break
    assert seen == [posted[n].id for n in (5, 3, 1, 0)]


async def test_a_thread_continues_after_more_damaged_replies_than_a_part_has(store: Store) -> None:
    story = await store.story()
    top = await store.post(story)
    posted = [(await store.post(story, f"r{n}", parent=top.id, at=n)).id for n in range(113)]
    await break_row(store, comments, {"text": "{"}, comments.c.id.in_(posted[5:110]))
    seen: list[str] = []
    after: str | None = top.id
    while after is not None:
        part = await store.discussions.thread(story.code, top.id, after)
        seen += [reply.id for reply in part.replies]
        before, after = after, part.next
        assert before != after
    assert seen == posted[:5] + posted[110:]


async def test_a_resume_misses_only_the_damaged_row(store: Store) -> None:
    """The result contains all other changes after a number, although one row is left out."""
    story = await store.story()
    posted = [await store.post(story, f"r{n}", at=n) for n in range(5)]
    await break_row(store, comments, {"text": "{"}, comments.c.id == posted[3].id)
    latest = await store.discussions.recent(story.code, 3)
    assert [one.id for one in latest.comments] == [posted[2].id, posted[4].id]
    assert latest.floor == posted[2].seq - 1


async def test_a_damaged_comment_can_be_removed_and_fails_no_other_action(
    store: Store,
) -> None:
    for name, columns in DAMAGES.items():
        await remove_damaged(store, name, columns)


async def remove_damaged(store: Store, name: str, columns: dict[str, Any]) -> None:
    """Submit every action to a damaged comment and to a valid one."""
    story = await store.story(name)
    bad = await store.post(story, "ann")
    await store.react(story, "ann", "sad", bad.id)
    await break_row(store, comments, columns, comments.c.id == bad.id)
    actions = [
        decide(story, bad.id, "pin", 1),
        post(story, "ben", parent=bad.id),
        Edit(story.id, bad.id, "ann", "better", ["better"], 10**9, False, 1_000_001),
        post(story, "cem"),
    ]
    answers = await store.together(*actions)
    assert not any(isinstance(one, UnavailableError) for one in answers), answers
    assert isinstance(answers[-1], Comment)
    removed = await done(store, decide(story, bad.id, "remove", 2))
    assert (removed.state, removed.text) == ("removed", [])
    # Every part of the row is readable again.
    found = [
        one.top.id for one in (await store.discussions.page(story.code, "oldest", None, 9)).threads
    ]
    assert bad.id in found


async def test_a_damaged_comment_is_erased_with_its_author(store: Store) -> None:
    story = await store.story()
    bad = await store.post(story, "ann", "my words")
    await break_row(
        store, comments, {"text": "{", "created_at": 300_000_000_000_000}, comments.c.id == bad.id
    )
    assert await store.writer.submit(Forget("ann", 2_000_000)) == 1
    (row,) = await store.rows(comments)
    assert (row.state, row.source, row.text, row.reader) == ("removed", "", "[]", "")
    assert [one.top.id for one in (await store.discussions.snapshot(story.code)).page.threads] == [
        bad.id
    ]


async def test_a_story_whose_counts_are_damaged_is_shown_without_them(store: Store) -> None:
    story = await store.story()
    await store.post(story)
    await break_row(store, stories, {"counts": "no"}, stories.c.id == story.id)
    assert (await store.now(story)).tally.counts == {}
    if store.database.is_sqlite:  # the other engine would not take it
        await break_row(store, stories, {"title": b"\xff"}, stories.c.id == story.id)
        assert (await store.now(story)).title is None
    assert (await store.discussions.snapshot(story.code)).story.count == 1
    tally = await store.react(story, "ann", "happy")
    assert tally.counts == {"happy": 1}


RULES: dict[str, dict[str, Any]] = {
    "list": {"settings": "[1]"},
    "text": {"settings": "no"},
    "reactions": {"settings": '{"reactions": 5}'},
    "number": {"settings": '{"edit_window": "x"}'},
    "switch": {"settings": '{"open_reading": 1}'},
    "pace": {"settings": '{"rate_limit_comment": "often"}'},
    "key": {"generation": 0},
}


async def test_damaged_settings_are_not_replaced_by_defaults(store: Store) -> None:
    """The damaged settings may forbid open reading."""
    await store.story(site="well")
    for slug, columns in RULES.items():
        await store.story(site=slug)
        await break_row(store, sites, columns, sites.c.slug == slug)
        with pytest.raises(UnavailableError):
            await store.sites.find(slug)
        with pytest.raises(UnavailableError):
            await store.writer.run_in_transaction(update_site(slug, lambda site: site))
    assert [one.slug for one in await store.sites.all()] == ["well"]


async def test_counts_leave_out_the_stories_of_a_damaged_site(store: Store) -> None:
    well, bad = await store.story(site="well"), await store.story(site="bad")
    await break_row(store, sites, {"settings": "[]"}, sites.c.slug == "bad")
    counted = await LookupCache(store.sites, store.discussions).counts_cache.counts(
        [bad.code, well.code]
    )
    assert list(json.loads(counted)["stories"]) == [well.code]
