"""How it looks and how it is heard: axe in every state, pictures for a person."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, reaction
from tests.browser.conftest import ROOT, Demo, Hosts, Story

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (ROOT / "js/node_modules/axe-core/axe.min.js").read_text("utf-8")
STYLE = (
    "<style>:root{color-scheme:light dark;background:Canvas;color:CanvasText}body{font:1rem/1.6 system-ui,sans-serif;margin:0 auto;"
    "padding:1rem;max-width:42rem}blockquote{margin:0}</style>"
)
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2},
    "dark": {"color_scheme": "dark"},
    "right-to-left": {"attributes": 'lang="en" dir="rtl"'},
    "forced-colours": {"forced_colors": "active"},
}

Photograph = Callable[[Page, str], Awaitable[None]]


async def faults(page: Page) -> list[Any]:
    """What axe finds wrong with the widget, as rule and place."""
    await page.evaluate(AXE)
    found: list[Any] = await page.evaluate(
        "axe.run('story-widget').then(({ violations }) => violations.map("
        "({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]))"
    )
    return found


async def furnish(story: Story, hosts: Hosts) -> None:
    """A discussion with something of everything."""
    page = await hosts.open(story.snippet)
    await comment(page, "Who pays for the **fuel** in winter? The article is quiet.", Name="Yusuf")
    await expect(article(page, "Who pays")).to_be_focused()
    await reaction(page, "Thinking").click()
    other = await hosts.open(story.snippet, site=1)
    await comment(
        other,
        "> The boat waits.\n\nThat line stayed with me [all day](https://example.org):\n\n"
        "- the racks\n- the captain\n\nand `404` books.",
        Name="Priya",
    )
    await expect(article(other, "The boat waits")).to_be_focused()
    await other.get_by_role("button", name="Reply to Yusuf").click()
    box = other.get_by_role("textbox", name="Your reply to Yusuf")
    await box.fill("The council does, since last year.")
    await box.press("Control+Enter")
    await expect(article(other, "The council does")).to_be_focused()
    await reaction(other, "Happy").click()
    await expect(reaction(other, "Happy")).to_have_accessible_name("Happy 1")


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_in_any_state(
    look: str, demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story()
    options = dict(LOOKS[look])
    reader = {
        name: options.pop(name) for name in list(options) if name not in ("attributes", "head")
    }
    context = await hosts.reader(**reader)
    rtl = ' dir="rtl"' if look == "right-to-left" else ""
    body = (
        f'<story-widget src="{story.link}" token="{story.token}"{rtl}></story-widget>'
        + story.script
    )
    await furnish(story, hosts)
    page = await hosts.open(body, reader=context, head=STYLE, **options)
    await article(page, "Who pays").wait_for()
    await reaction(page, "Happy").click()
    await photograph(page, f"{look}-list")
    assert await faults(page) == []

    await page.get_by_role("button", name="Reply to Priya").first.click()
    box = page.get_by_role("textbox", name="Your reply to Priya")
    await expect(box).to_be_focused()
    await page.get_by_role("button", name="Reply", exact=True).click()
    await expect(box).to_have_attribute("aria-invalid", "true")
    await photograph(page, f"{look}-reply-and-error")
    assert await faults(page) == []
    await box.press("Escape")

    await page.get_by_role("button", name="More about the comment by Yusuf").first.click()
    await page.get_by_role("button", name="Report", exact=True).click()
    await expect(page.get_by_role("textbox", name="What is wrong with it?")).to_be_visible()
    news = await hosts.open(story.snippet, site=2)
    await comment(news, "News!", Name="Jonas")
    await expect(page.get_by_role("button", name="Show 1 new comment")).to_be_visible()
    await photograph(page, f"{look}-news-and-question")
    assert await faults(page) == []


async def test_axe_finds_nothing_in_an_empty_discussion(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    await expect(page.get_by_role("heading", name="No comments yet")).to_be_visible()
    assert await faults(page) == []


async def test_nothing_is_wider_than_a_small_phone(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    await furnish(story, hosts)
    page = await hosts.open(
        story.snippet, head=STYLE, viewport={"width": 320, "height": 600}, has_touch=True
    )
    await comment(page, "W" * 3_000 + "\n\n`" + "x" * 400 + "`", Name="N" * 60)
    await expect(article(page, "WWWW")).to_be_focused()
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    shown, room = await page.evaluate(widths)
    assert shown <= room
    small = await page.get_by_role("button").evaluate_all(
        "buttons => buttons.map(button => button.getBoundingClientRect())"
        ".filter(({ width, height }) => width < 24 || height < 24)"
    )
    assert small == []


async def test_styles_of_the_page_do_not_reach_in(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    hostile = (
        "<style>* { box-sizing: content-box !important; float: left; color: lime !important }"
        " button { display: none !important; position: fixed } h2, p, ol { font-size: 60px }"
        " span { visibility: hidden }</style>"
    )
    page = await hosts.open(story.snippet, head=hostile)
    await expect(reaction(page, "Happy")).to_be_visible()
    plain = await hosts.open(story.snippet, site=1)
    size = "button => [getComputedStyle(button).display, getComputedStyle(button).boxSizing]"
    assert await reaction(page, "Happy").evaluate(size) == await reaction(plain, "Happy").evaluate(
        size
    )
