"""Reads of discussions: pages without repeats, changes without gaps, readers' own items."""

import base64
import json
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from tests.store.store_harness import Store, decide, post
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.limits import MAX_COMMENTS_BYTES, MAX_OWN_BYTES
from widget_server.model.records import Story, Tally, Thread
from widget_server.model.settings import SiteSettings
from widget_server.protocol import serializers, server_messages
from widget_server.store.comment_sizes import size_of_comment, sized_comments
from widget_server.store.queries import changes as change_queries, own_items
from widget_server.store.queries.comment_pages import AROUND, MAX_REPLIES
from widget_server.store.schema import comments
from widget_server.store.writing.actions import UpdateStory


async def post_many(store: Store, story: Story, number: int, **more: Any) -> list[str]:
    """Post comments in this order, in as few batches as possible, and return their ids."""
    answers = await store.together(*(post(story, f"r{n}", **more) for n in range(number)))
    return [answer.id for answer in answers]


async def read_all(store: Store, story: Story, order: str, limit: int) -> list[list[str]]:
    """Read every page, with a new comment before each read."""
    pages, before = [], None
    while True:
        page = await store.discussions.page(story.code, order, before, limit)
        pages.append([thread.top.id for thread in page.threads])
        if page.next is None:
            return pages
        before = page.next
        if len(pages) < 6:
            await store.post(story, "late")


@pytest.mark.parametrize("limit", [1, 4, 7, 100])
async def test_pages_are_complete_and_without_repeats_while_others_write(
    store: Store, limit: int
) -> None:
    story = await store.story()
    ids = await post_many(store, story, 12)
    for comment in (ids[2], ids[11]):
        await store.writer.submit(decide(story, comment, "pin", 1))
    for number, comment in enumerate(ids):
        for reader in range(number % 4):
            await store.react(story, f"f{reader}", "happy", comment)

    newest = await read_all(store, story, "newest", limit)
    flat = [comment for page in newest for comment in page]
    assert flat[:2] == [ids[11], ids[2]]
    assert flat[2:] == [comment for comment in ids[::-1] if comment not in (ids[11], ids[2])]

    oldest = [comment for page in await read_all(store, story, "oldest", limit) for comment in page]
    assert oldest[:12] == ids
    assert len(set(oldest)) == len(oldest)

    top = [comment for page in await read_all(store, story, "top", limit) for comment in page]
    by_score = sorted(range(12), key=lambda n: (n % 4, n), reverse=True)
    assert [comment for comment in top if comment in ids] == [ids[n] for n in by_score]
    assert len(set(top)) == len(top)


async def test_all_pinned_comments_are_shown_first(store: Store) -> None:
    story = await store.story()
    ids = await post_many(store, story, 6)
    for comment in ids[:5]:
        await store.writer.submit(decide(story, comment, "pin", 1))
    pages = await read_all(store, story, "newest", 2)
    assert pages[0] == [*ids[:5][::-1], ids[5]]


async def test_replies_come_with_their_thread_in_order_of_writing(store: Store) -> None:
    story = await store.story()
    first, second = await post_many(store, story, 2)
    reply = await store.post(story, "a", parent=first)
    deeper = await store.post(story, "b", parent=reply.id)
    await store.post(story, "c", parent=first, pending=True)
    later = await store.post(story, "d", parent=first)
    page = await store.discussions.page(story.code, "newest", None, 10)
    drawn = {thread.top.id: [one.id for one in thread.replies] for thread in page.threads}
    assert drawn == {second: [], first: [reply.id, deeper.id, later.id]}
    whole = await store.discussions.thread(story.code, deeper.id)
    assert (whole.top.id, [one.id for one in whole.replies]) == (first, drawn[first])


async def test_a_long_thread_counts_the_replies_that_were_left_out(store: Store) -> None:
    story = await store.story()
    top = (await store.post(story)).id
    ids = await post_many(store, story, MAX_REPLIES + 7, parent=top)
    (thread,) = (await store.discussions.snapshot(story.code)).page.threads
    assert [reply.id for reply in thread.replies] == ids[:MAX_REPLIES]
    assert thread.more == 7
    assert thread.next == ids[MAX_REPLIES - 1]
    rest = await store.discussions.thread(story.code, top, thread.next)
    assert [reply.id for reply in rest.replies] == ids[MAX_REPLIES:]
    assert (rest.earlier, rest.more, rest.next) == (MAX_REPLIES, 0, None)
    around = await store.discussions.thread(story.code, ids[-1])
    assert [reply.id for reply in around.replies] == ids[-1 - AROUND :]
    assert (around.earlier, around.more) == (len(ids) - 1 - AROUND, 0)


LONGEST_TEXT = [["p", None, "\U0001f409" * 5_000]]
"""A comment of 20 KB, the largest that is accepted."""


async def post_longest_comments(
    store: Store, story: Story, threads: int, replies: int
) -> list[str]:
    """Post comments of the largest size: `threads` threads with `replies` replies each. Return the top comments' ids."""
    tops = await post_many(store, story, threads, text=LONGEST_TEXT)
    for top in tops:
        await post_many(store, story, replies, parent=top, text=LONGEST_TEXT)
    return tops


def size(*threads: Thread) -> int:
    """Return the number of bytes of the threads' JSON."""
    return len(orjson.dumps([serializers.part_of_thread(thread) for thread in threads]))


async def test_a_page_of_long_comments_is_cut_and_paging_finds_all_threads(store: Store) -> None:
    story = await store.story()
    tops = await post_longest_comments(store, story, 12, 0)
    for comment in (tops[3], tops[8]):
        await store.writer.submit(decide(story, comment, "pin", 1))
    for order in ("newest", "oldest", "top"):
        found: list[str] = []
        before, pages = None, 0
        while pages == 0 or before is not None:
            page = await store.discussions.page(story.code, order, before, 100)
            assert page.threads
            assert size(*page.threads) < MAX_COMMENTS_BYTES
            found += [thread.top.id for thread in page.threads]
            before, pages = page.next, pages + 1
        assert sorted(found) == sorted(tops), order
        assert pages > 1
        if order == "newest":
            assert found[:2] == [tops[8], tops[3]]


async def test_many_long_pinned_comments_are_paged(store: Store) -> None:
    story = await store.story()
    tops = await post_longest_comments(store, story, 14, 0)
    for comment in tops[:12]:
        await store.writer.submit(decide(story, comment, "pin", 1))
    pages = await read_all(store, story, "newest", 100)
    flat = [comment for page in pages for comment in page if comment in tops]
    assert flat == [*tops[:12][::-1], *tops[12:][::-1]]


async def test_threads_of_long_replies_are_cut_and_paged_to_the_end(store: Store) -> None:
    story = await store.story()
    tops = await post_longest_comments(store, story, 3, 20)
    (*_, page) = [await store.discussions.snapshot(story.code)]
    assert size(*page.page.threads) < MAX_COMMENTS_BYTES
    assert [thread.top.id for thread in page.page.threads] == tops[::-1]
    for thread in page.page.threads:
        seen = [reply.id for reply in thread.replies]
        assert thread.more == 20 - len(seen)
        after = thread.next
        while after is not None:
            part = await store.discussions.thread(story.code, thread.top.id, after)
            assert size(part) < MAX_COMMENTS_BYTES
            assert part.replies
            assert part.earlier == len(seen)
            seen += [reply.id for reply in part.replies]
            assert part.more == 20 - len(seen)
            after = part.next
        assert len(set(seen)) == 20
        assert seen == sorted(seen, key=lambda each: int(each[1:]))
        for reply in (seen[0], seen[9], seen[19]):
            part = await store.discussions.thread(story.code, reply)
            assert size(part) < MAX_COMMENTS_BYTES
            assert reply in [each.id for each in part.replies]
            assert part.earlier + len(part.replies) + part.more == 20


async def test_a_part_after_a_comment_of_another_thread_is_malformed(store: Store) -> None:
    story = await store.story()
    first, second = await post_many(store, story, 2)
    for after in (second, "nowhere"):
        with pytest.raises(MalformedError):
            await store.discussions.thread(story.code, first, after)


async def test_the_computed_size_is_never_less_than_the_encoded_size(store: Store) -> None:
    story = await store.story()
    quotes = '"' * 60
    kept = await store.post(
        story, text=[["p", None, quotes]], name=quotes, website="https://a.example/" + quotes,
        lang="zh-Hant-TW", role="author",
    )  # fmt: skip
    (thread,) = (await store.discussions.snapshot(story.code)).page.threads
    assert len(orjson.dumps(serializers.thread(thread))) <= size_of_comment(thread.top)
    sized = sized_comments(select(comments.c.id).where(comments.c.id == kept.id))
    (rows,) = await store.answers(select(sized.c.size))
    assert [row.size for row in rows] == [size_of_comment(thread.top)]


def cursor(content: object) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "before",
    [
        "?",
        "é",
        "A",
        "[]",
        cursor(b"\xff\xfe"),
        cursor(7),
        cursor({"newest": 1}),
        cursor([]),
        cursor(["newest"]),
        cursor(["newest", 1, 2]),
        cursor(["newest", "1"]),
        cursor(["newest", True]),
        cursor(["newest", 1.0]),
        cursor(["newest", None]),
        cursor(["newest", -1]),
        cursor(["newest", 2**31]),
        cursor(["newest", 10**30]),
        cursor(["oldest", 1]),
        cursor([["newest"], 1]),
        cursor([]) * 1000,
    ],
)
async def test_an_invented_cursor_is_malformed(store: Store, before: str) -> None:
    story = await store.story()
    with pytest.raises(MalformedError):
        await store.discussions.page(story.code, "newest", before, 5)


async def test_a_cursor_belongs_to_its_order(store: Store) -> None:
    story = await store.story()
    await post_many(store, story, 3)
    for order in ("newest", "oldest", "top"):
        page = await store.discussions.page(story.code, order, None, 1)
        for other in {"newest", "oldest", "top"} - {order}:
            with pytest.raises(MalformedError):
                await store.discussions.page(story.code, other, page.next, 1)
    for score in (2**31, 2**53):
        with pytest.raises(MalformedError):
            await store.discussions.page(story.code, "top", cursor(["top", score, 1]), 1)


async def test_changes_after_a_position_are_complete_or_marked_as_incomplete(
    store: Store,
) -> None:
    story = await store.story()
    ids = await post_many(store, story, 4)
    changes = await store.discussions.changes(story.code, 1)
    assert (changes.complete, [one.id for one in changes.comments]) == (True, ids[1:])
    assert (await store.discussions.changes(story.code, 4)).complete
    await store.writer.submit(decide(story, ids[0], "pin", 1))
    changes = await store.discussions.changes(story.code, 0)
    assert not changes.complete  # number 1 is missing: the comment's last change has number 5
    assert (await store.discussions.changes(story.code, 1)).complete
    await store.writer.submit(UpdateStory(story.id, {"closed": True}))
    assert not (await store.discussions.changes(story.code, 5)).complete


async def test_more_changes_than_are_sent_one_by_one_are_incomplete(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_queries, "MAX_CHANGES", 5)
    story = await store.story()
    await post_many(store, story, 8)
    assert (await store.discussions.changes(story.code, 3)).complete
    assert not (await store.discussions.changes(story.code, 1)).complete


async def test_recent_changes_come_in_order_with_the_latest_tallies(store: Store) -> None:
    story = await store.story()
    ids = await post_many(store, story, 4)
    await store.react(story, "a", "happy", ids[0])
    await store.react(story, "a", "sad")
    latest = await store.discussions.recent(story.code, 2)
    assert latest.epoch == store.database.epoch
    assert [one.id for one in latest.comments] == ids[2:]
    assert latest.story.tally == Tally(2, {"happy": 0, "sad": 1})
    assert latest.tallies == [(ids[0], Tally(1, {"happy": 1, "sad": 0}))]


async def test_each_reader_has_their_own_limit_of_own_items(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_items, "MAX_OWN", 3)
    story, other = await store.story("a"), await store.story("b")
    quiet = await store.post(story, "quiet", at=1)
    await store.react(story, "quiet", "sad")
    await store.react(story, "quiet", "happy", quiet.id)
    many = [(await store.post(story, "loud", at=number)).id for number in range(10, 17)]
    waiting = await store.post(story, "loud", at=20, pending=True)
    gone = await store.post(story, "quiet", at=30)
    await store.writer.submit(decide(story, gone.id, "remove", 1))
    await store.post(other, "quiet", at=40)
    own = await store.discussions.own(story.id, ["quiet", "loud", "no-one"])
    assert [one.id for one in own["quiet"].comments] == [quiet.id]
    assert own["quiet"].reactions == {"": "sad", quiet.id: "happy"}
    assert [one.id for one in own["loud"].comments] == [waiting.id, *many[:-3:-1]]
    assert (own["no-one"].reactions, own["no-one"].comments) == ({}, [])


async def test_positions_and_counts_are_of_the_stories_that_exist(store: Store) -> None:
    story = await store.story()
    await store.post(story)
    await store.react(story, "a", "happy")
    epoch, positions = await store.discussions.positions([story.code, "nowhere00000"])
    assert (epoch, positions) == (store.database.epoch, {story.code: (1, 1)})
    counts = await store.discussions.counts([story.code, "nowhere00000"])
    assert counts == [(story.site, story.code, 1, Tally(1, {"happy": 1, "sad": 0}))]


async def test_an_unknown_story_is_not_found(store: Store) -> None:
    read = store.discussions
    assert await read.story("nowhere00000") is None
    assert await read.find_story_of_comment("nowhere") is None
    for question in (
        read.snapshot("nowhere00000"),
        read.page("nowhere00000", "newest", None, 5),
        read.thread("nowhere00000", "c"),
        read.changes("nowhere00000", 0),
        read.tallies("nowhere00000", 0, 5),
        read.recent("nowhere00000", 5),
    ):
        with pytest.raises(NotFoundError):
            await question


async def test_the_thread_of_a_pending_or_foreign_comment_is_not_found(store: Store) -> None:
    story, other = await store.story("a"), await store.story("b")
    pending = await store.post(story, pending=True)
    foreign = await store.post(other)
    for comment in (pending.id, foreign.id, "nowhere"):
        with pytest.raises(NotFoundError):
            await store.discussions.thread(story.code, comment)


async def test_a_pinned_reply_keeps_its_place(store: Store) -> None:
    story = await store.story()
    top = await store.post(story)
    reply = await store.post(story, parent=top.id)
    await store.writer.submit(decide(story, reply.id, "pin", 1))
    (thread,) = (await store.discussions.snapshot(story.code)).page.threads
    assert (thread.top.id, [(one.id, one.pinned) for one in thread.replies]) == (
        top.id,
        [(reply.id, True)],
    )


async def test_changes_far_above_the_response_limit_are_not_read(store: Store) -> None:
    story = await store.story()
    await post_longest_comments(store, story, 40, 0)
    changes = await store.discussions.changes(story.code, 0)
    assert not changes.complete
    assert len(changes.comments) < 27
    assert (await store.discussions.changes(story.code, 30)).complete
    latest = await store.discussions.recent(story.code, 500)
    assert 0 < len(latest.comments) < 27
    assert [each.seq for each in latest.comments] == list(range(latest.floor + 1, 41))


async def test_own_comments_and_reactions_are_the_newest_that_fit(store: Store) -> None:
    story = await store.story()
    ids = [
        (await store.post(story, "me", text=LONGEST_TEXT, source="\U0001f409" * 5_000, at=at)).id
        for at in range(4)
    ]
    await store.react(story, "me", "sad")
    for comment in ids:
        await store.react(story, "me", "happy", comment)
    own = (await store.discussions.own(story.id, ["me"]))["me"]
    assert [comment.id for comment in own.comments] == ids[:-2:-1]
    assert own.reactions == {"": "sad", **dict.fromkeys(ids, "happy")}
    body = server_messages.own_json(own.reactions, own.comments, SiteSettings())
    assert len(body) < MAX_OWN_BYTES + 24 * 1024
