"""Pages of the dashboard about copies, tokens, settings and numbers, in Chromium."""

import json
import secrets
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, WebSocket, expect

from tests.browser.actions import expect_reaction
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.desk import Desk, findings
from tests.waiting import SLOWNESS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


SITE = "desk-post"
REFUSED = "Failed to load resource: the server responded with a status of 422"
"""Chromium reports a form with an error that was sent back."""


def post(story: Story, origin: str, kind: str, **fields: Any) -> None:
    """Let a new reader of a page act."""
    action = {"type": kind, "ref": 1, "token": story.token, "story": story.code, **fields}
    request = urllib.request.Request(
        f"{story.server}/v1/actions",
        json.dumps(action).encode(),
        {"Content-Type": "text/plain", "Origin": origin},
    )
    urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="module")
def busy(demo: Demo) -> Demo:
    """Return the demo with a site whose stories are read on several pages."""
    demo.site(SITE)
    origins = [f"https://{name}.example" for name in ("northside", "diariodelpuerto", "lapassade")]
    titles = ("The library that sails at six", "من يملك المطر؟", "Who <b>owns</b> the rain?")
    for number, title in enumerate(titles):
        story = demo.story(SITE, known=False, title=title, label="La Passade, web desk", lang="fr")
        for origin in origins[: 3 - number]:
            for reaction in ("happy", "sad", "happy", "surprised")[number:]:
                post(story, origin, "react", reaction=reaction)
            post(story, origin, "comment", body="Hello", key=secrets.token_hex(8))
    demo.run("site", "set", SITE, "moderation=pre")
    return demo


@pytest.fixture
def desk(busy: Demo, hosts: Hosts) -> Desk:
    return Desk(busy, hosts, SITE).sign_in()


async def widget(hosts: Hosts, story: Story, site: int) -> Page:
    """Open a page that carries the story, and wait until it is live."""
    page = await hosts.open(story.snippet, site=site)
    await expect_reaction(page, "Happy", 0, own=False)
    return page


async def test_saved_settings_reach_an_open_page_within_two_seconds(
    desk: Desk, hosts: Hosts
) -> None:
    story = desk.demo.story(SITE)
    reader = await widget(hosts, story, 0)
    page = await desk.open("settings/reactions")
    await page.get_by_label("Question").fill("What do you make of it?")
    # The server says what would change while one types.
    changes = page.locator("#changes")
    await expect(changes).to_contain_text("1 change, not saved yet")
    await expect(changes).to_contain_text("1 open now")
    assert await findings(page) == []
    await page.get_by_role("button", name="Save").last.click()
    saved = time.monotonic()
    await expect(reader.get_by_text("What do you make of it?")).to_be_visible()
    assert time.monotonic() - saved < 2 * SLOWNESS
    await page.get_by_role("link", name="History").click()
    await page.get_by_role("button", name="Take back").first.click()
    await expect(reader.get_by_text("What do you make of it?")).to_have_count(0)


def record(page: Page, frames: list[str]) -> None:
    """Record what the page's socket receives."""

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(str(frame)))

    page.on("websocket", listen)


async def test_one_copy_is_revoked_and_the_other_notices_nothing(
    desk: Desk, hosts: Hosts, photograph: Callable[[Page, str], Any]
) -> None:
    hosts.expected.append("story-widget: ")
    shared = desk.demo.story(SITE, label="Left")
    other = Story(shared.server, shared.code, shared.with_claims(label="Right"), shared.with_claims)
    left = await hosts.page(await hosts.reader())
    right = await hosts.page(await hosts.reader())
    frames: dict[Page, list[str]] = {left: [], right: []}
    for each, story, site in ((left, shared, 0), (right, other, 1)):
        record(each, frames[each])
        await hosts.open(story.snippet, site=site, page=each)
        await expect_reaction(each, "Happy", 0, own=False)
    page = await desk.open(f"copies?story={shared.code}")
    row = page.get_by_role("row").filter(has_text=urlsplit(left.url).netloc)
    await row.get_by_role("link", name="Revoke").click()
    await expect(page.get_by_role("heading", name="Revoke the copy on")).to_be_focused()
    await expect(page.locator(".revoke")).to_contain_text("1 is there now.")
    await photograph(page, "desk-revoke")
    assert await findings(page) == []
    before = len(frames[right])
    await page.get_by_role("button", name="Revoke this copy").click()
    revoked = time.monotonic()
    box = left.get_by_role("textbox", name="Your comment")
    await expect(box).to_have_count(0, timeout=5_000 * SLOWNESS)
    assert time.monotonic() - revoked < 5 * SLOWNESS
    # The number of readers and copies may change; nothing else reaches the other copy.
    received = [json.loads(frame)["type"] for frame in frames[right][before:]]
    assert set(received) <= {"presence"}
    await page.get_by_role("button", name="Undo").click()
    await expect(box).to_be_visible(timeout=20_000)


async def test_a_token_is_made_and_its_widget_lives_beside_the_snippet(
    desk: Desk, photograph: Callable[[Page, str], Any]
) -> None:
    page = await desk.open("tokens")
    await page.get_by_text("A new story").click()
    await page.get_by_label("Title").fill("The night ferry")
    await page.get_by_label("Address of the story").fill("https://harbour.example/night-ferry")
    await page.get_by_role("button", name="Make the token").click()
    frame = page.frame_locator("iframe.preview")
    await expect(frame.get_by_role("button", name="Happy")).to_be_visible()
    await expect(page.locator("#snippet-html")).to_contain_text("data-widget-token")
    await photograph(page, "desk-token-made")
    assert await findings(page) == []


async def test_everything_works_without_javascript(desk: Desk) -> None:
    desk.hosts.expected.append(REFUSED)
    page = await desk.open("settings/look", java_script_enabled=False)
    await page.locator("#accent").fill("#ffff00")
    await page.get_by_role("button", name="What changes for whom?").click()
    await page.get_by_role("button", name="Use #").click()
    await expect(page.locator("#changes")).to_contain_text("1 change, not saved yet")
    await page.get_by_role("button", name="Save").last.click()
    await expect(page.get_by_role("status")).to_contain_text("Saved.")
    await page.goto(desk.url("copies"))
    await page.get_by_role("row").get_by_role("link", name="Revoke").first.click()
    await page.get_by_role("button", name="Revoke this copy").click()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("status")).to_contain_text("Given back.")
