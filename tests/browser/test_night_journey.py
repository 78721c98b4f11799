"""A journey through a night: an owner sets the hours, and three open pages close and open by themselves.

Both changes of daylight time are in `test_hours.py`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.actions import article
from tests.browser.conftest import Hosts, Story
from tests.browser.desk import Desk
from tests.browser.shifted_clock import (
    LATE_S,
    LEAD_S,
    NO_SOCKET,
    ShiftedServer,
    running_shifted,
    seconds_late,
)
from tests.browser.ways import SMALL_PHONE, Way, by_keyboard, by_touch, follow

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TOUCH: dict[str, Any] = {"viewport": SMALL_PHONE, "has_touch": True, "is_mobile": True}
NIGHT_S = 60
"""Length of the night in seconds."""


@dataclass(frozen=True)
class Place:
    """A page's language and time zone (none has daylight time), and what it says there."""

    language: str
    zone: str
    opens: str
    """How the page writes 22:01 UTC."""
    words: str
    """First words of the line that names the opening time."""
    post: str
    """Name of the button that posts a comment."""


PLACES = (
    Place("en", "UTC", "10:01", "Comments open again", "Post"),
    Place("de", "Asia/Tokyo", "07:01", "Kommentare öffnen wieder", "Veröffentlichen"),
    Place("pl", "America/Phoenix", "15:01", "Komentarze zostaną otwarte", "Opublikuj"),
)


@pytest_asyncio.fixture(loop_scope="session")
async def shifted(tmp_path: Path) -> AsyncIterator[ShiftedServer]:
    """Run a server whose clock the test sets."""
    async with running_shifted(tmp_path) as server:
        yield server


async def type_into(page: Page, use: Way, field: Locator, words: str) -> None:
    """Replace what stands in a field."""
    await use(page, field)
    # Tab selects what stands in a field; a finger does not.
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(words)


async def set_hours(page: Page, use: Way) -> None:
    """Open the site on all days from 22:01 to 22:00 of the next day, as its owner."""
    if use is by_keyboard:
        await use(page, page.locator("[name=use][value=always]"))
        await page.keyboard.press("ArrowDown")
    else:
        await by_touch(page, page.get_by_text("In these hours"))
    await expect(page.locator("[name=use][value=own]")).to_be_checked()
    await type_into(page, use, page.locator("#zone"), "Atlantic/Reykjavik")
    row = page.get_by_role("group", name="Row 1")
    for day in ("Sat", "Sun"):
        box = row.get_by_label(day)
        await use(page, box)
        if use is by_keyboard:
            await page.keyboard.press("Space")
        await expect(box).to_be_checked()
    await type_into(page, use, row.get_by_label("From"), "22:01")
    await type_into(page, use, row.get_by_label("To", exact=True), "22:00")
    await follow(page, use, page.get_by_role("button", name="Save", exact=True))
    await expect(page.locator(".week")).to_have_count(1)


async def open_pages(story: Story, hosts: Hosts, use: Way) -> list[Page]:
    """Open the story in three languages and zones on three origins; the last page has no socket."""
    opened = []
    for number, place in enumerate(PLACES):
        options = TOUCH if use is by_touch else {}
        reader = await hosts.reader(timezone_id=place.zone, locale=place.language, **options)
        page = await hosts.page(reader)
        if number == len(PLACES) - 1:
            await page.add_init_script(NO_SOCKET)
        attributes = f'lang="{place.language}"'
        opened.append(
            await hosts.open(story.snippet, site=number, page=page, attributes=attributes)
        )
    for page in opened:
        await expect(page.locator("textarea").first).to_be_visible()
    return opened


@pytest.mark.slow("by_touch")
@pytest.mark.parametrize("use", [by_keyboard, by_touch])
async def test_three_pages_close_for_a_night_that_the_owner_set_and_open_with_their_drafts(
    use: Way, shifted: ShiftedServer, hosts: Hosts
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    edge = tomorrow.replace(hour=22, minute=0, second=0, microsecond=0).timestamp()
    await shifted.set(edge - 600)
    demo = shifted.demo
    site = demo.site("night")
    story = demo.story(site)
    desk = Desk(demo, hosts, site).sign_in()
    await set_hours(await desk.open("rules/hours", **(TOUCH if use is by_touch else {})), use)

    await shifted.set(edge - LEAD_S)
    pages = await open_pages(story, hosts, use)
    drafts = [f"Half a sentence {number}" for number in range(len(pages))]
    for page, draft in zip(pages, drafts, strict=True):
        await use(page, page.locator("textarea").first)
        await page.keyboard.type(draft)
    assert shifted.now() < edge, "this machine is too slow for the lead"
    late = await asyncio.gather(*(seconds_late(shifted, page, edge, hidden=True) for page in pages))
    assert max(late) <= LATE_S, late
    assert min(late) >= -1.5, late
    for page, place in zip(pages, PLACES, strict=True):
        line = page.locator(".icon-clock").first
        await expect(line).to_contain_text(place.words)
        await expect(line).to_contain_text(place.opens)
        # Reactions stay at night.
        happy = page.locator(".reaction").first
        await use(page, happy)
        await expect(happy).to_have_attribute("aria-pressed", "true")
    await expect(pages[0].locator(".icon-clock").first).to_contain_text("typed is kept")

    morning = edge + NIGHT_S
    late = await asyncio.gather(
        *(seconds_late(shifted, page, morning, hidden=False) for page in pages)
    )
    assert max(late) <= LATE_S, late
    for page, draft, place in zip(pages, drafts, PLACES, strict=True):
        await expect(page.get_by_text(place.words)).to_have_count(0)
        await expect(page.locator("textarea").first).to_have_value(draft)
        await use(page, page.get_by_role("button", name=place.post, exact=True))
        await expect(article(page, draft)).to_be_visible()
        if use is by_touch:
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
