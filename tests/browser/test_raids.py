"""A new reader in a raid: by keyboard on a phone, without a socket and in the sandbox, without losing a word."""

import json

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.actions import article, comment, outbox_loaded
from tests.browser.conftest import Demo, Hosts, Story

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NETWORK_ERRORS = ["Failed to load resource"]
"""What the browser itself writes about an answer 422 and a request that a test stops."""
PHONE = {"width": 390, "height": 844}
CHECKING = (
    "Many comments are coming in. Checking that you are not a robot; this takes a few seconds."
)
FRAMES = """<script>
  let last = 0;
  window.longest = 0;
  requestAnimationFrame(function next(now) {
    if (last) window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(next);
  });
</script>"""
"""Measure the longest time between two frames."""


def story_in_a_raid(demo: Demo, slug: str) -> Story:
    """Return a story of a site on which a raid is on."""
    story = demo.story(demo.site(slug))
    raids = json.loads(demo.run("raid", "list", slug, "--json"))
    if not any(raid["phase"] for raid in raids):
        demo.run("raid", "on", slug)
    return story


async def is_solver_loaded(page: Page) -> bool:
    names: list[str] = await page.evaluate(
        "performance.getEntriesByType('resource').map((one) => one.name)"
    )
    return any("-proof.js" in name for name in names)


async def test_a_new_reader_on_a_phone_comments_in_a_raid_by_keyboard(
    demo: Demo, hosts: Hosts
) -> None:
    story = story_in_a_raid(demo, "raid-keys")
    page = await hosts.open(story.snippet, head=FRAMES, viewport=PHONE)
    box = page.get_by_role("textbox", name="Your comment")
    await box.focus()
    await outbox_loaded(page)
    assert not await is_solver_loaded(page)
    await page.keyboard.type("From a phone in a raid")
    post = page.get_by_role("button", name="Post", exact=True)
    while not await post.evaluate("element => element.matches(':focus')"):
        await page.keyboard.press("Tab")
    await page.evaluate("window.longest = 0")
    await page.keyboard.press("Enter")
    status = page.get_by_role("status").filter(has_text=CHECKING)
    await expect(status).to_be_visible()
    assert await box.input_value() == "From a phone in a raid"
    own = article(page, "From a phone in a raid")
    await expect(own).to_be_focused()
    assert await is_solver_loaded(page)
    # Frames go on while the number is sought.
    assert await page.evaluate("window.longest") < 400
    # Not asked a second time.
    await comment(page, "And one more")
    await expect(article(page, "And one more")).to_be_focused()
    await expect(status).to_have_count(0)


async def test_a_new_reader_comments_in_a_raid_where_sockets_are_blocked(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = story_in_a_raid(demo, "raid-http")
    head = "<script>WebSocket = class { constructor() { throw new Error('blocked'); } }</script>"
    page = await hosts.open(story.snippet, head=head, viewport=PHONE)
    await comment(page, "Over HTTP")
    await expect(article(page, "Over HTTP")).to_be_focused()


async def test_a_new_reader_comments_in_a_raid_in_the_sandbox(demo: Demo, hosts: Hosts) -> None:
    story = story_in_a_raid(demo, "raid-frame")
    frame = f'<iframe sandbox="allow-scripts" width="390" height="800" src="{demo.server}/e/{story.token}"></iframe>'
    page = await hosts.open(frame)
    inside = page.frame_locator("iframe")
    await comment(inside, "From the sandbox")
    await expect(article(inside, "From the sandbox")).to_be_focused()


async def test_a_comment_is_kept_and_sent_when_the_solver_cannot_be_loaded(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = story_in_a_raid(demo, "raid-lost")
    page = await hosts.open(story.snippet, viewport=PHONE)
    broken = True

    async def serve(route: Route) -> None:
        await (route.abort() if broken else route.continue_())

    await page.route("**/*-proof.js*", serve)
    await comment(page, "Not to be lost")
    await expect(page.get_by_role("status").filter(has_text=CHECKING)).to_be_visible()
    await page.reload()
    broken = False
    box = page.get_by_role("textbox", name="Your comment")
    await expect(box).to_have_value("Not to be lost")
    await box.focus()
    await outbox_loaded(page)
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(article(page, "Not to be lost")).to_be_focused()
