"""Writes beside the discussion: a story remembers so many copies."""

import pytest

from tests.store.opened import Store
from widget_server.model.records import SeenCopy, ShutOut
from widget_server.store import errands
from widget_server.store.errands import (
    change_site,
    readmit_origin,
    revoke_token,
    see_copy,
    shut_origin_out,
)


async def test_a_story_remembers_so_many_copies_and_knows_those_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "MOST_COPIES", 3)
    story = await store.story()

    async def seen(number: int) -> int | None:
        origin = f"https://copy-{number}.example"
        copy = await store.writer.run_errand(see_copy(story.id, "jti", origin, None, None, None))
        return None if copy is None else copy.id

    first = [await seen(number) for number in range(5)]
    assert first[3:] == [None, None], "served, and not counted"
    assert None not in first[:3]
    assert [await seen(number) for number in range(3)] == first[:3]
    other = await store.story("two")
    again = see_copy(other.id, "jti", "https://copy-4.example", None, None, None)
    assert await store.writer.run_errand(again) is not None


async def test_each_change_of_what_pages_may_do_is_counted_for_its_site_alone(
    store: Store,
) -> None:
    await store.story(site="one")
    await store.story(site="other")
    run = store.writer.run_errand
    counted = []
    for errand in (
        revoke_token("one", "jti"),
        shut_origin_out("one", "https://bad.example", ""),
        shut_origin_out("one", "https://bad.example", "a-story-code"),
        readmit_origin("one", "https://bad.example", ""),
        change_site("one", lambda site: site),
    ):
        await run(errand)
        counted.append(await store.sites.rights(["one", "other", "nowhere"]))
    assert counted == [{"one": number, "other": 0} for number in range(1, 6)]
    assert await store.sites.shut_out("one") == {ShutOut("https://bad.example", "a-story-code")}
    assert await run(readmit_origin("one", "https://bad.example", "")) is False


async def test_a_token_is_known_by_where_it_was_seen_on_its_own_site(store: Store) -> None:
    story = await store.story("a-key")
    elsewhere = await store.story("a-key", site="other")
    page = "https://copy.example/page"
    for one in (story, elsewhere):
        copy = see_copy(one.id, "jti", "https://copy.example", "A copy", None, page)
        await store.writer.run_errand(copy)
    (seen,) = await store.sites.seen("s", "jti")
    known = SeenCopy("a-key", "https://copy.example", "A copy", page, seen.last_seen)
    assert seen == known
    assert await store.sites.seen("s", "another") == []
