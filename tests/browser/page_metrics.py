"""Measurements of a page: layout shifts and long tasks; and a way to create many comments."""

import json
import secrets
import urllib.request
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page

from tests.browser.conftest import Story

SHIFTS = """<script>
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    const moved = sources.map(({ node }) => (node?.outerHTML ?? node?.textContent ?? "").slice(0, 80));
    if (!hadRecentInput) shifts.push([value, moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
</script>"""
"""Records every layout shift without recent input, with the moved elements."""

TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
"""Resolves two frames later, when the observer has reported earlier shifts."""


async def layout_shifts(page: Page) -> list[Any]:
    """Return `[value, moved elements]` of each layout shift. The page has `SHIFTS` in its head."""
    await page.evaluate(TWO_FRAMES)
    found: list[Any] = await page.evaluate("shifts")
    return found


def post_comments(story: Story, comments: Iterable[dict[str, str]]) -> list[str]:
    """Post comments, each as a new reader, several at a time. Return their ids in this order."""

    def say(fields: dict[str, str]) -> str:
        action = {"type": "comment", "ref": 1, "token": story.token, "story": story.code}
        body = json.dumps({**action, "key": secrets.token_hex(8), **fields}).encode()
        request = urllib.request.Request(
            f"{story.server}/v1/actions", body, {"Content-Type": "text/plain"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: str = json.load(answer)["comment"]["id"]
        return found

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(say, comments))


@asynccontextmanager
async def tasks(browser: Browser, page: Page) -> AsyncIterator[list[float]]:
    """Measure the main thread's tasks with a CPU slowed down four times, longest first.

    Milliseconds of CPU time, not of the clock: with other processes on the same cores a task may
    wait, which does not depend on the embed. The list is filled at the end.
    """
    found: list[float] = []
    mark = secrets.token_hex(8)
    cdp = await page.context.new_cdp_session(page)
    await browser.start_tracing(
        page=page, categories=["disabled-by-default-devtools.timeline", "blink.user_timing"]
    )
    await page.evaluate("mark => { performance.mark(mark) }", mark)
    await cdp.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    yield found
    await cdp.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    thread = next((each["pid"], each["tid"]) for each in events if each["name"] == mark)
    found += sorted(
        (
            each["tdur"] / 1_000
            for each in events
            if each["name"] == "RunTask" and (each["pid"], each["tid"]) == thread and "tdur" in each
        ),
        reverse=True,
    )
