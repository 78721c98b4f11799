"""What editors for web pages make of the snippet, the iframe and the address: `make cms-tests`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.editors import (
    EDITORS,
    Editor,
    copy_address,
    copy_snippet,
    name_of,
    open_editor,
    package_files,
)
from tests.browser.paste_results import (
    ADDRESS,
    BY_CODE,
    DISCUSSION,
    FRAME,
    LINK,
    WAYS,
    Record,
    Seen,
    decided,
    look,
    theme,
)
from tests.browser.republishing_guide import TITLE, frame, snippet

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """Serve the editors' files."""
    with package_files() as address:
        yield address


class Desk:
    """Writes into one editor and publishes on another origin."""

    def __init__(self, demo: Demo, hosts: Hosts, files: str, folder: Path, record: Record) -> None:
        self._demo, self._hosts, self._files, self._folder = demo, hosts, files, folder
        self._record = record

    async def publish(self, package: str, way: str) -> dict[str, Seen]:
        """Bring each form into the editor in this way, save and publish it; return what readers find."""
        found = {}
        for pasted in WAYS:
            story, other = self._demo.story(title=TITLE), self._demo.story()
            editor = await open_editor(self._hosts, package, self._files, self._folder)
            await HOW[way](editor, story, pasted)
            saved = await editor.saved()
            await editor.page.context.close()
            page = await self._hosts.open(
                saved + (theme(other) if pasted == "theme" else ""), site=1
            )
            if pasted == "theme":
                await decided(page, other)
            found[pasted] = await look(page, story)
            self._record(name_of(package), way, pasted, found[pasted])
        return found


async def copied(editor: Editor, story: Story, pasted: str) -> None:
    if pasted == "address":
        await copy_address(editor.page.context, story)
    else:
        where = "wix" if pasted == "iframe" else "html"
        await copy_snippet(editor.page.context, story, where)


async def formatted(editor: Editor, story: Story, pasted: str) -> None:
    """Copy with the button of the page for republishers, and paste."""
    await copied(editor, story, pasted)
    await editor.paste()


async def plain(editor: Editor, story: Story, pasted: str) -> None:
    """Copy with the same button, and paste as plain text."""
    await copied(editor, story, pasted)
    await editor.paste(plain=True)


def form(story: Story, pasted: str) -> str:
    return {"iframe": frame(story), "address": f"<p>{story.link}</p>"}.get(pasted, snippet(story))


async def in_source(editor: Editor, story: Story, pasted: str) -> None:
    """Write the HTML where the editor shows its source."""
    await editor.write_source(form(story, pasted))


async def in_block(editor: Editor, story: Story, pasted: str) -> None:
    """Write the HTML into the editor's block for it."""
    await editor.insert_html(form(story, pasted))


HOW = {
    "pasted": formatted,
    "pasted as plain text": plain,
    "in the view of the source": in_source,
    "in the block for HTML": in_block,
}


@pytest.fixture
def desk(demo: Demo, hosts: Hosts, files: str, tmp_path: Path, record: Record) -> Desk:
    """Return the place to write from."""
    return Desk(demo, hosts, files, tmp_path, record)


PASTED = {
    "snippet": Seen(LINK, credit=True),
    "theme": Seen(BY_CODE, credit=True),
    "iframe": Seen(LINK, credit=True),
    "address": Seen(ADDRESS, credit=False),
}
"""Link and credit remain. If the site loads the script, the link becomes the discussion."""
TAGS = {
    "snippet": Seen(ADDRESS, credit=False, tags=True),
    "theme": Seen(ADDRESS, credit=False, tags=True),
    "iframe": Seen(ADDRESS, credit=False, tags=True),
    "address": Seen(ADDRESS, credit=False),
}
"""The code is shown."""


LINKED = {"address": Seen(LINK, credit=False)}
"""TipTap makes a link of a pasted address."""


@pytest.mark.parametrize("package", EDITORS)
async def test_link_and_credit_remain_of_a_pasted_snippet(desk: Desk, package: str) -> None:
    own = LINKED if package == "@tiptap/core" else {}
    assert await desk.publish(package, "pasted") == PASTED | own


@pytest.mark.parametrize("package", EDITORS)
async def test_a_snippet_that_is_pasted_as_plain_text_shows_its_tags(
    desk: Desk, package: str
) -> None:
    own = LINKED if package == "@tiptap/core" else {}
    assert await desk.publish(package, "pasted as plain text") == TAGS | own


async def test_tinymces_view_of_the_source_drops_the_script_and_the_scripts_of_the_frame(
    desk: Desk, hosts: Hosts
) -> None:
    hosts.expected.append("Blocked script execution in")
    assert await desk.publish("tinymce", "in the view of the source") == {
        "snippet": Seen(LINK, credit=True),
        "theme": Seen(DISCUSSION, credit=True),
        "iframe": Seen(LINK, credit=True),
        "address": Seen(ADDRESS, credit=False),
    }


async def test_ckeditors_view_of_the_source_keeps_link_and_credit(desk: Desk) -> None:
    assert await desk.publish("ckeditor5", "in the view of the source") == PASTED


async def test_ckeditors_block_for_html_keeps_everything(desk: Desk) -> None:
    assert await desk.publish("ckeditor5", "in the block for HTML") == {
        "snippet": Seen(DISCUSSION, credit=True),
        "theme": Seen(DISCUSSION, credit=True),
        "iframe": Seen(FRAME, credit=True),
        "address": Seen(ADDRESS, credit=False),
    }
