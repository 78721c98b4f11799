"""Corrections on open pages: on three origins, in the page's language; the text of a page stays as it is."""

import pytest
from playwright.async_api import expect

from tests.browser.axe import axe_findings
from tests.browser.conftest import Demo, Hosts
from tests.browser.test_story_pages import PHONE, Photograph, faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = '<p id="text">The Marit was built in 1971.</p>'


async def test_a_correction_stands_on_three_origins_and_changes_no_text(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    pages = [
        await hosts.open(TEXT + story.snippet, site=0),
        await hosts.open(TEXT + story.snippet, site=1, attributes='lang="de"'),
        await hosts.open(
            TEXT + story.snippet, site=2, attributes='lang="ar" dir="rtl"', color_scheme="dark"
        ),
    ]
    for page in pages:
        await page.locator("story-widget .composer").first.wait_for()
        assert await page.locator("[part=correction]").count() == 0
    said = demo.run(
        "story",
        "correct",
        story.code,
        "It was built in 1961.",
        "--in",
        "de=Sie ist von 1961.",
        "--passage",
        "built in 1971",
        "--credit",
        "<b>Ana</b>",
    )
    for page, words, lead, thanks in zip(
        pages,
        ("It was built in 1961.", "Sie ist von 1961.", "It was built in 1961."),
        ("Corrected ", "Korrigiert am ", "صُوِّب"),
        ("Thanks to", "Dank an", "شكرًا"),
        strict=True,
    ):
        line = page.locator("[part=correction]")
        await expect(line).to_contain_text(words)
        await expect(line).to_contain_text(lead)
        await expect(line).to_contain_text(thanks)
        await expect(line).to_contain_text("<b>Ana</b>")
        await expect(line.locator("blockquote")).to_have_text("built in 1971")
        await expect(page.locator("#text")).to_have_text("The Marit was built in 1971.")
        assert await axe_findings(page) == []
    demo.run("undo", said.split()[1])
    for page, word in zip(pages, ("Withdrawn", "zurückgenommen", "أُلغي"), strict=True):
        line = page.locator("[part=correction]")
        await expect(line).to_contain_text(word)
        await expect(line).not_to_contain_text("1961")


async def test_of_many_corrections_the_newest_three_are_open_and_a_new_copy_has_all(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    first = await hosts.open(story.snippet)
    await first.locator("story-widget .composer").first.wait_for()
    for number in range(5):
        demo.run("story", "correct", story.code, f"Number {number}.", "--kind", "update")
    page = await hosts.open(story.snippet)
    lines = page.locator("[part=correction]")
    await expect(lines).to_have_count(5)
    await expect(lines.first).to_contain_text("Number 4.")
    await expect(page.get_by_text("Number 2.")).to_be_visible()
    await expect(page.get_by_text("Number 1.")).to_be_hidden()
    await page.get_by_text("2 earlier corrections").click()
    await expect(page.get_by_text("Number 0.")).to_be_visible()


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("end", ["/corrections", ""])
async def test_axe_finds_nothing_on_pages_with_corrections(
    demo: Demo, hosts: Hosts, lang: str, end: str, photograph: Photograph
) -> None:
    story = demo.story(title="The Marit")
    page = await hosts.page(await hosts.reader(viewport=PHONE))
    about = ("--passage", "built in 1971", "--credit", "Ana")
    demo.run("story", "correct", story.code, "It was built in 1961.", *about)
    said = demo.run("story", "correct", story.code, "A mistake.", "--kind", "retraction")
    demo.run("undo", said.split()[1])
    await page.goto(f"{story.link}{end}?lang={lang}")
    await expect(page.locator(".notice.correction")).to_have_count(2)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        assert await faults(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await photograph(page, f"corrections{end.replace('/', '-')}-{lang}")
