"""What one copy hides is missing there, and the pages of other copies stay as they are."""

import json

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, readers
from tests.browser.conftest import SITE, Demo, Hosts, Story

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

COMMENTS = """() => {
  const shown = document.querySelector("story-widget").shadowRoot.querySelectorAll("article");
  return [...shown].map((each) => each.querySelector(".time").hash + each.querySelector(".comment-text").innerHTML);
}"""


def copy_on(demo: Demo, story: Story, origin: str) -> str:
    """Return the id of the story's copy on an origin."""
    listed = json.loads(demo.run("copy", "list", SITE, "--story", story.code, "--json"))
    (copy,) = [str(one["id"]) for one in listed["copies"] if one["origin"] == origin]
    return copy


async def comments_of(page: Page) -> list[str]:
    """Return the comments that a page shows."""
    shown: list[str] = await page.evaluate(COMMENTS)
    return shown


async def test_a_copy_hides_a_comment_with_its_replies_and_no_other_page_changes(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    pages = [await hosts.open(story.snippet, site=number) for number in range(3)]
    for page in pages:
        await readers(page, 3)
    one, two, three = pages
    await comment(two, "Words for another town.")
    await expect(article(two, "Words for another town.")).to_have_count(1)
    await comment(three, "Words for everybody here.")
    # All pages are told of it before one is loaded again, else it would only be announced there.
    await expect(one.get_by_role("button", name="2 new comments")).to_be_visible()
    for page in pages:
        await page.reload()
        await expect(article(page, "Words for another town.")).to_have_count(1)
        await expect(article(page, "Words for everybody here.")).to_have_count(1)
    await readers(one, 3)
    before = [await comments_of(page) for page in pages]
    (hidden,) = [each.split("<")[0] for each in before[0] if "another town" in each]
    copy = copy_on(demo, story, await one.evaluate("location.origin"))
    name = hidden.removeprefix("#c-")
    demo.run("copy", "hide", SITE, copy, name)
    await expect(article(one, "Words for another town.")).to_have_count(0)
    await expect(article(one, "Words for everybody here.")).to_have_count(1)
    assert [await comments_of(page) for page in (two, three)] == before[1:]
    # At the first paint, before a socket is open.
    await one.route_web_socket("**/v1/live", lambda _: None)
    await one.reload()
    await expect(article(one, "Words for everybody here.")).to_have_count(1)
    assert [each for each in await comments_of(one) if "another town" in each] == []
    for page in (two, three):
        await page.reload()
        await expect(article(page, "Words for another town.")).to_have_count(1)
    demo.run("copy", "show", SITE, copy, name)
    again = await hosts.open(story.snippet, site=0)
    await expect(article(again, "Words for another town.")).to_have_count(1)


async def test_new_comments_below_a_hidden_one_are_not_announced(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    here, there = [await hosts.open(story.snippet, site=number) for number in range(2)]
    for page in (here, there):
        await readers(page, 2)
    await comment(there, "Not for this town.")
    hidden = article(here, "Not for this town.")
    await here.get_by_role("button", name="1 new comment").click()
    await expect(hidden).to_have_count(1)
    (shown,) = await comments_of(here)
    copy = copy_on(demo, story, await here.evaluate("location.origin"))
    demo.run("copy", "hide", SITE, copy, shown.split("<")[0].removeprefix("#c-"))
    await expect(hidden).to_have_count(0)
    await article(there, "Not for this town.").get_by_role("button", name="Reply").click()
    answer = there.get_by_role("textbox", name="Your reply")
    await answer.fill("Nor is this.")
    await answer.press("Control+Enter")
    await expect(article(there, "Nor is this.")).to_have_count(1)
    await comment(there, "For all towns.")
    await here.get_by_role("button", name="1 new comment", exact=True).click()
    await expect(article(here, "For all towns.")).to_be_focused()
    assert len(await comments_of(here)) == 1
