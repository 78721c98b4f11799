"""What a site's settings show in the embed: labels, guidelines, licence, calls to action, reactions."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.browser.actions import reaction
from tests.browser.axe import axe_findings
from tests.browser.conftest import Demo, Hosts

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SVG = (
    '<svg viewBox="0 0 48 48"><path fill="#c00" d="M0 0h48v48H0z"/>'
    '<path fill="#000" d="M12 12h24v24H12z"/></svg>'
)


async def test_texts_of_the_site_are_shown_in_the_language_of_the_page(
    demo: Demo, hosts: Hosts
) -> None:
    site = demo.site(
        "many-tongues",
        "reactions=happy,angry:Angry:😠",
        "reactions.es=angry:Enfado",
        "prompt.es=¿Cómo te deja esto?",
        "guidelines=https://press.example/rules",
        "guidelines_text=Be **kind**.",
        "guidelines_text.es=Sé **amable**.",
        "comment_licence=CC-BY-4.0",
        "calls_to_action=https://press.example/lend Lend a book | https://press.example/write Write",
        "calls_to_action.es=Presta un libro | Escribe",
    )
    story = demo.story(site)
    page = await hosts.open(f'<div lang="es">{story.snippet}</div>')
    await expect(page.get_by_role("heading", name="¿Cómo te deja esto?")).to_be_visible()
    await expect(page.get_by_role("button", name="Alegría")).to_be_visible()
    chosen = page.get_by_role("button", name="Enfado")
    # Nobody is asked to act before reacting.
    await expect(page.locator(".invitation")).to_have_count(0)
    await chosen.click()
    await expect(page.get_by_text("¿Qué puedo hacer?")).to_be_visible()
    link = page.get_by_role("link", name="Presta un libro")
    await expect(link).to_have_attribute("href", "https://press.example/lend")
    await expect(page.get_by_role("link", name="Escribe")).to_be_visible()
    await chosen.click()
    await expect(link).to_be_hidden()
    await chosen.click()
    await expect(link).to_be_visible()

    await page.locator("textarea").focus()
    await expect(page.get_by_text("Se publica con la licencia CC-BY-4.0.")).to_be_visible()
    rules = page.locator("details.rules")
    await expect(rules.get_by_text("amable")).to_be_hidden()
    await rules.locator("summary").click()
    await expect(rules.locator("strong")).to_have_text("amable")
    await expect(rules.get_by_role("link")).to_have_attribute("href", "https://press.example/rules")
    assert await axe_findings(page) == []
    # A page in a language without texts of its own shows the site's, and follows a change.
    other = await hosts.open(f'<div lang="de">{story.snippet}</div>', site=1)
    await expect(other.get_by_role("button", name="Angry")).to_be_visible()
    demo.run("site", "set", site, "calls_to_action=https://press.example/vote Vote")
    await expect(page.get_by_role("link", name="Vote")).to_be_visible()
    await expect(link).to_have_count(0)


async def test_the_calls_to_action_are_shown_however_late_their_part_is_loaded(
    demo: Demo, hosts: Hosts
) -> None:
    site = demo.site("late-part", "calls_to_action=https://press.example/lend Lend a book")
    story = demo.story(site)
    asked, stored = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await stored.wait()
        await route.continue_()

    page = await hosts.page(await hosts.reader())
    # Before the page is opened: a slow machine may ask for the part at once.
    await page.route(re.compile(r"-comment-reactions\.js$"), hold)
    await hosts.open(story.snippet, page=page)
    # As on a phone: nothing came near the widget before the tap.
    await reaction(page, "Happy").dispatch_event("click")
    await asyncio.wait_for(asked.wait(), 30)
    # The server's answer is there: the embed forgets what it had to send.
    await page.wait_for_function(
        """() => !Object.values(localStorage).some(each => each.includes('"unsent":{"'))"""
    )
    stored.set()
    await expect(page.get_by_role("link", name="Lend a book")).to_be_visible()
    # Who reacted before came to read: nothing moves below the pointer.
    await page.unroute(re.compile(r"-comment-reactions\.js$"))
    await page.reload()
    await reaction(page, "Happy").hover()
    await expect(reaction(page, "Happy")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".invitation")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 500, 900])
async def test_twelve_reactions_stand_in_rows_that_fit(
    width: int, demo: Demo, hosts: Hosts
) -> None:
    names = [f"r_{chr(97 + n)}:Feeling {n}:😀" for n in range(12)]
    site = demo.site(f"twelve-{width}", "reactions=" + ",".join(names))
    page = await hosts.open(demo.story(site).snippet, viewport={"width": width, "height": 700})
    await expect(page.locator(".reaction")).to_have_count(12)
    boxes = await page.locator(".reaction").evaluate_all(
        "all => all.map((each) => each.getBoundingClientRect().toJSON())"
    )
    assert {sum(box["top"] == one["top"] for one in boxes) for box in boxes} == {6}
    assert min(box["width"] for box in boxes) >= 36
    assert max(box["right"] for box in boxes) <= width
    assert await axe_findings(page) == []


async def test_a_drawing_of_the_site_is_cut_out_of_two_boxes(
    demo: Demo, hosts: Hosts, tmp_path: Path
) -> None:
    site = demo.site("drawn", "reactions=happy,angry:Angry:😠")
    file = tmp_path / "angry.svg"
    file.write_text(SVG, "utf-8")
    demo.run("site", "reaction-face", site, "angry", str(file))
    page = await hosts.open(demo.story(site).snippet)
    icon = reaction(page, "Angry").locator(".icon")
    await expect(icon).to_have_text("")
    drawn = await icon.evaluate(
        """each => ["::before", "::after"].map((part) => getComputedStyle(each, part).clipPath)
          .concat(getComputedStyle(each, "::before").backgroundColor)"""
    )
    shape, mark, colour = drawn
    assert shape.startswith("path(")
    assert mark.startswith("path(")
    assert shape != mark
    assert colour == "rgb(204, 0, 0)"
