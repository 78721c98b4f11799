"""The page checker in Chromium: the form without JavaScript, the findings, and what axe says about them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import SITE, Demo, Hosts, Story
from tests.browser.test_story_pages import PHONE, WITHOUT, faults, press, tab_to
from tests.e2e.harness import ServerProcess
from tests.engines import Valkey
from tests.operations.page_server import PageServer, html

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
Photograph = Callable[[Page, str], Awaitable[None]]


@dataclass
class Checking:
    """A server that may read the pages of one web server."""

    demo: Demo
    pages: PageServer

    def put(self, story: Story, *, script: bool) -> str:
        """Serve a page with the snippet and without a credit; return its address."""
        link = f'<a class="story-widget" href="{story.link}">React</a>'
        more = f'<script async src="{story.server}/embed.js"></script>' if script else ""
        self.pages.answers["/article"] = html(f"<title>Copy</title><p>{link}</p>{more}")
        return self.pages.url("/article")


@pytest_asyncio.fixture(loop_scope="session")
async def checking(tmp_path: Path) -> AsyncIterator[Checking]:
    """Run such a server and its pages."""
    valkey = Valkey()
    valkey.start()
    async with PageServer() as pages:
        env = {"REDIS_URL": f"unix://{valkey.socket_path}", "CHECKED_PORT": str(pages.port)}
        process = ServerProcess(tmp_path / "data", env)
        process.env["PUBLIC_URL"] = f"http://localhost:{process.port}"
        process.module = "tests.browser.checking_server"
        try:
            await process.start()
            demo = Demo(process.port, process.data_dir)
            demo.run("site", "create", SITE, "--name", "The Harbour Post")
            yield Checking(demo, pages)
        finally:
            await process.kill()
            valkey.close()


async def test_without_javascript_a_page_is_checked_by_the_keyboard_at_320_px(
    checking: Checking, hosts: Hosts, photograph: Photograph
) -> None:
    story = checking.demo.story(title="Boats", author="Ines Falk", url="https://press.example/b")
    page = await hosts.page(await hosts.reader(**WITHOUT))
    address = checking.put(story, script=False)
    await page.goto(f"{story.link}/republish?lang=de")
    await tab_to(page, page.get_by_role("textbox", name="Adresse der Seite"))
    await page.keyboard.type(address)
    await press(page, page.get_by_role("button", name="Seite prüfen"))
    await expect(page.get_by_role("heading", name="Was auf der Seite steht")).to_be_visible()
    await expect(page.get_by_text("Die Seite lädt das Skript nicht")).to_be_visible()
    await expect(page.get_by_text("nennt weder Autorin oder Autor")).to_be_visible()
    lines = [await one.input_value() for one in await page.get_by_role("textbox").all()]
    assert any("embed.js" in line for line in lines)
    assert any("Ines Falk" in line for line in lines)
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await photograph(page, "check-320")

    # Mended and checked again from the same page, whose field still has the address.
    checking.put(story, script=True)
    await press(page, page.get_by_role("button", name="Noch einmal prüfen"))
    await expect(page.get_by_text("Die Seite lädt das Skript.")).to_be_visible()
    assert await page.context.cookies() == []


async def test_a_page_that_cannot_be_read_takes_the_focus_to_the_field(
    checking: Checking, hosts: Hosts
) -> None:
    story = checking.demo.story()
    page = await hosts.page(await hosts.reader(**WITHOUT))
    hosts.expected.append("Failed to load resource")
    await page.goto(f"{story.link}/check")
    box = page.get_by_role("textbox", name="Address of the page")
    await box.fill("http://10.0.0.1/")
    await press(page, page.get_by_role("button", name="Check the page"))
    box = page.get_by_role("textbox", name="Address of the page")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("http://10.0.0.1/")
    await expect(box).to_have_accessible_description(
        "This page cannot be read. It must be public, on port 80 or 443, and answer with HTML within"
        " 3 seconds."
    )


@pytest.mark.parametrize("lang", ["en", "ar"])
async def test_axe_finds_nothing_on_the_checkers_pages(
    checking: Checking, hosts: Hosts, lang: str, photograph: Photograph
) -> None:
    story = checking.demo.story(title="Boats", author="Ines Falk", url="https://press.example/b")
    page = await hosts.page(await hosts.reader(viewport=PHONE))
    hosts.expected.append("Failed to load resource")
    wrong = {}

    async def look(name: str) -> None:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            wrong[name, scheme] = await faults(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        await photograph(page, f"check-{name}-{lang}")

    await page.goto(f"{story.link}/check?lang={lang}")
    await look("form")
    await page.locator("#page").fill("nowhere")
    await page.locator("form button.primary").click()
    await page.locator("#page-error").wait_for()
    await look("refused")
    await page.locator("#page").fill(checking.put(story, script=False))
    await page.locator("form button.primary").click()
    await page.locator("ul.found").wait_for()
    await look("found")
    assert {name: found for name, found in wrong.items() if found} == {}
