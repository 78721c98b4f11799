"""Pages that are not where their reader is: prepared in advance, or left and come back to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.cdp import ROOT, Chromium, started
from tests.browser.conftest import CHROMIUMS, SWITCHES, Demo, Papers, written
from tests.browser.page_metrics import say_all
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIVE = "/v1/live"
ALONE = f"{ROOT}.querySelector('[part=presence]').dataset.readers === '1'"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium(browser: Browser) -> AsyncIterator[Chromium]:
    """One that prepares pages in advance and keeps those that were left."""
    found = next((path for path in CHROMIUMS if Path(path).exists()), None)
    async with started(found or browser.browser_type.executable_path, SWITCHES) as running:
        yield running


async def test_3_a_page_prepared_in_advance_asks_for_nothing_until_it_is_seen(
    demo: Demo, papers: Papers, chromium: Chromium
) -> None:
    story = demo.story()
    address = papers.put(0, written(story.snippet), {})
    rules = '<script type="speculationrules">{"prerender": [{"urls": ["%s"]}]}</script>'
    first = papers.put(0, written(f'<a href="{address}">Next</a>' + rules % address), {})
    page = await chromium.visit(first)
    ahead = await eventually(
        lambda: next((each for each in chromium.pages.values() if each.ahead), None),
        "the next page is prepared",
    )
    # By then the script has run.
    await ahead.wait("document.readyState === 'complete'")
    assert await ahead.value("document.prerendering")
    ours = [each for each in ahead.asked if each.startswith("http")]
    assert ours == [address, f"{demo.server}/embed.js"]
    assert await ahead.value("customElements.get('story-widget') === undefined")

    await page.value("document.querySelector('a').click()")
    await ahead.wait("!document.prerendering")
    assert await ahead.value("performance.getEntriesByType('navigation')[0].activationStart > 0")
    await ahead.wait(ALONE)
    assert f"{demo.server}/v1/stories/{story.code}" in ahead.asked
    assert sum(each.endswith(LIVE) for each in ahead.asked) == 1


async def test_34_a_page_from_the_back_forward_cache_is_told_once_what_it_missed(
    demo: Demo, papers: Papers, chromium: Chromium
) -> None:
    story = demo.story()
    say_all(story, [{"body": "Before", "name": "Ana"}])
    elsewhere = papers.put(0, written("Elsewhere"), {})
    page = await chromium.visit(papers.put(0, written(story.snippet), {}))
    await page.wait(ALONE)
    await page.value("addEventListener('pageshow', ({ persisted }) => { window.kept = persisted })")

    await page.value(f"void (location.href = '{elsewhere}')")
    await page.wait(f"location.href === '{elsewhere}' && document.readyState === 'complete'")
    say_all(story, [{"body": "Missed", "name": "Yusuf"}])
    await page.value("history.back()")
    await page.wait("window.kept")
    await page.wait(f"{ROOT}.querySelector('.new-comments').textContent === '1 new comment'")
    await page.value(f"{ROOT}.querySelector('.new-comments').click()")
    await page.wait(f"{ROOT}.activeElement.textContent.includes('Missed')")
    said = await page.value(
        f"[...{ROOT}.querySelectorAll('article .comment-text')].map(e => e.textContent)"
    )
    assert said == ["Missed", "Before"]
    # Nor does the socket that it left count as another reader.
    await page.wait(ALONE)
    assert sum(each.endswith(LIVE) for each in page.asked) == 2
