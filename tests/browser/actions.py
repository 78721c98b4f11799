"""Reader actions and lookups in a page, for tests."""

from typing import Any

from playwright.async_api import FrameLocator, Locator, Page, expect

Place = Page | FrameLocator | Locator


def reaction(place: Place, name: str) -> Locator:
    """Return the button of a reaction."""
    return place.get_by_role("button", name=name)


async def expect_reaction(place: Place, name: str, count: int, *, own: bool) -> None:
    """Wait until the button shows `count` and whether it is the reader's own choice.

    A reaction that nobody chose shows no number.
    """
    button = reaction(place, name)
    shown = f"{name} {count}" if count else name
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
    """Wait until the page is subscribed and shows `count` readers."""
    presence = place.locator(f"[part=presence][data-readers='{count}']")
    await expect(presence).to_be_attached()


async def outbox_loaded(place: Place) -> None:
    """Wait until the composer is enhanced and comments posted without a connection are kept."""
    await place.locator(".offline").wait_for(state="attached")


def unsent(place: Place, text: str = "") -> Locator:
    """Return the unsent comments that contain `text`."""
    return place.locator(".outbox article").filter(has_text=text)


def article(place: Place, text: str) -> Locator:
    """Return the comment that contains `text`."""
    return place.get_by_role("article").filter(has_text=text)


async def more(place: Place, text: str, action: str) -> None:
    """Open the menu of a comment and choose an action, by its exact name."""
    chosen = article(place, text)
    await chosen.get_by_role("button", name="More about").click()
    await chosen.get_by_role("button", name=action, exact=True).click()


async def focused(page: Page) -> str:
    """Return the text of the focused element inside the widget."""
    found: Any = await page.evaluate(
        "document.activeElement.shadowRoot?.activeElement?.textContent ?? ''"
    )
    return str(found)
