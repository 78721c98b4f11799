"""axe in every state: light, dark, forced colours, right to left; screenshots for a person."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, reaction
from tests.browser.conftest import ROOT, Demo, Hosts, Story
from tests.browser.widget_states import STATES, STYLE, Harness

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (ROOT / "js/node_modules/axe-core/axe.min.js").read_text("utf-8")
PHONE = {"width": 360, "height": 740}

Photograph = Callable[[Page, str], Awaitable[None]]


async def axe_findings(page: Page) -> list[Any]:
    """Return axe's findings in the widget, as rule and place."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    found: list[Any] = await page.evaluate(
        "axe.run('story-widget', { rules: { 'target-size': { enabled: true } } })"
        ".then(({ violations }) => violations.map("
        "({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]))"
    )
    return found


async def create_discussion(story: Story, hosts: Hosts) -> None:
    """Create a discussion with every kind of content."""
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


@pytest.mark.parametrize("state", STATES)
async def test_axe_finds_nothing_in_any_state(
    state: str, demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    name = state.replace(" ", "-")
    page = await STATES[state](Harness(demo, hosts))
    found = {"light": await axe_findings(page)}
    await photograph(page, name)
    await page.emulate_media(color_scheme="dark")
    found["dark"] = await axe_findings(page)
    await page.emulate_media(color_scheme="light", forced_colors="active")
    found["forced colours"] = await axe_findings(page)

    page = await STATES[state](Harness(demo, hosts, "ar", {"viewport": PHONE}))
    found["right to left"] = await axe_findings(page)
    await photograph(page, f"{name}-on-a-phone")
    assert {look: wrong for look, wrong in found.items() if wrong} == {}


async def test_a_contrast_fault_in_one_colour_scheme_only_is_found(
    demo: Demo, hosts: Hosts
) -> None:
    page = await STATES["comments"](Harness(demo, hosts))
    await article(page, "Who pays").evaluate(
        "element => element.append(Object.assign(document.createElement('p'),"
        " { textContent: 'Pale', style: 'color: light-dark(#000, #222)' }))"
    )
    assert await axe_findings(page) == []
    await page.emulate_media(color_scheme="dark")
    assert [rule for rule, _ in await axe_findings(page)] == ["color-contrast"]


async def test_nothing_is_wider_than_a_small_phone(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    await create_discussion(story, hosts)
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
