"""Chromium with prerendering and the back/forward cache, observed over the DevTools protocol.

Playwright attaches to pages in a way that disables prerendering, and starts Chromium without the back/forward cache. This
client attaches to the tab and to each page in it instead: https://chromedevtools.github.io/devtools-protocol/.
"""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from tests.waiting import eventually

ROOT = "document.querySelector('story-widget').shadowRoot"


class Viewport:
    """A page of a tab, possibly prerendered, with the requests that it sent."""

    def __init__(self, chromium: "Chromium", session: str, target: dict[str, Any]) -> None:
        self.chromium = chromium
        self.session = session
        self.target = target["targetId"]
        self.prerendered = target.get("subtype") == "prerender"
        """Whether it was prerendered when it was attached."""
        self.requests: list[str] = []
        """Addresses of all requests and WebSockets."""

    async def value(self, expression: str) -> Any:
        """Return the value of an expression; None during a navigation."""
        message = await self.chromium.ask(
            "Runtime.evaluate", self.session, expression=expression, returnByValue=True
        )
        assert "exceptionDetails" not in message, message
        return message["result"].get("value")

    async def wait(self, expression: str) -> None:
        """Wait until an expression is true. Errors, as without a widget, count as false."""
        whole = f"(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()"
        await eventually(lambda: self.value(whole), expression)


class Chromium:
    """A running Chromium. Requests of its pages are recorded from the start."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.numbers = count(1)
        self.pending: dict[int, asyncio.Future[Any]] = {}
        self.pages: dict[str, Viewport] = {}
        """Pages by session id."""
        self.receiver = asyncio.create_task(self._receive())

    async def _receive(self) -> None:
        with contextlib.suppress(ConnectionClosedError):
            async for data in self.connection:
                message = json.loads(data)
                if "id" not in message:
                    await self._on_event(
                        message["method"], message["params"], message.get("sessionId")
                    )
                elif reply := self.pending.pop(message["id"], None):
                    reply.set_result(message)

    async def _on_event(self, event: str, params: dict[str, Any], session: str | None) -> None:
        page = self.pages.get(session or "")
        match event:
            case "Target.attachedToTarget":
                await self._attached(params["sessionId"], params["targetInfo"])
            case "Target.detachedFromTarget":
                self.pages.pop(params["sessionId"], None)
            case "Network.requestWillBeSent" if page:
                page.requests.append(params["request"]["url"])
            case "Network.webSocketCreated" if page:
                page.requests.append(params["url"])

    async def _attached(self, session: str, target: dict[str, Any]) -> None:
        """Enable recording for a new target, then let it run: it is paused until then."""
        if target["type"] == "page":
            self.pages[session] = Viewport(self, session, target)
            await self._send("Network.enable", session)
        else:
            await self._send("Target.setAutoAttach", session, **EVERYTHING)
        await self._send("Runtime.runIfWaitingForDebugger", session)

    async def _send(self, method: str, session: str | None, **params: Any) -> int:
        number = next(self.numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        await self.connection.send(json.dumps(message))
        return number

    async def ask(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Return the result of a command; empty if it failed."""
        answer = asyncio.get_running_loop().create_future()
        self.pending[await self._send(method, session, **params)] = answer
        message = await asyncio.wait_for(answer, 60)
        return message.get("result", {"result": {}})

    async def visit(self, address: str) -> Viewport:
        """Open a new tab with this page."""
        target = (await self.ask("Target.createTarget", url=address))["targetId"]
        await eventually(
            lambda: any(each.target == target for each in self.pages.values()), "the tab is there"
        )
        return next(each for each in self.pages.values() if each.target == target)


EVERYTHING: dict[str, Any] = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}


@asynccontextmanager
async def launched(program: str, switches: list[str]) -> AsyncIterator[Chromium]:
    """Run a headless Chromium with its own profile."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program,
            *switches,
            "--headless=new",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            port_file = Path(profile, "DevToolsActivePort")
            await eventually(
                lambda: port_file.exists() and "/" in port_file.read_text(), "Chromium listens"
            )
            port, path = port_file.read_text().split()
            address = f"ws://127.0.0.1:{port}{path}"
            async with connect(address, max_size=None, proxy=None) as connection:
                chromium = Chromium(connection)
                await chromium.ask(
                    "Target.setAutoAttach",
                    **EVERYTHING,
                    filter=[{"type": "tab"}, {"exclude": True}],
                )
                yield chromium
                await chromium.ask("Browser.close")
                await chromium.receiver
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
