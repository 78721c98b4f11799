"""The preview beside the form of settings shows what stands in the form, and nothing of it leaves the page."""

import json
import urllib.request
from typing import Any

import pytest
from playwright.async_api import FrameLocator, Page, Request, expect

from tests.browser.actions import expect_reaction
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.desk import Desk, findings
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SITE = "preview-post"


@pytest.fixture(scope="module")
def story(demo: Demo) -> Story:
    """Return the newest story of a site of its own, which is carried by a page."""
    demo.site(SITE)
    return demo.story(SITE, title="The library that sails at six")


@pytest.fixture
def desk(story: Story, demo: Demo, hosts: Hosts) -> Desk:
    return Desk(demo, hosts, SITE).sign_in()


def widget_in(page: Page) -> FrameLocator:
    return page.frame_locator("iframe.preview")


def read(story: Story) -> Any:
    """Return the story as any reader gets it."""
    with urllib.request.urlopen(f"{story.server}/v1/stories/{story.code}", timeout=10) as answer:
        return json.loads(answer.read())


async def test_typed_settings_appear_in_the_widget_at_once_and_are_not_saved(
    desk: Desk, hosts: Hosts, story: Story
) -> None:
    reader = await hosts.open(story.snippet, site=0)
    await expect_reaction(reader, "Happy", 0, own=False)
    page = await desk.open("settings/reactions")
    widget = widget_in(page)
    await expect(widget.get_by_role("button", name="Happy")).to_be_visible()
    loads: list[str] = []

    def note(request: Request) -> None:
        if "/e/" in request.url:
            loads.append(request.url)

    page.on("request", note)
    steps = await page.evaluate("history.length")
    question = page.get_by_label("Question")
    for words in ("What do you make of it?", "And now?"):
        await question.fill(words)
        await expect(widget.get_by_role("heading", name=words)).to_be_visible()
    await page.get_by_label("Label").first.fill("Astonished")
    await expect(widget.get_by_role("button", name="Astonished")).to_be_visible()
    # The frame was never loaded again, only its address behind # changed; and the Back button leads where it led before.
    assert loads == []
    assert await page.evaluate("history.length") == steps
    await expect(reader.get_by_role("button", name="Astonished")).to_have_count(0)
    assert read(story)["settings"]["prompt"] != "And now?"
    assert await findings(page) == []


async def test_the_widget_can_be_tried_and_nobody_else_sees_it(
    desk: Desk, hosts: Hosts, story: Story
) -> None:
    reader = await hosts.open(story.snippet, site=0)
    await expect_reaction(reader, "Happy", 0, own=False)
    one_reader = {"readers": 1, "copies": 1}
    await eventually(lambda: read(story)["presence"] == one_reader, "the reader is counted")
    before = read(story)
    page = await desk.open("settings/after")
    widget = widget_in(page)
    await expect(widget.get_by_role("button", name="Happy")).to_be_visible()
    await page.locator("[name='url.1']").fill("https://harbour.example/ferries")
    await page.locator("[name='action.1']").fill("Write to the council")
    await expect(page.locator("#changes")).to_contain_text("not saved yet")
    await widget.get_by_role("button", name="Happy").click()
    await expect(widget.get_by_role("link", name="Write to the council")).to_be_visible()
    await expect(widget.get_by_role("button", name="Happy")).to_have_attribute(
        "aria-pressed", "true"
    )
    await widget.get_by_label("Your comment").fill("Only a try")
    await widget.get_by_role("button", name="Post").click()
    await expect(widget.get_by_text("This is a preview. Nothing is sent.").first).to_be_visible()
    after = read(story)
    assert (after["tally"], after["count"]) == (before["tally"], before["count"])
    assert after["presence"] == one_reader
    await expect_reaction(reader, "Happy", 0, own=False)
    copies = json.loads(desk.demo.run("copy", "list", SITE, "--json"))
    assert {one["origin"] for one in copies["copies"]} == {await reader.evaluate("origin")}


async def test_without_javascript_a_button_shows_the_typed_values(desk: Desk) -> None:
    page = await desk.open("settings/look", java_script_enabled=False)
    await page.locator("#accent").fill("#0c8577")
    await page.get_by_role("button", name="Show", exact=True).click()
    source = await page.locator("iframe.preview").get_attribute("src")
    assert source is not None
    assert "0c8577" in source.partition("#")[2]
    await expect(page.locator("#accent")).to_have_value("#0c8577")
    await page.get_by_role("button", name="English").click()
    source = await page.locator("iframe.preview").get_attribute("src")
    assert source is not None
    assert "0c8577" in source.partition("#")[2]


async def test_a_preview_that_is_opened_by_itself_shows_what_is_stored(
    desk: Desk, hosts: Hosts
) -> None:
    page = await desk.open("settings/reactions")
    await page.get_by_label("Question").fill("Send us your password?")
    await expect(
        widget_in(page).get_by_role("heading", name="Send us your password?")
    ).to_be_visible()
    source = await page.evaluate("document.querySelector('iframe.preview').src.split('#')[0]")
    settings = {"settings": {"prompt": "Send us your password?", "reactions": []}}
    alone = await hosts.page(await hosts.reader())
    await alone.goto(f"{source}#{json.dumps(settings)}")
    await expect(alone.get_by_role("button", name="Happy")).to_be_visible()
    await expect(alone.get_by_text("Send us your password?")).to_have_count(0)
