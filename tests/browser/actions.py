"""What readers do, in words that tests read well with."""

import re
from typing import Any

from playwright.async_api import FrameLocator, Locator, Page, expect

Place = Page | FrameLocator | Locator


def reaction(place: Place, name: str) -> Locator:
    """The button of a reaction."""
    return place.get_by_role("button", name=name)


async def expect_reaction(place: Place, name: str, count: int, *, own: bool) -> None:
    """The button shows this count and whether it is the reader's own choice.

    As long as no one has reacted at all there are no numbers.
    """
    button = reaction(place, name)
    shown = f"{name} {count}" if count else re.compile(f"^{name}( 0)?$")
    await expect(button).to_have_accessible_name(shown)
    await expect(button).to_have_attribute("aria-pressed", "true" if own else "false")


async def comment(place: Place, text: str, **fields: str) -> None:
    """Write a comment and post it."""
    box = place.get_by_role("textbox", name="Your comment")
    await box.click()
    await box.fill(text)
    for label, value in fields.items():
        await place.get_by_role("textbox", name=label).fill(value)
    await place.get_by_role("button", name="Post", exact=True).click()


async def readers(place: Place, count: int) -> None:
    """So many readers are known: the page's line is open, and so are those of the others."""
    presence = place.locator(f"[part=presence][data-readers='{count}']")
    await expect(presence).to_be_attached()


def article(place: Place, text: str) -> Locator:
    """The comment that says this."""
    return place.get_by_role("article").filter(has_text=text)


async def more(place: Place, text: str, action: str) -> None:
    """Open what else can be done with a comment, and choose."""
    chosen = article(place, text)
    await chosen.get_by_role("button", name="More about").click()
    await chosen.get_by_role("button", name=action, exact=True).click()


async def focused(page: Page) -> str:
    """Text of the element that has the focus, inside the widget."""
    found: Any = await page.evaluate(
        "document.activeElement.shadowRoot?.activeElement?.textContent ?? ''"
    )
    return str(found)
