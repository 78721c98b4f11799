"""WebSocket client of one reader, written from docs/developers/protocol.md alone.

It shares no code with the server or the embed, and it checks every server message.
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from tests.async_context import AsyncContext
from tests.e2e.replay import Json, Replay
from tests.loopback import http_client
from tests.waiting import SLOWNESS, eventually


class RejectedError(Exception):
    """The server answered a client message with `error`."""

    def __init__(self, answer: Json) -> None:
        super().__init__(f"{answer['code']}: {answer['detail']}")
        self.code: str = answer["code"]
        self.answer = answer


class Client(AsyncContext):
    """One reader on one page: `async with Client(server.url, origin) as client`.

    The client keeps every server message in `messages` and applies it to the replay of its story at
    once. If a message violates the protocol, the next call raises. `reader` is the reader token that
    the server issued. `headers` are sent with the handshake. With `after`, the client continues as
    the reader of an earlier client, with the reader token and the replays of that client.
    """

    def __init__(
        self,
        url: str,
        origin: str | None = "https://copy.example",
        after: "Client | None" = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self._headers = headers or {}
        self.url, self.origin = url.rstrip("/"), origin
        self.reader: str | None = None if after is None else after.reader
        self.messages: list[Json] = []
        self.replays: dict[str, Replay] = {} if after is None else deepcopy(after.replays)
        self.close_code: int | None = None
        self._refs = 0
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._broken: BaseException | None = None

    async def open(self) -> None:
        """Connect. The handshake must succeed."""
        self.socket: ClientConnection = await connect(
            self.url.replace("http", "ws", 1) + "/v1/live",
            origin=None if self.origin is None else Origin(self.origin),
            subprotocols=[Subprotocol("widget.v1")],
            additional_headers={k: v for k, v in self._headers.items() if k != "User-Agent"},
            user_agent_header=self._headers.get("User-Agent"),
            compression=None,
            proxy=None,
            max_size=None,
        )
        self._listener = asyncio.create_task(self._listen())

    async def close(self, error: BaseException | None = None) -> None:
        """Close the socket. If no error ended the block, check that no message was wrong."""
        await self.socket.close()
        await self._listener
        if error is None:
            self._check()

    async def send(self, text: str | bytes) -> None:
        """Send any text or bytes, valid or not."""
        await self.socket.send(text)

    async def request(self, message: Json, timeout: float = 10.0) -> Json:
        """Send a client message with the next `ref` and return the reply, which may be `error`."""
        self._check()
        self._refs += 1
        ref = self._refs
        answer = self._answers[ref] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"ref": ref, **message}))
        try:
            return await asyncio.wait_for(answer, timeout * SLOWNESS)
        except TimeoutError:
            self._check()
            raise AssertionError(f"no reply within {timeout} s to {message!r}") from None

    async def action(self, kind: str, code: str, **fields: Any) -> Json:
        """Send an action on a story and return the `ok` message.

        Raises `RejectedError` for an `error` message.
        """
        answer = await self.request({"type": kind, "story": code, **fields})
        if answer["type"] == "error":
            raise RejectedError(answer)
        assert answer["type"] == "ok", answer
        return answer

    async def subscribe(
        self, token: str | None = None, code: str | None = None, **fields: Any
    ) -> Json:
        """Subscribe to a story by its token or its code and return the `snapshot` message.

        To resume, pass `since=client.state(code).position()`. Raises `RejectedError` for an `error`
        message.
        """
        by = {"token": token} if token is not None else {"story": code}
        if self.reader is not None:
            fields.setdefault("reader", self.reader)
        answer = await self.request({"type": "subscribe", **by, **fields})
        if answer["type"] == "error":
            raise RejectedError(answer)
        assert answer["type"] == "snapshot", answer
        return answer

    async def react(self, code: str, reaction: str | None, comment: str | None = None) -> Json:
        """Set a reaction on the story or on a comment. None removes the reaction."""
        to = {} if comment is None else {"comment": comment}
        return await self.action("react", code, reaction=reaction, **to)

    async def comment(self, code: str, body: str, **fields: Any) -> Json:
        """Post a comment and return the comment of the `ok` message."""
        fields.setdefault("key", str(uuid.uuid4()))
        comment: Json = (await self.action("comment", code, body=body, **fields))["comment"]
        return comment

    def state(self, code: str) -> Replay:
        """Return the story after the snapshot and all later messages."""
        self._check()
        return self.replays[code]

    async def fresh(self, code: str, url: str | None = None) -> Replay:
        """Return the story from a new HTTP snapshot of this server, or of the server at `url`."""
        async with http_client() as http:
            answer = await http.get(f"{url or self.url}/v1/stories/{code}")
            answer.raise_for_status()
            return Replay.of(answer.json())

    async def wait_in_sync(self, code: str, *urls: str, timeout: float = 10.0) -> None:
        """Wait until old snapshot + messages = new snapshot.

        With `urls`, compare with the snapshot of each of these servers. Without them, a server that
        lacks another server's commit would be in sync with its own readers.
        """
        differences: list[str] = []

        async def in_sync() -> bool:
            for url in urls or (self.url,):
                differences[:] = self.state(code).differences(await self.fresh(code, url))
                if differences:
                    return False
            return True

        try:
            await eventually(in_sync, "snapshot + messages = new snapshot", timeout)
        except AssertionError as problem:
            raise AssertionError("\n".join([str(problem), *differences])) from None

    async def wait_for(self, kind: str, timeout: float = 10.0, **fields: Any) -> Json:
        """Wait for a message of this type with these fields and return the first such message.

        Messages that have already arrived count.
        """

        def find() -> Json | None:
            self._check()
            expected = {"type": kind, **fields}
            for message in self.messages:
                if all(message.get(key) == value for key, value in expected.items()):
                    return message
            return None

        message: Json = await eventually(find, f"a message {kind} {fields}", timeout)
        return message

    async def wait_closed(self, timeout: float = 10.0) -> int:
        """Wait until the server closes the socket and return the close code.

        1006 means that the connection broke without a close frame.
        """
        await asyncio.wait_for(asyncio.shield(self._listener), timeout * SLOWNESS)
        self._check()
        assert self.close_code is not None
        return self.close_code

    async def _listen(self) -> None:
        try:
            async for text in self.socket:
                self._take(json.loads(text))
        except ConnectionClosed:
            pass
        except Exception as problem:
            self._broken = problem
            await self.socket.close()
        finally:
            self.close_code = self.socket.close_code
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(
                        self._broken or ConnectionError(f"closed with {self.close_code}")
                    )

    def _take(self, message: Json) -> None:
        self.messages.append(message)
        self.reader = message.get("reader", self.reader)
        story = message.get("story")
        if message["type"] == "snapshot":
            code = message["story"]["code"]
            self.replays.setdefault(code, Replay(code)).apply(message)
        elif isinstance(story, str) and message["type"] not in ("ok", "error"):
            self.replays[story].apply(message)
        answer = self._answers.pop(message.get("ref", 0), None)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken


async def eventually_rejected(
    call: Callable[[], Awaitable[Any]], code: str, timeout: float = 10.0, pause: float = 0.1
) -> None:
    """Repeat `call` until the server rejects it with the error `code`.

    Calls that succeed, or that are rejected with another code, are repeated. Times are in seconds.
    """

    async def is_rejected() -> bool:
        try:
            await call()
        except RejectedError as rejection:
            return rejection.code == code
        return False

    await eventually(is_rejected, f"the server rejects the call with {code}", timeout, pause)


async def eventually_accepted(
    call: Callable[[], Awaitable[Any]], what: str, timeout: float = 10.0, pause: float = 0.1
) -> None:
    """Repeat `call` until the server accepts it. `what` describes the wait. Times are in seconds."""

    async def is_accepted() -> bool:
        try:
            await call()
        except RejectedError:
            return False
        return True

    await eventually(is_accepted, what, timeout, pause)
