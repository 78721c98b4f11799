"""The embed's main path in Firefox: `make firefox`.

Not part of `make test`, because Firefox has to be downloaded first.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from tests.browser import bidi
from tests.browser.bidi import CONTROL, ENTER, RIGHT, CommandError, Firefox, Place
from tests.browser.conftest import Demo, HostSites, host_page
from tests.browser.embed_files import LOCALES
from tests.browser.host_pages import policy, wordpress
from tests.browser.page_metrics import post_comments
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEPT = "[localStorage.length, sessionStorage.length, document.cookie]"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def firefox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    """Run the installed Firefox."""
    async with bidi.running(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@dataclass
class Readers:
    """Opens host pages, each for a new reader."""

    firefox: Firefox
    host_sites: HostSites
    allowed: list[str]
    """Prefixes of the addresses that pages may request."""
    came: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Parts of the console messages that the test causes, in order."""

    async def open(
        self,
        body: str,
        *,
        site: int = 0,
        attributes: str = 'lang="en"',
        headers: dict[str, str] | None = None,
    ) -> Place:
        """Open a host page with this body for a new reader, on another site than the server's."""
        address = self.host_sites.put(site, host_page(body, attributes), headers or {})
        # 127.0.0.1: another site than localhost, where the server is, not only another origin.
        address = address.replace("localhost", "127.0.0.1")
        reader = await self.firefox.reader()
        self.came.append(reader)
        page = await self.firefox.page(reader)
        await page.open(address)
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def readers(firefox: Firefox, host_sites: HostSites, demo: Demo) -> AsyncIterator[Readers]:
    """Readers. Fails on unexpected console messages and on requests to other servers."""
    sites = [
        f"http://{host}:{server.server_port}/"
        for host in ("127.0.0.1", "localhost")
        for server in host_sites.servers
    ]
    live = demo.server.replace("http", "ws", 1)
    readers = Readers(firefox, host_sites, [f"{demo.server}/", f"{live}/", "data:,", *sites])
    yield readers
    for reader in readers.came:
        await firefox.ask("browser.removeUserContext", userContext=reader)
    messages, requests = firefox.console.copy(), firefox.requests.copy()
    firefox.console.clear()
    firefox.requests.clear()
    assert len(messages) == len(readers.expected), messages
    for text, expected in zip(messages, readers.expected, strict=True):
        assert expected in text
    assert f"{demo.server}/embed.js" in requests
    assert [url for url in requests if not url.startswith(tuple(readers.allowed))] == []


async def focus_on(place: Place, text: str) -> None:
    """Wait until the reader's comment is there and has the focus."""

    async def there() -> bool:
        return text in await place.focused()

    await eventually(there, f"the focus on “{text}”", 20, 0.1)


async def test_a_discussion_is_shown_and_nothing_is_stored_before_the_reader_acts(
    demo: Demo, readers: Readers
) -> None:
    story = demo.story()
    story.react("sad")
    post_comments(story, [{"body": "Said **before**.", "name": "Ana"}])
    page = await readers.open(story.snippet)
    await page.readers(1)
    await page.shows("button", "Sad 1", aria_pressed="false")
    await page.reads("Said before.")
    assert await page.value(KEPT) == [0, 0, ""]
    assert await page.value("indexedDB.databases().then(({ length }) => length)") == 0
    await page.click("button", "Happy")
    await page.shows("button", "Happy 1", aria_pressed="true")
    await page.shows("button", "Sad 1", aria_pressed="false")
    await eventually(lambda: page.value("localStorage.length === 1"), "the choice is kept")
    assert await page.value("document.cookie") == ""
    await page.reload()
    await page.shows("button", "Happy 1", aria_pressed="true")
    await page.open(readers.host_sites.put(1, host_page("Elsewhere"), {}))
    story.react("sad")
    await page.back()
    await page.shows("button", "Sad 2", aria_pressed="false")
    await page.shows("button", "Happy 1", aria_pressed="true")
    await page.readers(1)


async def test_reactions_comments_and_replies_appear_on_the_other_copy(
    demo: Demo, readers: Readers
) -> None:
    story = demo.story()
    # Before the first reaction no numbers are shown.
    story.react("surprised")
    page = await readers.open(story.snippet)
    other = await readers.open(story.snippet, site=1)
    await page.readers(2)
    await page.click("button", "Happy")
    await other.shows("button", "Happy 1", aria_pressed="false")
    await other.click("button", "Sad")
    await other.press(RIGHT, ENTER)
    await other.shows("button", "Fired up 1", aria_pressed="true")
    await page.shows("button", "Fired up 1", aria_pressed="false")
    await page.shows("button", "Sad", aria_pressed="false")
    await page.shows("button", "Happy 1", aria_pressed="true")

    await page.click("textbox", "Your comment")
    await page.press(*"Written by **hand** — “ünïcode” 🦊")
    await page.click("textbox", "Name")
    await page.press(*"Ana")
    await page.click("button", "Post")
    await focus_on(page, "Written by hand — “ünïcode” 🦊")
    await other.click("button", "1 new comment")
    await other.reads("Written by hand — “ünïcode” 🦊")

    await other.click("button", "Reply to Ana")
    await other.shows("textbox", "Your reply to Ana")
    await other.press(*"No fox is without an answer.")
    await other.press(ENTER, held=CONTROL)
    await focus_on(other, "No fox is without an answer.")
    await page.click("button", "1 new comment")
    await page.reads("No fox is without an answer.")


async def test_arabic_runs_from_right_to_left_in_firefox(demo: Demo, readers: Readers) -> None:
    words = LOCALES["ar"]
    page = await readers.open(demo.story().snippet, attributes='lang="ar"')
    await page.reads(words["none"])
    section = f"{bidi.ROOT}.querySelector('section.widget')"
    assert await page.value(f"[{section}.dir, {section}.lang]") == ["rtl", "ar"]
    assert await page.value(f"getComputedStyle({section}).direction") == "rtl"
    faces = f"[...{bidi.ROOT}.querySelectorAll('[part~=reaction]')]"
    places = await page.value(f"{faces}.map(face => face.getBoundingClientRect().x)")
    assert len(places) == 5
    assert places == sorted(places, reverse=True)


async def test_the_embed_works_under_the_strictest_policy_in_firefox(
    demo: Demo, readers: Readers
) -> None:
    story = demo.story()
    story.react("surprised")
    page = await readers.open(story.snippet, headers=policy(demo.server))
    other = await readers.open(story.snippet, site=1)
    await other.readers(2)
    await page.click("button", "Happy")
    await other.shows("button", "Happy 1", aria_pressed="false")
    await page.click("textbox", "Your comment")
    await page.press(*"Under a *strict* policy")
    await page.click("button", "Post")
    await focus_on(page, "Under a strict policy")
    await other.click("button", "1 new comment")
    width = f"{bidi.ROOT}.querySelector('[part~=reaction]').getBoundingClientRect().width"
    assert await page.value(width) == await other.value(width)
    # Firefox enforces the policy and reports two violations: the page's own icon, and a probe that the widget must not make.
    readers.expected += ["(img-src) at data:", "require-trusted-types-for"]
    with pytest.raises(CommandError, match="blocked by CSP"):
        await page.value("document.body.innerHTML = '<b>no</b>'")


async def test_in_a_sandboxed_iframe_a_reader_reads_reacts_and_posts(
    demo: Demo, readers: Readers
) -> None:
    story = demo.story()
    story.react("surprised")
    post_comments(story, [{"body": "Said before.", "name": "Ana"}])
    page = await readers.open(wordpress(story, story.token))
    other = await readers.open(story.snippet, site=1)
    frame = await page.frame()
    await frame.reads("Said before.")
    assert await frame.value("origin") == "null"
    await other.readers(2)
    await frame.click("button", "Happy")
    await frame.shows("button", "Happy 1", aria_pressed="true")
    await other.shows("button", "Happy 1", aria_pressed="false")
    await frame.click("textbox", "Your comment")
    await frame.press(*"From the sandbox")
    await frame.press(ENTER, held=CONTROL)
    await focus_on(frame, "From the sandbox")
    await other.click("button", "1 new comment")
    await other.reads("From the sandbox")
    heights = "received.filter(({ message }) => message === 'height').map(({ value }) => value)"
    assert await page.value("document.querySelector('iframe').clientHeight") > 200
    assert await page.value(heights)
