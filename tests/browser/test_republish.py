"""`/s/CODE/republish` in Chromium: from the story's page to a live copy on another origin."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import Demo, Hosts, Story, host_page
from tests.browser.test_story_pages import PHONE, WITHOUT, faults, press, tab_to
from widget_server.web.pages.places import PLACES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
Photograph = Callable[[Page, str], Awaitable[None]]

ARTICLE = "## The boats\n\nThey *all* came back."
IMAGE = '{"url": "https://press.example/a.jpg", "alt": "A boat", "credit": "Ines Falk"}'
MOST_CLICKS = 8


def with_text(demo: Demo) -> Story:
    """Return a story whose publisher gave its text and an image."""
    story = demo.story()
    file = demo.data / f"{story.code}.md"
    file.write_text(ARTICLE, "utf-8")
    demo.run(
        "story", "text", story.code, "--file", str(file), "--format", "markdown", "--image", IMAGE
    )
    return story


async def test_a_stranger_comes_from_the_storys_page_to_a_live_copy_in_at_most_eight_clicks(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story(title="Boats & “tides”")
    reader = await hosts.reader()
    await reader.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo.server)
    page = await hosts.page(reader)
    await page.goto(story.link)
    address = hosts.host_sites.put(1, "later", {})
    origin = address.rpartition("/")[0]
    await page.get_by_role("link", name="Republish this story").click()
    await page.get_by_role("link", name="WordPress", exact=True).click()
    await page.get_by_role("textbox", name="Address of your site").fill(address)
    await page.get_by_role("textbox", name="Name of your site").fill("The Other Paper")
    await page.get_by_role("button", name="Make the snippet").click()
    await expect(page.get_by_role("heading", name=origin)).to_be_visible()
    await page.get_by_role("button", name="Copy").first.click()
    await expect(page.get_by_role("status")).to_have_text("Copied")
    clicks = 4
    await photograph(page, "republish-made")
    snippet = await page.evaluate("navigator.clipboard.readText()")
    assert "data-widget-token" in snippet
    assert await page.context.cookies() == []

    # Pasted on another origin, the discussion is live for its readers and for those of the story's page.
    copy = await hosts.page(await hosts.reader())
    path = address.removeprefix(origin)
    hosts.host_sites.pages[path] = (host_page(snippet).encode(), {})
    await copy.goto(address)
    await reaction(copy, "Happy").click()
    await expect_reaction(copy, "Happy", 1, own=True)
    await comment(copy, "Written on the other site.", Name="Lena")
    await expect(article(copy, "Written on the other site.")).to_be_focused()
    await page.goto(story.link)
    shown = article(page, "Written on the other").and_(page.locator(":visible"))
    await expect(shown).to_contain_text("localhost")
    await expect(page.get_by_text("The Other Paper")).to_have_count(0)
    await expect(copy.get_by_role("link", name="Boats & “tides”")).to_be_visible()
    assert clicks <= MOST_CLICKS


async def test_the_same_token_does_nothing_on_another_origin(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.goto(f"{story.link}/republish")
    await page.get_by_role("textbox", name="Address of your site").fill("https://their.example")
    await page.get_by_role("button", name="Make the snippet").click()
    snippet = await page.locator("#snippet").input_value()
    hosts.expected.append("")
    other = await hosts.open(snippet, site=2)
    await expect(other.get_by_role("link", name="React to and discuss")).to_be_visible()
    await expect(other.locator("story-widget").get_by_role("button", name="Happy")).to_have_count(0)


async def test_without_javascript_all_is_done_by_the_keyboard_at_320_px(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = with_text(demo)
    page = await hosts.page(await hosts.reader(**WITHOUT))
    await page.goto(f"{story.link}?lang=de")
    await press(page, page.get_by_role("link", name="Diesen Artikel übernehmen"))
    await press(page, page.get_by_role("link", name="Ghost"))
    await expect(page.get_by_role("heading", name="Das Snippet: Ghost")).to_be_visible()
    await expect(page.get_by_role("button", name="Kopieren")).to_have_count(0)
    await tab_to(page, page.locator("#snippet"))
    assert "embed.js" in await page.locator("#snippet").input_value()
    await tab_to(page, page.get_by_role("textbox", name="Adresse Ihrer Website"))
    await page.keyboard.type("their.example")
    await press(page, page.get_by_role("button", name="Snippet erstellen"))
    await expect(page.get_by_role("heading", name="https://their.example")).to_be_visible()
    assert "w1." in await page.locator("#snippet").input_value()
    assert "<h2>The boats</h2>" in await page.locator("#text-html").input_value()
    await expect(page.get_by_text("Ines Falk", exact=False).last).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    kept = await page.locator("#kept").input_value()
    await page.goto(kept)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert await page.context.cookies() == []


async def test_an_error_takes_the_focus_to_its_field(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader(**WITHOUT))
    hosts.expected.append("Failed to load resource")
    await page.goto(f"{story.link}/republish")
    await press(page, page.get_by_role("button", name="Make the snippet"))
    box = page.get_by_role("textbox", name="Address of your site")
    await expect(box).to_be_focused()
    await expect(box).to_have_accessible_description(
        "Such as example.org. Any of its pages will do. "
        "Write the address of your own site as its readers see it, such as https://example.org."
    )


EDITOR = "<h1>An editor</h1><textarea></textarea><div contenteditable='true'>Write here</div>"


@pytest.mark.parametrize("where", ["html", "wix", "wordpress-com", "email", "medium", "wiki"])
async def test_the_copied_snippet_is_code_where_code_is_written_and_link_and_credit_elsewhere(
    where: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story(title="Boats & “tides”")
    reader = await hosts.reader()
    await reader.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo.server)
    page = await hosts.page(reader)
    await page.goto(f"{story.link}/republish?where={where}")
    await page.get_by_role("button", name="Copy").first.click()
    await expect(page.get_by_role("status")).to_have_text("Copied")
    shown = await page.locator("#snippet").input_value()
    editor = await hosts.open(EDITOR, reader=reader, site=1)
    code, text = editor.locator("textarea"), editor.locator("div")
    await code.press("ControlOrMeta+v")
    await expect(code).to_have_value(shown)
    await text.press("ControlOrMeta+v")
    await expect(text.get_by_role("link", name="React to and discuss")).to_have_attribute(
        "href", story.link
    )
    await expect(text).to_contain_text("by Ines Falk, The Harbour Post.")
    await expect(text.get_by_role("link", name="CC BY 4.0")).to_be_visible()
    await expect(text.get_by_role("link", name="Boats & “tides”", exact=True)).to_be_visible()
    await expect(text).not_to_contain_text("<")


async def test_code_that_is_no_html_is_copied_as_text_only(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    reader = await hosts.reader()
    await reader.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo.server)
    page = await hosts.page(reader)
    for where in ("markdown", "react", "atom"):
        await page.goto(f"{story.link}/republish?where={where}")
        await page.get_by_role("button", name="Copy").first.click()
        await expect(page.get_by_role("status")).to_have_text("Copied")
        kinds = await page.evaluate(
            "navigator.clipboard.read().then((items) => items.flatMap(({ types }) => types))"
        )
        assert kinds == ["text/plain"], where


@pytest.mark.parametrize("lang", ["en", "ar"])
async def test_axe_finds_nothing_on_the_pages_for_republishers(
    demo: Demo, hosts: Hosts, lang: str, photograph: Photograph
) -> None:
    story = with_text(demo)
    closed = demo.story(license="LicenseRef-Own")
    page = await hosts.page(await hosts.reader(viewport=PHONE))
    hosts.expected.append("Failed to load resource")
    wrong = {}

    async def look(name: str) -> None:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            wrong[name, scheme] = await faults(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        await photograph(page, f"republish-{name}-{lang}")

    await page.goto(f"{closed.link}/republish?lang={lang}")
    await look("closed")
    for where in PLACES:
        await page.goto(f"{story.link}/republish?lang={lang}&where={where}")
        await look(where)
    await page.locator("form button.primary").click()
    await look("error")
    await page.locator("#address").fill("their.example")
    await page.locator("#label").fill("Their paper")
    await page.locator("form button.primary").click()
    await page.locator("#kept").wait_for()
    await look("made")
    await page.goto(await page.locator("#kept").input_value() + f"?lang={lang}")
    await look("copy")
    await page.emulate_media(forced_colors="active")
    wrong["copy", "forced colours"] = await faults(page)
    assert {look: faults for look, faults in wrong.items() if faults} == {}
