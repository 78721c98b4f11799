"""docs/users/republishing.md as its reader follows it: what is pasted, and what has to come of it."""

import re

from playwright.async_api import Page, expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import ROOT, Story

GUIDE = (ROOT / "docs/users/republishing.md").read_text("utf-8")
TITLE = "The library that sails at six"
BYLINE = "Ines Falk, The Harbour Post"


def recipe(system: str, language: str) -> str:
    """The first code in this language in the section of this system."""
    section = GUIDE.split(f"\n### {system}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None, (system, language)
    return found[1]


def filled(text: str, story: Story) -> str:
    """The recipe for a real story."""
    text = text.replace("Title", TITLE).replace("Author, Publisher", BYLINE)
    text = text.replace("https://widgets.example", story.server)
    return text.replace("CODE", story.code).replace("TOKEN", story.token)


def snippet(story: Story) -> str:
    """The snippet of the guide for a real story."""
    return _pasted("What you paste", story)


def frame(story: Story) -> str:
    """The frame of the guide for a real story."""
    return _pasted("The iframe", story)


def _pasted(section: str, story: Story) -> str:
    return filled(GUIDE.split(f"## {section}\n")[1].split("```html\n")[1].split("```")[0], story)


async def expect_discussion(page: Page) -> None:
    """The discussion is there and takes a reaction; what names the story stays beside it."""
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    # Themes quote the beginnings of other stories outside of it.
    quote = page.get_by_role("blockquote").filter(has_text=f"by {BYLINE}.")
    await expect(quote.get_by_role("link", name="CC BY 4.0")).to_be_visible()
    await expect(quote.get_by_role("link", name="React to and discuss")).to_have_count(0)


async def expect_talk(page: Page) -> None:
    """Readers react, write, and read what was written when they come again."""
    await expect_discussion(page)
    # Themes have articles and fields for names of their own.
    widget = page.locator("story-widget")
    await comment(widget, "I learned to read on that ferry.", Name="Ana")
    written = article(widget, "I learned to read")
    await expect(written).to_be_visible()
    await page.reload()
    await expect(written).to_be_visible()
