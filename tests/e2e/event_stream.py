"""A reader of Server-Sent Events, written from the HTML standard (9.2.6) and from the protocol alone."""

import asyncio
import json
from copy import deepcopy
from typing import Any

import httpx

from tests.async_context import AsyncContext
from tests.e2e.client import Client
from tests.e2e.replay import Json, Replay
from tests.loopback import http_client
from tests.waiting import eventually


class EventStream(AsyncContext):
    """One stream of a story: `async with EventStream(server.url, code) as stream`.

    It applies every message to the replay of its story at once. With `after`, it continues an earlier
    stream by the id of the last event, as a browser does.
    """

    def __init__(
        self,
        url: str,
        code: str,
        *more: str,
        after: "EventStream | None" = None,
        origin: str = "",
        **query: str | list[str],
    ) -> None:
        self.url, self.code, self.origin = url, code, origin
        self.query: dict[str, str | list[str]] = {**query, "story": list(more)}
        self.last_id: str = "" if after is None else after.last_id
        self.retry: int | None = None
        self.messages: list[Json] = []
        self.replays: dict[str, Replay] = {} if after is None else deepcopy(after.replays)
        self.comments = 0
        self.ended = False
        self.response: httpx.Response

    async def open(self) -> None:
        """Connect. The response must begin with status 200."""
        self._http = http_client()
        headers = {"Accept": "text/event-stream"}
        if self.origin:
            headers["Origin"] = self.origin
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        path = f"{self.url}/v1/stories/{self.code}/events"
        request = self._http.build_request("GET", path, params=self.query, headers=headers)
        self.response = await self._http.send(request, stream=True)
        assert self.response.status_code == 200, await self.response.aread()
        self._task = asyncio.create_task(self._read())

    async def close(self, error: BaseException | None = None) -> None:
        """Disconnect. If no error ended the block, check that no message was wrong."""
        self._task.cancel()
        done = (await asyncio.gather(self._task, return_exceptions=True))[0]
        await self.response.aclose()
        await self._http.aclose()
        if error is None and done is not None and not isinstance(done, asyncio.CancelledError):
            raise done

    async def _read(self) -> None:
        data: list[str] = []
        name = ""
        async for line in self.response.aiter_lines():
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if data:
                    self.last_id = name or self.last_id
                    self._take(json.loads("\n".join(data)))
                data, name = [], ""
            elif not field:
                self.comments += 1
            elif field == "data":
                data.append(value)
            elif field == "id":
                name = value
            elif field == "retry":
                self.retry = int(value)
        self.ended = True

    def _take(self, message: Json) -> None:
        self.messages.append(message)
        story: Any = message.get("story")
        if message["type"] == "snapshot":
            code = message["story"]["code"]
            self.replays.setdefault(code, Replay(code)).apply(message)
        elif isinstance(story, str) and message["type"] != "error":
            self.replays[story].apply(message)

    async def first(self, kind: str = "snapshot", timeout: float = 10.0) -> Json:
        """Wait for the first message of this type."""
        found: Json = await eventually(
            lambda: next((m for m in self.messages if m["type"] == kind), None), kind, timeout
        )
        return found

    async def wait_in_sync(self, code: str, reader: Client) -> None:
        """Wait until old snapshot + messages = new snapshot."""
        differences: list[str] = []

        async def in_sync() -> bool:
            if code not in self.replays:
                return False
            differences[:] = self.replays[code].differences(await reader.fresh(code))
            return not differences

        try:
            await eventually(in_sync, "stream + messages = new snapshot")
        except AssertionError as problem:
            raise AssertionError("\n".join([str(problem), *differences])) from None
