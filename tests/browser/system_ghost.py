"""Recipes of docs/users/republishing.md in a running Ghost: `make cms-tests`."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Demo, Hosts
from tests.browser.publishing import BLOG, PASSWORD, Ghost, ghost, mariadb, picture
from tests.browser.republishing_guide import TITLE, expect_comments, expect_discussion, snippet
from tests.waiting import SLOWNESS, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Every weekday at six the last ferry leaves with four hundred books on board."
#: Ghost's themes load member scripts from a CDN, which the tests cannot reach.
UNREACHABLE_CDN = "Failed to load resource: net::ERR_NAME_NOT_RESOLVED"
OWNER = {"name": "Owner", "email": "owner@example.com", "password": PASSWORD, "blogTitle": BLOG}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ghost]:
    """One Ghost for all tests. Each test writes its own stories."""
    with (
        mariadb(tmp_path_factory.mktemp("db")) as database,
        ghost(tmp_path_factory.mktemp("ghost"), database) as found,
    ):
        yield found


async def inside(hosts: Hosts, site: Ghost) -> Page:
    """Return a page logged in as owner. The first call sets up the site. Ghost's own pages may write to the console."""
    hosts.expected.append(UNREACHABLE_CDN)
    # Reduced motion: the button “Publish post” pulses, and Playwright waits until an element is stable.
    context = await hosts.reader(viewport={"width": 1000, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(60_000 * SLOWNESS)
    state = await site.ask(context, "GET", "authentication/setup/")
    if not state["setup"][0]["status"]:
        await site.ask(context, "POST", "authentication/setup/", setup=[OWNER])
    await site.enter(context)
    return await context.new_page()


async def post(page: Page, site: Ghost, html: str) -> dict[str, Any]:
    """Publish a story with this HTML card over the Admin API and return it."""
    card = {"type": "html", "version": 1, "html": html}
    root = {"children": [card], "type": "root", "version": 1, "direction": None, "format": ""}
    written = {"title": TITLE, "lexical": json.dumps({"root": root}), "status": "published"}
    answer = await site.ask(page.context, "POST", "posts/", posts=[written])
    found: dict[str, Any] = answer["posts"][0]
    return found


async def reading(hosts: Hosts, address: str) -> Page:
    """Open this address as a new reader."""
    page = await hosts.page(await hosts.reader())
    await page.goto(address)
    return page


async def test_the_html_card_accepts_the_snippet_and_readers_comment(
    demo: Demo, hosts: Hosts, site: Ghost
) -> None:
    story = demo.story(title=TITLE)
    admin = await inside(hosts, site)
    await admin.goto(f"{site.address}/ghost/#/editor/post")
    title = admin.get_by_placeholder("Post title")
    await title.fill(TITLE)
    await admin.get_by_text("Begin writing your post").locator("visible=true").wait_for()
    await title.press("Enter")
    await admin.keyboard.type(TEXT)
    await admin.keyboard.press("Enter")
    await admin.keyboard.type("/html")
    await admin.locator("[data-kg-cardmenu-idx='0']").click()
    await admin.locator(".cm-content").wait_for()
    await admin.keyboard.insert_text(snippet(story))
    await picture(admin, "ghost-editor", 1000, 760)
    await admin.get_by_role("button", name="Publish").locator("visible=true").first.click()
    await admin.get_by_role("button", name=re.compile("Continue, final review")).click()
    await admin.get_by_role("button", name=re.compile("Publish post")).click()

    async def published() -> str | None:
        path = "posts/?formats=html&filter=status:published"
        answer = await site.ask(admin.context, "GET", path)
        return next((each["url"] for each in answer["posts"] if story.code in each["html"]), None)

    address = await eventually(published, "the story is published", 60)
    page = await reading(hosts, address)
    await expect_comments(page)
    await picture(page, "ghost-story", 900, 900)


async def mail(page: Page, site: Ghost, written: dict[str, Any]) -> str:
    """Return the HTML of the newsletter email for a story."""
    path = f"email_previews/posts/{written['id']}/"
    answer = await site.ask(page.context, "GET", path)
    return str(answer["email_previews"][0]["html"])


async def test_code_injection_adds_the_script_to_stories_and_not_to_email(
    demo: Demo, hosts: Hosts, site: Ghost
) -> None:
    story = demo.story(title=TITLE)
    admin = await inside(hosts, site)
    whole = await post(admin, site, snippet(story))
    assert f'src="{demo.server}/embed.js"></script>' in await mail(admin, site, whole)
    written = await post(admin, site, re.sub(r"<script.*?</script>\n?", "", snippet(story)))
    page = await reading(hosts, written["url"])
    # By class: the excerpts of other stories at the end of the page have the same text.
    await expect(page.locator("a.story-widget")).to_be_visible()
    footer = [{"key": "codeinjection_foot", "value": story.script}]
    await site.ask(admin.context, "PUT", "settings/", settings=footer)
    await expect_discussion(await reading(hosts, written["url"]))
    sent = await mail(admin, site, written)
    assert f'href="{story.link}' in sent
    assert "<script" not in sent
