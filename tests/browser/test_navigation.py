"""Navigation in a long discussion: one tab stop per comment, keys, the skip button, threads that fold."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.actions import article, comment, readers
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.page_metrics import post_comments

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LINKED = "See [the timetable](https://example.org)."


def long_discussion(demo: Demo) -> Story:
    """Create five threads, newest first "Number 4." to "Number 0."; the last has two replies."""
    story = demo.story()
    for number in range(5):
        (top,) = post_comments(
            story, [{"body": f"Number {number}. {LINKED}", "name": f"N{number}"}]
        )
        if not number:
            for reply in ("One", "Two"):
                post_comments(story, [{"body": f"{reply} reply.", "name": "Ana", "parent": top}])
    return story


async def load_navigation(page: Page) -> None:
    """Approach the widget with the keyboard and wait for the part `navigation`."""
    await page.get_by_role("button", name="Happy").focus()
    await page.locator(".skip-link").wait_for(state="attached")


def action(place: Locator, name: str) -> Locator:
    """Find a button of a comment by the beginning of its name."""
    return place.get_by_role("button", name=name)


async def test_a_comment_is_one_tab_stop_and_arrow_keys_go_on_from_there(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(long_discussion(demo).snippet)
    await load_navigation(page)
    first, second = article(page, "Number 4."), article(page, "Number 3.")
    await action(first, "React").focus()
    await page.keyboard.press("Tab")
    await expect(action(second, "React")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(action(second, "Reply")).to_be_focused()
    await page.keyboard.press("End")
    await expect(action(second, "More")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(second.get_by_role("link", name="now")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(second.get_by_role("link", name="the timetable")).to_be_focused()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowLeft")
    await expect(action(second, "More")).to_be_focused()
    # Tab returns to the element that had the focus last.
    await page.keyboard.press("Tab")
    await expect(action(article(page, "Number 2."), "React")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(action(second, "More")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(second).to_be_focused()
    stops = await page.get_by_role("article").evaluate_all(
        "all => all.map((each) => each.querySelectorAll('[tabindex=\"0\"]').length)"
    )
    assert stops == [1] * 7


async def test_arrow_keys_are_mirrored_in_right_to_left_text(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(long_discussion(demo).snippet, attributes='lang="ar" dir="rtl"')
    one = article(page, "Number 4.").locator(".actions button")
    await one.first.focus()
    await page.locator(".skip-link").wait_for(state="attached")
    await page.keyboard.press("ArrowLeft")
    await expect(one.nth(1)).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(one.first).to_be_focused()


async def test_j_and_k_move_between_comments_and_are_letters_in_a_text_field(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(long_discussion(demo).snippet)
    await load_navigation(page)
    for key, text in (
        ("j", "Number 4."),
        ("j", "Number 3."),
        ("k", "Number 4."),
        ("k", "Number 4."),
    ):
        await page.keyboard.press(key)
        await expect(article(page, text)).to_be_focused()
    for _ in range(4):
        await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(article(page, "One reply.")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(action(article(page, "One reply."), "React")).to_be_focused()
    box = page.get_by_role("textbox", name="Your comment")
    await box.focus()
    await page.keyboard.type("jk")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("jk")


async def test_the_list_can_be_skipped_where_it_is_long(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(long_discussion(demo).snippet)
    await load_navigation(page)
    skip = page.get_by_role("button", name="Skip the comments")
    await skip.focus()
    await expect(skip).to_be_in_viewport()
    box = await skip.bounding_box()
    assert box
    assert box["height"] >= 44
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Report an error")).to_be_focused()
    short = await hosts.open(demo.story().snippet)
    await load_navigation(short)
    await expect(short.locator(".skip-link")).to_be_hidden()


async def test_a_thread_folds_by_its_line_and_unfolds_for_a_linked_comment(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(long_discussion(demo).snippet)
    await load_navigation(page)
    fold = page.get_by_role("button", name="2 replies")
    line = await fold.bounding_box()
    assert line
    assert line["width"] >= 28
    assert line["height"] >= 100
    await fold.click(position={"x": line["width"] / 2, "y": line["height"] - 20})
    await expect(fold).to_have_attribute("aria-expanded", "false")
    await expect(fold).to_have_text("2 replies")
    reply = article(page, "Two reply.")
    await expect(reply).to_be_hidden()
    await fold.press("Enter")
    await expect(fold).to_have_attribute("aria-expanded", "true")
    await expect(reply).to_be_visible()
    await fold.press("Enter")
    await expect(reply).to_be_hidden()
    href = (
        await page.locator("article", has_text="Two reply.").locator(".time").get_attribute("href")
    )
    assert href
    await page.evaluate("hash => { location.hash = hash }", href.split("#")[1])
    await expect(reply).to_be_focused()
    # The thread was redrawn, and the line is still there.
    await expect(fold).to_have_count(1)


async def test_n_goes_to_the_first_unread_comment(demo: Demo, hosts: Hosts) -> None:
    story = long_discussion(demo)
    page = await hosts.open(story.snippet)
    await readers(page, 1)
    await load_navigation(page)
    above = await article(page, "Number 4.").bounding_box()
    post_comments(story, [{"body": "Just said.", "name": "Jonas"}])
    new_comments = page.get_by_role("button", name="1 new comment")
    await expect(new_comments).to_be_visible()
    # The button is drawn over the gap and moves nothing.
    assert await article(page, "Number 4.").bounding_box() == above
    await page.keyboard.press("n")
    await expect(article(page, "Just said.")).to_be_focused()
    await expect(new_comments).to_be_hidden()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_a_posted_comment_is_highlighted_unless_reduced_motion_is_set(
    motion: str, demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet, reduced_motion=motion)
    await comment(page, "Mine", Name="Ana")
    own = article(page, "Mine")
    await expect(own).to_be_focused()
    moving = await own.evaluate(
        "each => each.getAnimations().map(({ animationName, effect }) =>"
        " [animationName, effect.getTiming().duration])"
    )
    assert moving == ([["arrived", 3_000]] if motion == "no-preference" else [])
