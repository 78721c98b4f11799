"""docs/users/republishing.md in a Ghost that runs: `make cms-tests`."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Demo, Hosts
from tests.browser.publishing import BLOG, PASSWORD, Ghost, ghost, mariadb, picture
from tests.browser.republishing_guide import TITLE, expect_discussion, expect_talk, snippet
from tests.waiting import SLOWNESS, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Every weekday at six the last ferry leaves with four hundred books on board."
#: Ghost's themes ask a CDN for the scripts of its members; there is none here.
NOT_THERE = "Failed to load resource: net::ERR_NAME_NOT_RESOLVED"
OWNER = {"name": "Owner", "email": "owner@example.com", "password": PASSWORD, "blogTitle": BLOG}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ghost]:
    """One Ghost for all tests; each writes stories of its own."""
    with (
        mariadb(tmp_path_factory.mktemp("db")) as database,
        ghost(tmp_path_factory.mktemp("ghost"), database) as found,
    ):
        yield found


async def inside(hosts: Hosts, site: Ghost) -> Page:
    """The owner's desk; the first visit sets the site up. Ghost's own pages may write to the console."""
    hosts.expected.append(NOT_THERE)
    # Its button “Publish post” pulses until it is clicked: nothing that moves is stable.
    context = await hosts.reader(viewport={"width": 1000, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(60_000 * SLOWNESS)
    state = await site.ask(context, "GET", "authentication/setup/")
    if not state["setup"][0]["status"]:
        await site.ask(context, "POST", "authentication/setup/", setup=[OWNER])
    await site.enter(context)
    return await context.new_page()


async def post(page: Page, site: Ghost, html: str) -> dict[str, Any]:
    """Publish a story with this in an HTML card, by the Admin API; the story."""
    card = {"type": "html", "version": 1, "html": html}
    root = {"children": [card], "type": "root", "version": 1, "direction": None, "format": ""}
    written = {"title": TITLE, "lexical": json.dumps({"root": root}), "status": "published"}
    answer = await site.ask(page.context, "POST", "posts/", posts=[written])
    found: dict[str, Any] = answer["posts"][0]
    return found


async def reading(hosts: Hosts, address: str) -> Page:
    """A reader who opens this address."""
    page = await hosts.page(await hosts.reader())
    await page.goto(address)
    return page


async def test_the_html_card_takes_the_snippet_and_readers_talk(
    demo: Demo, hosts: Hosts, site: Ghost
) -> None:
    story = demo.story(title=TITLE)
    desk = await inside(hosts, site)
    await desk.goto(f"{site.address}/ghost/#/editor/post")
    title = desk.get_by_placeholder("Post title")
    await title.fill(TITLE)
    await desk.get_by_text("Begin writing your post").locator("visible=true").wait_for()
    await title.press("Enter")
    await desk.keyboard.type(TEXT)
    await desk.keyboard.press("Enter")
    await desk.keyboard.type("/html")
    await desk.locator("[data-kg-cardmenu-idx='0']").click()
    await desk.locator(".cm-content").wait_for()
    await desk.keyboard.insert_text(snippet(story))
    await picture(desk, "ghost-editor", 1000, 760)
    await desk.get_by_role("button", name="Publish").locator("visible=true").first.click()
    await desk.get_by_role("button", name=re.compile("Continue, final review")).click()
    await desk.get_by_role("button", name=re.compile("Publish post")).click()

    async def published() -> str | None:
        path = "posts/?formats=html&filter=status:published"
        answer = await site.ask(desk.context, "GET", path)
        return next((each["url"] for each in answer["posts"] if story.code in each["html"]), None)

    address = await eventually(published, "the story is published", 60)
    page = await reading(hosts, address)
    await expect_talk(page)
    await picture(page, "ghost-story", 900, 900)


async def mail(page: Page, site: Ghost, written: dict[str, Any]) -> str:
    """The story as Ghost sends it to who subscribed."""
    path = f"email_previews/posts/{written['id']}/"
    answer = await site.ask(page.context, "GET", path)
    return str(answer["email_previews"][0]["html"])


async def test_code_injection_brings_the_script_to_stories_and_not_to_mail(
    demo: Demo, hosts: Hosts, site: Ghost
) -> None:
    story = demo.story(title=TITLE)
    desk = await inside(hosts, site)
    whole = await post(desk, site, snippet(story))
    assert story.script in await mail(desk, site, whole)
    written = await post(desk, site, re.sub(r"<script.*?</script>\n?", "", snippet(story)))
    page = await reading(hosts, written["url"])
    # Other stories at the foot of the page begin with the same words.
    await expect(page.locator("a.story-widget")).to_be_visible()
    footer = [{"key": "codeinjection_foot", "value": story.script}]
    await site.ask(desk.context, "PUT", "settings/", settings=footer)
    await expect_discussion(await reading(hosts, written["url"]))
    sent = await mail(desk, site, written)
    assert f'href="{story.link}' in sent
    assert "<script" not in sent
