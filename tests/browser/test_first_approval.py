"""From the printed link to the first approved comment on another origin, and removal on three copies."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.actions import article, comment
from tests.browser.conftest import Hosts, Story
from tests.browser.moderated_site import PASSWORD, SECRET, ModeratedSite
from tests.e2e.harness import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
MAX_CLICKS = 12


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """Run a server in an empty folder."""
    process = ServerProcess(tmp_path_factory.mktemp("first") / "data", {"SECRET_KEYS": SECRET})
    process.url = f"http://localhost:{process.port}"
    process.env["PUBLIC_URL"] = process.url
    await process.start()
    yield process
    await process.kill()


class Clicks:
    """Counts the clicks of a person who sets a site up."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    async def __call__(self, name: str | re.Pattern[str], role: str = "button") -> None:
        """Click the first button, link or choice with this name."""
        self.count += 1
        place = self.page.locator("main, .start").first
        exact = isinstance(name, str)
        await place.get_by_role(role, name=name, exact=exact).first.click()  # type: ignore[arg-type]


async def test_from_the_printed_link_to_the_first_approved_comment_on_another_origin(
    server: ServerProcess, browser: Browser, hosts: Hosts
) -> None:
    site = ModeratedSite(server)
    context = await browser.new_context()
    page = await context.new_page()
    click = Clicks(page)
    await page.goto(site.cli("people", "invite", "--owner").split()[0])
    await click("Continue")
    await page.get_by_label("Your name").fill("Ana Ferreira")
    await page.get_by_label("E-mail").fill("ana@harbour.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await click("Make account")
    await page.get_by_label("Name of the publication").fill("Harbour")
    await click(re.compile("After a moderator approved it"), "radio")
    await click("Make the site")
    await page.get_by_label("Address of the story").fill("http://127.0.0.1/ferry")
    await page.get_by_label("Title").fill("The library that sails at six")
    await click("Make the snippet")
    snippet = await page.locator("#snippet").inner_text()
    # A reader on another origin, with the snippet as it was copied.
    copy = await hosts.open(snippet)
    await comment(copy, "the very first one")
    await expect(copy.get_by_role("article").get_by_text("Waiting for a moderator")).to_be_visible()
    await click("Go to your dashboard", "link")
    await click(re.compile("^Look"), "link")
    await expect(page.locator(".case .text")).to_have_text("the very first one")
    await click(re.compile("^Approve"))
    await expect(page.get_by_text("Approved. All copies show it.")).to_be_visible()
    other = await hosts.open(snippet, site=1)
    await expect(article(other, "the very first one")).to_be_visible()
    await expect(copy.get_by_role("article").get_by_text("Waiting for a moderator")).to_have_count(
        0
    )
    assert click.count <= MAX_CLICKS
    await context.close()


TREE = """() => {
  const draw = (node) => node.nodeType === 3 ? node.data : node.nodeType !== 1 ? "" :
    `<${node.localName}${[...node.attributes].map(({ name, value }) => ` ${name}="${value}"`).sort().join("")}>`
    + [...node.childNodes].map(draw).join("") + "</>";
  return draw(document.querySelector("story-widget").shadowRoot.querySelector(".threads, [part=comments], ol"));
}"""


async def test_a_removal_reaches_three_open_copies_and_its_undo_leaves_them_as_before(
    server: ServerProcess, browser: Browser, hosts: Hosts
) -> None:
    site = ModeratedSite(server)
    await site.begin(browser)
    made = site.story("The library that sails at six", origins=["*"])
    first = site.write(made, "the one that goes", "Kestrel")["comment"]["id"]
    site.write(made, "a reply that stays", "Priya", parent=first)
    site.write(made, "another thread", "Rita")
    story = Story(server.url, made.code, made.token, lambda **_: made.token)
    pages = [await hosts.open(story.snippet, site=number) for number in range(3)]
    for page in pages:
        await expect(article(page, "the one that goes").first).to_be_visible()
        await expect(article(page, "a reply that stays").first).to_be_visible()
    before = [await page.evaluate(TREE) for page in pages]
    assert all("the one that goes" in tree for tree in before)
    context, desk = await site.owner(browser)
    await desk.goto(site.path(f"stories/{made.code}"))
    await desk.get_by_role("link", name="Remove: comment by Kestrel").click()
    await desk.get_by_role("button", name="Attacks a person or a group").click()
    for page in pages:
        await expect(page.get_by_text("the one that goes")).to_have_count(0)
        await expect(page.get_by_text("a reply that stays")).to_be_visible()
    await desk.locator(".toast").get_by_role("button", name="Undo").click()
    for page, tree in zip(pages, before, strict=True):
        await expect(page.get_by_text("the one that goes")).to_be_visible()
        assert await page.evaluate(TREE) == tree
    await context.close()
