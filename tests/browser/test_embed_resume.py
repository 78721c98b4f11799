"""Prerendered pages and pages restored from the back/forward cache."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.cdp import ROOT, Chromium, launched
from tests.browser.conftest import CHROMIUMS, SWITCHES, Demo, HostSites, host_page
from tests.browser.page_metrics import post_comments
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIVE = "/v1/live"
ALONE = f"{ROOT}.querySelector('[part=presence]').dataset.readers === '1'"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium(browser: Browser) -> AsyncIterator[Chromium]:
    """Chromium with prerendering and the back/forward cache."""
    found = next((path for path in CHROMIUMS if Path(path).exists()), None)
    async with launched(found or browser.browser_type.executable_path, SWITCHES) as running:
        yield running


async def test_3_a_prerendered_page_requests_only_the_script_until_it_is_shown(
    demo: Demo, host_sites: HostSites, chromium: Chromium
) -> None:
    story = demo.story()
    address = host_sites.put(0, host_page(story.snippet), {})
    rules = '<script type="speculationrules">{"prerender": [{"urls": ["%s"]}]}</script>'
    first = host_sites.put(0, host_page(f'<a href="{address}">Next</a>' + rules % address), {})
    page = await chromium.visit(first)
    prerendered = await eventually(
        lambda: next((each for each in chromium.pages.values() if each.prerendered), None),
        "the next page is prepared",
    )
    # The embed script has run by then.
    await prerendered.wait("document.readyState === 'complete'")
    assert await prerendered.value("document.prerendering")
    requests = [each for each in prerendered.requests if each.startswith("http")]
    assert requests == [address, f"{demo.server}/embed.js"]
    assert await prerendered.value("customElements.get('story-widget') === undefined")

    await page.value("document.querySelector('a').click()")
    await prerendered.wait("!document.prerendering")
    assert await prerendered.value(
        "performance.getEntriesByType('navigation')[0].activationStart > 0"
    )
    await prerendered.wait(ALONE)
    asked = [each.partition("?")[0] for each in prerendered.requests]
    assert asked.count(f"{demo.server}/v1/stories/{story.code}") == 1
    assert sum(each.endswith(LIVE) for each in prerendered.requests) == 1


async def test_34_a_page_from_the_back_forward_cache_gets_missed_comments_once(
    demo: Demo, host_sites: HostSites, chromium: Chromium
) -> None:
    story = demo.story()
    post_comments(story, [{"body": "Before", "name": "Ana"}])
    elsewhere = host_sites.put(0, host_page("Elsewhere"), {})
    page = await chromium.visit(host_sites.put(0, host_page(story.snippet), {}))
    await page.wait(ALONE)
    await page.value("addEventListener('pageshow', ({ persisted }) => { window.kept = persisted })")

    await page.value(f"void (location.href = '{elsewhere}')")
    await page.wait(f"location.href === '{elsewhere}' && document.readyState === 'complete'")
    post_comments(story, [{"body": "Missed", "name": "Yusuf"}])
    await page.value("history.back()")
    await page.wait("window.kept")
    await page.wait(f"{ROOT}.querySelector('.new-comments').textContent === '1 new comment'")
    await page.value(f"{ROOT}.querySelector('.new-comments').click()")
    await page.wait(f"{ROOT}.activeElement.textContent.includes('Missed')")
    texts = await page.value(
        f"[...{ROOT}.querySelectorAll('article .comment-text')].map(e => e.textContent)"
    )
    assert texts == ["Missed", "Before"]
    # The closed socket does not count as another reader.
    await page.wait(ALONE)
    assert sum(each.endswith(LIVE) for each in page.requests) == 2
