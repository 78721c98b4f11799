"""Editors for web pages, each in a page of its own as its makers' quick start shows it, and a real clipboard.

`make cms-tests` installs them. Their files come from a server of their own, like those of a CDN.
"""

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.async_api import BrowserContext, Page, expect

from tests.browser.conftest import ROOT, Hosts, Story, host_page
from tests.waiting import SLOWNESS

TOOLS = ROOT / ".venv" / "editors"
PACKAGES = TOOLS / "node_modules"

TINYMCE = """
<textarea id="story"></textarea>
<script src="{files}/tinymce/tinymce.min.js"></script>
<script>
tinymce.init({
  selector: "#story", license_key: "gpl", plugins: "autolink code link lists", toolbar: "code", promotion: false,
  setup: (editor) => editor.on("init", () => { window.saved = () => editor.getContent(); }),
});
</script>"""

CKEDITOR = """
<link rel="stylesheet" href="{files}/ckeditor5/dist/browser/ckeditor5.css">
<div id="story"></div>
<script src="{files}/ckeditor5/dist/browser/ckeditor5.umd.js"></script>
<script>
const { ClassicEditor, AutoLink, BlockQuote, Bold, Essentials, Heading, HtmlEmbed, Italic, Link, List, MediaEmbed,
  Paragraph, SourceEditing } = CKEDITOR;
ClassicEditor.create(document.querySelector("#story"), {
  licenseKey: "GPL",
  plugins: [AutoLink, BlockQuote, Bold, Essentials, Heading, HtmlEmbed, Italic, Link, List, MediaEmbed, Paragraph,
    SourceEditing],
  toolbar: ["sourceEditing", "htmlEmbed"],
}).then((editor) => { window.saved = () => editor.getData(); });
</script>"""

QUILL = """
<link rel="stylesheet" href="{files}/quill/dist/quill.snow.css">
<div id="story"></div>
<script src="{files}/quill/dist/quill.js"></script>
<script>
const editor = new Quill("#story", { theme: "snow" });
window.saved = () => editor.getSemanticHTML();
</script>"""

TIPTAP = """
<div id="story"></div>
<script>{program}</script>"""
TIPTAP_PROGRAM = """
import { Editor } from "@tiptap/core";
import StarterKit from "@tiptap/starter-kit";
const editor = new Editor({ element: document.querySelector("#story"), extensions: [StarterKit] });
window.saved = () => editor.getHTML();
"""

EDITORS = {
    "tinymce": ("TinyMCE", TINYMCE, "iframe.tox-edit-area__iframe"),
    "ckeditor5": ("CKEditor", CKEDITOR, ""),
    "quill": ("Quill", QUILL, ""),
    "@tiptap/core": ("TipTap", TIPTAP, ""),
}
"""By package: the editor's name, its page, and the frame in which the text stands, if it has one."""


def name_of(package: str) -> str:
    """Return the name of an editor with its version."""
    about = json.loads((PACKAGES / package / "package.json").read_text("utf-8"))
    return f"{EDITORS[package][0]} {about['version']}"


class QuietFiles(SimpleHTTPRequestHandler):
    """Files of a folder."""

    def log_message(self, *_: object) -> None:
        """Do not log requests."""


@contextlib.contextmanager
def package_files() -> Iterator[str]:
    """Serve the editors' files; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFiles, directory=str(PACKAGES)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def bundled(source: str, folder: Path) -> str:
    """Return a program for the browser with the packages that it imports."""
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(PACKAGES)
    (folder / "app.js").write_text(source)
    esbuild = ROOT / "js" / "node_modules" / ".bin" / "esbuild"
    done = subprocess.run(
        [esbuild, "app.js", "--bundle", "--minify"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.replace("</script", "<\\/script")


class Editor:
    """An open editor with a clipboard, and what is saved of its text."""

    def __init__(self, page: Page, package: str) -> None:
        self.page, self.package = page, package

    async def paste(self, *, plain: bool = False) -> None:
        """Paste what is in the clipboard with the keyboard, with its format or as plain text."""
        await self.page.bring_to_front()
        frame = EDITORS[self.package][2]
        place = self.page.frame_locator(frame) if frame else self.page
        field = place.locator("[contenteditable=true]").first
        await field.click()
        await field.press("ControlOrMeta+Shift+v" if plain else "ControlOrMeta+v")
        # Some editors read the clipboard after the event.
        await self.page.wait_for_function("saved().replace(/<[^>]*>|&nbsp;/g, '').trim() !== ''")

    async def write_source(self, html: str) -> None:
        """Write HTML in the editor's view of its source, as a person who knows HTML does."""
        if self.package == "tinymce":
            await self.page.get_by_role("button", name="Source code").click()
            dialog = self.page.get_by_role("dialog")
            await dialog.get_by_role("textbox").fill(html)
            await dialog.get_by_role("button", name="Save").click()
            await dialog.wait_for(state="hidden")
            return
        source = self.page.get_by_role("button", name="Source", exact=True)
        await source.click()
        await self.page.get_by_role("textbox", name="Source code editing area").fill(html)
        await source.click()

    async def insert_html(self, html: str) -> None:
        """Put HTML into CKEditor's own block for it."""
        await self.page.get_by_role("button", name="Insert HTML").click()
        await self.page.locator("textarea.raw-html-embed__source").fill(html)
        await self.page.get_by_role("button", name="Save changes").click()

    async def saved(self) -> str:
        """Return the HTML that the page would send to its server."""
        found: str = await self.page.evaluate("saved()")
        return found


async def open_editor(hosts: Hosts, package: str, files: str, folder: Path) -> Editor:
    """Open a page with an empty editor. Its own scripts may write to the console."""
    context = await hosts.reader()
    context.set_default_timeout(30_000 * SLOWNESS)
    html = EDITORS[package][1].replace("{files}", files)
    if "{program}" in html:
        html = html.replace("{program}", bundled(TIPTAP_PROGRAM, folder))
    page = await context.new_page()
    await page.goto(hosts.host_sites.put(0, host_page(html), {}))
    await page.wait_for_function("typeof saved === 'function'")
    return Editor(page, package)


async def copy_snippet(context: BrowserContext, story: Story, where: str) -> None:
    """Copy the snippet for a place with the button of the page for republishers."""
    await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=story.server)
    page = await context.new_page()
    await page.goto(f"{story.link}/republish?where={where}")
    await page.get_by_role("button", name="Copy").first.click()
    await expect(page.get_by_role("status")).to_have_text("Copied")
    await page.close()


async def copy_address(context: BrowserContext, story: Story) -> None:
    """Copy the address of the discussion's page, as from the browser's address bar."""
    page = await context.new_page()
    await page.set_content(f"<input value='{story.link}'>")
    await page.locator("input").select_text()
    await page.keyboard.press("ControlOrMeta+c")
    await page.close()
