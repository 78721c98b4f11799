"""What a page costs its reader: tasks, room that moves, memory; and discussions large enough to ask."""

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
"""Notes every layout shift that no act of the reader explains, and what was moved."""

TOLD = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
"""Two frames later what was painted is also told."""


async def shifted(page: Page) -> list[Any]:
    """`[how much, what]` of each layout shift so far; the page has `SHIFTS` in its head."""
    await page.evaluate(TOLD)
    found: list[Any] = await page.evaluate("shifts")
    return found


def say_all(story: Story, comments: Iterable[dict[str, str]]) -> list[str]:
    """Comments by as many readers, several at a time; their ids in this order."""

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
    """The main thread's longest tasks in a page four times slower than this machine, longest first.

    Milliseconds of the thread's own time, not of the clock: while tests share the cores with others a
    task may wait, and that says nothing of the embed. The list is filled at the end.
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
