"""Appearance: the page's fonts and colours, widths, reader settings, print."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, reaction
from tests.browser.axe import axe_findings
from tests.browser.conftest import ROOT, Demo, Hosts
from tests.browser.widget_states import STYLE, create_discussion

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Photograph = Callable[[Page, str], Awaitable[None]]
PROPERTY = r"--story-widget-[a-z-]+"
PROPERTIES = {
    name
    for path in (ROOT / "js" / "src").rglob("*.css")
    for name in re.findall(PROPERTY, path.read_text("utf-8"))
}

BRAND = """
<style>
:root { background: #10243a; color: #f4efe4; font: 1.1rem/1.6 Georgia, serif; }
story-widget {
  --story-widget-accent: #ffb84d;
  --story-widget-on-accent: #10243a;
  --story-widget-density: 1.25;
  --story-widget-color: #fff8e8;
  --story-widget-background: #17324f;
  --story-widget-secondary-color: #c8d3df;
  --story-widget-border-color: #3f5f80;
  --story-widget-surface: #1f4063;
  --story-widget-radius: 2px;
  --story-widget-font: "Courier New", monospace;
  --story-widget-font-size: 17px;
  --story-widget-space: 3px;
  --story-widget-min-height: 2000px;
}
story-widget::part(prompt) { text-decoration: underline; }
story-widget::part(comment) { outline: 1px dotted; }
</style>
"""


async def style(page: Page, selector: str, name: str) -> str:
    """Return one computed style of an element inside the widget."""
    found = await page.locator(selector).first.evaluate(
        "(element, name) => getComputedStyle(element)[name]", name
    )
    return str(found)


async def test_font_and_colour_are_inherited_from_the_page(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    await create_discussion(story, hosts)
    head = "<style>body { font: italic 19px Georgia; color: rgb(1, 2, 3) }</style>"
    page = await hosts.open(story.snippet, head=head)
    await article(page, "Who pays").wait_for()
    for selector in ("[part=comment-text]", "textarea", "button[part=button]"):
        assert await style(page, selector, "fontFamily") == "Georgia"
        assert (await style(page, selector, "color") == "rgb(1, 2, 3)") is (
            "button" not in selector
        )
    assert await style(page, "[part=comment-text]", "fontSize") == "19px"


async def test_custom_properties_and_parts_suffice_for_a_brand(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    assert set(re.findall(PROPERTY, BRAND)) == PROPERTIES
    story = demo.story()
    await create_discussion(story, hosts)
    page = await hosts.open(story.snippet, head=BRAND)
    await article(page, "Who pays").wait_for()
    await reaction(page, "Happy").click()
    await expect(reaction(page, "Happy")).to_have_attribute("aria-pressed", "true")
    await photograph(page, "brand")
    glass = "(each) => { const { boxShadow, backgroundColor } = getComputedStyle(each, '::before'); return [boxShadow, backgroundColor] }"
    ring, surface = await reaction(page, "Happy").evaluate(glass)
    assert ring.startswith("rgb(255, 184, 77)")
    assert surface == "rgb(31, 64, 99)"
    assert await style(page, "section", "color") == "rgb(255, 248, 232)"
    assert await style(page, "section", "backgroundColor") == "rgb(23, 50, 79)"
    assert await style(page, "section", "fontFamily") == '"Courier New", monospace'
    assert await style(page, "section", "fontSize") == "17px"
    assert await style(page, "section", "marginTop") == "3px"
    assert await style(page, ".secondary", "color") == "rgb(200, 211, 223)"
    assert await style(page, ".comments > li + li", "borderTopColor") == "rgb(63, 95, 128)"
    assert await style(page, "textarea", "borderTopLeftRadius") == "2px"
    assert await style(page, "story-widget", "minHeight") == "2000px"
    assert await style(page, "[part=prompt]", "textDecorationLine") == "underline"
    assert await style(page, "[part=comment]", "outlineStyle") == "dotted"
    assert await axe_findings(page) == []


async def test_the_colour_scheme_is_the_hosts_not_the_systems(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    dark = "<style>:root { color-scheme: dark; background: Canvas; color: CanvasText }</style>"
    page = await hosts.open(story.snippet, head=dark, color_scheme="light")
    await reaction(page, "Happy").wait_for()
    other = await hosts.open(story.snippet, site=1)
    await comment(other, "News for the pill")
    pill = page.get_by_role("button", name="1 new comment")
    await expect(pill).to_be_visible()
    # The accent is mixed with the text's colour: it is lighter on a dark page.
    lightness = (
        "each => Number(/oklab\\(([\\d.]+)/.exec(getComputedStyle(each).backgroundColor)[1])"
    )
    assert await pill.evaluate(lightness) > 0.6
    assert await axe_findings(page) == []


@pytest.mark.parametrize("width", [200, 280, 320])
async def test_in_a_narrow_column_nothing_is_cut_off_or_overflows(
    width: int, demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story()
    await create_discussion(story, hosts)
    page = await hosts.open(
        f'<div style="width: {width}px">{story.snippet}</div>', head=STYLE, attributes='lang="de"'
    )
    await article(page, "Who pays").wait_for()
    await photograph(page, f"column-{width}")
    beyond = await page.locator("section.widget").evaluate(
        """section => [...section.querySelectorAll("*")]
          .filter((each) => !each.closest(".visually-hidden"))
          .filter((each) => each.getBoundingClientRect().right > section.getBoundingClientRect().right + 1)
          .map((each) => each.className || each.tagName)"""
    )
    assert beyond == []
    # Labels are not broken: one line each.
    lines = await page.locator(".label").evaluate_all(
        "labels => labels.filter((label) => getComputedStyle(label).position !== 'absolute')"
        ".map((label) => label.getBoundingClientRect().height"
        " / parseFloat(getComputedStyle(label).lineHeight))"
    )
    assert max(lines, default=1) < 1.5


async def test_at_four_hundred_per_cent_nothing_scrolls_sideways(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story()
    await create_discussion(story, hosts)
    # 1280 x 1024 at 400 %.
    page = await hosts.open(story.snippet, head=STYLE, viewport={"width": 320, "height": 256})
    await article(page, "Who pays").wait_for()
    await page.get_by_role("textbox", name="Your comment").click()
    await page.get_by_role("textbox", name="Name").wait_for()
    await photograph(page, "zoom-400")
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    wide, room = await page.evaluate(widths)
    assert wide <= room
    # Text only, twice as large.
    await page.add_style_tag(content=":root { font-size: 200% }")
    wide, room = await page.evaluate(widths)
    assert wide <= room


async def test_the_readers_text_spacing_hides_nothing(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story()
    await create_discussion(story, hosts)
    page = await hosts.open(story.snippet, head=STYLE, viewport={"width": 320, "height": 640})
    await article(page, "Who pays").wait_for()
    # WCAG 1.4.12: a user style sheet applies to every element.
    await page.locator("story-widget").evaluate(
        """widget => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
            word-spacing: .16em !important } p { margin-bottom: 2em !important }`);
          widget.shadowRoot.adoptedStyleSheets.push(sheet);
        }"""
    )
    await photograph(page, "spacing")
    cut = await page.locator("section.widget").evaluate(
        """section => [...section.querySelectorAll("button, p, h2, h3, h4, li, label, div")]
          .filter((each) => !each.closest(".visually-hidden") && each.getClientRects().length)
          .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 1)
          .map((each) => each.className || each.tagName)"""
    )
    assert cut == []
    wide, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= room


async def test_in_forced_colours_the_choice_is_marked_by_more_than_colour(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet, forced_colors="active")
    await reaction(page, "Happy").click()
    await expect(reaction(page, "Happy")).to_have_attribute("aria-pressed", "true")
    pressed = await style(page, ".reaction[aria-pressed=true]", "borderTopWidth")
    other = await style(page, ".reaction[aria-pressed=false]", "borderTopWidth")
    assert float(pressed.removesuffix("px")) > float(other.removesuffix("px"))
    # Every control has a border, because backgrounds are removed.
    edges = await page.get_by_role("button").evaluate_all(
        "buttons => buttons.filter((each) => each.getClientRects().length)"
        ".map((each) => getComputedStyle(each).borderTopStyle)"
    )
    assert set(edges) == {"solid"}


async def test_with_reduced_motion_nothing_moves(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    await create_discussion(story, hosts)
    page = await hosts.open(story.snippet, reduced_motion="reduce")
    await article(page, "Who pays").wait_for()
    other = await hosts.open(story.snippet, site=1)
    await reaction(page, "Happy").click()
    await reaction(other, "Sad").click()
    await expect(reaction(page, "Sad")).to_have_accessible_name("Sad 1")
    moving = await page.locator("story-widget").evaluate(
        """widget => widget.shadowRoot.getAnimations().map((each) =>
          [each.animationName ?? each.transitionProperty, each.effect.getTiming().duration])
          .filter(([, duration]) => duration > 1)"""
    )
    assert moving == []


async def test_in_print_there_are_comments_and_no_controls(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story()
    await create_discussion(story, hosts)
    page = await hosts.open(story.snippet, head=STYLE)
    await article(page, "Who pays").wait_for()
    await page.emulate_media(media="print")
    await photograph(page, "print")
    await expect(article(page, "Who pays").first).to_be_visible()
    await expect(article(page, "The council does").last).to_be_visible()
    await expect(page.get_by_role("textbox")).to_have_count(0)
    names = await page.get_by_role("button").all_inner_texts()
    # The reactions stay: they show the counts.
    assert len(names) == 5


async def test_a_sites_accent_and_density_apply_to_all_copies_unless_a_page_overrides_them(
    demo: Demo, hosts: Hosts
) -> None:
    site = demo.site("painted", "accent=#1d9bf0", "density=0.75")
    story = demo.story(site)
    own = "<style>story-widget{--story-widget-accent:#b3261e;--story-widget-density:1.25}</style>"
    page = await hosts.open(story.snippet)
    other = await hosts.open(story.snippet, site=1, head=own)
    plain = await hosts.open(demo.story().snippet, site=2)

    async def ring(page: Page) -> str:
        await reaction(page, "Happy").focus()
        await expect(reaction(page, "Happy")).to_have_css("outline-style", "solid")
        colour: str = await reaction(page, "Happy").evaluate(
            "button => getComputedStyle(button).outlineColor"
        )
        return colour

    for each, gap in ((page, "30px"), (other, "50px"), (plain, "40px")):
        await expect(each.locator(".bar")).to_have_css("margin-top", gap)
    colours = [await ring(each) for each in (page, other, plain)]
    assert len(set(colours)) == 3
    assert colours[1] == "rgb(179, 38, 30)", "the page's own accent is not mixed"
    # Open pages apply changed site settings.
    demo.run("site", "set", site, "accent=", "density=1")
    await expect(page.locator(".bar")).to_have_css("margin-top", "40px")
    assert await ring(page) == colours[2]
    await expect(other.locator(".bar")).to_have_css("margin-top", "50px")


async def test_a_floating_box_is_readable_on_a_dark_page_without_a_colour_scheme(
    demo: Demo, hosts: Hosts
) -> None:
    head = "<style>html { background: #15181b; color: #e7e4dd }</style>"
    page = await hosts.open(demo.story().snippet, head=head)
    await page.get_by_role("button", name="Share", exact=True).click()
    box = page.get_by_role("group", name="Share", exact=True)
    await box.wait_for()
    lightness = await box.evaluate("box => getComputedStyle(box).backgroundColor")
    assert lightness == "oklch(0.2 0 0)"
    assert await axe_findings(page) == []
