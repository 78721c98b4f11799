"""Firefox over WebDriver BiDi, without a driver: the few commands that the tests need.

https://www.w3.org/TR/webdriver-bidi/. Elements are found by role and accessible name.
"""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from tests.waiting import eventually

ENTER, CONTROL, RIGHT = "\ue007", "\ue009", "\ue014"
ROOT = "document.querySelector('story-widget').shadowRoot"


class CommandError(Exception):
    """Firefox rejected a command. The message is Firefox's own."""


class Firefox:
    """A running Firefox and the events it sent."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.numbers = count(1)
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.console: list[str] = []
        """All console messages and uncaught errors."""
        self.requests: list[str] = []
        """Addresses of all requests of pages."""
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            with contextlib.suppress(ConnectionClosedError):
                async for message in self.connection:
                    self._take(json.loads(message))
        finally:
            for each in self.waiting.values():
                if not each.done():
                    each.set_exception(CommandError("Firefox has ended"))

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "event":
            params = message["params"]
            if message["method"] == "log.entryAdded":
                self.console.append(str(params["text"]))
            elif params["context"] is not None:
                self.requests.append(params["request"]["url"])
            return
        answer = self.waiting.pop(message["id"])
        if answer.done():
            return  # The caller has timed out and does not wait for the result.
        if message["type"] == "success":
            answer.set_result(message["result"])
        else:
            answer.set_exception(CommandError(f"{message['error']}: {message['message']}"))

    async def ask(self, method: str, **params: Any) -> Any:
        """Return the result of a command. Raises `CommandError`."""
        number = next(self.numbers)
        self.waiting[number] = asyncio.get_running_loop().create_future()
        await self.connection.send(json.dumps({"id": number, "method": method, "params": params}))
        return await asyncio.wait_for(self.waiting[number], 60)

    async def reader(self) -> str:
        """Create a user context with its own storage and return its id."""
        found: str = (await self.ask("browser.createUserContext"))["userContext"]
        return found

    async def page(self, reader: str) -> "Place":
        """Open an empty page in this user context."""
        made = await self.ask("browsingContext.create", type="window", userContext=reader)
        size = {"width": 900, "height": 900}
        await self.ask("browsingContext.setViewport", context=made["context"], viewport=size)
        return Place(self, made["context"], made["context"])


class Place:
    """A page or an iframe with one widget."""

    def __init__(self, firefox: Firefox, context: str, window: str) -> None:
        self.firefox = firefox
        self.context = context
        self.window = window

    async def open(self, address: str) -> None:
        """Open an address and wait for `load`."""
        await self.firefox.ask(
            "browsingContext.navigate", context=self.context, url=address, wait="complete"
        )

    async def reload(self) -> None:
        """Reload the page."""
        await self.firefox.ask("browsingContext.reload", context=self.context, wait="complete")

    async def back(self) -> None:
        """Go back in history."""
        await self.firefox.ask("browsingContext.traverseHistory", context=self.context, delta=-1)

    async def frame(self) -> "Place":
        """Return the only iframe of the page."""
        found = await self.firefox.ask("browsingContext.getTree", root=self.context)
        (child,) = found["contexts"][0]["children"]
        return Place(self.firefox, child["context"], self.window)

    async def _run(self, script: str) -> Any:
        message = await self.firefox.ask(
            "script.evaluate",
            expression=script,
            target={"context": self.context},
            awaitPromise=True,
        )
        if message["type"] == "exception":
            raise CommandError(message["exceptionDetails"]["text"])
        return message["result"]

    async def value(self, expression: str) -> Any:
        """Return the JSON value of an expression."""
        message = await self._run(f"Promise.resolve({expression}).then(JSON.stringify)")
        return json.loads(message["value"])

    async def find(self, role: str, name: str) -> list[dict[str, Any]]:
        """Return the widget's elements with this role and name: `sharedId`, and `value` with `attributes`."""
        try:
            root = await self._run(ROOT)
        except CommandError:
            return []  # There is no widget yet.
        found = await self.firefox.ask(
            "browsingContext.locateNodes",
            context=self.context,
            locator={"type": "accessibility", "value": {"role": role, "name": name}},
            startNodes=[{"sharedId": root["sharedId"]}],
        )
        nodes: list[dict[str, Any]] = found["nodes"]
        return nodes

    async def shows(self, role: str, name: str, **attributes: str) -> dict[str, Any]:
        """Wait for the only element with this role, name and attributes (`aria_pressed`)."""
        wanted = {key.replace("_", "-"): value for key, value in attributes.items()}

        async def there() -> dict[str, Any] | None:
            found = await self.find(role, name)
            fits = len(found) == 1 and wanted.items() <= found[0]["value"]["attributes"].items()
            return found[0] if fits else None

        what = f"{role} “{name}” {wanted or ''}"
        node: dict[str, Any] = await eventually(there, what, 20, 0.1)
        return node

    async def reads(self, text: str) -> None:
        """Wait until the widget's visible text contains this."""
        script = f"{ROOT}?.querySelector('section')?.innerText.includes({json.dumps(text)})"

        async def there() -> Any:
            return await self.value(f"!!document.querySelector('story-widget') && !!({script})")

        await eventually(there, f"the text “{text}”", 20, 0.1)

    async def readers(self, count: int) -> None:
        """Wait until the widget is subscribed and counts this many readers."""
        script = f"{ROOT}?.querySelector('[part=presence]')?.dataset.readers === '{count}'"

        async def there() -> Any:
            return await self.value(f"!!document.querySelector('story-widget') && !!({script})")

        await eventually(there, f"{count} readers", 20, 0.1)

    async def click(self, role: str, name: str) -> None:
        """Click an element with the pointer."""
        node = {"sharedId": (await self.shows(role, name))["sharedId"]}
        await self.firefox.ask(
            "script.callFunction",
            functionDeclaration="element => element.scrollIntoView({ block: 'center' })",
            arguments=[node],
            target={"context": self.context},
            awaitPromise=False,
        )
        place = {"type": "element", "element": node}
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": place},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self._perform({"type": "pointer", "id": "mouse", "actions": moves})

    async def press(self, *keys: str, held: str = "") -> None:
        """Press and release each key while `held` is down."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        if held:
            around = [{"type": kind, "value": held} for kind in ("keyDown", "keyUp")]
            strokes = [around[0], *strokes, around[1]]
        await self._perform({"type": "key", "id": "keyboard", "actions": strokes})

    async def _perform(self, source: dict[str, Any]) -> None:
        # A window in the background gets no focus events.
        await self.firefox.ask("browsingContext.activate", context=self.window)
        await self.firefox.ask("input.performActions", context=self.context, actions=[source])

    async def focused(self) -> str:
        """Return the text of the focused element in the widget."""
        found: str = await self.value(f"{ROOT}.activeElement?.textContent ?? ''")
        return found


def installed() -> str:
    """Return the command of the installed Firefox."""
    found = shutil.which("firefox-esr") or shutil.which("firefox")
    assert found, "Firefox is missing: `make firefox` installs Debian's where it may"
    return found


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Firefox]:
    """Run the installed Firefox, headless, with a new profile in `folder`."""
    profile = folder / "profile"
    profile.mkdir()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(installed(), "--headless", "--remote-debugging-port=0", "--profile", str(profile)),
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
            stdout=log,
            stderr=log,
        )
    port_file = profile / "WebDriverBiDiServer.json"

    def port() -> int | None:
        assert process.returncode is None, (folder / "log").read_text()
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return int(json.loads(port_file.read_text())["ws_port"])
        return None

    try:
        address = f"ws://127.0.0.1:{await eventually(port, 'Firefox listens', 120, 0.1)}/session"
        async with connect(address, max_size=None, open_timeout=60) as connection:
            firefox = Firefox(connection)
            await firefox.ask("session.new", capabilities={})
            await firefox.ask(
                "session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"]
            )
            yield firefox
            await firefox.ask("browser.close")
            await firefox.listening
        await asyncio.wait_for(process.wait(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
