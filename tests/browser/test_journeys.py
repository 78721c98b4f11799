"""A reader does everything with the keyboard alone, and by touch on the narrowest phone.

The same without JavaScript is in test_story_pages.py.
"""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.actions import article, expect_reaction
from tests.browser.conftest import Demo, Hosts
from tests.browser.page_metrics import post_comments
from tests.browser.ways import SMALL_PHONE, Way, by_keyboard, by_touch

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


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
