"""Recipes of docs/users/republishing.md, filled in for a real story, and the results they promise."""

import re

from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import ROOT, Story

GUIDE = (ROOT / "docs/users/republishing.md").read_text("utf-8")
TITLE = "The library that sails at six"
BYLINE = "Ines Falk, The Harbour Post"


def recipe(system: str, language: str) -> str:
    """Return the first code block in `language` of the section about `system`."""
    section = GUIDE.split(f"\n### {system}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None, (system, language)
    return found[1]


def filled(text: str, story: Story) -> str:
    """Return the recipe with the values of a real story."""
    text = text.replace("Title", TITLE).replace("Author, Publisher", BYLINE)
    text = text.replace("https://widgets.example", story.server)
    return text.replace("CODE", story.code).replace("TOKEN", story.token)


def snippet(story: Story) -> str:
    """Return the snippet of the guide for a real story."""
    return _pasted("What you paste", story)


def frame(story: Story) -> str:
    """Return the iframe of the guide for a real story."""
    return _pasted("The iframe", story)


def _pasted(section: str, story: Story) -> str:
    return filled(GUIDE.split(f"## {section}\n")[1].split("```html\n")[1].split("```")[0], story)


async def expect_discussion(page: Page) -> None:
    """React, and check that the attribution is still beside the discussion."""
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    # Themes show excerpts of other stories outside of the blockquote.
    quote = page.get_by_role("blockquote").filter(has_text=f"by {BYLINE}.")
    await expect(quote.get_by_role("link", name="CC BY 4.0")).to_be_visible()
    await expect(quote.get_by_role("link", name="React to and discuss")).to_have_count(0)


async def expect_comments(page: Page) -> None:
    """React and comment, and check that the comment is there after a reload."""
    await expect_discussion(page)
    # Search in the widget only: themes have their own articles and name fields.
    widget = page.locator("story-widget")
    await comment(widget, "I learned to read on that ferry.", Name="Ana")
    written = article(widget, "I learned to read")
    await expect(written).to_be_visible()
    await page.reload()
    await expect(written).to_be_visible()
