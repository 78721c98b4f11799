"""A reader's client that knows the contract and nothing else."""

import asyncio
import json
import uuid
from copy import deepcopy
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from tests.e2e.replay import Json, Replay
from tests.loopback import http_client
from tests.waiting import SLOWNESS, eventually


class RefusedError(Exception):
    """The server answered an action with `error`."""

    def __init__(self, answer: Json) -> None:
        super().__init__(f"{answer['code']}: {answer['detail']}")
        self.code: str = answer["code"]
        self.answer = answer


class Client:
    """One reader on one page: `async with Client(server.url, origin) as client`.

    Every frame is kept in `frames` and applied to the replay of its story at once; a frame that
    breaks the contract makes the next call raise. `reader` is the token that the server issued.
    `headers` go with the handshake. With `after`, the reader of an earlier client comes back, knowing what that one knew.
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
        self.frames: list[Json] = []
        self.replays: dict[str, Replay] = {} if after is None else deepcopy(after.replays)
        self.close_code: int | None = None
        self._refs = 0
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._broken: BaseException | None = None

    async def __aenter__(self) -> "Client":
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
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.socket.close()
        await self._listener
        if error is None:
            self._check()

    async def send(self, text: str | bytes) -> None:
        """Send any frame, also one that is no message."""
        await self.socket.send(text)

    async def ask(self, message: Json, timeout: float = 10.0) -> Json:
        """Send a message with the next `ref`; the frame that answers it, `error` included."""
        self._check()
        self._refs += 1
        ref = self._refs
        answer = self._answers[ref] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"ref": ref, **message}))
        try:
            return await asyncio.wait_for(answer, timeout * SLOWNESS)
        except TimeoutError:
            self._check()
            raise AssertionError(f"no answer in {timeout} s to {message!r}") from None

    async def action(self, kind: str, code: str, **fields: Any) -> Json:
        """Do something to a story; the `ok` answer. Raises `RefusedError` for an `error`."""
        answer = await self.ask({"type": kind, "story": code, **fields})
        if answer["type"] == "error":
            raise RefusedError(answer)
        assert answer["type"] == "ok", answer
        return answer

    async def subscribe(
        self, token: str | None = None, code: str | None = None, **fields: Any
    ) -> Json:
        """Watch a story by its token or its code; the snapshot.

        To resume: `since=client.state(code).position()`.
        """
        by = {"token": token} if token is not None else {"story": code}
        if self.reader is not None:
            fields.setdefault("reader", self.reader)
        answer = await self.ask({"type": "subscribe", **by, **fields})
        if answer["type"] == "error":
            raise RefusedError(answer)
        assert answer["type"] == "snapshot", answer
        return answer

    async def react(self, code: str, reaction: str | None, comment: str | None = None) -> Json:
        """Put, change or (None) take back a reaction."""
        to = {} if comment is None else {"comment": comment}
        return await self.action("react", code, reaction=reaction, **to)

    async def comment(self, code: str, body: str, **fields: Any) -> Json:
        """Post a comment; it as it now is."""
        fields.setdefault("key", str(uuid.uuid4()))
        comment: Json = (await self.action("comment", code, body=body, **fields))["comment"]
        return comment

    def state(self, code: str) -> Replay:
        """The story as the snapshot and all frames since make it."""
        self._check()
        return self.replays[code]

    async def fresh(self, code: str, url: str | None = None) -> Replay:
        """The story as a reader who comes now sees it, by HTTP: from this server, or that of `url`."""
        async with http_client() as http:
            answer = await http.get(f"{url or self.url}/v1/stories/{code}")
            answer.raise_for_status()
            return Replay.of(answer.json())

    async def agrees(self, code: str, *urls: str, timeout: float = 10.0) -> None:
        """Old snapshot + frames = new snapshot, as soon as what is under way has arrived.

        With `urls` of servers: the snapshot of each. A server that has not heard yet of what was
        committed by another agrees with its own readers.
        """
        found: list[str] = []

        async def same() -> bool:
            for url in urls or (self.url,):
                found[:] = self.state(code).differences(await self.fresh(code, url))
                if found:
                    return False
            return True

        try:
            await eventually(same, "snapshot + frames = fresh snapshot", timeout)
        except AssertionError as problem:
            raise AssertionError("\n".join([str(problem), *found])) from None

    async def saw(self, kind: str, timeout: float = 10.0, **fields: Any) -> Json:
        """Wait until a frame of that type with these fields is among `frames`; the first one."""

        def find() -> Json | None:
            self._check()
            wanted = {"type": kind, **fields}
            for frame in self.frames:
                if all(frame.get(key) == value for key, value in wanted.items()):
                    return frame
            return None

        frame: Json = await eventually(find, f"a frame {kind} {fields}", timeout)
        return frame

    async def closed(self, timeout: float = 10.0) -> int:
        """Wait until the server closes the socket; its close code (1006: it broke)."""
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

    def _take(self, frame: Json) -> None:
        self.frames.append(frame)
        self.reader = frame.get("reader", self.reader)
        story = frame.get("story")
        if frame["type"] == "snapshot":
            code = frame["story"]["code"]
            self.replays.setdefault(code, Replay(code)).apply(frame)
        elif isinstance(story, str) and frame["type"] not in ("ok", "error"):
            self.replays[story].apply(frame)
        answer = self._answers.pop(frame.get("ref", 0), None)
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken
