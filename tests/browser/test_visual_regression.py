"""axe in every state: light, dark, forced colours, 320 px, 200 % text, right to left; screenshots for a person."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.browser.actions import article, comment, reaction
from tests.browser.axe import axe_findings
from tests.browser.conftest import Demo, Hosts
from tests.browser.widget_states import STATES, STYLE, Harness, create_discussion

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE = {"width": 360, "height": 740}
SMALL_PHONE: ViewportSize = {"width": 320, "height": 740}
LARGE_TEXT = "document.documentElement.style.fontSize = '200%'; dispatchEvent(new Event('resize'))"
"""Doubles the text; an open menu is placed again, as if it were opened now."""
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"

Photograph = Callable[[Page, str], Awaitable[None]]


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
    await page.emulate_media(forced_colors="none")
    await page.set_viewport_size(SMALL_PHONE)
    found["320 px"] = await axe_findings(page)
    assert not await page.evaluate(SIDEWAYS)
    await page.evaluate(LARGE_TEXT)
    found["200 % text"] = await axe_findings(page)
    assert not await page.evaluate(SIDEWAYS)

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
