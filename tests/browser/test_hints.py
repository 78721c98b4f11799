"""“Report an error in the story”: from the selected passage to the thanks at the correction, on open pages."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.actions import readers
from tests.browser.axe import axe_findings
from tests.browser.blocked_sockets import EXPECTED, behind, blocking_proxy, open_streams
from tests.browser.conftest import SITE, Demo, Hosts, Story
from tests.browser.host_pages import wordpress
from tests.browser.test_story_pages import WITHOUT, Photograph, press
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PASSAGE = "The Marit was built\n in 1971."
TEXT = f'<p id="text">The ferry is old. <span id="passage">{PASSAGE}</span> It sails daily.</p>'
LANGUAGES = ["ar", "de", "es", "fr", "ja", "pl"]


async def on(demo: Demo, *arguments: str) -> str:
    """Run a command while the pages go on."""
    return await asyncio.to_thread(demo.run, *arguments)


async def select(page: Page, id_: str) -> None:
    """Select the text of an element of the page, as a reader does by dragging."""
    await page.locator(f"#{id_}").scroll_into_view_if_needed()
    await page.evaluate("id => getSelection().selectAllChildren(document.getElementById(id))", id_)


def opener(page: Page) -> Locator:
    return page.get_by_role("button", name="Report an error in the story")


def form(page: Page) -> Locator:
    return page.get_by_role("group", name="Report an error in the story")


def words(page: Page) -> Locator:
    return page.get_by_role("textbox", name="What is wrong, and what would be right?")


def quoted(page: Page) -> Locator:
    return page.get_by_role("textbox", name="The passage in the story (optional)")


async def reported(demo: Demo, hosts: Hosts, text: str, **options: Any) -> tuple[Story, Page, str]:
    """Return a story, the page of a reader who has reported an error there, and the report's id."""
    story = demo.story()
    page = await hosts.open(TEXT + story.snippet, **options)
    await readers(page, 1)
    await opener(page).click()
    await words(page).fill(text)
    await page.get_by_role("button", name="Send to the editors").click()
    await expect(page.locator(".own-hint")).to_contain_text("The editors see it.")
    return story, page, await waiting(demo, story)


async def waiting(demo: Demo, story: Story) -> str:
    """Return the id of the only report about the story that waits for the editors."""
    rows = json.loads(await on(demo, "story", "hints", SITE, "--story", story.code, "--json"))
    (found,) = rows
    return str(found["id"])


async def test_a_reader_reports_the_selected_passage_and_is_thanked_at_the_correction_without_a_reload(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story()
    page = await hosts.open(TEXT + story.snippet, site=0)
    other = await hosts.open(TEXT + story.snippet, site=1)
    await readers(page, 2)
    await select(page, "passage")
    await opener(page).click()
    await expect(quoted(page)).to_have_value("The Marit was built in 1971.")
    await expect(words(page)).to_be_focused()
    await expect(opener(page)).to_have_attribute("aria-expanded", "true")
    await photograph(page, "hint-form-en")
    assert await axe_findings(page) == []
    await words(page).fill("It was built in 1961.")
    await page.get_by_role("textbox", name="Your name, if you want").fill("Ana")
    await page.get_by_role("button", name="Send to the editors").click()
    await expect(form(page)).to_have_count(0)
    await expect(page.get_by_text("Thank you. The editors see it.")).to_be_visible()
    await expect(opener(page)).to_be_focused()
    await expect(page.locator(".own-hint")).to_contain_text("It was built in 1961.")
    assert await axe_findings(page) == []
    await page.evaluate("document.notReloaded = true")
    id_ = await waiting(demo, story)
    await on(demo, "story", "accept-hint", SITE, id_, "It was built in 1961.")
    for each in (page, other):
        line = each.locator("[part=correction]")
        await expect(line).to_contain_text("It was built in 1961.")
        await expect(line).to_contain_text("Thanks to \u2068Ana\u2069.")
        await expect(each.locator("#text")).to_have_text(
            "The ferry is old. The Marit was built in 1971. It sails daily."
        )
    thanks = page.locator("[part=correction]").get_by_text("You reported this. Thank you!")
    await expect(thanks).to_be_visible()
    await expect(other.get_by_text("You reported this.")).to_have_count(0)
    # The thanks stand at the place, and not a second time below.
    await expect(page.locator(".own-hint")).to_have_count(0)
    assert await page.evaluate("document.notReloaded") is True
    assert await axe_findings(page) == []
    await photograph(page, "hint-thanks-en")
    await page.get_by_role("button", name="Your data").click()
    await expect(page.get_by_role("group", name="Your data")).to_contain_text(
        "and the story was corrected. Thank you!"
    )
    await page.reload()
    await expect(thanks).to_be_visible()


async def test_a_declined_report_is_answered_kindly_at_its_place_and_in_your_data(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story, page, id_ = await reported(demo, hosts, "The name is wrong.")
    await on(
        demo, "story", "decline-hint", SITE, id_, "--answer", "That is how she <b>spells</b> it."
    )
    line = page.locator(".own-hint")
    await expect(line).to_contain_text("left the story as it is. Thank you for reading so closely.")
    await expect(line).to_contain_text("The editors write: That is how she <b>spells</b> it.")
    # It is announced, too.
    await expect(page.locator("story-widget section > [role=status]").last).to_contain_text(
        "left the story as it is"
    )
    await page.get_by_role("button", name="Your data").click()
    data = page.get_by_role("group", name="Your data")
    await expect(data).to_contain_text("Your error reports here")
    await expect(data).to_contain_text("That is how she <b>spells</b> it.")
    assert await axe_findings(page) == []
    await photograph(page, "hint-declined-en")
    stranger = await hosts.open(story.snippet, site=2)
    await readers(stranger, 2)
    await expect(stranger.locator(".own-hint")).to_have_count(0)
    assert "spells" not in await stranger.content()
    await page.get_by_role("button", name="Delete my data…").click()
    await page.get_by_role("button", name="Delete everything").click()
    await expect(page.locator(".own-hint")).to_have_count(0)


async def test_an_answer_that_is_taken_back_lets_the_report_wait_again_on_the_open_page(
    demo: Demo, hosts: Hosts
) -> None:
    _, page, id_ = await reported(demo, hosts, "It was 1961.")
    said = await on(demo, "story", "accept-hint", SITE, id_, "It was built in 1961.", "--json")
    await expect(page.get_by_text("You reported this. Thank you!")).to_be_visible()
    await on(demo, "undo", json.loads(said)["id"])
    await expect(page.locator("[part=correction]")).to_contain_text("Withdrawn")
    await expect(page.locator("[part=correction]")).not_to_contain_text("You reported this")
    await expect(page.locator(".own-hint")).to_contain_text("The editors see it.")


async def test_without_a_connection_a_report_is_not_sent_and_its_words_are_kept_over_a_reload(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(TEXT + story.snippet)
    await readers(page, 1)
    await opener(page).click()
    await expect(quoted(page)).to_be_focused()
    send = page.get_by_role("button", name="Send to the editors")
    await send.click()
    await expect(page.get_by_role("alert").filter(has_text="Write what is wrong")).to_be_visible()
    await expect(words(page)).to_be_focused()
    await expect(words(page)).to_have_attribute("aria-invalid", "true")
    await words(page).fill("It was 1961.")
    await page.context.set_offline(True)
    hosts.expected += ["Failed to load resource", "WebSocket connection"]
    await send.click()
    await expect(page.get_by_role("alert").filter(has_text="Not sent:")).to_be_visible()
    await expect(words(page)).to_have_value("It was 1961.")
    await page.keyboard.press("Escape")
    await expect(opener(page)).to_be_focused()
    await page.context.set_offline(False)
    await page.reload()
    await readers(page, 1)
    await opener(page).click()
    await expect(words(page)).to_have_value("It was 1961.")
    await send.click()
    await expect(page.locator(".own-hint")).to_have_count(1)
    assert await waiting(demo, story)
    # What was sent is no draft any more.
    await opener(page).click()
    await expect(words(page)).to_have_value("")


async def test_a_fourth_report_waits_in_its_form_until_an_earlier_one_is_answered(
    demo: Demo, hosts: Hosts
) -> None:
    _, page, _ = await reported(demo, hosts, "One.")
    for number in (2, 3):
        await opener(page).click()
        await words(page).fill(f"Number {number}.")
        await page.get_by_role("button", name="Send to the editors").click()
        await expect(page.locator(".own-hint")).to_have_count(number)
    await opener(page).click()
    await words(page).fill("Number 4.")
    await page.get_by_role("button", name="Send to the editors").click()
    await expect(
        page.get_by_role("alert").filter(has_text="your last three reports")
    ).to_be_visible()
    await expect(words(page)).to_have_value("Number 4.")


async def test_a_selection_inside_the_widget_is_no_passage_of_the_story(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(TEXT + story.snippet)
    await readers(page, 1)
    await page.locator("story-widget [part=prompt]").click(click_count=3)
    await opener(page).click()
    await expect(quoted(page)).to_have_value("")


async def test_by_keyboard_alone_an_error_is_reported_from_the_selection(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(TEXT + story.snippet)
    await readers(page, 1)
    await opener(page).focus()
    await select(page, "passage")
    await page.keyboard.press("Enter")
    await expect(quoted(page)).to_have_value("The Marit was built in 1971.")
    await page.keyboard.type("It was 1961.")
    for _ in range(2):
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Send to the editors")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".own-hint")).to_contain_text("It was 1961.")
    await expect(opener(page)).to_be_focused()


async def test_in_a_sandboxed_frame_an_error_is_reported_and_thanked(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(TEXT + wordpress(story, story.token))
    frame = page.frame_locator("iframe")
    await frame.get_by_role("button", name="Report an error in the story").click()
    await frame.get_by_role("textbox", name="What is wrong").fill("It was 1961.")
    await frame.get_by_role("button", name="Send to the editors").click()
    await expect(frame.locator(".own-hint")).to_contain_text("The editors see it.")
    id_ = await waiting(demo, story)
    await on(demo, "story", "accept-hint", SITE, id_, "It was built in 1961.")
    await expect(frame.get_by_text("You reported this. Thank you!")).to_be_visible()


async def test_where_sockets_are_blocked_the_outcome_comes_over_http(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += EXPECTED
    story = demo.story()
    async with blocking_proxy(demo.port) as proxy:
        page = await hosts.page(await hosts.reader())
        streams = open_streams(page)
        await hosts.open(TEXT + behind(proxy, story).snippet, page=page)
        await opener(page).click()
        await words(page).fill("It was 1961.")
        await page.get_by_role("button", name="Send to the editors").click()
        await expect(page.locator(".own-hint")).to_contain_text("The editors see it.")
        # Before, a change is seen only with the next poll.
        await eventually(lambda: streams, "a stream is open", 30)
        id_ = await waiting(demo, story)
        await on(demo, "story", "decline-hint", SITE, id_)
        await expect(page.locator(".own-hint")).to_contain_text("left the story as it is")


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_form_is_in_the_readers_language_and_fits_a_phone(
    demo: Demo, hosts: Hosts, lang: str, photograph: Photograph
) -> None:
    story = demo.story()
    page = await hosts.open(
        TEXT + story.snippet,
        attributes=f'lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}"',
        viewport={"width": 320, "height": 640},
        has_touch=True,
        is_mobile=True,
    )
    await readers(page, 1)
    await select(page, "passage")
    button = page.locator("story-widget .bar ~ .row > button").first
    await button.tap()
    panel = page.locator("story-widget .panel")
    await expect(panel).to_be_visible()
    await expect(panel.locator("textarea").first).to_have_value("The Marit was built in 1971.")
    await expect(panel).not_to_contain_text("story")
    await expect(panel).not_to_contain_text("{")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    assert await axe_findings(page) == []
    await photograph(page, f"hint-form-320-{lang}")
    await panel.locator("textarea").last.fill("1961")
    await panel.locator(".primary").tap()
    await expect(page.locator(".own-hint")).to_have_count(1)
    await photograph(page, f"hint-sent-320-{lang}")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("look", ["dark", "forced"])
async def test_the_form_is_readable_in_the_dark_and_in_forced_colours(
    demo: Demo, hosts: Hosts, lang: str, look: str, photograph: Photograph
) -> None:
    story = demo.story()
    options: dict[str, Any] = {"color_scheme": "dark"}
    if look == "forced":
        options["forced_colors"] = "active"
    page = await hosts.open(
        TEXT + story.snippet,
        attributes=f'lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}"',
        head="<style>:root { color-scheme: dark }</style>",
        viewport={"width": 390, "height": 800},
        **options,
    )
    await readers(page, 1)
    await page.locator("story-widget .bar ~ .row > button").first.click()
    await expect(page.locator("story-widget .panel")).to_be_visible()
    await photograph(page, f"hint-form-{look}-{lang}")
    found = await axe_findings(page)
    # Forced colours are the reader's own: their contrast is not the page's.
    assert [one for one in found if look == "dark" or one[0] != "color-contrast"] == []


async def test_without_javascript_an_error_is_reported_by_keyboard_and_the_outcome_is_told(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader(**WITHOUT))
    await page.goto(story.link)
    await press(page, page.get_by_role("link", name="Report an error in the story"))
    await expect(quoted(page)).to_be_focused()
    await photograph(page, "hint-plain-form")
    await page.keyboard.type("built in 1971")
    await page.keyboard.press("Tab")
    await page.keyboard.type("It was 1961.")
    await press(page, page.get_by_role("button", name="Send to the editors"))
    notice = page.get_by_role("status").filter(has_text="Thank you. The editors see it.")
    await expect(notice).to_be_visible()
    await expect(notice).to_be_focused()
    await photograph(page, "hint-plain-sent")
    id_ = await waiting(demo, story)
    await on(demo, "story", "accept-hint", SITE, id_, "It was built in 1961.")
    await press(page, page.get_by_role("button", name="Report an error in the story"))
    await expect(page.locator(".notice.correction")).to_contain_text(
        "You reported this. Thank you!"
    )
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await photograph(page, "hint-plain-thanks")


async def test_in_a_frame_without_scripts_a_link_leads_to_the_form(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    reader = await hosts.reader(**WITHOUT)
    page = await hosts.open(
        f'<iframe src="{story.server}/e/{story.token}" width="320" height="300"></iframe>',
        reader=reader,
    )
    link = page.frame_locator("iframe").get_by_role("link", name="Report an error in the story")
    await expect(link).to_be_visible()
    async with reader.expect_page() as opened:
        await link.click()
    form_page = await opened.value
    await expect(quoted(form_page)).to_be_visible()
