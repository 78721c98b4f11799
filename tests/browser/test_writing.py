"""Writing: drafts are kept, comments are sent once, deletions can be undone."""

import pytest
from playwright.async_api import expect

from tests.browser.actions import article, comment, more, readers
from tests.browser.conftest import Demo, Hosts
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_29_a_draft_is_kept_over_a_reload_and_deleted_after_posting(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet)
    await comment(page, "Top", Name="Ana")
    await expect(article(page, "Top")).to_be_focused()
    box = page.get_by_role("textbox", name="Your comment")
    await box.fill("Half a thought")
    await page.get_by_role("button", name="Reply to Ana").click()
    answer = page.get_by_role("textbox", name="Your reply to Ana")
    await answer.fill("Half an answer")
    await page.reload()
    await expect(box).to_have_value("Half a thought")
    await expect(answer).to_have_value("Half an answer")
    await answer.press("Control+Enter")
    await expect(article(page, "Half an answer").last).to_be_focused()
    await box.press("Control+Enter")
    await expect(article(page, "Half a thought")).to_be_focused()
    await page.reload()
    await article(page, "Half a thought").wait_for()
    await expect(box).to_have_value("")
    await expect(answer).to_have_count(0)


async def test_30_without_a_connection_a_comment_is_kept_and_sent_once(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Failed to load resource", "WebSocket connection to"]
    story = demo.story()
    page = await hosts.open(story.snippet)
    await readers(page, 1)
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await page.get_by_role("textbox", name="Name").wait_for()
    await page.context.set_offline(True)
    for text in ("Cancelled", "From the tunnel"):
        await box.fill(text)
        await page.get_by_role("button", name="Post", exact=True).click()
        await page.get_by_text(f"Waiting to be sent: {text}").wait_for()
        await expect(page.get_by_role("heading", name="0 comments")).to_be_visible()
    await page.get_by_role("button", name="Cancel").first.click()
    await expect(page.get_by_text("Waiting to be sent: Cancelled")).to_have_count(0)
    await page.context.set_offline(False)
    await page.reload()
    await expect(article(page, "From the tunnel")).to_have_count(1)
    await expect(page.get_by_text("Waiting to be sent")).to_have_count(0)
    other = await hosts.open(story.snippet, site=1)
    await expect(article(other, "From the tunnel")).to_have_count(1)
    await expect(other.get_by_role("article")).to_have_count(1)


async def test_a_deletion_can_be_undone_for_ten_seconds(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open(story.snippet, page=page)
    await comment(page, "Shall I stay")
    await expect(article(page, "Shall I stay")).to_be_focused()
    await more(page, "Shall I stay", "Delete")
    await expect(page.get_by_text("Deleted.")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(article(page, "Shall I stay")).to_be_focused()
    await page.clock.run_for(20_000)
    other = await hosts.open(story.snippet, site=1)
    await expect(article(other, "Shall I stay")).to_be_visible()


async def test_a_preview_shows_what_will_be_posted(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    text = "A **bold** word and `code`.\n\n> quoted\n\n- one\n- two"
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await box.fill(text)
    await page.get_by_role("button", name="Preview").click()
    shown = page.locator(".composer .comment-text")
    await expect(shown.locator("li")).to_have_count(2)
    tree = await shown.evaluate("element => element.innerHTML")
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(article(page, "A bold word")).to_be_focused()
    posted = article(page, "A bold word").locator(".comment-text")
    assert await posted.evaluate("element => element.innerHTML") == tree


async def test_near_the_limit_the_remaining_characters_are_shown(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await page.get_by_role("textbox", name="Name").wait_for()
    await box.fill("x" * 4_990)
    await expect(page.get_by_text("10 characters left")).to_be_visible()


async def test_a_part_that_failed_to_load_is_requested_again(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["Failed to load resource"]
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await page.route("**/*-more.js*", lambda route: route.abort())
    await hosts.open(demo.story().snippet, page=page)
    options = page.get_by_role("button", name="Sort, share, privacy")
    await options.click()
    message = page.get_by_role("status").filter(has_text="The server does not answer.")

    async def is_message_visible() -> bool:
        await page.clock.run_for(5_000)
        return await message.is_visible()

    await eventually(is_message_visible, "the message appears after a minute")
    await expect(message).to_be_in_viewport()
    await page.unroute("**/*-more.js*")
    await options.click()
    await expect(page.get_by_role("combobox", name="Order")).to_be_visible()
