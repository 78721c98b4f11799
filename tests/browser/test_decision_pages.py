"""Home, stories, queue and log of the dashboard in Chromium: accessible, narrow, without JavaScript."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from tests.browser.axe import AXE
from tests.browser.moderated_site import SECRET, ModeratedSite, fill
from tests.e2e.harness import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
MAX_FIRST_LOAD = 60 * 1024
PAGES = {
    "home": "home",
    "stories": "stories",
    "stories-filtered": "stories?q=library&state=open&sort=comments&more=1",
    "stories-none": "stories?q=nothing+like+this",
    "story": "stories/{code}",
    "story-waiting": "stories/{code}?show=waiting",
    "story-removed": "stories/{code}?show=removed",
    "story-copies": "stories/{code}/copies",
    "story-settings": "stories/{code}/settings",
    "thread": "stories/{code}/threads/{top}",
    "queue": "queue",
    "queue-pending": "queue?queue=pending",
    "queue-edits": "queue?queue=edits",
    "queue-held": "queue?queue=held",
    "comment": "comments/{top}",
    "comment-remove": "comments/{rude}?step=remove",
    "comment-answer": "comments/{reply}?step=answer",
    "comment-gone": "comments/{gone}",
    "log": "log",
    "log-verb": "log?verb=remove&since=2026-01-01",
}


class Filled:
    """The site with its readers' comments."""

    def __init__(self, site: ModeratedSite) -> None:
        self.site = site
        self.story, ids = fill(site)
        self.names = {"code": self.story.code, **ids}

    def path(self, place: str) -> str:
        """Return the address of a page."""
        return self.site.path(place.format(**self.names))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def filled(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[Filled]:
    """Run a server with a site whose readers wrote and reported."""
    server = ServerProcess(tmp_path_factory.mktemp("harbour") / "data", {"SECRET_KEYS": SECRET})
    server.url = f"http://localhost:{server.port}"
    server.env["PUBLIC_URL"] = server.url
    await server.start()
    site = ModeratedSite(server)
    await site.begin(browser)
    yield Filled(site)
    await server.kill()


async def findings(page: Page) -> Any:
    """Return what axe finds in the page, as rule and elements."""
    await page.evaluate(AXE)
    return await page.evaluate(
        "axe.run(document, { rules: { 'target-size': { enabled: true } } }).then(({ violations }) =>"
        " violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))"
    )


def _note_errors(problems: list[str]) -> Callable[[ConsoleMessage], None]:
    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(message.text)

    return note


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_accessible_and_narrow_in_light_dark_and_right_to_left(
    filled: Filled,
    browser: Browser,
    photograph: Callable[[Page, str], Awaitable[None]],
    name: str,
) -> None:
    address = filled.path(PAGES[name])
    for scheme, locale, width in (
        ("light", "en", 1280),
        ("dark", "en", 1280),
        ("light", "ar", 390),
        ("dark", "en", 320),
    ):
        context, page = await filled.site.owner(
            browser,
            color_scheme=scheme,
            locale=locale,
            viewport={"width": width, "height": 900},
        )
        problems: list[str] = []
        page.on("console", _note_errors(problems))
        await page.goto(address)
        await photograph(page, f"dashboard-{name}-{scheme}-{locale}-{width}")
        assert await findings(page) == [], (scheme, locale, width)
        widths = await page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert widths[0] <= widths[1], (scheme, locale, width)
        assert problems == []
        assert await page.locator("html").get_attribute("dir") == (
            "rtl" if locale == "ar" else "ltr"
        )
        await context.close()


async def test_every_action_works_without_javascript(filled: Filled, browser: Browser) -> None:
    context, page = await filled.site.owner(browser, java_script_enabled=False)
    await page.goto(filled.path("stories"))
    await page.get_by_role("link", name="The library that sails at six").click()
    kestrel = page.locator(f"#c-{filled.names['rude']}")
    await kestrel.get_by_role("link", name="Remove: comment by Kestrel").click()
    await page.get_by_label("Note").fill("a note")
    await page.get_by_role("button", name="Attacks a person or a group").click()
    await expect(kestrel.get_by_text("Removed", exact=True)).to_be_visible()
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(kestrel.get_by_text("Removed", exact=True)).to_have_count(0)
    await page.locator(f"#c-{filled.names['reply']} summary").click()
    await page.get_by_role("button", name="Pin: comment by Jonas W.").click()
    await expect(page.locator(f"#c-{filled.names['reply']}").get_by_text("Pinned")).to_be_visible()
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await page.goto(filled.path("log?verb=pin"))
    await expect(page.locator("tbody").get_by_text("undone", exact=True)).to_be_visible()
    await context.close()


async def test_counts_follow_readers_while_the_page_is_open(
    filled: Filled, browser: Browser
) -> None:
    context, page = await filled.site.owner(browser)
    await page.clock.install()
    await page.goto(filled.path("stories"))
    story = filled.site.story("A fresh one")
    await page.reload()
    number = page.locator(f"#x-{story.code}")
    await expect(number).to_have_text("1")
    filled.site.act(story, "react", reaction="sad")
    await page.clock.fast_forward(11_000)
    await expect(number).to_have_text("2")
    await context.close()
