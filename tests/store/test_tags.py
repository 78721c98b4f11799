"""Tags in the database: given, taken off, undone, erased, and unseen by readers' events."""

import json

import pytest
from sqlalchemy import update

from tests.store.store_harness import (
    DAY,
    LOG_KEYS,
    Store,
    changes,
    decide,
    done,
    undo,
)
from widget_server.model.errors import ErasedError, StaleError, TooLargeError
from widget_server.model.records import Comment, CommentState, Story
from widget_server.store.queries.decisions import Decisions
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.schema import comments, decisions
from widget_server.store.writing.actions import Decide, Delete, Edit, Forget
from widget_server.store.writing.kept_texts import erase_expired

AT = 2_000_000


def tag(story: Story, comment: str, name: str, verb: str = "tag", **more: object) -> Decide:
    return decide(story, comment, verb, AT, tag=name, **more)


async def stored(store: Store, comment: Comment) -> str | None:
    """Return the column of a comment."""
    (row,) = await store.rows(comments, comments.c.id == comment.id)
    found: str | None = row.tags
    return found


async def test_tags_are_given_in_order_once_and_taken_off(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    assert (await done(store, tag(story, comment.id, "urgent"))).tags == ("urgent",)
    assert (await done(store, tag(story, comment.id, "good quote"))).tags == (
        "urgent",
        "good quote",
    )
    again = await store.writer.submit(tag(story, comment.id, "URGENT"))
    assert again.decision is None
    assert await stored(store, comment) == '["urgent","good quote"]'
    assert (await done(store, tag(story, comment.id, "Urgent", "untag"))).tags == ("good quote",)
    nothing = await store.writer.submit(tag(story, comment.id, "urgent", "untag"))
    assert nothing.decision is None
    assert (await done(store, tag(story, comment.id, "good quote", "untag"))).tags == ()
    assert await stored(store, comment) is None
    entries = sorted(await store.rows(decisions), key=lambda row: row.number)
    assert [
        (one.verb, json.loads(one.before)["tags"], json.loads(one.after)["tags"]) for one in entries
    ] == [
        ("tag", [], ["urgent"]),
        ("tag", ["urgent"], ["urgent", "good quote"]),
        ("untag", ["urgent", "good quote"], ["good quote"]),
        ("untag", ["good quote"], []),
    ]
    assert (await LogCheck(store.database, LOG_KEYS).verify()).damages == []


async def test_a_tag_is_no_change_that_readers_are_told_of(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    before, told = await store.discussions.story(story.code), len(store.events)
    tagged = await done(store, tag(story, comment.id, "urgent"))
    end = tag(story, comment.id, "urgent", "untag")
    await store.writer.submit(end)
    await store.writer.submit(undo(story, comment.id, end.id))
    after = await store.discussions.story(story.code)
    assert before is not None
    assert after is not None
    assert (after.seq, after.changed_at) == (before.seq, before.changed_at)
    assert (tagged.seq, tagged.changed_at, tagged.revision) == (
        comment.seq,
        comment.changed_at,
        comment.revision,
    )
    assert len(store.events) == told


async def test_undo_gives_a_tag_back_or_takes_it_off_and_only_the_last_one(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    first, second = tag(story, comment.id, "urgent"), tag(story, comment.id, "quote")
    await store.writer.submit(first)
    await store.writer.submit(second)
    with pytest.raises(StaleError):
        await store.writer.submit(undo(story, comment.id, first.id))
    assert (await done(store, undo(story, comment.id, second.id))).tags == ("urgent",)
    end = tag(story, comment.id, "urgent", "untag")
    await store.writer.submit(end)
    assert (await done(store, undo(story, comment.id, end.id))).tags == ("urgent",)
    assert (await done(store, undo(story, comment.id, first.id))).tags == ()
    repeated = await store.writer.submit(undo(story, comment.id, first.id))
    assert repeated.decision is None


async def test_a_removal_keeps_the_tags_and_so_does_what_brings_the_comment_back(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story)
    await store.writer.submit(tag(story, comment.id, "urgent"))
    removal = decide(story, comment.id, "remove", AT)
    assert (await done(store, removal)).tags == ("urgent",)
    # In its state of now it can get another one, whose undo lets the removal be undone.
    more = tag(story, comment.id, "quote")
    assert (await done(store, more)).tags == ("urgent", "quote")
    assert (await done(store, undo(story, comment.id, more.id))).tags == ("urgent",)
    back = await done(store, undo(story, comment.id, removal.id))
    assert (back.state, back.tags) == (CommentState.PUBLISHED, ("urgent",))
    hold = decide(story, comment.id, "hold", AT)
    assert (await done(store, hold)).tags == ("urgent",)
    assert (await done(store, decide(story, comment.id, "approve", AT))).tags == ("urgent",)
    # Pending comments have tags as well.
    pending = await store.post(story, pending=True)
    await store.writer.submit(tag(story, pending.id, "urgent"))
    assert (await done(store, decide(story, pending.id, "approve", AT))).tags == ("urgent",)
    assert changes(store.events)[-1].comment.tags == ("urgent",)


@pytest.mark.parametrize("way", ["erase", "delete", "forget", "expire"])
@pytest.mark.parametrize("removed", [False, True])
async def test_what_is_erased_has_no_tag_and_gets_none(
    store: Store, way: str, removed: bool
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    given = tag(story, comment.id, "urgent")
    await store.writer.submit(given)
    if removed or way == "expire":
        await store.writer.submit(decide(story, comment.id, "remove", AT))
    if way == "erase":
        await store.writer.submit(decide(story, comment.id, "erase", AT))
    elif way == "delete":
        await store.writer.submit(Delete(story.id, comment.id, "ana", 10**9, AT))
    elif way == "forget":
        await store.writer.submit(Forget("ana", AT))
    else:
        assert await store.writer.run_in_transaction(erase_expired(AT + 14 * DAY + 1)) == 1
    assert await stored(store, comment) is None
    with pytest.raises(ErasedError):
        await store.writer.submit(tag(story, comment.id, "urgent"))
    with pytest.raises((ErasedError, StaleError)):
        await store.writer.submit(undo(story, comment.id, given.id))
    nothing = await store.writer.submit(tag(story, comment.id, "urgent", "untag"))
    assert nothing.decision is None
    assert await stored(store, comment) is None


async def test_a_comment_has_at_most_nine_tags(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    for number in range(9):
        await store.writer.submit(tag(story, comment.id, f"t{number}"))
    with pytest.raises(TooLargeError, match="at most 9 tags"):
        await store.writer.submit(tag(story, comment.id, "one more"))
    await store.writer.submit(tag(story, comment.id, "t3", "untag"))
    found = await done(store, tag(story, comment.id, "one more"))
    assert (len(found.tags), found.tags[-1]) == (9, "one more")


async def test_a_writer_who_edits_meanwhile_is_seen_first(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(Edit(story.id, comment.id, "ana", "new", ["new"], 10**9, False, AT))
    with pytest.raises(StaleError):
        await store.writer.submit(tag(story, comment.id, "urgent", revision=comment.revision))
    assert await stored(store, comment) is None


async def test_comments_are_found_by_the_whole_tag_with_its_capitals(store: Store) -> None:
    story = await store.story()
    ids = {}
    for tags in (
        ['x"a', "x"],
        ["A", 'the "a" of it'],
        ["b", "x"],
        ["a%", "%"],
        ["x[", "]", "[]"],
        ['a\\"', "\\"],
        ["é"],
    ):
        comment = await store.post(story)
        ids[comment.id] = tags
        for name in tags:
            await store.writer.submit(tag(story, comment.id, name))
    known = {name for tags in ids.values() for name in tags} | {"a", "é", "nothing"}
    for name in known:
        found = await Decisions(store.database).comments(story.site, None, None, 50, name)
        assert {one.id for _, one in found} == {id_ for id_, tags in ids.items() if name in tags}


async def test_a_damaged_list_of_tags_can_be_removed_with_its_comment(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)

    async def damage(connection: object) -> None:
        await connection.execute(update(comments).values(tags='{"a": 1}'))  # type: ignore[attr-defined]

    await store.writer.run_in_transaction(damage)
    removed = await done(store, decide(story, comment.id, "remove", AT))
    assert (removed.state, removed.tags) == (CommentState.REMOVED, ())
    assert await stored(store, comment) is None
