"""Transaction functions: copies of a story, permissions of a site."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import Store
from widget_server.model.records import SeenCopy, ShutOut
from widget_server.store.queries import stories
from widget_server.store.queries.sites import (
    readmit_origin,
    revoke_token,
    shut_out_origin,
    update_site,
)
from widget_server.store.queries.stories import record_copy
from widget_server.store.schema import copies

RecordSeen = Callable[..., Awaitable[int | None]]


@pytest.fixture
def record_seen(store: Store, monkeypatch: pytest.MonkeyPatch) -> RecordSeen:
    """`await seen(story, 7)` records copy 7 and returns its id. At most three copies; each call is later."""
    monkeypatch.setattr(stories, "MAX_COPIES", 3)
    times = iter(range(1_000, 2_000))
    monkeypatch.setattr(stories, "now_ms", lambda: next(times))

    async def seen(story: int, number: int, *, used: bool = False) -> int | None:
        origin = f"https://copy-{number}.example"
        transaction = record_copy(story, "jti", origin, f"Copy {number}", None, None, used=used)
        copy = await store.writer.run_in_transaction(transaction)
        return None if copy is None else copy.id

    return seen


async def test_a_new_copy_replaces_the_oldest_unused_copy(
    store: Store, record_seen: RecordSeen
) -> None:
    story = (await store.story()).id
    kept = await record_seen(story, 0, used=True)
    await record_seen(story, 1)
    await record_seen(story, 2)
    await record_seen(story, 1)  # seen later than the other
    added = await record_seen(story, 3)
    assert added is not None

    async def kept_origins(connection: AsyncConnection) -> list[str]:
        found = await connection.execute(select(copies.c.origin).order_by(copies.c.origin))
        return list(found.scalars())

    assert await store.database.read(kept_origins) == [
        f"https://copy-{number}.example" for number in (0, 1, 3)
    ]
    assert await record_seen(story, 0) == kept, "known again, by its number"
    assert await record_seen(story, 3) == added


async def test_a_story_with_only_used_copies_takes_no_new_copy(
    store: Store, record_seen: RecordSeen
) -> None:
    story = (await store.story()).id
    first = [await record_seen(story, number, used=True) for number in range(5)]
    assert first[3:] == [None, None], "served, and not counted"
    assert None not in first[:3]
    assert [await record_seen(story, number) for number in range(3)] == first[:3]
    other = (await store.story("two")).id
    assert await record_seen(other, 4) is not None


async def test_a_used_copy_stays_used(store: Store, record_seen: RecordSeen) -> None:
    story = (await store.story()).id
    first = [await record_seen(story, number) for number in range(3)]
    assert await record_seen(story, 0, used=True) == first[0]
    await record_seen(story, 0)
    await record_seen(story, 7)
    await record_seen(story, 8)
    assert await record_seen(story, 0) == first[0]


async def test_each_change_of_permissions_is_counted_for_its_site_only(
    store: Store,
) -> None:
    await store.story(site="one")
    await store.story(site="other")
    run = store.writer.run_in_transaction
    counted = []
    for transaction in (
        revoke_token("one", "jti"),
        shut_out_origin("one", "https://bad.example", ""),
        shut_out_origin("one", "https://bad.example", "a-story-code"),
        readmit_origin("one", "https://bad.example", ""),
        update_site("one", lambda site: site),
    ):
        await run(transaction)
        counted.append(await store.sites.counters(["one", "other", "nowhere"]))
    assert counted == [{"one": (number, 0), "other": (0, 0)} for number in range(1, 6)]
    assert await store.sites.shut_out("one") == {ShutOut("https://bad.example", "a-story-code")}
    assert await run(readmit_origin("one", "https://bad.example", "")) is False


async def test_the_copies_of_a_token_are_found_by_site_and_handle(store: Store) -> None:
    story = await store.story("a-key")
    elsewhere = await store.story("a-key", site="other")
    page = "https://copy.example/page"
    for one in (story, elsewhere):
        copy = record_copy(one.id, "jti", "https://copy.example", "A copy", None, page, used=True)
        await store.writer.run_in_transaction(copy)
    (seen,) = await store.sites.seen("s", "jti")
    known = SeenCopy("a-key", "https://copy.example", "A copy", page, seen.last_seen)
    assert seen == known
    assert await store.sites.seen("s", "another") == []
