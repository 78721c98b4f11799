"""Writes beside the discussion: a story remembers so many copies."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.opened import Store
from widget_server.store import errands
from widget_server.store.errands import see_copy
from widget_server.store.schema import copies

See = Callable[..., Awaitable[int | None]]


@pytest.fixture
def seeing(store: Store, monkeypatch: pytest.MonkeyPatch) -> See:
    """`await seen(story, 7)`: the number of that copy. Of three at most, and time passes."""
    monkeypatch.setattr(errands, "MOST_COPIES", 3)
    times = iter(range(1_000, 2_000))
    monkeypatch.setattr(errands, "now_ms", lambda: next(times))

    async def seen(story: int, number: int, *, used: bool = False) -> int | None:
        origin = f"https://copy-{number}.example"
        errand = see_copy(story, "jti", origin, f"Copy {number}", None, None, used=used)
        copy = await store.writer.run_errand(errand)
        return None if copy is None else copy.id

    return seen


async def test_of_a_storys_copies_one_that_nobody_acted_on_gives_its_place_up(
    store: Store, seeing: See
) -> None:
    story = (await store.story()).id
    kept = await seeing(story, 0, used=True)
    await seeing(story, 1)
    await seeing(story, 2)
    await seeing(story, 1)  # seen later than the other
    added = await seeing(story, 3)
    assert added is not None

    async def kept_origins(connection: AsyncConnection) -> list[str]:
        found = await connection.execute(select(copies.c.origin).order_by(copies.c.origin))
        return list(found.scalars())

    assert await store.database.read(kept_origins) == [
        f"https://copy-{number}.example" for number in (0, 1, 3)
    ]
    assert await seeing(story, 0) == kept, "known again, by its number"
    assert await seeing(story, 3) == added


async def test_a_story_whose_copies_were_all_acted_on_takes_no_other(
    store: Store, seeing: See
) -> None:
    story = (await store.story()).id
    first = [await seeing(story, number, used=True) for number in range(5)]
    assert first[3:] == [None, None], "served, and not counted"
    assert None not in first[:3]
    assert [await seeing(story, number) for number in range(3)] == first[:3]
    other = (await store.story("two")).id
    assert await seeing(other, 4) is not None


async def test_a_copy_that_was_acted_on_once_stays_so(store: Store, seeing: See) -> None:
    story = (await store.story()).id
    first = [await seeing(story, number) for number in range(3)]
    assert await seeing(story, 0, used=True) == first[0]
    await seeing(story, 0)
    await seeing(story, 7)
    await seeing(story, 8)
    assert await seeing(story, 0) == first[0]
