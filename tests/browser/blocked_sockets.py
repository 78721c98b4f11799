"""A proxy that blocks WebSockets, what passes through it, and what a page behind it opens and shows."""

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Request

from tests.browser.conftest import Story
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Publisher
from tests.faults.proxy import Proxy
from tests.waiting import SLOWNESS, eventually

EXPECTED = [
    *("Failed to load resource", "WebSocket connection to", "Access to ", "Connecting to 'ws://"),
    *("Loading the image", "story-widget: "),
]
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
LIVE_S = 1.0 * SLOWNESS
LATE_MS = 40_000 * SLOWNESS
HIDE = (
    "value => { Object.defineProperty(document, 'hidden', { value, configurable: true });"
    " document.dispatchEvent(new Event('visibilitychange')) }"
)
SECRET = "a secret of these tests that is long enough"
_CHUNK = re.compile(rb"([0-9a-f]+)\r\n", re.IGNORECASE)


@asynccontextmanager
async def blocking_proxy(port: int) -> AsyncIterator[Proxy]:
    """Run a proxy in front of a port that refuses WebSockets."""
    proxy = await Proxy(port).start()
    proxy.refuse_handshakes = REFUSAL
    try:
        yield proxy
    finally:
        await proxy.close()


@asynccontextmanager
async def running_server(folder: Path, **env: str) -> AsyncIterator[ServerProcess]:
    """Run a server with a site `press`, which the test may stop and start."""
    server = ServerProcess(folder / "data", {"SECRET_KEYS": SECRET, **env})
    server.cli("migrate")
    server.cli("site", "create", "press", "--name", "Press")
    try:
        yield await server.start()
    finally:
        await server.kill()


def behind(proxy: Proxy, story: Story) -> Story:
    """Return the story with the proxy's address."""
    return replace(story, server=f"http://localhost:{proxy.port}")


def story_of(server: ServerProcess) -> Story:
    """Return a new story of the site `press`, which the server knows."""
    made = Publisher("press", SECRET).story(origins=["*"])
    story = Story(server.url, made.code, made.token, lambda **_: made.token)
    story.react(None)
    return story


def snapshot(story: Story) -> Any:
    """Return the story's snapshot."""
    with urllib.request.urlopen(f"{story.server}/v1/stories/{story.code}", timeout=10) as answer:
        return json.load(answer)


def messages(stream: bytearray) -> list[Any]:
    """Return the server messages in the bytes of a response (RFC 9112, chunked)."""
    _, _, body = bytes(stream).partition(b"\r\n\r\n")
    text, at = b"", 0
    while (size := _CHUNK.match(body, at)) and (length := int(size[1], 16)):
        text += body[size.end() : size.end() + length]
        at = size.end() + length + 2
    events = text.decode("utf-8", "ignore").split("\n\n")[:-1]
    lines = [line for event in events for line in event.split("\n")]
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def has_snapshots(proxy: Proxy, *stories: Story) -> bool:
    """Whether the newest stream has begun for these stories."""
    found = messages(proxy.streams[-1]) if proxy.streams else []
    codes = {one["story"]["code"] for one in found if one["type"] == "snapshot"}
    return codes >= {story.code for story in stories}


async def streaming(proxy: Proxy, *stories: Story) -> None:
    """Wait until a stream carries these stories."""
    await eventually(lambda: has_snapshots(proxy, *stories), "the stream has begun", 30)


def open_streams(page: Page) -> list[str]:
    """Record the addresses of the page's event streams that are open."""
    addresses: list[str] = []

    def begun(request: Request) -> None:
        if "/events?" in request.url:
            addresses.append(request.url)

    def ended(request: Request) -> None:
        if request.url in addresses:
            addresses.remove(request.url)

    page.on("request", begun)
    page.on("requestfinished", ended)
    page.on("requestfailed", ended)
    return addresses


def polls_of(page: Page) -> list[str]:
    """Record the addresses of the page's requests for the changes of one story."""
    addresses: list[str] = []

    def asked(request: Request) -> None:
        if re.search(r"/v1/stories/\w+\?since=", request.url):
            addresses.append(request.url)

    page.on("request", asked)
    return addresses


def sockets_of(page: Page) -> list[str]:
    """Record the addresses of the sockets that the page tries to open."""
    addresses: list[str] = []
    page.on("websocket", lambda socket: addresses.append(socket.url))
    return addresses


async def pass_time(page: Page, seconds: int) -> None:
    """Advance the page's clock in steps, with real time between them for replies."""
    for _ in range(seconds):
        await page.clock.run_for(1_000)
        await asyncio.sleep(0.05)


async def passing(page: Page, condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition while time passes on the page."""

    async def later() -> bool:
        await pass_time(page, 1)
        return condition()

    await eventually(later, what, 60)


async def seen_within(page: Page, text: str) -> float:
    """Wait for a text and return how many seconds it took."""
    began = time.monotonic()
    await page.get_by_role("button", name=text, exact=True).first.wait_for(timeout=LATE_MS)
    return time.monotonic() - began


def code_of(message: Any) -> str:
    """Return the code of the story that a message is about."""
    story = message["story"]
    return story if isinstance(story, str) else story["code"]


def has_all(proxy: Proxy, stories: list[Story]) -> bool:
    """Whether the newest stream has brought each story to its position on the server."""
    found = messages(proxy.streams[-1])
    for story in stories:
        ours = [
            one["position"]["seq"]
            for one in found
            if "position" in one and code_of(one) == story.code
        ]
        if not ours or max(ours) < snapshot(story)["position"]["seq"]:
            return False
    return True
