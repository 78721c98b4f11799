"""`/s/CODE` with the embed, and without JavaScript by forms and the keyboard alone."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import ROOT, SITE, Demo, Hosts, Story

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (ROOT / "js/node_modules/axe-core/axe.min.js").read_text("utf-8")
PHONE = {"width": 320, "height": 640}
WITHOUT = {"java_script_enabled": False, "viewport": PHONE}
Photograph = Callable[[Page, str], Awaitable[None]]


async def faults(page: Page) -> list[Any]:
    """Return what axe finds wrong with the page."""
    await page.evaluate(AXE)
    found: list[Any] = await page.evaluate(
        "axe.run(document, { rules: { 'target-size': { enabled: true } } })"
        ".then(({ violations }) => violations.map("
        "({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]))"
    )
    return found


async def press(page: Page, target: Locator) -> None:
    """Move the focus to an element by Tab alone, and press Enter."""
    await tab_to(page, target)
    await page.keyboard.press("Enter")


async def tab_to(page: Page, target: Locator) -> None:
    await expect(target).to_be_visible()
    for _ in range(80):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by Tab")


async def furnished(demo: Demo, hosts: Hosts, site: str = SITE, **claims: Any) -> Story:
    """Return a story with a comment and a reply, made on the story's own page."""
    story = demo.story(site, **claims)
    page = await hosts.page(await hosts.reader())
    await page.goto(story.link)
    await comment(page, "Who pays for the **fuel** in winter?", Name="Yusuf")
    await expect(article(page, "Who pays").and_(page.locator(":visible"))).to_have_count(1)
    return story


async def test_the_page_of_a_story_is_the_widget_itself(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story(url="https://publisher.example/library")
    pages = [await hosts.page(await hosts.reader()) for _ in range(2)]
    requests: list[str] = []
    pages[0].on("request", lambda request: requests.append(request.url))
    for page in pages:
        await page.goto(story.link)
        await page.get_by_role("textbox", name="Your comment").wait_for()
    await reaction(pages[0], "Happy").click()
    for page in pages:
        await expect_reaction(page, "Happy", 1, own=page is pages[0])
    await comment(pages[0], "From the home of the discussion.", Name="Lena")
    shown = article(pages[0], "From the home").and_(pages[0].locator(":visible"))
    await expect(shown).to_have_count(1)
    await expect(pages[1].get_by_role("button", name="1 new comment")).to_be_visible()
    aside = pages[0].get_by_role("complementary")
    await expect(aside.get_by_role("link", name="The Harbour Post")).to_have_attribute(
        "href", "https://publisher.example/library"
    )
    assert {url for url in requests if not url.startswith(demo.server)} == set()
    assert await pages[0].context.cookies() == []
    await photograph(pages[0], "story-page")


async def test_the_page_acts_also_where_others_need_a_token(demo: Demo, hosts: Hosts) -> None:
    story = demo.story(demo.site("tokens-only", "open_republishing=off"))
    page = await hosts.page(await hosts.reader())
    await page.goto(story.link)
    await reaction(page, "Sad").click()
    await expect_reaction(page, "Sad", 1, own=True)


async def test_the_widget_takes_the_place_of_the_plain_page_without_a_jump(
    demo: Demo, hosts: Hosts
) -> None:
    story = await furnished(demo, hosts)
    page = await hosts.page(await hosts.reader())
    await page.goto(story.link)
    prompt = page.get_by_role("heading", name="How does this article")
    await page.get_by_role("textbox", name="Your comment").wait_for()
    plain = await hosts.page(await hosts.reader(java_script_enabled=False))
    await plain.goto(story.link)
    loaded = (prompt, article(page, "Who pays").and_(page.locator(":visible")))
    before = (plain.get_by_role("heading", name="How does"), article(plain, "Who pays"))
    for one, other in zip(loaded, before, strict=True):
        now, then = await one.bounding_box(), await other.bounding_box()
        assert now
        assert then
        assert abs(now["y"] - then["y"]) <= 4


async def test_a_reader_without_javascript_does_everything_by_the_keyboard_at_320_px(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = await furnished(demo, hosts)
    page = await hosts.page(await hosts.reader(**WITHOUT))
    await page.goto(story.link)
    await press(page, page.get_by_role("link", name="React or write a comment"))
    await expect(page).to_have_url(f"{story.link}/write")

    await press(page, page.get_by_role("button", name="Happy"))
    notice = page.get_by_role("status")
    await expect(notice).to_contain_text("Your reaction was saved.")
    await expect(notice).to_be_focused()
    await expect_reaction(page, "Happy", 1, own=True)

    box = page.get_by_role("textbox", name="Your comment")
    await tab_to(page, box)
    await page.keyboard.type("The *council* does.")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Priya")
    await page.keyboard.press("Enter")
    await expect(notice).to_contain_text("Your comment was posted.")
    mine = page.get_by_role("article").filter(has_text="The council does.")
    await expect(mine.locator("em")).to_have_text("council")
    await expect_reaction(page, "Happy", 1, own=True)

    theirs = page.get_by_role("article").filter(has_text="Who pays")
    picker = theirs.locator("summary")
    await press(page, picker)
    await press(page, theirs.get_by_role("button", name="Sad", exact=True))
    await expect(theirs.get_by_role("button", name="Sad, 1")).to_have_attribute(
        "aria-pressed", "true"
    )

    await press(page, theirs.get_by_role("button", name="Reply to Yusuf"))
    reply = page.get_by_role("textbox", name="Your reply to Yusuf")
    await expect(reply).to_be_focused()
    await page.keyboard.type("Since last year.")
    await press(page, page.get_by_role("button", name="Post", exact=True))
    await expect(notice).to_contain_text("Your comment was posted.")
    await expect(page.locator(".replies").get_by_text("Since last year.")).to_be_visible()

    await press(page, theirs.get_by_role("button", name="Report the comment by Yusuf"))
    await expect(page.get_by_role("textbox", name="Report the comment by Yusuf")).to_be_focused()
    await page.keyboard.type("Rude.")
    await press(page, page.get_by_role("button", name="Report", exact=True))
    await expect(notice).to_contain_text("Your report was saved.")

    await press(page, mine.get_by_role("button", name="Edit your comment"))
    box = page.get_by_role("textbox", name="Edit your comment")
    await expect(box).to_be_focused()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("The city does.")
    await press(page, page.get_by_role("button", name="Save", exact=True))
    mine = page.get_by_role("article").filter(has_text="The city does.")
    await expect(mine).to_contain_text("edited")
    await press(page, mine.get_by_role("button", name="Delete your comment"))
    await press(page, page.get_by_role("button", name="Delete", exact=True))
    await expect(mine).to_have_count(0)

    await press(page, page.get_by_role("button", name="Delete what you wrote from this page"))
    await expect(page.get_by_text("Delete what you wrote from this page?")).to_be_focused()
    await press(page, page.get_by_role("button", name="Keep it"))
    await expect_reaction(page, "Happy", 1, own=True)
    await press(page, page.get_by_role("button", name="Delete what you wrote from this page"))
    await press(page, page.get_by_role("button", name="Delete everything"))
    await expect(notice).to_contain_text("What you left from this page was deleted.")
    await expect(page.get_by_text("Since last year.")).to_have_count(0)
    await expect(theirs).to_be_visible()

    assert page.url.partition("#")[0] == f"{story.link}/write"
    assert await page.context.cookies() == []
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await photograph(page, "story-page-forms-320")


async def test_an_error_of_a_form_takes_the_focus_to_its_field(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader(**WITHOUT))
    hosts.expected.append("Failed to load resource")
    await page.goto(f"{story.link}/write")
    await press(page, page.get_by_role("button", name="Post", exact=True))
    box = page.get_by_role("textbox", name="Your comment")
    await expect(box).to_be_focused()
    await expect(box).to_have_accessible_description("Write a comment first.")


@pytest.mark.parametrize("lang", ["en", "ar"])
async def test_axe_finds_nothing_on_the_pages(
    demo: Demo, hosts: Hosts, lang: str, photograph: Photograph
) -> None:
    story = await furnished(demo, hosts)
    page = await hosts.page(await hosts.reader(viewport=PHONE))
    await page.goto(story.link)
    found = await page.locator("article[id]").first.get_attribute("id")
    comment_id = str(found).removeprefix("c-")
    wrong = {}
    pages = {
        "page": "?",
        "forms": "/write?",
        "reply": f"/write?reply={comment_id}&",
        "report": f"/write?report={comment_id}&",
        "hint": "/write?hint=1&",
        "print": "/discussion.html?",
    }
    for name, path in pages.items():
        await page.goto(f"{story.link}{path}lang={lang}")
        if name == "page":
            await page.locator("story-widget").get_by_role("textbox").wait_for()
        await page.emulate_media(color_scheme="light")
        wrong[name, "light"] = await faults(page)
        await page.emulate_media(color_scheme="dark")
        wrong[name, "dark"] = await faults(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await photograph(page, f"story-{name}-{lang}")
    await page.emulate_media(forced_colors="active")
    wrong["print", "forced colours"] = await faults(page)
    await page.goto(f"{story.link}/write?report={comment_id}&lang={lang}")
    wrong["report", "forced colours"] = await faults(page)
    assert {look: faults for look, faults in wrong.items() if faults} == {}


async def test_axe_finds_nothing_after_each_step_of_the_forms(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    site = demo.site("accent-pages", "accent=#db2777", "density=1.25", "email=optional")
    story = await furnished(demo, hosts, site)
    page = await hosts.page(await hosts.reader(viewport=PHONE))
    hosts.expected.append("Failed to load resource")
    await page.goto(f"{story.link}/write")
    wrong = {}

    async def step(name: str, button: str) -> None:
        await page.locator(f"button[name=do][value^='{button}']").last.click()
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            wrong[name, scheme] = await faults(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        await photograph(page, f"story-step-{name}")

    await step("empty", "post")
    await page.get_by_role("textbox", name="Your comment").fill("My *words*.")
    await page.get_by_role("textbox", name="Email (never shown)").fill("nobody")
    await step("error", "post")
    await expect(page.get_by_role("textbox", name="Email (never shown)")).to_be_focused()
    await page.get_by_role("textbox", name="Email (never shown)").fill("")
    await step("preview", "preview")
    await step("posted", "post")
    await step("reacted", "react::happy")
    await step("edit", "edit:")
    await step("delete", "delete:")
    await page.locator("button[value=cancel]").last.click()
    await step("forget", "forget")
    await step("forgotten", "forget-all")
    assert {look: faults for look, faults in wrong.items() if faults} == {}


async def test_a_site_has_one_accent_with_and_without_javascript(demo: Demo, hosts: Hosts) -> None:
    story = demo.story(demo.site("one-accent", "accent=#db2777", "density=1.25"))
    page = await hosts.page(await hosts.reader(**WITHOUT))
    await page.goto(f"{story.link}/write")
    live = await hosts.page(await hosts.reader(viewport=PHONE))
    await live.goto(story.link)
    await live.get_by_role("textbox", name="Your comment").fill("words")
    for scheme in ("light", "dark"):
        looks = []
        for one in (page, live):
            await one.emulate_media(color_scheme=scheme)
            post = one.get_by_role("button", name="Post", exact=True).and_(
                one.locator(":visible:not([aria-hidden])")
            )
            await expect(post).to_be_visible()
            looks.append(
                await post.evaluate(
                    "button => [getComputedStyle(button).backgroundColor, "
                    "getComputedStyle(button).webkitTextFillColor.includes('255')]"
                )
            )
        assert looks[0] == looks[1], scheme


async def test_a_printed_page_is_the_discussion_without_controls(demo: Demo, hosts: Hosts) -> None:
    story = await furnished(demo, hosts)
    page = await hosts.page(await hosts.reader(java_script_enabled=False))
    await page.goto(story.link)
    await page.emulate_media(media="print")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_text("Who pays for the")).to_be_visible()
    for gone in ("React or write a comment", "Reply", "Newest", "Español"):
        for one in await page.get_by_text(gone, exact=True).all():
            await expect(one).to_be_hidden()


async def test_a_reader_without_javascript_takes_the_whole_discussion_along(
    demo: Demo, hosts: Hosts
) -> None:
    story = await furnished(demo, hosts)
    page = await hosts.page(await hosts.reader(**WITHOUT))
    await page.goto(story.link)
    for name, beginning in (
        ("Text", "Discussion of “"),
        ("Data (JSON)", '{"format":"story-widget'),
    ):
        async with page.expect_download() as started:
            await page.get_by_role("link", name=name, exact=True).click()
        file = await started.value
        kind = {"Text": "txt"}.get(name, "json")
        assert file.suggested_filename == f"discussion-{story.code}.{kind}"
        content = Path(await file.path()).read_text("utf-8")
        assert content.startswith(beginning)
        assert "Who pays for the" in content
    await page.get_by_role("link", name="To print").click()
    await expect(page.get_by_role("heading", level=3)).to_contain_text("Yusuf")
    notice = page.get_by_text("The whole discussion is on this page.")
    await expect(notice).to_be_visible()
    await page.emulate_media(media="print")
    for gone in (notice, page.get_by_text("Back to the discussion")):
        await expect(gone).to_be_hidden()
    await expect(page.get_by_text("Who pays for the")).to_be_visible()
