"""A whole discussion in parts: every public comment once, in order, with few rows in memory."""

import gc
import random
from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.store.many_comments import write_comments
from tests.store.store_harness import Store, decide, done
from widget_server.model.records import Comment, Story
from widget_server.store.queries import whole_discussion
from widget_server.store.queries.whole_discussion import MAX_REPLIES, MAX_TOPS, Part, Place


async def parts_of(store: Store, story: Story) -> AsyncIterator[Part]:
    place: Place | None = Place()
    while place is not None:
        part = await store.discussions.part(story.id, place)
        place = part.next
        yield part


async def ids_of(store: Store, story: Story) -> list[str]:
    return [one.id async for part in parts_of(store, story) for one in part.comments]


@pytest.mark.parametrize("seed", range(6))
async def test_every_comment_is_read_once_below_its_thread_in_order(
    store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_discussion, "MAX_TOPS", 3)
    monkeypatch.setattr(whole_discussion, "MAX_REPLIES", 4)
    rng = random.Random(seed)
    story, other = await store.story(), await store.story("another")
    threads: list[list[Comment]] = []
    for _ in range(40):
        await store.post(other, "r", "elsewhere")
        if threads and rng.random() < 0.7:
            thread = rng.choice(threads[-3:])
            answered = rng.choice(thread)
            thread.append(await store.post(story, parent=answered.id))
        else:
            threads.append([await store.post(story)])
    await store.post(story, pending=True)
    removed = rng.choice(threads)[0]
    await done(store, decide(story, removed.id, "remove"))
    expected = [one.id for thread in threads for one in thread]
    assert await ids_of(store, story) == expected
    async for part in parts_of(store, story):
        known = {one.id for one in part.comments} | part.answered.keys()
        assert len([one for one in part.comments if one.parent is None]) <= 3
        assert len([one for one in part.comments if one.parent is not None]) <= 4
        for one in part.comments:
            assert one.parent in (None, one.thread) or one.parent in known


@pytest.mark.parametrize(
    "count", [0, 1, MAX_REPLIES - 1, MAX_REPLIES, MAX_REPLIES + 1, 2 * MAX_REPLIES]
)
async def test_a_long_thread_is_read_in_parts_of_its_own(store: Store, count: int) -> None:
    story = await store.story()
    write = partial(write_comments, story=story.id, number=count + 2, replies=(count, 0))
    await store.writer.run_in_transaction(write)
    found = [part async for part in parts_of(store, story)]
    assert [one.born for part in found for one in part.comments] == list(range(1, count + 3))


@pytest.mark.slow("postgresql")
async def test_100_000_comments_are_read_with_few_of_them_in_memory(store: Store) -> None:
    story = await store.story()
    write = partial(write_comments, story=story.id, number=100_000, replies=(3, 0, 40, 700, 1))
    await store.writer.run_in_transaction(write)
    # Other tests of this process may have left some, which would be freed while this one counts.
    gc.collect()
    others = sum(isinstance(one, Comment) for one in gc.get_objects())
    read, most, held = 0, 0, 0
    async for part in parts_of(store, story):
        assert [one.born for one in part.comments] == list(
            range(read + 1, read + 1 + len(part.comments))
        )
        read += len(part.comments)
        most = max(most, len(part.comments))
        if read // 10_000 > (read - len(part.comments)) // 10_000:
            alive = sum(isinstance(one, Comment) for one in gc.get_objects())
            held = max(held, alive - others)
    assert read == 100_000
    assert most <= MAX_TOPS + MAX_REPLIES
    # The part that is used, and the one that is read.
    assert 0 < held <= 2 * (MAX_TOPS + MAX_REPLIES)
