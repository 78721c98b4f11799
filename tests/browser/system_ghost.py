"""Recipes of docs/users/republishing.md in a running Ghost: `make cms-tests`."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.editors import copy_address
from tests.browser.paste_results import CARD, DISCUSSION, FRAME, Record, Seen, look
from tests.browser.publishing import BLOG, PASSWORD, Ghost, ghost, mariadb, picture
from tests.browser.republishing_guide import (
    TITLE,
    expect_comments,
    expect_discussion,
    frame,
    snippet,
)
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


async def published(admin: Page, site: Ghost, story: Story) -> str:
    """Publish the story in the editor and return its address."""
    await admin.get_by_role("button", name="Publish").locator("visible=true").first.click()
    await admin.get_by_role("button", name=re.compile("Continue, final review")).click()
    # It pulses, and a click waits until the button stands still.
    await admin.get_by_role("button", name=re.compile("Publish post")).press("Enter")

    async def found() -> str | None:
        path = "posts/?formats=html&filter=status:published"
        answer = await site.ask(admin.context, "GET", path)
        return next((each["url"] for each in answer["posts"] if story.code in each["html"]), None)

    return str(await eventually(found, "the story is published", 60))


async def test_the_html_card_accepts_the_snippet_and_readers_comment(
    demo: Demo, hosts: Hosts, site: Ghost, record: Record
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
    address = await published(admin, site, story)
    page = await reading(hosts, address)
    await expect_comments(page)
    await picture(page, "ghost-story", 900, 900)
    page = await reading(hosts, address)
    await expect(page.locator("story-widget")).to_be_attached()
    seen = await look(page, story)
    record(f"Ghost {site.version}", "HTML card", "snippet", seen)
    assert seen == Seen(DISCUSSION, credit=True)


async def test_the_html_card_shows_the_iframe(
    demo: Demo, hosts: Hosts, site: Ghost, record: Record
) -> None:
    story = demo.story(title=TITLE)
    written = await post(await inside(hosts, site), site, frame(story))
    seen = await look(await reading(hosts, written["url"]), story)
    record(f"Ghost {site.version}", "HTML card", "iframe", seen)
    assert seen == Seen(FRAME, credit=True)


async def mail(page: Page, site: Ghost, written: dict[str, Any]) -> str:
    """Return the HTML of the newsletter email for a story."""
    path = f"email_previews/posts/{written['id']}/"
    answer = await site.ask(page.context, "GET", path)
    return str(answer["email_previews"][0]["html"])


async def test_code_injection_adds_the_script_to_stories_and_not_to_email(
    demo: Demo, hosts: Hosts, site: Ghost, record: Record
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
    page = await reading(hosts, written["url"])
    await expect(page.locator("story-widget")).to_be_attached()
    seen = await look(page, story)
    record(f"Ghost {site.version}", "HTML card", "theme", seen)
    assert seen == Seen(DISCUSSION, credit=True)
    sent = await mail(admin, site, written)
    assert f'href="{story.link}' in sent
    assert "<script" not in sent


async def test_a_pasted_address_becomes_a_bookmark_card(
    demo: Demo, hosts: Hosts, site: Ghost, record: Record
) -> None:
    """The last test: Ghost then asks an icon service of Google, and ends if it has no network."""
    story = demo.story(title=TITLE)
    admin = await inside(hosts, site)
    await admin.goto(f"{site.address}/ghost/#/editor/post")
    title = admin.get_by_placeholder("Post title")
    await title.fill(TITLE)
    await admin.get_by_text("Begin writing your post").locator("visible=true").wait_for()
    await copy_address(admin.context, story)
    await admin.bring_to_front()
    await title.press("Enter")
    await admin.keyboard.press("ControlOrMeta+v")
    card = admin.locator("[data-kg-card=bookmark]")
    await expect(card).to_contain_text(f"Discussion: {TITLE}")
    await expect(card).to_contain_text("By Ines Falk, The Harbour Post")
    record(f"Ghost {site.version}", "pasted into the text", "address", Seen(CARD, credit=False))
