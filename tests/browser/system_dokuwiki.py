"""What a running DokuWiki makes of the snippet, the plain text and the address: `make cms-tests`."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.dokuwiki import DokuWiki, dokuwiki
from tests.browser.paste_results import ADDRESS, LINK, Record, Seen, look
from tests.browser.republishing_guide import TITLE, frame, snippet

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Every weekday at six the last ferry leaves with four hundred books on board."


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DokuWiki]:
    """One wiki for all tests. Each test writes its own page."""
    with dokuwiki(tmp_path_factory.mktemp("dokuwiki")) as found:
        yield found


async def written(hosts: Hosts, wiki: DokuWiki, story: Story, text: str) -> Page:
    """Write a page in the wiki's editor and open it as a new reader."""
    writer = await (await hosts.reader()).new_page()
    await writer.goto(f"{wiki.address}/doku.php?id={story.code.lower()}&do=edit")
    await writer.locator("#wiki__text").fill(f"===== {TITLE} =====\n\n{TEXT}\n\n{text}\n")
    await writer.get_by_role("button", name="Save", exact=True).click()
    await expect(writer.get_by_role("heading", name=TITLE)).to_be_visible()
    page = await hosts.page(await hosts.reader())
    await page.goto(f"{wiki.address}/doku.php?id={story.code.lower()}")
    return page


async def plain_text(hosts: Hosts, story: Story) -> str:
    """Return the snippet that the page for republishers shows for wikis."""
    page = await hosts.page(await hosts.reader())
    await page.goto(f"{story.link}/republish?where=wiki")
    return await page.locator("#snippet").input_value()


async def test_the_snippet_for_wikis_becomes_the_credit_and_a_link(
    demo: Demo, hosts: Hosts, wiki: DokuWiki, record: Record
) -> None:
    story = demo.story(title=TITLE)
    page = await written(hosts, wiki, story, await plain_text(hosts, story))
    seen = await look(page, story)
    record(f"DokuWiki {wiki.version}", "the text for wikis", "snippet", seen)
    assert seen == Seen(LINK, credit=True)


async def test_the_address_alone_becomes_a_link(
    demo: Demo, hosts: Hosts, wiki: DokuWiki, record: Record
) -> None:
    story = demo.story(title=TITLE)
    seen = await look(await written(hosts, wiki, story, story.link), story)
    record(f"DokuWiki {wiki.version}", "the text for wikis", "address", seen)
    assert seen == Seen(LINK, credit=False)


async def test_html_is_shown_as_text_in_which_only_addresses_are_links(
    demo: Demo, hosts: Hosts, wiki: DokuWiki, record: Record
) -> None:
    found = {}
    for pasted in ("snippet", "iframe"):
        story = demo.story(title=TITLE)
        html = snippet(story) if pasted == "snippet" else frame(story)
        found[pasted] = await look(await written(hosts, wiki, story, html), story)
        record(f"DokuWiki {wiki.version}", "HTML", pasted, found[pasted])
    assert found == {
        "snippet": Seen(ADDRESS, credit=False, tags=True),
        "iframe": Seen(LINK, credit=True, tags=True),
    }
