"""Browsers that lack what the embed needs: the link stays, and nothing is half-drawn."""

import pytest
from playwright.async_api import expect

from tests.browser.actions import reaction
from tests.browser.conftest import Demo, Hosts

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NO_COLOR_MIX = """
const { supports } = CSS;
CSS.supports = (...what) => !what.join(":").includes("color-mix") && supports.apply(CSS, what);
"""
"""Chrome before 111, Firefox before 113, Safari before 16.2."""
NO_ADOPTED_STYLE_SHEETS = """
delete Document.prototype.adoptedStyleSheets;
delete ShadowRoot.prototype.adoptedStyleSheets;
delete CSSStyleSheet.prototype.replaceSync;
"""
"""Firefox before 101, Safari before 16.4."""
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd > 0"
IDLE = "new Promise((done) => requestIdleCallback(() => setTimeout(done, 0)))"


@pytest.mark.parametrize("without", [NO_COLOR_MIX, NO_ADOPTED_STYLE_SHEETS])
async def test_in_a_browser_that_is_too_old_the_link_stays_and_nothing_else_is_loaded(
    without: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.add_init_script(without)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    body = story.snippet + f'<story-widget src="{story.link}" token="{story.token}"></story-widget>'
    await hosts.open(body, page=page)
    await page.wait_for_function(LOADED)
    # The embed begins when the page is idle after `load`.
    await page.evaluate(IDLE)
    await expect(page.get_by_role("link", name="Discuss this story")).to_be_visible()
    assert await page.evaluate("customElements.get('story-widget') === undefined")
    assert await page.locator("story-widget").count() == 1
    assert await page.locator("story-widget").evaluate("widget => widget.shadowRoot") is None
    of_server = [url for url in requested if url.startswith(demo.server)]
    assert of_server == [f"{demo.server}/embed.js"]


async def test_the_same_page_shows_the_discussion_in_a_browser_that_is_new_enough(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()

    page = await hosts.open(story.snippet)
    await reaction(page, "Happy").wait_for()
    await expect(page.get_by_role("link", name="Discuss this story")).to_be_hidden()
