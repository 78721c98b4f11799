"""What readers find where a republisher pasted something, and the table of it that `make cms-tests` writes."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import FrameLocator, Locator, Page, expect

from tests.browser.actions import Place, reaction
from tests.browser.conftest import Story
from tests.browser.republishing_guide import BYLINE, TITLE
from tests.result_tables import markdown_table, write_table

ORIGINAL = "https://publisher.example/story"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"

DISCUSSION, BY_CODE, FRAME = "discussion", "discussion, by the code", "frame"
LINK, CARD, ADDRESS = "link", "card", "address as text"
NOTHING, REFUSED = "nothing", "refused by the editor"
"""What readers have on the page: the discussion, with the copy's token or with the story's code alone; the discussion in a
frame; a link to the discussion's own page, plain or with a preview; its address as words; none of them."""

WAYS = {
    "snippet": "the snippet",
    "theme": "the snippet, and the script in the theme",
    "iframe": "the iframe",
    "address": "the address",
}
"""Columns of the table: what was pasted."""


@dataclass(frozen=True)
class Seen:
    """What a reader finds on a page."""

    reach: str
    credit: bool
    """The page names title, author and licence, and links the original and the licence."""

    tags: bool = False
    """Readers see tags of HTML."""

    def cell(self) -> str:
        """Return the table's words."""
        credit = " + credit" if self.credit else ""
        return f"{self.reach}{credit}{', among tags' if self.tags else ''}"


@dataclass(frozen=True)
class Row:
    """One cell of the table: what a system does with what a person pastes in one way."""

    system: str
    way: str
    pasted: str
    """One of the `WAYS`."""
    cell: str


Record = Callable[[str, str, str, Seen], None]
"""Record a result: the system with its version, how it was pasted, one of the `WAYS`, what readers find."""
PASTED = "pasted"
"""Name of the test property with the values of a `Row`."""


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Return the function that puts a result into the table."""

    def put(system: str, way: str, pasted: str, seen: Seen) -> None:
        assert pasted in WAYS
        record_property(PASTED, asdict(Row(system, way, pasted, seen.cell())))

    return put


async def look(page: Page, story: Story) -> Seen:
    """Use what the page has of the discussion as a reader would, and return what it is.

    If the page loads the embed, wait before that until the embed has decided about all of its links. Addresses may have
    a query: Ghost adds its own name to the links of a story.
    """
    widget = page.locator(f"story-widget[src^='{story.link}']")
    # TinyMCE puts iframes into a sandbox without scripts, where nothing can be done.
    framed = f"iframe[src^='{story.server}/e/']"
    frame = page.locator(f"{framed}:not([sandbox]), {framed}[sandbox~='allow-scripts']")
    frame = frame.locator("visible=true")
    link = page.locator(f"a[href='{story.link}'], a[href^='{story.link}?']").locator("visible=true")
    credit = await credited(page)
    text = await page.locator("body").inner_text()
    tags = "</" in text
    if await widget.count():
        await react(widget)
        return Seen(DISCUSSION if await widget.get_attribute("token") else BY_CODE, credit, tags)
    if await frame.count():
        inside = frame.first.content_frame
        await react(inside)
        return Seen(FRAME, credit or await credited(inside), tags)
    if await link.count():
        card = "bookmark" in (await link.first.get_attribute("class") or "")
        there = await follow(page, link.first)
        await react(there)
        # The licence allows the credit to be one click away.
        assert await credited(there), "the discussion's own page has the credit"
        return Seen(CARD if card else LINK, credit, tags)
    return Seen(ADDRESS if story.link in text else NOTHING, credit, tags)


async def follow(page: Page, link: Locator) -> Page:
    """Follow a link, also one that opens a new window, and return the page."""
    if await link.get_attribute("target") == "_blank":
        async with page.expect_popup() as opened:
            await link.click()
        page = await opened.value
    else:
        await link.click()
    await page.wait_for_url("**/s/**")
    return page


async def react(place: Place) -> None:
    """React as a new reader."""
    await reaction(place, "Happy").click()
    await expect(reaction(place, "Happy")).to_have_attribute("aria-pressed", "true")


async def credited(place: Page | FrameLocator) -> bool:
    """Return whether title, author, publisher, and links to the original and the licence are visible."""
    text = " ".join((await place.locator("body").inner_text()).split())
    addresses: list[str] = (
        await place.locator("a[href]")
        .locator("visible=true")
        .evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    )
    linked = all(
        any(one.partition("?")[0] == wanted for one in addresses) for wanted in (ORIGINAL, LICENCE)
    )
    words = (TITLE, *BYLINE.split(", "), "CC BY 4.0")
    return all(word in text for word in words) and linked


async def decided(page: Page, other: Story) -> None:
    """Wait until the embed has decided about the links of a page with `theme(other)`."""
    await expect(page.locator(f"story-widget[src='{other.link}']")).to_be_attached()


def theme(other: Story) -> str:
    """Return the script as a theme has it, and below it a link of another story, which becomes a discussion.

    The embed decides about all links of a page together: when this one is decided, all are.
    """
    return f'<footer><p><a href="{other.link}">{other.link}</a></p></footer>{other.script}'


Cells = dict[tuple[str, str], dict[str, str]]
"""Cells of the table by system and way, then by what was pasted."""


def results(reports: list[Any]) -> Cells:
    """Return the results of a run."""
    found: Cells = {}
    for report in reports:
        if getattr(report, "when", None) != "teardown":
            continue
        for kind, values in report.user_properties:
            if kind == PASTED:
                row = Row(**values)
                found.setdefault((row.system, row.way), {})[row.pasted] = row.cell
    return found


def earlier(document: str, found: Cells) -> Cells:
    """Return the rows of a document's table without those of systems in another version than in `found`."""
    now = {system.rpartition(" ")[0]: system for system, _ in found}
    table = document.partition("<!-- pasted: begin -->")[2].partition("<!-- pasted: end -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {
        (system, way): {
            pasted: cell for pasted, cell in zip(WAYS, cells, strict=True) if cell != "–"
        }
        for system, way, *cells in rows[2:]
        if now.get(system.rpartition(" ")[0], system) == system
    }


def pasted_table(lines: Cells) -> str:
    """Return the table in Markdown, in the order of the systems' names."""
    rows = [
        (system, way, *(cells.get(pasted, "–") for pasted in WAYS))
        for (system, way), cells in sorted(lines.items(), key=lambda line: line[0][0].lower())
    ]
    head = ("System", "How", *WAYS.values())
    return markdown_table(head, rows, len(head))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table. PASTED_TABLE names the document to write it into: a run of some tests changes their cells only."""
    found = results([one for each in terminalreporter.stats.values() for one in each])
    if not found:
        return
    document = os.environ.get("PASTED_TABLE")
    if document:
        kept = earlier(Path(document).read_text("utf-8"), found)
        found = kept | {key: kept.get(key, {}) | cells for key, cells in found.items()}
    terminalreporter.section("what readers find")
    terminalreporter.write_line(pasted_table(found))
    if document:
        write_table(Path(document), "pasted", pasted_table(found))
