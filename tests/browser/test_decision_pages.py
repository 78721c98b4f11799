"""Stories, queue and log of the dashboard in Chromium: without JavaScript, and with numbers that follow readers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.moderated_site import ModeratedSite, fill, moderated_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


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
    async with moderated_site(tmp_path_factory.mktemp("harbour"), browser) as site:
        yield Filled(site)


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
