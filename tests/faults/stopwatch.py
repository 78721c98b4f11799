"""How long it takes until a comment that is sent has been shown to those who watch."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from tests.e2e.client import Client
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Story
from tests.e2e.replay import Json
from tests.faults.load import ORIGIN, FaultLoad
from tests.waiting import eventually

WATCHERS = 10
PAUSE_S = 1 / 15
"""Between two comments, whatever has become of the one before."""
SIZE = 1_000
"""Characters of a comment: enough to fill the buffer of one who does not read."""


class _Watcher(Client):
    """Notes when it was first shown each comment."""

    def __init__(self, url: str) -> None:
        super().__init__(url, ORIGIN)
        self.shown: dict[str, float] = {}

    def _take(self, frame: Json) -> None:
        if frame["type"] == "comment":
            self.shown.setdefault(frame["comment"]["id"], time.monotonic())
        super()._take(frame)


class Stopwatch:
    """`async with Stopwatch(load, server, story) as watch:`; what it does is in the load's ledger.

    All its watchers are on the one server; the comments are sent to both in turn of chance.
    """

    def __init__(self, load: FaultLoad, server: ServerProcess, story: Story) -> None:
        self.load, self.story = load, story
        self.writer = load.writers[0]
        self.writer.tokens[story.code] = story.token
        self.watchers = [_Watcher(server.url) for _ in range(WATCHERS)]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Stopwatch":
        for watcher in self.watchers:
            await self._stack.enter_async_context(watcher)
            await watcher.subscribe(self.story.token)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for watcher in self.watchers:
            self.load.ledger.see(watcher.frames)
        await self._stack.__aexit__(kind, error, trace)

    async def window(self, seconds: float) -> list[float]:
        """Seconds from sending until being shown: each comment of this window, each watcher."""
        sent: dict[str, float] = {}
        posts: list[asyncio.Task[Any]] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            posts.append(asyncio.create_task(self._post(sent)))
            await asyncio.sleep(PAUSE_S)
        await asyncio.gather(*posts)
        await eventually(
            lambda: all(set(sent) <= set(watcher.shown) for watcher in self.watchers),
            "every watcher was shown every comment of the window",
        )
        return [watcher.shown[one] - at for watcher in self.watchers for one, at in sent.items()]

    async def _post(self, sent: dict[str, float]) -> None:
        at = time.monotonic()
        _, comment = await self.writer.post(self.story, SIZE)
        sent[comment] = at


def quantile(numbers: Sequence[float], share: float) -> float:
    """The number below which this share of all lies."""
    return sorted(numbers)[int(len(numbers) * share)]
