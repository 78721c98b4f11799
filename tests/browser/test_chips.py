"""Reactions to a comment: chips, the picker, and the space reserved for them."""

import json
import urllib.request

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.page_metrics import SHIFTS, layout_shifts, post_comments
from tests.browser.widget_states import STYLE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KINDS = ["surprised", "thinking", "happy", "fired_up"]
MAX_NODES = 16
MAX_SHIFT = 0.01


def react(story: Story, comment: str, reaction: str) -> None:
    """React to a comment as a new reader."""
    action = {"type": "react", "ref": 1, "token": story.token, "story": story.code}
    body = json.dumps({**action, "comment": comment, "reaction": reaction}).encode()
    request = urllib.request.Request(
        f"{story.server}/v1/actions", body, {"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=30).close()


def story_with_chips(demo: Demo) -> Story:
    """Create a pinned comment and another one, each with all reactions, mostly Happy, and a reply."""
    story = demo.story(label="Elsewhere")
    pinned, other = post_comments(
        story, [{"body": f"The {n} one.", "name": "Ana"} for n in ("first", "next")]
    )
    post_comments(story, [{"body": "A reply.", "name": "Yusuf", "parent": other}])
    for comment in (pinned, other):
        for kind in (*KINDS, *KINDS, "happy", "sad"):
            react(story, comment, kind)
    demo.run("comment", "pin", pinned)
    return story


async def test_the_most_frequent_chips_come_first_and_a_comment_has_at_most_sixteen_elements(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(story_with_chips(demo).snippet)
    chips = article(page, "The next one.").locator(".chip")
    await expect(chips).to_have_text(["3", "2", "2", "2"])
    await expect(chips.first).to_have_accessible_name("Happy, 3")
    await expect(article(page, "The first one.").locator(".chip")).to_have_count(3)
    sizes = await page.get_by_role("article").evaluate_all(
        "all => all.map((each) => each.querySelectorAll('*').length + 2)"
    )
    assert max(sizes) <= MAX_NODES, sizes


async def test_the_readers_own_chip_is_always_shown_and_disappears_when_removed(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(story_with_chips(demo).snippet)
    one = article(page, "The next one.")
    await expect(one.get_by_role("button", name="Sad")).to_have_count(0)
    await one.get_by_role("button", name="React").click()
    await one.get_by_role("group").get_by_role("button", name="Sad").click()
    own = one.get_by_role("button", name="Sad, 2")
    await expect(own).to_have_attribute("aria-pressed", "true")
    await expect(one.locator(".chip")).to_have_count(4)
    await own.click()
    await expect(own).to_have_count(0)
    await expect(one.locator("[aria-pressed=true]")).to_have_count(0)


async def picker_overflow(page: Page, text: str) -> list[float]:
    """Return how far the picker of a comment exceeds the column: to the left, to the right, over its button."""
    opener = article(page, text).locator(".icon-smile")
    await opener.click()
    picker = page.locator(".reaction-picker")
    await expect(picker.locator("button").first).to_be_focused()
    found: list[float] = await picker.evaluate(
        """(picker) => {
          const box = picker.getBoundingClientRect();
          const column = picker.closest(".widget").getBoundingClientRect();
          const button = picker.parentElement.querySelector(".icon-smile").getBoundingClientRect();
          return [column.left - box.left, box.right - column.right, button.bottom - box.top];
        }"""
    )
    for choice in await picker.locator("button").all():
        box = await choice.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 32
        # Each choice is visible and not covered.
        await choice.click(trial=True)
    await page.keyboard.press("Escape")
    await expect(picker).to_have_count(0)
    await expect(opener).to_be_focused()
    return found


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("width", [320, 390])
async def test_the_picker_stays_in_the_column_below_its_button(
    width: int, lang: str, demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(
        story_with_chips(demo).snippet,
        head=STYLE,
        attributes=f'lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}"',
        viewport={"width": width, "height": 700},
    )
    for text in ("The first one.", "A reply."):
        assert max(await picker_overflow(page, text)) <= 0
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert await page.evaluate(wide) <= 0


async def test_the_picker_closes_when_the_reader_moves_on(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(story_with_chips(demo).snippet)
    opener = article(page, "A reply.").locator(".icon-smile")
    picker = page.locator(".reaction-picker")
    await opener.click()
    await expect(opener).to_have_attribute("aria-expanded", "true")
    await page.get_by_role("heading", name="3 comments").click()
    await expect(picker).to_have_count(0)
    await expect(opener).to_have_attribute("aria-expanded", "false")
    await opener.click()
    await opener.click()
    await expect(picker).to_have_count(0)
    await opener.press("Enter")
    await picker.locator("button").last.focus()
    await page.keyboard.press("Tab")
    await expect(picker).to_have_count(0)


@pytest.mark.parametrize("width", [320, 900])
async def test_nothing_moves_while_chips_badges_and_pins_arrive(
    width: int, demo: Demo, hosts: Hosts
) -> None:
    story = story_with_chips(demo)
    page = await hosts.open(
        "<p>Before it.</p>" + story.snippet,
        head=STYLE + SHIFTS + "<style>blockquote{display:none}</style>",
        viewport={"width": width, "height": 1_400},
    )
    await expect(page.locator(".chip").first).to_be_visible()
    await page.get_by_role("button", name="Happy").first.focus()
    await page.locator(".skip-link").wait_for(state="attached")
    moved = await layout_shifts(page)
    assert sum(value for value, _ in moved) <= MAX_SHIFT, moved
