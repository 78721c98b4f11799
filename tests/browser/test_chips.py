"""Reactions to a comment: chips, the picker, and room that is kept for them."""

import json
import urllib.request

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.page_metrics import SHIFTS, say_all, shifted
from tests.browser.widget_states import STYLE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KINDS = ["surprised", "thinking", "happy", "fired_up"]
MOST_NODES = 16
MOST_SHIFT = 0.01


def react(story: Story, comment: str, reaction: str) -> None:
    """A reaction to a comment of a reader who is seen only once."""
    action = {"type": "react", "ref": 1, "token": story.token, "story": story.code}
    body = json.dumps({**action, "comment": comment, "reaction": reaction}).encode()
    request = urllib.request.Request(
        f"{story.server}/v1/actions", body, {"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=30).close()


def liked(demo: Demo) -> Story:
    """A pinned comment and another one, each with all reactions, most of all Happy, and a reply."""
    story = demo.story(label="Elsewhere")
    pinned, other = say_all(
        story, [{"body": f"The {n} one.", "name": "Ana"} for n in ("first", "next")]
    )
    say_all(story, [{"body": "A reply.", "name": "Yusuf", "parent": other}])
    for comment in (pinned, other):
        for kind in (*KINDS, *KINDS, "happy", "sad"):
            react(story, comment, kind)
    demo.run("comment", "pin", pinned)
    return story


async def test_the_most_frequent_stand_first_and_a_comment_is_at_most_sixteen_elements(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(liked(demo).snippet)
    chips = article(page, "The next one.").locator(".chip")
    await expect(chips).to_have_text(["3", "2", "2", "2"])
    await expect(chips.first).to_have_accessible_name("Happy, 3")
    await expect(article(page, "The first one.").locator(".chip")).to_have_count(3)
    sizes = await page.get_by_role("article").evaluate_all(
        "all => all.map((each) => each.querySelectorAll('*').length + 2)"
    )
    assert max(sizes) <= MOST_NODES, sizes


async def test_ones_own_is_always_among_them_and_goes_when_it_is_taken_back(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(liked(demo).snippet)
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


async def inside(page: Page, text: str) -> list[float]:
    """How far the picker of a comment stands out of the column: to the left, to the right, over its button."""
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
        # Nothing lies over it, and nothing of it is cut off.
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
        liked(demo).snippet,
        head=STYLE,
        attributes=f'lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}"',
        viewport={"width": width, "height": 700},
    )
    for text in ("The first one.", "A reply."):
        assert max(await inside(page, text)) <= 0
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert await page.evaluate(wide) <= 0


async def test_the_picker_closes_when_a_reader_goes_on(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(liked(demo).snippet)
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
    story = liked(demo)
    page = await hosts.open(
        "<p>Before it.</p>" + story.snippet,
        head=STYLE + SHIFTS + "<style>blockquote{display:none}</style>",
        viewport={"width": width, "height": 1_400},
    )
    await expect(page.locator(".chip").first).to_be_visible()
    await page.get_by_role("button", name="Happy").first.focus()
    await page.locator(".skip-link").wait_for(state="attached")
    moved = await shifted(page)
    assert sum(value for value, _ in moved) <= MOST_SHIFT, moved
