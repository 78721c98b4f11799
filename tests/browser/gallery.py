"""Pictures of every state of the widget at three widths and in four looks: `make gallery`.

`index.html` in the folder shows them all, beside the same thread in Isso and Waline. A state that
cannot be reached is named there, with the picture of where it ended, and fails the run.
"""

import asyncio
import itertools
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import Annotated, Any

import typer
from playwright.async_api import Browser, Error, Page, async_playwright
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.bench import embed_rivals
from tests.browser.conftest import (
    CHROMIUMS,
    SWITCHES,
    Demo,
    Hosts,
    HostSites,
    running_demo,
)
from tests.browser.widget_states import ANSWER, QUESTION, STATES, STYLE, Harness, Reach

WIDTHS = (1280, 390, 320)
HEIGHT = 900
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced-colours": {"color_scheme": "light", "forced_colors": "active"},
}
"""Media features of the looks that one page can take; Arabic needs a page of its own."""
RTL = "rtl"
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SHEET_STYLE = """
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif }
body { margin: 1.5rem } nav { columns: 14rem } nav a { display: block }
table { border-spacing: 8px } td { vertical-align: top } th { text-align: start }
img { display: block; inline-size: 300px; border: 1px solid #8888 } .w1280 img { inline-size: 480px }
.failed { color: #d92d20; white-space: pre-wrap }
"""


@dataclass
class Gallery:
    """The pictures taken so far, and the sheet that shows them."""

    folder: Path
    taken: dict[str, list[str]] = field(default_factory=dict)
    """Names of the looks, by the name of the state."""
    failed: dict[str, str] = field(default_factory=dict)
    """Error messages by state and look."""

    def file(self, state: str, look: str, width: int) -> str:
        """Return the name of a picture."""
        return f"{re.sub(r'[^a-zA-Z0-9.]+', '-', state)}-{look}-{width}.png"

    async def take(self, page: Page, state: str, look: str) -> None:
        """Take the pictures of a page at all widths."""
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": HEIGHT})
            await page.evaluate(TWO_FRAMES)
            path = self.folder / self.file(state, look, width)
            await page.screenshot(path=path, full_page=True, animations="disabled")
        self.taken.setdefault(state, []).append(look)

    def write_sheet(self) -> Path:
        """Write `index.html` and return its path."""
        names = sorted(self.taken | {place.rsplit(" in ", 1)[0]: [] for place in self.failed})
        links = "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names)
        sections = "".join(map(self._section, names))
        path = self.folder / "index.html"
        path.write_text(
            f"<!doctype html><html lang=en><meta charset=utf-8><title>Gallery</title>"
            f"<style>{SHEET_STYLE}</style><h1>Gallery</h1><nav>{links}</nav>{sections}",
            "utf-8",
        )
        return path

    def _section(self, name: str) -> str:
        looks = self.taken.get(name, [])
        errors = "".join(
            f"<p class=failed>{escape(place)}: {escape(why)}</p>"
            for place, why in self.failed.items()
            if place.rsplit(" in ", 1)[0] == name
        )
        rows = "".join(
            f"<tr class=w{width}><th>{width}</th>"
            + "".join(
                f'<td><a href="{file}"><img loading=lazy alt="{look}" src="{file}"></a></td>'
                for look in looks
                for file in [self.file(name, look, width)]
            )
            + "</tr>"
            for width in WIDTHS
        )
        heads = "".join(f"<th>{look}</th>" for look in looks)
        table = f"<table><tr><th></th>{heads}</tr>{rows}</table>"
        return f'<section><h2 id="{escape(name)}">{escape(name)}</h2>{errors}{table}</section>'


async def photograph_state(
    name: str, reach: Reach, lang: str, demo: Demo, browser: Browser, sites: HostSites, to: Gallery
) -> None:
    """Reach a state in a language and take its pictures."""
    hosts = Hosts(browser, sites)
    look = "light" if lang == "en" else RTL
    try:
        page = await reach(Harness(demo, hosts, lang, {"viewport": {"width": 1280, "height": 900}}))
        if lang != "en":
            return await to.take(page, name, RTL)
        for look, media in LOOKS.items():
            await page.emulate_media(**media)
            await to.take(page, name, look)
    except (Error, AssertionError, LookupError) as error:
        to.failed[f"{name} in {look}"] = f"{type(error).__name__}: {error}".strip()
        pages = [page for context in hosts.contexts for page in context.pages]
        if pages:
            await to.take(pages[-1], name, f"{look}-failed")
    finally:
        for context in hosts.contexts:
            await context.close()


async def photograph_rival(
    rival: embed_rivals.Embed, host: str, browser: Browser, to: Gallery
) -> None:
    """Take the pictures of the same thread in another comment system."""
    key = rival.name.split()[0].lower()
    path = embed_rivals.publish(rival, key, head=STYLE)
    top = rival.post(key, QUESTION, "Yusuf")
    rival.post(key, ANSWER, "Priya", top)
    rival.post(key, "That line stayed with me all day.", "Priya")
    for look, media in LOOKS.items():
        context = await browser.new_context(viewport={"width": 1280, "height": HEIGHT}, **media)
        page = await context.new_page()
        await page.goto(host + path)
        await page.get_by_text("That line stayed").wait_for()
        await page.wait_for_load_state("networkidle")
        await to.take(page, f"beside {rival.name}", look)
        await context.close()


@dataclass
class Servers:
    """The demo, host sites for its stories, and the other systems on a host of their own."""

    demo: Demo
    sites: HostSites
    host: str
    rivals: list[embed_rivals.Embed]


def start(stack: ExitStack, console: Console, *, beside: bool) -> Servers:
    """Start all servers; `stack` ends them."""
    temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gallery-")))
    with console.status("Start the server"):
        demo = stack.enter_context(running_demo(temporary))
    sites = HostSites(3)
    stack.callback(sites.close)
    host = stack.enter_context(embed_rivals.serve(embed_rivals.Host))
    rivals: list[embed_rivals.Embed] = []
    for make in (embed_rivals.isso, embed_rivals.waline) if beside else ():
        with console.status(f"Install {make.__name__.title()}"):
            try:
                rivals.append(make(stack, temporary, host))
            except (subprocess.CalledProcessError, OSError) as error:
                console.print(f"[yellow]{make.__name__.title()} is left out: {error}")
    return Servers(demo, sites, host, rivals)


async def photograph_all(gallery: Gallery, only: str, console: Console, servers: Servers) -> None:
    """Take all pictures."""
    wanted = {name: reach for name, reach in STATES.items() if only in name}
    work: list[tuple[str, Callable[[], Awaitable[None]]]] = []
    progress = Progress(
        TextColumn("{task.description:40.40}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=next((path for path in CHROMIUMS if Path(path).exists()), None),
            args=[*SWITCHES, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"],
            handle_sigint=False,
        )
        for (name, reach), lang in itertools.product(wanted.items(), ("en", "ar")):
            one = (name, reach, lang, servers.demo, browser, servers.sites, gallery)
            work.append((f"{name}, {lang}", partial(photograph_state, *one)))
        for rival in servers.rivals:
            other = (rival, servers.host, browser, gallery)
            work.append((rival.name, partial(photograph_rival, *other)))
        with progress:
            task = progress.add_task("", total=len(work))
            for name, run in work:
                progress.update(task, description=name)
                await run()
                progress.advance(task)
        await browser.close()


def main(
    folder: Annotated[Path, typer.Option(help="Folder for the pictures; it is emptied first.")],
    only: Annotated[str, typer.Option(help="Take only states whose name contains this.")] = "",
    beside: Annotated[bool, typer.Option(help="Also take Isso and Waline.")] = True,
) -> None:
    """Take the pictures and write the sheet. The exit status is 1 if a state was not reached."""
    console = Console(stderr=True)
    if folder.exists() and any(folder.iterdir()) and not (folder / "index.html").exists():
        raise typer.BadParameter(f"{folder} holds other files: name an empty folder.")
    if not only:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    gallery = Gallery(folder)
    gallery.write_sheet()
    try:
        # The servers start outside the event loop, which would hold back an interruption.
        with ExitStack() as stack:
            servers = start(stack, console, beside=beside)
            asyncio.run(photograph_all(gallery, only, console, servers))
    except KeyboardInterrupt:
        console.print("Interrupted: the sheet shows what was taken until now.")
        raise typer.Exit(128 + signal.SIGINT) from None
    finally:
        console.print(f"{gallery.write_sheet()}")
    for place, why in gallery.failed.items():
        console.print(f"[red]not reached: {place}[/]: {why.splitlines()[0]}")
    if gallery.failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
