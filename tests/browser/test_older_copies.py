"""“The story has changed since this copy was made”: on the copy whose text is older, and nowhere else."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.actions import readers
from tests.browser.axe import axe_findings
from tests.browser.conftest import SITE, Hosts, Story
from tests.browser.test_check_page import Checking, checking
from tests.browser.test_story_pages import Photograph
from tests.operations.checked_pages import FIRST_TEXT, ORIGINAL, TEXT
from tests.operations.page_server import html

__all__ = ["checking"]
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OLD, NEW = "Forty-one boats", "Thirty-eight boats"
SAID = "The story has changed since this copy was made, on "


class Copies:
    """A story with a text, and pages with that text that carry the story, each with a token of its own."""

    def __init__(self, checking: Checking, folder: Path) -> None:
        self.demo, self.pages, self._folder = checking.demo, checking.pages, folder
        self.story: Story = checking.demo.story(title="The boats of Olhão", url=ORIGINAL)
        self.tokens: dict[str, str] = {}

    async def store(self, text: str) -> None:
        """Store the text as the newest version of the story's."""
        file = self._folder / "text.md"
        file.write_text(text)
        words = ("story", "text", self.story.code, "--file", str(file), "--format", "markdown")
        await asyncio.to_thread(self.demo.run, *words)

    def put(self, name: str, boats: str, lang: str = "en", *, frame: bool = False) -> str:
        """Serve a page whose text has these boats, and return its address."""
        # The readers of a frame are told only if its token names the page's origin.
        claims = {"jti": uuid4().hex, "origins": [self.pages.url("", "127.0.0.1")]}
        token = self.tokens.setdefault(name, self.story.with_claims(**claims))
        paragraphs = FIRST_TEXT.replace(OLD, boats).split("\n\n")
        text = "<h2>The boats</h2>" + "".join(f"<p>{one}</p>" for one in paragraphs[1:])
        if frame:
            embed = (
                f'<iframe src="{self.story.server}/e/{token}" width="320" height="500"></iframe>'
            )
        else:
            link = f'<a class="story-widget" href="{self.story.link}" data-widget-token="{token}">React</a>'
            embed = f"<blockquote><p>{link}</p></blockquote>{self.story.script}"
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        page = f'<!doctype html><html lang="{lang}">{head}<title>Copy</title><link rel="icon" href="data:,">'
        self.pages.answers[f"/{name}"] = html(f"{page}<main>{text}{embed}</main>")
        return self.pages.url(f"/{name}", "127.0.0.1")

    async def look(self, name: str) -> None:
        """Let a stranger check the page, as every reader may: the server then knows its text."""
        address = self.pages.url(f"/{name}", "127.0.0.1")
        part = f'--x\r\nContent-Disposition: form-data; name="page"\r\n\r\n{address}\r\n--x--\r\n'
        headers = {
            "Content-Type": "multipart/form-data; boundary=x",
            "Origin": self.story.server,
            "Sec-Fetch-Site": "same-origin",
        }
        request = urllib.request.Request(f"{self.story.link}/check", part.encode(), headers)
        with await asyncio.to_thread(urllib.request.urlopen, request, timeout=30) as answer:
            assert answer.status == 200


@pytest_asyncio.fixture(loop_scope="session")
async def copies(checking: Checking, tmp_path: Path) -> AsyncIterator[Copies]:
    """Return such a story, whose owner lets readers be told."""
    await asyncio.to_thread(checking.demo.run, "site", "set", SITE, "older_copies=readers")
    found = Copies(checking, tmp_path)
    await found.store(FIRST_TEXT)
    yield found


async def test_readers_of_the_older_copy_alone_are_told_until_it_has_the_new_text_without_a_reload(
    copies: Copies, hosts: Hosts, photograph: Photograph
) -> None:
    old = await hosts.page(await hosts.reader())
    await old.goto(copies.put("old", OLD))
    new = await hosts.page(await hosts.reader())
    await new.goto(copies.put("new", OLD))
    for page in (old, new):
        await readers(page, 2)
    for name in ("old", "new"):
        await copies.look(name)
    await copies.store(TEXT)
    copies.put("new", NEW)
    await copies.look("new")
    said = old.locator("[part=older]")
    await expect(said).to_contain_text(SAID)
    await expect(new.get_by_text(SAID)).to_have_count(0)
    await expect(old.get_by_text(OLD)).to_be_visible()
    assert await axe_findings(old) == []
    await photograph(old, "older-en")
    # A page that is opened now says it too, in its own language, also on a phone.
    for lang, words, more in (
        ("de", "Der Artikel wurde nach dieser Kopie geändert", "Änderungen ansehen"),
        ("ar", "تغيّر المقال بعد إعداد هذه النسخة", "اطّلع على ما تغيّر"),
    ):
        copies.put("old", OLD, lang)
        phone = await hosts.page(await hosts.reader(viewport={"width": 320, "height": 640}))
        await phone.goto(copies.pages.url("/old", "127.0.0.1"))
        there = phone.locator("[part=older]")
        await expect(there).to_contain_text(words)
        link = there.get_by_role("link", name=more)
        assert str(await link.get_attribute("href")).endswith(f"?from=1&lang={lang}")
        assert await axe_findings(phone) == []
        assert await phone.evaluate("document.documentElement.scrollWidth") <= 320
        await photograph(phone, f"older-320-{lang}")
        await link.click()
        await expect(phone.get_by_text("Thirty-eight").first).to_be_visible()
        await phone.close()
    # The page has the new text now, and a look at it knows.
    copies.put("old", NEW)
    await copies.look("old")
    await expect(said).to_be_hidden()


async def test_the_readers_of_a_frame_are_told_too(copies: Copies, hosts: Hosts) -> None:
    address = copies.put("framed", OLD, frame=True)
    page = await hosts.page(await hosts.reader())
    await page.goto(address)
    await readers(page.frame_locator("iframe"), 1)
    await copies.look("framed")
    await copies.store(TEXT)
    frame = page.frame_locator("iframe")
    await expect(frame.locator("[part=older]")).to_contain_text(SAID)


async def test_without_the_owners_choice_no_reader_is_told(copies: Copies, hosts: Hosts) -> None:
    page = await hosts.page(await hosts.reader())
    await page.goto(copies.put("quiet", OLD))
    await readers(page, 1)
    await copies.look("quiet")
    await copies.store(TEXT)
    said = page.locator("[part=older]")
    await expect(said).to_contain_text(SAID)
    await asyncio.to_thread(copies.demo.run, "site", "set", SITE, "older_copies=republisher")
    await expect(said).to_be_hidden()
