"""Check a page for accessibility with axe."""

from typing import Any

from playwright.async_api import Page

from tests.browser.conftest import ROOT

AXE = (ROOT / "js/node_modules/axe-core/axe.min.js").read_text("utf-8")


async def axe_findings(page: Page) -> list[Any]:
    """Return axe's findings in the widget, as rule and place."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    found: list[Any] = await page.evaluate(
        "axe.run('story-widget', { rules: { 'target-size': { enabled: true } } })"
        ".then(({ violations }) => violations.map("
        "({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]))"
    )
    return found
