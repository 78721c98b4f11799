"""The embed's main path in WebKit, the engine of Safari: `make webkit`.

Not part of `make test`, because WebKit has to be downloaded first.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.browser import webkit
from tests.browser.conftest import Demo, HostSites, host_page
from tests.browser.host_pages import policy, wordpress
from tests.browser.page_metrics import post_comments
from tests.browser.webkit import CONTROL, ENTER, RIGHT, ROOT, Place, WebKit
from tests.browser.widget_states import strings_of
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    # Of Selenium to itself.
    pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning"),
]

SAY = strings_of("en")
KEPT = "[localStorage.length, sessionStorage.length, document.cookie]"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebKit]:
    """Run the virtual screen."""
    with webkit.running(tmp_path_factory.mktemp("webkit")) as engine:
        yield engine


@dataclass
class Readers:
    """Opens host pages, each for a new reader."""

    engine: WebKit
    host_sites: HostSites
    stack: ExitStack

    def open(
        self,
        body: str,
        *,
        site: int = 0,
        attributes: str = 'lang="en"',
        headers: dict[str, str] | None = None,
    ) -> Place:
        """Open a host page with this body for a new reader, on another site than the server's."""
        address = self.host_sites.put(site, host_page(body, attributes), headers or {})
        page: Place = self.stack.enter_context(self.engine.reader())
        # 127.0.0.1: another site than localhost, where the server is, not only another origin.
        page.open(address.replace("localhost", "127.0.0.1"))
        return page


@pytest.fixture
def readers(engine: WebKit, host_sites: HostSites) -> Iterator[Readers]:
    """Readers whose browsers end with the test."""
    with ExitStack() as stack:
        yield Readers(engine, host_sites, stack)


def test_a_discussion_is_shown_and_nothing_is_stored_before_the_reader_acts(
    demo: Demo, readers: Readers
) -> None:
    story = demo.story()
    story.react("sad")
    post_comments(story, [{"body": "Said **before**.", "name": "Ana"}])
    page = readers.open(story.snippet)
    page.shows("button", "Sad 1", aria_pressed="false")
    page.reads("Said before.")
    assert page.value(KEPT) == [0, 0, ""]
    assert page.value("indexedDB.databases().then(({ length }) => length)") == 0
    page.click("button", "Happy")
    page.shows("button", "Happy 1", aria_pressed="true")
    page.shows("button", "Sad 1", aria_pressed="false")
    wait_until(lambda: page.value("localStorage.length") == 1, "the choice is kept")
    assert page.value("document.cookie") == ""
    page.reload()
    page.shows("button", "Happy 1", aria_pressed="true")
    page.open(readers.host_sites.put(1, host_page("Elsewhere"), {}))
    story.react("sad")
    page.back()
    page.shows("button", "Sad 2", aria_pressed="false")
    page.shows("button", "Happy 1", aria_pressed="true")


def test_reactions_comments_and_replies_appear_on_the_other_copy(
    demo: Demo, readers: Readers
) -> None:
    story = demo.story()
    page = readers.open(story.snippet)
    other = readers.open(story.snippet, site=1)
    page.click("button", "Happy")
    other.shows("button", "Happy 1", aria_pressed="false")
    other.click("button", "Sad")
    other.press(RIGHT + ENTER)
    other.shows("button", "Fired up 1", aria_pressed="true")
    page.shows("button", "Fired up 1", aria_pressed="false")
    page.shows("button", "Sad", aria_pressed="false")
    page.shows("button", "Happy 1", aria_pressed="true")

    page.click("textbox", SAY["write"])
    page.press("Written by **hand** — “ünïcode” 🦊")
    page.click("textbox", SAY["name"])
    page.press("Ana")
    page.click("button", SAY["post"])
    page.focuses("Written by hand — “ünïcode” 🦊")
    other.click_part("new-comments")
    other.reads("Written by hand — “ünïcode” 🦊")

    other.click("button", SAY["replyOf"].format(name="Ana"))
    other.shows("textbox", SAY["answer"].format(name="Ana"))
    other.press("No fox is without an answer.")
    other.press(ENTER, held=CONTROL)
    other.focuses("No fox is without an answer.")
    page.click_part("new-comments")
    page.reads("No fox is without an answer.")


def test_arabic_runs_from_right_to_left_in_webkit(demo: Demo, readers: Readers) -> None:
    page = readers.open(demo.story().snippet, attributes='lang="ar"')
    page.reads(strings_of("ar")["none"])
    section = f"{ROOT}.querySelector('section.widget')"
    assert page.value(f"[{section}.dir, {section}.lang]") == ["rtl", "ar"]
    assert page.value(f"getComputedStyle({section}).direction") == "rtl"
    buttons = f"[...{ROOT}.querySelectorAll('[part~=reaction]')]"
    places = page.value(f"{buttons}.map(each => each.getBoundingClientRect().x)")
    assert len(places) == 5
    assert places == sorted(places, reverse=True)


def test_the_embed_works_under_the_strictest_policy_in_webkit(demo: Demo, readers: Readers) -> None:
    story = demo.story()
    page = readers.open(story.snippet, headers=policy(demo.server))
    other = readers.open(story.snippet, site=1)
    other.shows("button", "Happy")
    page.click("button", "Happy")
    other.shows("button", "Happy 1", aria_pressed="false")
    page.click("textbox", SAY["write"])
    page.press("Under a *strict* policy")
    page.click("button", SAY["post"])
    page.focuses("Under a strict policy")
    other.click_part("new-comments")
    width = f"{ROOT}.querySelector('[part~=reaction]').getBoundingClientRect().width"
    assert page.value(width) == other.value(width)
    # The policy is in force: the page's own inline style is refused.
    inline = "(document.body.setAttribute('style', 'display: none'), getComputedStyle(document.body).display)"
    assert page.value(inline) == "block"
    assert other.value(inline) == "none"


def test_in_a_sandboxed_iframe_a_reader_reads_reacts_and_posts(
    demo: Demo, readers: Readers
) -> None:
    story = demo.story()
    post_comments(story, [{"body": "Said before.", "name": "Ana"}])
    page = readers.open(wordpress(story, story.token))
    other = readers.open(story.snippet, site=1)
    other.shows("button", "Happy")
    frame = page.frame()
    frame.reads("Said before.")
    assert frame.value("origin") == "null"
    frame.click("button", "Happy")
    frame.shows("button", "Happy 1", aria_pressed="true")
    other.shows("button", "Happy 1", aria_pressed="false")
    frame.click("textbox", SAY["write"])
    frame.press("From the sandbox")
    frame.press(ENTER, held=CONTROL)
    frame.focuses("From the sandbox")
    other.click_part("new-comments")
    other.reads("From the sandbox")
    heights = "received.filter(({ message }) => message === 'height').map(({ value }) => value)"
    assert page.value("document.querySelector('iframe').clientHeight") > 200
    assert page.value(heights)
