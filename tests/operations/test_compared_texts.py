"""Two versions of a story's text are compared once, and anew when either is another text."""

import asyncio

import pytest

from tests.operations.checked_pages import FIRST_TEXT, TEXT
from tests.operations.checked_server import Checked
from tests.operations.owner_harness import OWNER
from tests.operations.test_older_copies import checked as checked, put
from widget_server.content.passages import Difference, differences
from widget_server.operations import compared_texts
from widget_server.operations.owners import story_text
from widget_server.operations.publishing.changes import read_changes


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that has an entry for each comparison of two texts since."""
    counted: list[int] = []

    def count(old: list[str], new: list[str]) -> list[Difference]:
        counted.append(len(counted))
        return differences(old, new)

    monkeypatch.setattr(compared_texts, "differences", count)
    return counted


async def changes(checked: Checked, version: int) -> list[Difference]:
    found = await read_changes(checked.services, checked.story.code, version)
    return found.differences


async def test_the_second_request_compares_nothing_and_so_do_requests_at_one_time(
    checked: Checked, compared: list[int]
) -> None:
    found = await asyncio.gather(*(changes(checked, 1) for _ in range(5)))
    assert len(compared) == 1
    assert found[0]
    assert all(one == found[0] for one in found)
    assert await changes(checked, 1) == found[0]
    assert len(compared) == 1
    assert await changes(checked, 2) == []
    assert len(compared) == 2


async def test_a_new_text_and_one_that_has_the_number_of_a_removed_one_are_compared(
    checked: Checked, compared: list[int]
) -> None:
    before = await changes(checked, 1)
    await put(checked, f"{TEXT}\n\nThe boats come back at noon.")
    after = await changes(checked, 1)
    assert len(after) == len(before) + 1
    await story_text.remove(checked.services, OWNER, "paper", checked.story.code)
    for text in (f"{FIRST_TEXT}\n\nAnother end.", f"{TEXT}\n\nAnother end.", TEXT):
        await put(checked, text)
    versions = await checked.services.story_texts.versions(checked.story.code)
    assert [one.version for one in versions] == [3, 2, 1]
    assert await changes(checked, 1) not in (before, after)
    assert len(compared) == 3


async def test_only_the_last_comparisons_are_kept(
    checked: Checked, compared: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compared_texts, "MAX_COMPARED", 1)
    for version in (1, 2, 2, 1):
        await changes(checked, version)
    assert len(compared) == 3
