"""A stranger takes a story: from a link in a newsletter to a live copy, and the correction that follows.

The stranger has no account, gets no cookie, and needs few clicks. `test_corrections.py` shows how a correction looks.
"""

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from playwright.async_api import BrowserContext, Frame, Page, expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import Demo, Hosts, Story, host_page
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
Record = Callable[[str, object], None]

MOST_CLICKS = 8
"""From the newsletter to the published page, those in the stranger's own editor included."""
EDITOR = "<textarea aria-label='Your page' rows='9'></textarea><button>Publish</button>"
WRONG, RIGHT = "built in 1971", "The Marit was built in 1961."
WATCH = """() => {
  const { shadowRoot } = document.querySelector("story-widget");
  const timer = setInterval(() => {
    if (!shadowRoot.querySelector("[part=correction]")) return;
    window.shownAt = Date.now();
    clearInterval(timer);
  }, 5);
}"""
"""Note when the page shows its first correction, in ms since 1970."""


@dataclass
class Stranger:
    """A person without an account who republishes a story on their own site, and what that costs them."""

    hosts: Hosts
    reader: BrowserContext
    page: Page
    site: int
    """The number of the origin that is theirs."""
    scripts: bool = True
    clicks: int = 0
    keys: int = 0
    """Presses of keys; a key with Ctrl is one."""

    @classmethod
    async def comes(cls, hosts: Hosts, demo: Demo, site: int, *, scripts: bool) -> "Stranger":
        """Return a stranger with a fresh browser."""
        reader = await hosts.reader(java_script_enabled=scripts)
        if scripts:
            await reader.grant_permissions(["clipboard-write"], origin=demo.server)
        return cls(hosts, reader, await hosts.page(reader), site, scripts)

    @property
    def origin(self) -> str:
        """The address of their site."""
        return f"http://localhost:{self.hosts.host_sites.servers[self.site].server_port}"

    async def click(self, role: str, name: str, page: Page | None = None) -> None:
        """Click what has this role and name, on the publisher's pages or on another page."""
        await (page or self.page).get_by_role(role, name=name).click()  # type: ignore[arg-type]
        self.clicks += 1

    async def press(self, page: Page, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            await page.keyboard.press(key)
        self.keys += len(keys)

    async def copies(self, place: str) -> str:
        """Go from the page of a story to the snippet for their site, copy it, and return what was shown."""
        await self.click("link", "Republish this story")
        await self.click("link", place)
        await self.click("textbox", "Address of your site")
        await self.press(self.page, *self.origin)
        await self.click("button", "Make the snippet")
        await expect(self.page.get_by_role("heading", name=self.origin)).to_be_visible()
        field = self.page.locator("#snippet")
        if self.scripts:
            await self.page.get_by_role("button", name="Copy").first.click()
            await expect(self.page.get_by_role("status")).to_have_text("Copied")
        else:
            await field.click()
            await self.press(self.page, "ControlOrMeta+a", "ControlOrMeta+c")
        self.clicks += 1
        shown = await field.input_value()
        assert "w1." in shown
        return shown

    async def publishes(self, shown: str, head: str = "") -> str:
        """Paste into the editor of their site, publish exactly what was pasted, and return the page's address."""
        editor = await self.hosts.open(EDITOR, reader=self.reader, site=self.site)
        box = editor.get_by_role("textbox", name="Your page")
        await self.click("textbox", "Your page", editor)
        await self.press(editor, "ControlOrMeta+v")
        await expect(box).to_have_value(shown)
        await self.click("button", "Publish", editor)
        page = host_page(await box.input_value(), head=head)
        await editor.close()
        return self.hosts.host_sites.put(self.site, page, {})

    async def expect_little_effort(self) -> None:
        """Check what it cost: clicks, keys, and nothing that names the stranger."""
        assert self.clicks <= MOST_CLICKS
        assert self.keys <= len(self.origin) + 3
        assert await self.reader.cookies() == []


async def newsletter(hosts: Hosts, story: Story) -> str:
    """Return the publisher's lines about a story, in the form for e-mail."""
    page = await hosts.page(await hosts.reader())
    await page.goto(f"{story.link}/republish?where=email")
    return await page.locator("#snippet").input_value()


def correct(demo: Demo, story: Story) -> float:
    """Correct the story as its publisher, and return when the correction was made, in ms since 1970."""
    demo.run("story", "correct", story.code, RIGHT, "--passage", WRONG)
    with urllib.request.urlopen(f"{story.link}/corrections.json", timeout=10) as answer:
        (made,) = json.load(answer)["corrections"]
    return datetime.fromisoformat(made["at"]).timestamp() * 1000


async def test_a_stranger_comes_from_a_newsletter_to_a_live_copy_and_gets_the_correction(
    demo: Demo, hosts: Hosts, record_property: Record
) -> None:
    story = demo.story(title="The last ferry")
    mail = await newsletter(hosts, story)
    publisher = await hosts.open(story.snippet, site=0)
    began = time.monotonic()
    stranger = await Stranger.comes(hosts, demo, 1, scripts=True)
    await hosts.open(mail, page=stranger.page, site=2)
    await stranger.click("link", "React to and discuss")
    await expect(stranger.page).to_have_url(story.link)
    address = await stranger.publishes(await stranger.copies("Another site (HTML)"))
    await stranger.expect_little_effort()

    # Their readers and the publisher's are one audience.
    readers = await hosts.reader()
    copy = await hosts.page(readers)
    await copy.goto(address)
    await reaction(copy, "Happy").click()
    await expect_reaction(publisher, "Happy", 1, own=False)
    await comment(publisher, "I rowed out to meet it.", Name="Lena")
    await copy.get_by_role("button", name="1 new comment").click()
    await expect(article(copy, "I rowed out")).to_be_visible()
    await expect(copy.locator("[part=correction]")).to_have_count(0)

    correct(demo, story)
    await expect(copy.locator("[part=correction]")).to_contain_text(RIGHT)
    record_property("journey_seconds", round(time.monotonic() - began, 1))
    assert await readers.cookies() == []

    # Of a copy that is taken later, the correction is a part: readers without JavaScript have it too.
    later = await Stranger.comes(hosts, demo, 2, scripts=True)
    await later.page.goto(story.link)
    address = await later.publishes(await later.copies("Another site (HTML)"))
    plain = await hosts.page(await hosts.reader(java_script_enabled=False))
    await plain.goto(address)
    await expect(plain.get_by_role("blockquote")).to_contain_text(RIGHT)
    await later.expect_little_effort()


async def test_three_strangers_without_javascript_take_three_forms_and_all_get_the_correction(
    demo: Demo, hosts: Hosts, record_property: Record
) -> None:
    story = demo.story(title="The last ferry")
    mail = await newsletter(hosts, story)
    copies: dict[str, Page | Frame] = {}
    # The code with its script, a frame, and the code alone for a site that has the script in its theme.
    ways = (("Another site (HTML)", ""), ("Wix", ""), ("WordPress.com", story.script))
    for site, (place, head) in enumerate(ways):
        stranger = await Stranger.comes(hosts, demo, site, scripts=False)
        await hosts.open(mail, page=stranger.page, site=2)
        await stranger.click("link", "React to and discuss")
        address = await stranger.publishes(await stranger.copies(place), head)
        await stranger.expect_little_effort()
        page = await hosts.page(await hosts.reader())
        await page.goto(address)
        copies[stranger.origin] = page.frames[-1] if place == "Wix" else page
    for copy in copies.values():
        await copy.locator("story-widget .composer").first.wait_for()
        await copy.evaluate(WATCH)

    made_at = correct(demo, story)
    for origin, copy in copies.items():
        await expect(copy.locator("[part=correction]")).to_contain_text(RIGHT)
        shown_at = await eventually(
            lambda copy=copy: copy.evaluate("window.shownAt"), f"{origin} noted the time"
        )
        record_property("correction_shown_ms", round(shown_at - made_at))
    assert len(copies) == len(ways)
