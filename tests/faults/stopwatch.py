"""Latency from sending a comment until subscribers receive it."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from tests.async_context import AsyncContext
from tests.e2e.client import Client
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Story
from tests.e2e.replay import Json
from tests.faults.load import ORIGIN, FaultLoad
from tests.waiting import eventually

SUBSCRIBERS = 10
PAUSE_S = 1 / 15
"""Seconds between two comments, whether or not the previous one has been acknowledged."""
SIZE = 1_000
"""Characters of a comment: enough to fill the buffers of a client that does not read."""


class _Subscriber(Client):
    """Client that records when it first received each comment."""

    def __init__(self, url: str) -> None:
        super().__init__(url, ORIGIN)
        self.shown: dict[str, float] = {}

    def _take(self, message: Json) -> None:
        if message["type"] == "comment":
            self.shown.setdefault(message["comment"]["id"], time.monotonic())
        super()._take(message)


class Stopwatch(AsyncContext):
    """Latency measurement: `async with Stopwatch(load, server, story) as watch:`.

    All its subscribers are on one server. Its comments go to either server at random, and they are in
    the ledger of the load.
    """

    def __init__(self, load: FaultLoad, server: ServerProcess, story: Story) -> None:
        self.load, self.story = load, story
        self.writer = load.writers[0]
        self.writer.tokens[story.code] = story.token
        self.subscribers = [_Subscriber(server.url) for _ in range(SUBSCRIBERS)]
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """Connect and subscribe."""
        for subscriber in self.subscribers:
            await self._stack.enter_async_context(subscriber)
            await subscriber.subscribe(self.story.token)

    async def close(self, error: BaseException | None) -> None:
        """Check the received messages and disconnect."""
        for subscriber in self.subscribers:
            self.load.ledger.check_messages(subscriber.messages)
        # The clients must get the error too: without one they check their messages.
        await self._stack.__aexit__(type(error) if error else None, error, None)

    async def window(self, seconds: float) -> list[float]:
        """Send comments for `seconds`.

        Return the seconds from sending until receiving, for each comment and each subscriber.
        """
        sent: dict[str, float] = {}
        posts: list[asyncio.Task[Any]] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            posts.append(asyncio.create_task(self._post(sent)))
            await asyncio.sleep(PAUSE_S)
        await asyncio.gather(*posts)
        await eventually(
            lambda: all(set(sent) <= set(subscriber.shown) for subscriber in self.subscribers),
            "every subscriber has received every comment",
        )
        return [
            subscriber.shown[comment] - sent_at
            for subscriber in self.subscribers
            for comment, sent_at in sent.items()
        ]

    async def _post(self, sent: dict[str, float]) -> None:
        sent_at = time.monotonic()
        _, comment = await self.writer.post(self.story, SIZE)
        sent[comment] = sent_at


def quantile(numbers: Sequence[float], share: float) -> float:
    """Return the quantile `share` (0 to 1) of the numbers."""
    return sorted(numbers)[int(len(numbers) * share)]
