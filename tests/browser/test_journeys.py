"""A reader does everything with the keyboard alone, and by touch on the narrowest phone.

The same without JavaScript is in test_story_pages.py.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.actions import article, expect_reaction
from tests.browser.conftest import Demo, Hosts
from tests.browser.page_metrics import post_comments

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL_PHONE = {"width": 320, "height": 640}
MAX_KEYS = 60
"""Keys within which every control is reached."""
WHERE = """(target) => {
  let now = document.activeElement;
  while (now?.shadowRoot?.activeElement) now = now.shadowRoot.activeElement;
  if (now === target) return "";
  if (now?.closest?.(".popover")?.contains(target)) return "ArrowDown";
  return now?.closest?.("article, .reactions")?.contains(target) && target.tabIndex < 0 ? "ArrowRight" : "Tab";
}"""
"""Returns the key that leads from the focused element to another one, empty if it is the same."""

Way = Callable[[Page, Locator], Awaitable[None]]


async def by_keyboard(page: Page, target: Locator) -> None:
    """Go to a control with the keys that a reader would use, and press Enter; in a text field, write."""
    await target.wait_for()
    for _ in range(MAX_KEYS):
        key = await target.evaluate(WHERE)
        if not key:
            break
        await page.keyboard.press(key)
    await expect(target).to_be_focused()
    if await target.evaluate("target => target.matches('button')"):
        await page.keyboard.press("Enter")


async def by_touch(page: Page, target: Locator) -> None:
    """Tap a control, which must be inside the page's width."""
    await target.scroll_into_view_if_needed()
    box = await target.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SMALL_PHONE["width"]
    await target.tap()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("use", [by_keyboard, by_touch])
async def test_a_reader_reacts_comments_replies_edits_deletes_sorts_shares_and_erases(
    use: Way, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    for text, name in (("Who pays?", "Yusuf"), ("We have a bus.", "Mireille")):
        post_comments(story, [{"body": text, "name": name}])
    touch: dict[str, Any] = {"viewport": SMALL_PHONE, "has_touch": True, "is_mobile": True}
    options = touch if use is by_touch else {}
    permissions = ["clipboard-read", "clipboard-write"]
    page = await hosts.open(story.snippet, permissions=permissions, **options)
    await article(page, "Who pays?").wait_for()

    await use(page, page.get_by_role("button", name="Happy"))
    await expect_reaction(page, "Happy", 1, own=True)

    await use(page, page.get_by_role("textbox", name="Your comment"))
    await page.keyboard.type("The council does.")
    await use(page, page.get_by_role("textbox", name="Name"))
    await page.keyboard.type("Ana")
    await use(page, page.get_by_role("button", name="Post", exact=True))
    mine = article(page, "The council does.")
    await expect(mine).to_be_focused()

    theirs = article(page, "Who pays?")
    await use(page, theirs.get_by_role("button", name="Reply to Yusuf"))
    reply = page.get_by_role("textbox", name="Your reply to Yusuf")
    await expect(reply).to_be_focused()
    await page.keyboard.type("Since last year.")
    await use(page, theirs.get_by_role("button", name="Reply", exact=True))
    await expect(article(page, "Since last year.")).to_be_focused()

    await use(page, mine.get_by_role("button", name="More about"))
    await use(page, mine.get_by_role("button", name="Edit"))
    box = mine.get_by_role("textbox", name="Your comment")
    await expect(box).to_be_focused()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("The city does.")
    await use(page, mine.get_by_role("button", name="Save", exact=True))
    mine = article(page, "The city does.")
    await expect(mine).to_contain_text("edited")

    await use(page, mine.get_by_role("button", name="More about"))
    await use(page, mine.get_by_role("button", name="Delete"))
    await expect(page.get_by_role("button", name="Undo")).to_be_focused()

    # It can be undone for ten seconds, then its line stays for its author.
    texts = page.locator(".comments > li > article .comment-text")
    await expect(texts.first).to_have_text("This comment was removed.", timeout=30_000)

    await use(page, page.get_by_role("button", name="Newest first"))
    order = page.get_by_role("group", name="Order")
    await use(page, order.get_by_role("button", name="Oldest first"))
    await expect(texts.first).to_have_text("Who pays?")

    await use(page, page.get_by_role("button", name="Share", exact=True))
    ways = page.get_by_role("group", name="Share", exact=True)
    await use(page, ways.get_by_role("button", name="Copy link"))
    await expect(page.get_by_role("status").filter(has_text="Link copied")).to_be_attached()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(page.url.partition("#")[0])

    await use(page, page.get_by_role("button", name="Your data"))
    await use(page, page.get_by_role("button", name="Delete my data…"))
    await use(page, page.get_by_role("button", name="Delete everything"))
    await page.get_by_text("Your data was deleted.").wait_for()
    await expect(article(page, "Since last year.")).to_have_count(0)
    await expect_reaction(page, "Happy", 0, own=False)
    assert await page.evaluate("localStorage.length") == 0
