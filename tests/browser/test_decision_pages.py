"""Home, stories, queue and log of the dashboard in Chromium: accessible, narrow, without JavaScript."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.axe import AXE
from tests.browser.conftest import SCREENSHOTS
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


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_accessible_and_narrow_in_light_dark_and_right_to_left(
    filled: Filled, browser: Browser, name: str
) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
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
        page.on(
            "console",
            lambda told, p=problems: p.append(told.text) if told.type == "error" else None,
        )  # type: ignore[misc]
        await page.goto(address)
        await page.screenshot(
            path=SCREENSHOTS / f"dashboard-{name}-{scheme}-{locale}-{width}.png", full_page=True
        )
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
