"""What a running Wagtail makes of the snippet, the iframe and the address in its three blocks: `make cms-tests`."""

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.editors import copy_address, copy_snippet
from tests.browser.paste_results import (
    BY_CODE,
    DISCUSSION,
    FRAME,
    LINK,
    REFUSED,
    Record,
    Seen,
    look,
)
from tests.browser.republishing_guide import TITLE, frame, snippet
from tests.browser.wagtail import Wagtail, version, wagtail
from tests.waiting import SLOWNESS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_numbers = itertools.count(1)
"""Wagtail gives no two pages of a title the same address; it refuses the second one."""


@pytest.fixture(scope="module")
def site(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wagtail]:
    """One Wagtail for all tests, which has the server in its list of oEmbed providers."""
    with wagtail(tmp_path_factory.mktemp("wagtail"), demo.server) as found:
        yield found


async def editing(hosts: Hosts, site: Wagtail, block: str) -> Page:
    """Return a page where an administrator begins a story with this block. Wagtail's own pages may write to the console."""
    context = await hosts.reader(viewport={"width": 1100, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(30_000 * SLOWNESS)
    page = await context.new_page()
    await site.enter(page)
    await page.goto(f"{site.address}/admin/pages/add/stories/storypage/2/")
    await page.get_by_role("textbox", name="Title*").fill(f"A story {next(_numbers)}")
    await page.get_by_role("button", name="Insert a block").first.click()
    await page.get_by_role("option", name=block).click()
    return page


async def paste(page: Page, words: str) -> None:
    """Paste into the rich text, and wait until the editor has put these words into the form."""
    await page.bring_to_front()
    field = page.locator(".public-DraftEditor-content")
    await field.click()
    await field.press("ControlOrMeta+v")
    await expect(page.locator("[name=body-0-value]")).to_have_value(re.compile(re.escape(words)))


async def press_publish(page: Page) -> None:
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("button", name="Publish").click()


async def publish(page: Page) -> str:
    """Publish the story and return its address."""
    await press_publish(page)
    link = page.get_by_role("status").get_by_role("link", name="View live")
    return str(await link.evaluate("link => link.href"))


async def read(
    hosts: Hosts, site: Wagtail, address: str, story: Story, *, live: bool, theme: bool = False
) -> Seen:
    """Open a story as a new reader, with the script in the theme or without; return what is there."""
    page = await hosts.page(await hosts.reader())
    await page.goto(address + (f"?theme={story.server}" if theme else ""))
    if live:
        await expect(page.locator("story-widget")).to_be_attached()
    return await look(page, story)


async def test_rich_text_keeps_link_and_credit_which_the_themes_script_makes_the_discussion(
    demo: Demo, hosts: Hosts, site: Wagtail, record: Record
) -> None:
    system, story = f"Wagtail {version('wagtail')}", demo.story(title=TITLE)
    page = await editing(hosts, site, "Text")
    await copy_snippet(page.context, story, "html")
    await paste(page, "CC BY 4.0")
    address = await publish(page)
    seen = await read(hosts, site, address, story, live=False)
    record(system, "rich text", "snippet", seen)
    assert seen == Seen(LINK, credit=True)
    seen = await read(hosts, site, address, story, live=True, theme=True)
    record(system, "rich text", "theme", seen)
    assert seen == Seen(BY_CODE, credit=True)


async def test_the_block_for_html_keeps_the_snippet_and_the_iframe(
    demo: Demo, hosts: Hosts, site: Wagtail, record: Record
) -> None:
    found = {}
    for pasted in ("snippet", "iframe"):
        story = demo.story(title=TITLE)
        page = await editing(hosts, site, "HTML")
        html = snippet(story) if pasted == "snippet" else frame(story)
        await page.locator("textarea[name=body-0-value]").fill(html)
        address = await publish(page)
        found[pasted] = await read(hosts, site, address, story, live=pasted == "snippet")
        record(f"Wagtail {version('wagtail')}", "block for raw HTML", pasted, found[pasted])
    assert found == {
        "snippet": Seen(DISCUSSION, credit=True),
        "iframe": Seen(FRAME, credit=True),
    }


async def test_the_block_for_embeds_shows_the_frame_of_a_server_in_its_list(
    demo: Demo, hosts: Hosts, site: Wagtail, record: Record
) -> None:
    story = demo.story(title=TITLE)
    page = await editing(hosts, site, "Embed")
    await page.locator("input[name=body-0-value]").fill(story.link)
    seen = await read(hosts, site, await publish(page), story, live=False)
    record(f"Wagtail {version('wagtail')}", "block for embeds, server listed", "address", seen)
    assert seen == Seen(FRAME, credit=True)


async def test_the_block_for_embeds_refuses_the_address_of_a_server_that_is_not_in_its_list(
    demo: Demo, hosts: Hosts, site: Wagtail, record: Record
) -> None:
    story = demo.story(title=TITLE)
    page = await editing(hosts, site, "Embed")
    other = story.link.replace("localhost", "127.0.0.1")
    await page.locator("input[name=body-0-value]").fill(other)
    await press_publish(page)
    await expect(page.get_by_text("Cannot find an embed for this URL.")).to_be_visible()
    refused = Seen(REFUSED, credit=False)
    record(f"Wagtail {version('wagtail')}", "block for embeds", "address", refused)


async def test_rich_text_makes_a_link_of_a_pasted_address(
    demo: Demo, hosts: Hosts, site: Wagtail, record: Record
) -> None:
    story = demo.story(title=TITLE)
    page = await editing(hosts, site, "Text")
    await copy_address(page.context, story)
    await paste(page, story.link)
    seen = await read(hosts, site, await publish(page), story, live=False)
    record(f"Wagtail {version('wagtail')}", "rich text", "address", seen)
    assert seen == Seen(LINK, credit=False)
