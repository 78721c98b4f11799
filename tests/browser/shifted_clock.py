"""A server whose clock the test sets, and how long after an edge of its hours an open page follows."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from playwright.async_api import Page

from tests.browser.conftest import Demo
from tests.e2e.harness import ServerProcess
from tests.engines import Valkey
from tests.loopback import http_client
from tests.waiting import eventually

LATE_S = 2.0
"""An open page and the server change at most this long after an edge."""
LEAD_S = 30.0
"""Time before an edge at which the pages are opened."""
NO_SOCKET = "window.WebSocket = class { constructor() { throw new Error('blocked'); } }"
SAVES_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
"""A script with which the page polls."""


@dataclass
class ShiftedServer:
    """A server whose clock the test sets."""

    process: ServerProcess
    file: Path
    demo: Demo

    def now(self) -> float:
        """Return the server's time in seconds since 1970."""
        return time.time() + float(self.file.read_text())

    async def set(self, at: float) -> None:
        """Set the server's clock, and wait until its responses have the new time.

        The server writes the header `Date` once a second. A page takes the server's time from it.
        """
        self.file.write_text(str(at - time.time()))
        await eventually(self._answers_follow, "the header Date has the new time")

    async def _answers_follow(self) -> bool:
        async with http_client() as http:
            answer = await http.get(f"{self.demo.server}/healthz")
        sent = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        return abs(sent - self.now()) < LATE_S


@asynccontextmanager
async def running_shifted(folder: Path) -> AsyncIterator[ShiftedServer]:
    """Run a server whose clock the test sets, with its data in a folder."""
    file = folder / "shift"
    file.write_text("0")
    valkey = Valkey()
    valkey.start()
    # With its own bus it needs no child process, which would have the real clock.
    env = {"REDIS_URL": f"unix://{valkey.socket_path}", "CLOCK_SHIFT": str(file)}
    process = ServerProcess(folder / "data", env)
    process.env["PUBLIC_URL"] = f"http://localhost:{process.port}"
    process.module = "tests.browser.shifted_server"
    try:
        await process.start()
        yield ShiftedServer(process, file, Demo(process.port, process.data_dir))
    finally:
        await process.kill()
        valkey.close()


async def seconds_late(server: ShiftedServer, page: Page, edge: float, *, hidden: bool) -> float:
    """Wait until the composer is hidden or shown; return how long after the edge."""
    box = page.locator(".composer").first

    async def done() -> bool:
        return await box.is_hidden() is hidden

    await eventually(done, "the composer follows the hours", LEAD_S + 60)
    return server.now() - edge
