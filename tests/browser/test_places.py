"""Layouts around the widget and browser features: narrow columns, forced colours, translation."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, expect_reaction, reaction, readers
from tests.browser.conftest import Demo, Hosts
from tests.browser.page_metrics import post_comments

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PLACES = {
    "float": '<div style="float: left">W</div>',
    "inline-block": '<div style="display: inline-block">W</div>',
    "flex item": '<div style="display: flex"><div>W</div></div>',
    "flex item beside text": '<div style="display: flex"><p style="flex: none">Aside</p><div>W</div></div>',
    "auto grid column": '<div style="display: grid; grid-template-columns: auto auto"><div>W</div></div>',
    "table cell": "<table><tr><td>W</td></tr></table>",
    "fit-content": '<div style="inline-size: fit-content">W</div>',
    "centred column": '<div style="display: flex; flex-direction: column; align-items: center"><div>W</div></div>',
    "absolute": '<div style="position: absolute">W</div>',
}


async def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    found: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return found


@pytest.mark.parametrize("form", ["element", "link"])
async def test_a_parent_sized_by_its_content_gets_a_width(
    form: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    widget = f'<story-widget src="{story.link}" token="{story.token}"></story-widget>'
    page = await hosts.open(story.script)
    for name, place in PLACES.items():
        await page.evaluate(
            "html => { document.querySelector('main').innerHTML = html }",
            place.replace("W", widget if form == "element" else story.anchor),
        )
        await reaction(page, "Happy").wait_for()
        for width, least in ((900, 400), (320, 190)):
            await page.set_viewport_size({"width": width, "height": 700})
            box = await page.locator("story-widget").bounding_box()
            assert box, name
            assert box["width"] >= least, (name, width, box)
            assert await overflow(page) == 0, (name, width)


@pytest.mark.parametrize(("width", "direction"), [(320, "ltr"), (390, "rtl"), (900, "ltr")])
async def test_all_reactions_have_the_same_width(
    width: int, direction: str, demo: Demo, hosts: Hosts, photograph: Any
) -> None:
    page = await hosts.open(
        demo.story().snippet,
        attributes=f'lang="{"ar" if direction == "rtl" else "en"}" dir="{direction}"',
        viewport={"width": width, "height": 800},
    )
    faces = page.get_by_role("group").first.get_by_role("button")
    await expect(faces).to_have_count(5)
    sizes = await faces.evaluate_all(
        "all => all.map((each) => Math.round(each.getBoundingClientRect().width))"
    )
    assert max(sizes) - min(sizes) <= 1, sizes
    assert await overflow(page) == 0
    await photograph(page, f"reactions-{width}-{direction}")


async def test_columns_do_not_separate_the_prompt_from_its_reactions(
    demo: Demo, hosts: Hosts, photograph: Any
) -> None:
    page = await hosts.open(
        f'<div style="columns: 3; height: 700px"><p>{"A line of the story. " * 12}</p>{demo.story().snippet}</div>'
    )
    await reaction(page, "Happy").wait_for()
    for lines in range(0, 60, 4):
        await page.evaluate(
            "n => { document.querySelector('main p').textContent = 'A line of the story. '.repeat(n) }",
            lines * 3,
        )
        lefts = await page.locator("story-widget").evaluate(
            "({ shadowRoot: root }) => [...root.querySelectorAll('.prompt, .reactions, .reactions > button')]"
            ".map((each) => each.getClientRects().length)"
        )
        assert set(lefts) == {1}, (lines, lefts)
        places = await page.locator("story-widget").evaluate(
            "({ shadowRoot: root }) => ['.prompt', '.reactions'].map((each) => root.querySelector(each).getBoundingClientRect().left)"
        )
        assert places[0] == places[1], lines
    await photograph(page, "columns")


async def test_in_forced_colours_every_button_has_all_its_edges(
    demo: Demo, hosts: Hosts, photograph: Any
) -> None:
    story = demo.story()
    post_comments(story, [{"body": "A comment.", "name": "Ana"}])
    page = await hosts.open(story.snippet, forced_colors="active")
    await article(page, "A comment.").wait_for()
    cut = await article(page, "A comment.").evaluate(
        "comment => [...comment.querySelectorAll('button')].filter((each) =>"
        " each.getBoundingClientRect().left < comment.closest('li').getBoundingClientRect().left).length"
    )
    assert cut == 0
    await photograph(page, "forced-colours")


async def test_stacked_combining_marks_stay_in_their_comment(
    demo: Demo, hosts: Hosts, photograph: Any
) -> None:
    story = demo.story()
    pile = "Z" + "\u0310" * 200
    post_comments(story, [{"body": "Above."}, {"body": pile, "name": "Ana"}])
    page = await hosts.open(story.snippet)
    piled = page.locator("[part=comment-text]").filter(has_text="Z")
    await piled.wait_for()
    head = page.get_by_role("article").filter(has=piled).locator("h4")
    clip = await head.bounding_box()
    assert clip
    before = await page.screenshot(clip=clip, animations="disabled")
    await piled.evaluate("text => { text.style.visibility = 'hidden' }")
    assert await page.screenshot(clip=clip, animations="disabled") == before
    await photograph(page, "marks")


TRANSLATE = """widget => {
  const walk = document.createTreeWalker(widget.shadowRoot, NodeFilter.SHOW_TEXT);
  const all = [];
  while (walk.nextNode()) if (walk.currentNode.data.trim()) all.push(walk.currentNode);
  for (const text of all) {
    const [outer, inner] = [document.createElement("font"), document.createElement("font")];
    inner.textContent = "T[" + text.data + "]";
    outer.append(inner);
    text.replaceWith(outer);
  }
}"""


async def test_text_translated_by_the_browser_stays_translated_and_counts_update(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    (top,) = post_comments(story, [{"body": "A comment.", "name": "Ana"}])
    page = await hosts.open(story.snippet)
    other = await hosts.open(story.snippet, site=1)
    await readers(page, 2)
    await page.locator("story-widget").evaluate(TRANSLATE)
    happy = page.locator("[part=reaction]").filter(has_text="Happy")
    await happy.click()
    await expect(happy).to_have_attribute("aria-pressed", "true")
    await expect(happy.locator("[part=label]")).to_have_text("T[Happy ]")
    await expect(happy.locator("b")).to_have_text("1")
    await reaction(other, "Happy").click()
    await expect_reaction(other, "Happy", 2, own=True)
    await expect(happy.locator("b")).to_have_text("2")
    # A reaction to the comment changes one of its buttons, not the texts of the others.
    await article(other, "A comment.").get_by_role("button", name="React").click()
    await article(other, "A comment.").get_by_role("button", name="Thinking").click()
    one = page.get_by_role("article")
    await expect(one.get_by_role("button", name="Thinking, 1")).to_have_text("1")
    await expect(one.get_by_role("button", name="Reply")).to_have_text("T[Reply]")
    # New texts are drawn untranslated, wherever they are.
    await comment(other, "More of it")
    await page.get_by_role("button", name="1 new comment").click()
    await expect(page.get_by_role("heading", name="2 comments")).to_be_visible()
    demo.run("comment", "pin", top)
    await expect(page.get_by_text("Pinned by The Harbour Post")).to_be_visible()
