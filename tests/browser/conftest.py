"""Fixtures: the demo as a process, Chromium, and host pages on their own origins."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from typer.testing import CliRunner

from tests.ports import free_ports
from tests.waiting import SLOWNESS, wait_until
from widget_server.auth import tokens
from widget_server.cli.main import app

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / ".screenshots"
SITE = "harbour-post"
expect.set_options(timeout=5_000 * SLOWNESS)
CHROMIUMS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
# The popup of the address bar is a page with a process of its own in each window, which costs as much as the page
# under test; a spare process stands by for the next page. The other features are those that Playwright switches off:
# of several such switches, Chromium uses the last one.
FEATURES_OFF = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "TcpPortRandomizationWin",
    "ThirdPartyStoragePartitioning",
)
SWITCHES = [
    f"--disable-features={','.join(FEATURES_OFF)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Demo:
    """`widget-server demo` as a process, with the keys to sign tokens for it."""

    port: int
    data: Path
    keys: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def server(self) -> str:
        """The server's own address."""
        return f"http://localhost:{self.port}"

    def page(self, number: int) -> str:
        """Return the address of one of the three demo pages, 0 to 2."""
        return f"http://localhost:{self.port + 1 + number}/"

    def run(self, *arguments: str) -> str:
        """Run `widget-server` with these arguments and return its output.

        It runs in this process, because starting Python takes a second or two.
        """
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(
                CliRunner().invoke,
                app,
                [*arguments, "--data", str(self.data)],
                env=dict.fromkeys(UNSET),
                catch_exceptions=False,
            ).result()
        assert done.exit_code == 0, f"{arguments} ended with {done.exit_code}:\n{done.output}"
        return done.stdout

    def site(self, slug: str, *settings: str) -> str:
        """Create the site if necessary, with these settings (`key=value`), and return its slug."""
        if slug not in self.keys:
            if slug != SITE:
                self.run("site", "create", slug, "--name", slug)
            if settings:
                self.run("site", "set", slug, *settings)
            _, generation, _, key = self.run("site", "key", slug).replace(",", "").split()
            self.keys[slug] = (int(generation), key)
        return slug

    def identity(self, sub: str, name: str, site: str = SITE, **claims: Any) -> str:
        """Return an identity token for a reader of this site, valid for five minutes."""
        generation, secret = self.keys[self.site(site)]
        now = int(time.time())
        payload = {"sub": sub, "name": name, "jti": secrets.token_hex(8), "iat": now}
        payload |= {"exp": now + 300, **claims}
        return tokens.mint(secret, "i1", site, generation, payload)

    def story(self, site: str = SITE, *, known: bool = True, **claims: Any) -> "Story":
        """Return a new story with a token for any page. If `known` is False, the server has not seen it yet."""
        key = secrets.token_hex(8)
        generation, secret = self.keys[self.site(site)]
        payload = {
            "story": key,
            "origins": ["*"],
            "iat": 1_700_000_000,
            "title": "A title with “quotes” & <marks>",
            "url": "https://publisher.example/story",
            "author": "Ines Falk",
            "publisher": "The Harbour Post",
            **claims,
        }

        def mint(**others: Any) -> str:
            return tokens.mint(secret, "w1", site, generation, {**payload, **others})

        story = Story(self.server, tokens.story_code(site, key), mint(), mint)
        if known:
            story.react(None)
        return story


@dataclass(frozen=True)
class Story:
    """A story and the HTML that shows it in a page."""

    server: str
    code: str
    token: str
    with_claims: Callable[..., str]
    """Return a token for this story with other claims."""

    def react(self, key: str | None) -> None:
        """React as a new reader."""
        action = {
            "type": "react",
            "ref": 1,
            "token": self.token,
            "story": self.code,
            "reaction": key,
        }
        request = urllib.request.Request(
            f"{self.server}/v1/actions", json.dumps(action).encode(), {"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(request, timeout=10).close()

    @property
    def link(self) -> str:
        """The address of the snippet's link."""
        return f"{self.server}/s/{self.code}"

    @property
    def anchor(self) -> str:
        """The snippet without its script."""
        return (
            f'<blockquote><p><a class="story-widget" href="{self.link}" '
            f'data-widget-token="{escape(self.token)}">Discuss this story</a></p>'
            "<p>A title by Ines Falk. CC BY 4.0.</p></blockquote>"
        )

    @property
    def script(self) -> str:
        """The script element of the embed."""
        return f'<script async src="{self.server}/embed.js"></script>'

    @property
    def snippet(self) -> str:
        """The whole snippet."""
        return self.anchor + self.script


UNSET = ("DATA_DIR", "DATABASE_URL", "REDIS_URL", "SECRET_KEYS", "PUBLIC_URL", "PORT")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return {**kept, "RATE_LIMITS": "off"}


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """Run the demo server inside the block, with its data and its log in `folder`."""
    port = free_ports(4)
    log = (folder / "log").open("w+")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "widget_server", "demo"),
            *("--port", str(port), "--data", str(folder / "data")),
        ],
        cwd=ROOT,
        env=_environment(),
        stdout=log,
        stderr=subprocess.STDOUT,
    )

    def ready() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            for place in (f"{port}/readyz", *(f"{port + 1 + number}/" for number in range(3))):
                urllib.request.urlopen(f"http://localhost:{place}", timeout=1).close()
        except OSError:
            return False
        return True

    try:
        wait_until(ready, "the demo answers", 60)
        yield Demo(port, folder / "data")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run the demo server, shared by all tests. Each test creates its own story."""
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Launch the installed Chromium, else the one of Playwright."""
    found = next((path for path in CHROMIUMS if Path(path).exists()), None)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=found, args=SWITCHES)
        yield chromium
        await chromium.close()


def host_page(body: str, attributes: str = 'lang="en"', head: str = "") -> str:
    """Return the HTML of a host page."""
    return (
        f"<!doctype html><html {attributes}><head><meta charset=utf-8><title>Host</title>"
        f'<meta name=viewport content="width=device-width"><link rel=icon href="data:,">'
        f"{head}</head><body><main><h1>A story</h1>{body}</main></body></html>"
    )


class HostSites:
    """Host sites: pages by path, on several origins."""

    def __init__(self, number: int) -> None:
        self.pages: dict[str, tuple[bytes, dict[str, str]]] = {}
        pages = self.pages

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content, headers = pages.get(self.path.partition("?")[0], (b"", {}))
                self.send_response(200 if content else 404)
                for name, value in {"Content-Type": "text/html", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Do not log requests."""

        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), Answer) for _ in range(number)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def put(self, number: int, html: str, headers: dict[str, str]) -> str:
        """Publish a page on the origin with this number and return its address."""
        path = f"/{secrets.token_hex(4)}"
        self.pages[path] = (html.encode(), headers)
        return f"http://localhost:{self.servers[number].server_port}{path}"

    def close(self) -> None:
        """Stop all servers."""
        for server in self.servers:
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="session")
def host_sites() -> Iterator[HostSites]:
    """Three host sites."""
    host_sites = HostSites(3)
    yield host_sites
    host_sites.close()


@dataclass
class Hosts:
    """Opens host pages in browser contexts; a context is a reader."""

    browser: Browser
    host_sites: HostSites
    contexts: list[BrowserContext] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    """All console messages and uncaught errors."""
    expected: list[str] = field(default_factory=list)
    """Prefixes of console messages that the test causes."""

    async def reader(self, **options: Any) -> BrowserContext:
        """Create a browser context: a new reader."""
        context = await self.browser.new_context(
            **{"viewport": {"width": 900, "height": 900}, **options}
        )
        context.set_default_timeout(10_000 * SLOWNESS)
        self.contexts.append(context)
        return context

    async def open(
        self,
        body: str,
        *,
        reader: BrowserContext | None = None,
        site: int = 0,
        headers: dict[str, str] | None = None,
        page: Page | None = None,
        attributes: str = 'lang="en"',
        head: str = "",
        **options: Any,
    ) -> Page:
        """Open a host page with this body on one of three origins."""
        reader = reader or await self.reader(**options)
        page = page or await self.page(reader)
        await page.goto(self.host_sites.put(site, host_page(body, attributes, head), headers or {}))
        return page

    async def page(self, reader: BrowserContext) -> Page:
        """Open an empty page whose console messages are recorded."""
        page = await reader.new_page()
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def hosts(browser: Browser, host_sites: HostSites) -> AsyncIterator[Hosts]:
    """Host pages. Fails if a page wrote an unexpected console message."""
    hosts = Hosts(browser, host_sites)
    yield hosts
    for context in hosts.contexts:
        await context.close()
    unexpected = [
        text for text in hosts.console if not text.startswith(tuple(hosts.expected) or ("\0",))
    ]
    assert unexpected == []


@pytest.fixture
def photograph(request: pytest.FixtureRequest) -> Callable[[Page, str], Any]:
    """Save a screenshot of a page for a person to look at; in CI, where it would be lost, do nothing."""

    async def take(page: Page, name: str) -> None:
        if os.environ.get("CI"):
            return
        SCREENSHOTS.mkdir(exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return take
