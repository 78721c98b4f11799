"""Writes beside the discussion: a story remembers so many copies."""

import pytest

from tests.store.opened import Store
from widget_server.store import errands
from widget_server.store.errands import see_copy


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
