"""Opening hours on open pages: three copies change by themselves at an edge, and say when comments open again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.actions import article
from tests.browser.axe import axe_findings
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.desk import Desk, findings, overflow
from tests.browser.shifted_clock import (
    LATE_S,
    LEAD_S,
    SAVES_DATA,
    ShiftedServer,
    running_shifted,
    seconds_late,
)
from tests.loopback import http_client
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def shifted(tmp_path: Path) -> AsyncIterator[ShiftedServer]:
    """Run a server whose clock the test sets."""
    async with running_shifted(tmp_path) as server:
        yield server


async def send_comments(
    server: ShiftedServer, story: Story, until: float
) -> list[tuple[float, int]]:
    """Send a comment ten times a second until a time. Return server time and status of each."""
    answers: list[tuple[float, int]] = []
    async with http_client() as http:
        while server.now() < until:
            number = len(answers)
            action = {
                "type": "comment",
                "ref": 1,
                "token": story.token,
                "story": story.code,
                "key": f"{number:08d}-0000-4000-8000-000000000000",
                "first": f"{number:08d}-0000-4000-8000-000000000001",
                "body": f"Sent at {number}",
            }
            answer = await http.post(f"{story.server}/v1/actions", json=action, headers=ANY_ORIGIN)
            answers.append((server.now(), answer.status_code))
            await asyncio.sleep(0.1)
    return answers


ANY_ORIGIN = {"Origin": "https://another.example"}


@pytest.mark.slow("spring")
@pytest.mark.parametrize(
    ("edge", "rows", "reopens"),
    [
        # The clocks jump from 01:00 to 02:00: what is open until 01:00 ends with the jump.
        (
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            "mon-sun 00:00-01:00 open; mon-sun 02:01-05:00 open",
            "01:01",
        ),
        # The clocks go back from 02:00 to 01:00: what is open from 01:30 ends with the jump.
        (
            datetime(2026, 10, 25, 1, tzinfo=UTC),
            "mon-sun 01:30-02:00 open; mon-sun 01:01-01:10 open",
            "01:01",
        ),
    ],
    ids=["spring", "autumn"],
)
async def test_three_copies_close_and_open_by_themselves_over_both_changes_of_the_clock(
    edge: datetime,
    rows: str,
    reopens: str,
    shifted: ShiftedServer,
    hosts: Hosts,
    record_testsuite_property: Callable[[str, float], None],
) -> None:
    at = edge.timestamp()
    await shifted.set(at - 120)
    demo = shifted.demo
    site = demo.site("night", f"hours=Europe/Lisbon; {rows}")
    story = demo.story(site)
    await shifted.set(at - LEAD_S)
    # One page polls; one is in Tokyo and in German. The browser's own clock is of another year.
    polling = await hosts.page(await hosts.reader())
    await polling.add_init_script(SAVES_DATA)
    tokyo = await hosts.reader(timezone_id="Asia/Tokyo", locale="de")
    pages = [
        await hosts.open(story.snippet),
        await hosts.open(story.snippet, site=1, reader=tokyo, attributes='lang="de"'),
        await hosts.open(story.snippet, site=2, page=polling),
    ]
    for page in pages:
        await expect(page.locator("textarea").first).to_be_visible()
    await pages[0].locator("textarea").first.fill("Half a sentence")
    assert shifted.now() < at, "this machine is too slow for the lead"
    sending = asyncio.ensure_future(send_comments(shifted, story, at + 5))
    closed = await asyncio.gather(*(seconds_late(shifted, page, at, hidden=True) for page in pages))
    assert max(closed) <= LATE_S, closed
    assert min(closed) >= -1.5, closed
    answers = await sending
    accepted = [when for when, status in answers if status == 200]
    assert accepted, answers
    assert max(accepted) <= at + LATE_S
    assert {status for when, status in answers if when > at + LATE_S} == {409}
    line = pages[0].locator(".icon-clock").first
    await expect(line).to_contain_text("Comments open again:")
    await expect(line).to_contain_text("What you have typed is kept.")
    # One minute after 01:00 UTC is 10:01 in Tokyo.
    await expect(pages[1].locator(".icon-clock").first).to_contain_text("10:01")
    await expect(pages[1].locator(".icon-clock").first).to_contain_text("Kommentare öffnen wieder")
    # Reactions stay.
    happy = pages[1].locator(".reaction").first
    await happy.click()
    await expect(happy).to_have_attribute("aria-pressed", "true")
    assert await axe_findings(pages[0]) == []
    opened = await asyncio.gather(
        *(seconds_late(shifted, page, at + 60, hidden=False) for page in pages)
    )
    assert max(opened) <= LATE_S, opened
    box = pages[0].locator("textarea").first
    await expect(box).to_have_value("Half a sentence")
    drafts_lost = int(await box.input_value() != "Half a sentence")
    await expect(pages[0].get_by_text("Comments open again")).to_have_count(0)
    await pages[0].get_by_role("button", name="Post", exact=True).click()
    await expect(article(pages[0], "Half a sentence")).to_be_visible()
    # For the table of `make bench-moderation`.
    season = "spring" if edge.month == 3 else "autumn"
    record_testsuite_property(f"open pages after an edge, {season}", max(*closed, *opened))
    too_late = sum(when > at + LATE_S for when in accepted)
    record_testsuite_property(f"comments accepted more than 2 s late, {season}", too_late)
    record_testsuite_property(f"drafts lost, {season}", drafts_lost)


async def test_hours_that_a_publisher_sets_reach_open_pages_and_a_page_that_is_opened_while_closed(
    demo: Demo, hosts: Hosts, photograph: Any
) -> None:
    site = demo.site("closing-time")
    story = demo.story(site)
    page = await hosts.open(story.snippet)
    await expect(page.locator("textarea").first).to_be_visible()
    demo.run("site", "set", site, "hours=UTC; otherwise closed")
    await expect(page.locator("textarea").first).to_be_hidden(timeout=5_000)
    await expect(page.get_by_text("Comments are closed for now.")).to_be_visible()
    later = await hosts.open(story.snippet, site=1)
    await expect(later.get_by_text("Comments are closed for now.")).to_be_visible()
    await expect(later.locator("textarea").first).to_be_hidden()
    await photograph(later, "closed-by-hours")
    demo.run("site", "set", site, "hours=UTC; otherwise approval")
    for each in (page, later):
        await expect(each.get_by_text("New comments are shown after approval.")).to_be_visible()
        await expect(each.locator("textarea").first).to_be_visible()
    demo.run("site", "set", site, "hours=")
    for each in (page, later):
        await expect(each.get_by_text("after approval")).to_have_count(0)
        await expect(each.locator("textarea").first).to_be_visible()


async def test_the_page_without_javascript_says_that_comments_are_closed_and_keeps_what_was_typed(
    demo: Demo, hosts: Hosts
) -> None:
    site = demo.site("plain-hours")
    story = demo.story(site)
    reader = await hosts.reader(java_script_enabled=False)
    page = await reader.new_page()
    await page.goto(f"{story.link}/write")
    await page.locator("textarea").fill("Written before the edge")
    demo.run("site", "set", site, "hours=UTC; otherwise closed")

    async def closed() -> bool:
        async with httpx.AsyncClient() as http:
            return "Comments are closed for now." in (await http.get(f"{story.link}/write")).text

    await eventually(closed, "the page is closed")
    await page.get_by_role("button", name="Post").click()
    await expect(page.locator("textarea")).to_have_value("Written before the edge")
    await expect(page.get_by_text("Comments are closed for now.").first).to_be_visible()
    await page.goto(story.link)
    await expect(page.get_by_text("Comments are closed for now.")).to_be_visible()
    await expect(page.locator(".composer")).to_have_count(0)
    demo.run("site", "set", site, "hours=")


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [(1280, "light", "en"), (390, "dark", "de"), (320, "light", "ar")],
)
async def test_the_page_of_opening_hours_fits_every_width_and_saves_without_a_script(
    width: int, scheme: Any, locale: str, demo: Demo, hosts: Hosts, photograph: Any
) -> None:
    site = demo.site(f"hours-{width}")
    desk = Desk(demo, hosts, site).sign_in()
    options = {
        "viewport": {"width": width, "height": 900},
        "color_scheme": scheme,
        "locale": locale,
    }
    page = await desk.open("rules/hours", **options, java_script_enabled=False)
    await page.locator("[name=use][value=own]").check()
    await page.locator("#zone").fill("Europe/Lisbon")
    await page.locator('[name="approval.cases"]').fill("100")
    await page.locator(".savebar .main").click()
    await expect(page.locator(".week")).to_have_count(1)
    await expect(page.locator("#zone")).to_have_value("Europe/Lisbon")
    shown = await desk.open("rules/hours", **options)
    await photograph(shown, f"hours-{width}")
    assert await findings(shown) == []
    assert await overflow(shown) == 0
