"""What an embed asks of a reader: waiting on a slow phone, and presses for each task."""

import statistics
from typing import Any

from playwright.sync_api import (
    Browser,
    Locator,
    Page,
    TimeoutError as BrowserTimeoutError,
    ViewportSize,
)

from tests.bench.embed_rivals import Embed, Step, Task, publish

COMMENTS = ("The boat waits, and so do we.", "Who pays for the fuel?", "We have a bus like this.")
PHONE: ViewportSize = {"width": 390, "height": 844}
CPU_RATE = 4
NETWORK = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 400_000 / 8,
    "uploadThroughput": 400_000 / 8,
}
"""400 kbit/s, and 400 ms from a request to its answer."""
PATIENCE_MS = 60_000
MAX_KEYS = 120
"""Keys after which an element counts as out of reach."""
TASKS = ("react", "comment", "reply", "share")

OBSERVE = """<script>
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) shifts += value;
}).observe({ type: "layout-shift", buffered: true });
</script>"""
"""Sums up the layout shifts that no input of the reader caused."""
RESERVE = """<style>
EMBED { display: block; min-height: 100vh }
blockquote:has(a.story-widget) { margin-bottom: 0 }
blockquote:has(a.story-widget):not(:has(+ story-widget)) { margin-bottom: calc(100vh + 1em) }
a.story-widget[style*=none] { display: inline !important; visibility: hidden }
</style>"""
"""Keeps a screen's height for each embed; for this one as docs/users/embed.md says for a link."""
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
FOCUS = """(target) => {
  let now = document.activeElement;
  while (now?.shadowRoot?.activeElement) now = now.shadowRoot.activeElement;
  if (now === target) return "here";
  // One tab stop for a row of controls: arrow keys move inside.
  return target.tabIndex < 0 && now?.closest?.("article, .reactions")?.contains(target) ? "near" : "away";
}"""


def _discussed(rival: Embed, key: str, *, compressed: bool = False, head: str = "") -> str:
    path = publish(rival, key, compressed=compressed, head=OBSERVE + head)
    for text in COMMENTS:
        rival.post(key, text)
    return path


def slow_phone(browser: Browser, host: str, rival: Embed, repeats: int) -> dict[str, str]:
    """Return the rows of a phone on a slow network, each load with an empty cache."""
    key = f"slow-{len(rival.name)}"
    path = _discussed(rival, key, compressed=True)
    found = [_slow_load(browser, host + path, rival) for _ in range(repeats)]
    waits, shifts, growths = (statistics.median(column) for column in zip(*found, strict=True))
    reserve = RESERVE.replace("EMBED", rival.within)
    path = _discussed(rival, f"reserved-{key}", compressed=True, head=reserve)
    found = [_slow_load(browser, host + path, rival) for _ in range(repeats)]
    reserved = statistics.median(shift for _, shift, _ in found)
    return {
        "slow phone: comments and text field are shown after": f"{waits:.1f} s",
        "… layout shift until then (good: at most 0.1)": f"{shifts:.3f}",
        "… the same if the page reserves a screen's height": f"{reserved:.3f}",
        "… the page grows when the text field is tapped by": f"{growths:.0f} px",
    }


def _slow_load(browser: Browser, address: str, rival: Embed) -> tuple[float, float, float]:
    """Load a page. Return the seconds until it is usable, the layout shift, and the growth on a tap."""
    with browser.new_context(viewport=PHONE, has_touch=True) as context:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", NETWORK)
        session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_RATE})
        page.goto(address, wait_until="commit")
        page.locator(rival.comment).first.wait_for(timeout=PATIENCE_MS)
        field = page.locator(rival.ready).first
        field.wait_for(timeout=PATIENCE_MS)
        wait = page.evaluate("performance.now()") / 1_000
        page.wait_for_load_state("networkidle")
        page.evaluate(TWO_FRAMES)
        shift = page.evaluate("shifts")
        before = page.evaluate("document.documentElement.scrollHeight")
        field.tap()
        page.wait_for_load_state("networkidle")
        page.evaluate(TWO_FRAMES)
        growth = page.evaluate("document.documentElement.scrollHeight") - before
    return wait, shift, growth


def tasks(browser: Browser, host: str, rival: Embed) -> dict[str, str]:
    """Return the rows of what a reader has to do: taps, and keys without a mouse."""
    rows = {}
    for name in TASKS:
        task = rival.tasks.get(name)
        both = "not offered"
        if task:
            taps, keys = (
                _attempt(browser, host, rival, f"{name}-{way.__name__.strip('_')}", task, way)
                for way in (_tap, _press)
            )
            both = f"{taps} · {keys}"
        rows[f"to {name}: taps · keys without a pointer"] = both
    return rows


def _attempt(browser: Browser, host: str, rival: Embed, name: str, task: Task, way: Any) -> str:
    """Do a task in a new page, as a new reader. Return how many taps or keys it took."""
    path = _discussed(rival, f"{name}-{len(rival.name)}")
    permissions = ["clipboard-read", "clipboard-write"]
    with browser.new_context(viewport=PHONE, has_touch=True, permissions=permissions) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(host + path)
        page.locator(rival.comment).first.wait_for()
        page.wait_for_load_state("networkidle")
        page.get_by_role("link", name="Before").focus()
        count = 0
        try:
            for step in task.steps:
                target = page.locator(step.target).first
                target.wait_for()
                more = way(page, target, step)
                if more is None:
                    return "out of reach"
                count += more
                if step.text:
                    page.keyboard.type(step.text)
                page.wait_for_load_state("networkidle")
            page.locator(task.done).first.wait_for()
        except BrowserTimeoutError:
            # A selector of `Embed.tasks` does not fit: mend it, the table is of no use.
            return "NOT DONE"
    return str(count)


def _tap(page: Page, target: Locator, step: Step) -> int:
    """Tap, except a field that has the focus already. Return the number of taps."""
    del page
    if step.text and target.evaluate(FOCUS) == "here":
        return 0
    target.tap()
    return 1


def _press(page: Page, target: Locator, step: Step) -> int | None:
    """Do a step with the keyboard alone. Return the number of keys; None if that is impossible."""
    if step.shortcut:
        page.keyboard.press(step.shortcut)
        return 1
    count = 0
    while (where := target.evaluate(FOCUS)) != "here":
        if count == MAX_KEYS:
            return None
        page.keyboard.press("ArrowRight" if where == "near" else "Tab")
        count += 1
    if not step.text:
        page.keyboard.press("Enter")
        count += 1
    return count
