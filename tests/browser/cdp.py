"""Chromium as readers have it: nothing of it is switched off, and its own protocol only looks on.

Playwright attaches to pages in a way in which Chromium prepares none in advance, and starts it without the back/forward cache. Here
the tab is attached to, and each page that it holds as a part of it: https://chromedevtools.github.io/devtools-protocol/.
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
    """A page of a tab, also one that no one sees yet, and what it asked for."""

    def __init__(self, chromium: "Chromium", session: str, target: dict[str, Any]) -> None:
        self.chromium = chromium
        self.session = session
        self.target = target["targetId"]
        self.ahead = target.get("subtype") == "prerender"
        """Prepared in advance when it was first seen."""
        self.asked: list[str] = []
        """The address of every request, and of every socket."""

    async def value(self, expression: str) -> Any:
        """What this is in the page; nothing while the page changes to another one."""
        told = await self.chromium.ask(
            "Runtime.evaluate", self.session, expression=expression, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def wait(self, expression: str) -> None:
        """Until it is so; a page that has no widget yet has nothing of it."""
        whole = f"(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()"
        await eventually(lambda: self.value(whole), expression)


class Chromium:
    """A running Chromium. What its pages do is noted from their beginning."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.numbers = count(1)
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.pages: dict[str, Viewport] = {}
        """By session."""
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionClosedError):
            async for message in self.connection:
                told = json.loads(message)
                if "id" not in told:
                    await self._hear(told["method"], told["params"], told.get("sessionId"))
                elif waiting := self.waiting.pop(told["id"], None):
                    waiting.set_result(told)

    async def _hear(self, event: str, params: dict[str, Any], session: str | None) -> None:
        page = self.pages.get(session or "")
        match event:
            case "Target.attachedToTarget":
                await self._attached(params["sessionId"], params["targetInfo"])
            case "Target.detachedFromTarget":
                self.pages.pop(params["sessionId"], None)
            case "Network.requestWillBeSent" if page:
                page.asked.append(params["request"]["url"])
            case "Network.webSocketCreated" if page:
                page.asked.append(params["url"])

    async def _attached(self, session: str, target: dict[str, Any]) -> None:
        """Look at all of it; until then it stands still."""
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
        """The result of a command; nothing if it cannot be done now."""
        answer = asyncio.get_running_loop().create_future()
        self.waiting[await self._send(method, session, **params)] = answer
        told = await asyncio.wait_for(answer, 60)
        return told.get("result", {"result": {}})

    async def visit(self, address: str) -> Viewport:
        """A new tab with this page."""
        made = (await self.ask("Target.createTarget", url=address))["targetId"]
        await eventually(
            lambda: any(each.target == made for each in self.pages.values()), "the tab is there"
        )
        return next(each for each in self.pages.values() if each.target == made)


EVERYTHING: dict[str, Any] = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}


@asynccontextmanager
async def started(program: str, switches: list[str]) -> AsyncIterator[Chromium]:
    """Chromium without a window and with a profile of its own, until the end."""
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
            told = Path(profile, "DevToolsActivePort")
            await eventually(lambda: told.exists() and "/" in told.read_text(), "Chromium listens")
            port, path = told.read_text().split()
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
                await chromium.listening
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
