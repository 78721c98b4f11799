"""Two ways in which a reader uses a control: with the keyboard alone, and by touch on the narrowest phone."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Page, expect

SMALL_PHONE = {"width": 320, "height": 640}
MAX_KEYS = 60
"""Keys within which every control is reached."""
WHERE = """(target) => {
  let now = document.activeElement;
  while (now?.shadowRoot?.activeElement) now = now.shadowRoot.activeElement;
  if (now === target) return "";
  if (now?.closest?.(".popover")?.contains(target)) return "ArrowDown";
  return now?.closest?.("article, .reactions")?.contains(target) && target.tabIndex < 0 ? "ArrowRight" : "Tab";
}"""
"""Returns the key that leads from the focused element to another one, empty if it is the same."""

Way = Callable[[Page, Locator], Awaitable[None]]


async def by_keyboard(page: Page, target: Locator) -> None:
    """Go to a control with the keys that a reader would use, and press Enter; in a text field, write."""
    await target.wait_for()
    for _ in range(MAX_KEYS):
        key = await target.evaluate(WHERE)
        if not key:
            break
        await page.keyboard.press(key)
    await expect(target).to_be_focused()
    if await target.evaluate("target => target.matches('button')"):
        await page.keyboard.press("Enter")


async def by_touch(page: Page, target: Locator) -> None:
    """Tap a control, which must be inside the page's width."""
    await _tap(target)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def follow(page: Page, use: Way, target: Locator) -> None:
    """Use a link, or a button that opens another page."""
    if use is by_touch:
        await _tap(target)
        return
    is_link = await target.evaluate("target => target.matches('a')")
    await use(page, target)
    if is_link:
        await page.keyboard.press("Enter")


async def _tap(target: Locator) -> None:
    await target.scroll_into_view_if_needed()
    box = await target.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SMALL_PHONE["width"]
    await target.tap()
