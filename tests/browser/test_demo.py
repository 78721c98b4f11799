"""The main use case: three sites, one discussion."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, expect_reaction, more, reaction
from tests.browser.conftest import Demo, Hosts

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_actions_on_one_copy_appear_on_the_others(demo: Demo, hosts: Hosts) -> None:
    pages = [await hosts.page(await hosts.reader()) for _ in range(3)]
    for number, page in enumerate(pages):
        await page.goto(demo.page(number))
        await page.get_by_role("group").first.scroll_into_view_if_needed()
    first, second, third = pages
    # The second copy is in Spanish, so its widget is, too.
    spanish = {"Happy": "Alegría", "Sad": "Tristeza"}

    async def shown(page: Page, name: str, count: int, *, own: bool) -> None:
        await expect_reaction(page, spanish[name] if page is second else name, count, own=own)

    await expect(first.get_by_text("3 reading now")).to_be_visible()

    await reaction(first, "Happy").click()
    for page in pages:
        await shown(page, "Happy", 1, own=page is first)
    await reaction(second, "Tristeza").click()
    await reaction(second, "Alegría").click()
    for page in pages:
        await shown(page, "Happy", 2, own=page is not third)
        await shown(page, "Sad", 0, own=False)

    await comment(third, "The boat waits, and so do we.", Name="Mireille")
    await expect(article(third, "The boat waits")).to_be_focused()
    for page, pill, via, heading in (
        (first, "1 new comment", "Northside Weekly", "1 comment"),
        (second, "1 comentario nuevo", "Northside Weekly", "1 comentario"),
    ):
        await expect(article(page, "The boat waits")).to_have_count(0)
        await page.get_by_role("button", name=pill).click()
        await expect(article(page, "The boat waits")).to_be_focused()
        await expect(article(page, "The boat waits")).to_contain_text(via)
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()

    await first.get_by_role("button", name="Reply to Mireille").click()
    box = first.get_by_role("textbox", name="Your reply to Mireille")
    await expect(box).to_be_focused()
    await box.fill("Every evening at six.")
    await box.press("Control+Enter")
    await expect(article(first, "Every evening")).to_be_focused()
    await third.get_by_role("button", name="1 new comment").click()
    await expect(article(third, "Every evening")).to_be_visible()

    await more(third, "The boat waits", "Delete")
    # Leaving the page confirms the deletion.
    await third.goto("about:blank")
    await third.go_back()
    for page in (first, third):
        await expect(article(page, "This comment was removed.")).to_be_visible()
        await expect(article(page, "Every evening")).to_be_visible()


async def test_the_snippet_keeps_its_attribution_in_the_page(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.page(await hosts.reader())
    await page.goto(demo.page(2))
    await reaction(page, "Happy").wait_for()
    line = page.locator("blockquote > p").last
    await expect(line).to_contain_text("by Ines Falk, The Harbour Post. CC BY 4.0.")
    assert await line.evaluate("element => element.getRootNode() === document")
    link = page.locator("blockquote a.story-widget")
    await expect(link).to_be_hidden()
    assert "/s/" in str(await link.get_attribute("href"))
