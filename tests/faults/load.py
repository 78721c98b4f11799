"""The standard load: readers who watch and readers who write, all by one seed.

Writers use HTTP and send again, under the same client key, until they are told that it is saved;
so when the load ends everything that was begun is acknowledged. Watchers follow by sockets on
both servers and come back as the contract says. What one does next depends on the seed alone; what
happens first is up to the machine.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

import httpx
from websockets.exceptions import WebSocketException

from tests.e2e.client import Client, RefusedError
from tests.e2e.publisher import Story
from tests.e2e.replay import BrokenPromiseError, Json, Replay
from tests.faults.ledger import Ledger, Posted
from tests.loopback import http_client
from tests.waiting import eventually

AGAIN = {429, 502, 503, 504}
ORIGIN = "https://copy.example"
REACTIONS = ("surprised", "thinking", "happy", "sad", "fired_up")


class Address(Protocol):
    """Where a server is reached."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Endpoint:
    """An address that is no server's own: a proxy's."""

    url: str


class FaultLoad:
    """`async with Load(servers, stories, seed) as load:`; leaving it ends the writers cleanly."""

    def __init__(
        self,
        servers: Sequence[Address],
        stories: Sequence[Story],
        seed: int,
        subscribers: int = 40,
        writers: int = 8,
        doors: Sequence[Address] = (),
        rest: float = 0.08,
    ) -> None:
        self.servers, self.stories = list(servers), list(stories)
        self.endpoints = list(doors) or self.servers
        """Where writers send their actions."""
        self.rest = rest
        """Seconds that a writer rests at most between two actions."""
        self.ledger = Ledger()
        self.stopping = asyncio.Event()
        self.watchers = [Watcher(self, random.Random(f"{seed} {n}")) for n in range(subscribers)]
        self.writers = [Writer(self, n, random.Random(f"{seed} w{n}")) for n in range(writers)]
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "FaultLoad":
        await asyncio.gather(*(writer.begin() for writer in self.writers))
        self.watching = [asyncio.create_task(watcher.run()) for watcher in self.watchers]
        await self.everyone_is_back()
        self.tasks = [asyncio.create_task(writer.run()) for writer in self.writers]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        try:
            if error is None:
                await asyncio.wait_for(asyncio.gather(*self.tasks), 40)
                await self.everyone_is_back()
                await self.in_step()
        finally:
            everyone = [*self.tasks, *self.watching]
            for task in everyone:
                task.cancel()
            for ended in await asyncio.gather(*everyone, return_exceptions=True):
                if isinstance(ended, Exception) and error is None:
                    raise ended
            for writer in self.writers:
                await writer.http.aclose()

    async def more(self, number: int, timeout: float = 40) -> None:
        """Wait until so many more actions were acknowledged."""
        goal = self.ledger.acknowledged + number
        await eventually(
            lambda: self.ledger.acknowledged >= goal, f"{number} more actions", timeout, pause=0.05
        )

    async def everyone_is_back(self, timeout: float = 30) -> None:
        """Wait until every watcher has all its stories."""
        await eventually(
            lambda: all(watcher.back.is_set() for watcher in self.watchers),
            "every watcher is connected",
            timeout,
            pause=0.05,
        )

    async def recovery(self, since: float, timeout: float = 40) -> float:
        """Seconds from `since` (monotonic) until a new comment is saved and everyone sees it."""
        await self.spread(timeout)
        return time.monotonic() - since

    async def spread(self, timeout: float = 40) -> float:
        """Seconds from the acknowledgement of a new comment in each story until everyone sees it."""
        beacons = await asyncio.gather(
            *(
                self.writers[number % len(self.writers)].post(story)
                for number, story in enumerate(self.stories)
            )
        )
        saved = time.monotonic()
        await eventually(
            lambda: all(watcher.sees(beacons) for watcher in self.watchers),
            "every watcher sees what was written after the fault",
            timeout,
            pause=0.02,
        )
        return time.monotonic() - saved

    async def in_step(self, timeout: float = 15) -> None:
        """Old snapshot + frames = new snapshot, for every watcher, story and server."""
        found: list[str] = []

        async def same() -> bool:
            found.clear()
            async with http_client() as http:
                for server in self.servers:
                    for story in self.stories:
                        answer = await http.get(f"{server.url}/v1/stories/{story.code}", timeout=10)
                        if answer.status_code != 200:
                            return False
                        fresh = Replay.of(answer.json())
                        for watcher in self.watchers:
                            found.extend(watcher.differences(story.code, fresh))
            return not found

        try:
            await eventually(same, "all watchers are in step", timeout, pause=0.2)
        except AssertionError as problem:
            told = [await _hub_of(server) for server in self.servers]
            raise AssertionError("\n".join([str(problem), *found[:10], *told])) from None


async def _hub_of(server: Address) -> str:
    """What a server's hub and bus counted, for anyone who reads of a failure."""
    async with http_client(timeout=10) as http:
        lines = (await http.get(f"{server.url}/metrics")).text.splitlines()
    counted = [line for line in lines if line.startswith(("widget_hub", "widget_bus"))]
    return "\n".join([server.url, *counted])


class Watcher:
    """One reader with a few stories on a socket."""

    def __init__(self, load: FaultLoad, chance: random.Random) -> None:
        self.load, self.chance = load, chance
        self.stories = chance.sample(load.stories, min(3, len(load.stories)))
        self.servers: Sequence[Address] = ()
        """Where it connects to; the load's servers where none are named."""
        self.client: Client | None = None
        self.back = asyncio.Event()
        self.closes: list[tuple[float, int | None]] = []
        """When each socket ended, and with which code."""
        self.goodbyes = 0
        self.away = 0.0
        """The longest time without a socket, in seconds."""

    def sees(self, beacons: list[tuple[str, str]]) -> bool:
        """Whether it was shown these `(code, comment)` as far as it watches their stories."""
        if self.client is None:
            return False
        own = {story.code for story in self.stories}
        replays = self.client.replays
        return all(
            code in replays and comment in replays[code].comments
            for code, comment in beacons
            if code in own
        )

    def differences(self, code: str, fresh: Replay) -> list[str]:
        """Where it sees something else than one who comes now."""
        if self.client is None or code not in {story.code for story in self.stories}:
            return []
        return self.client.replays[code].differences(fresh)

    async def run(self) -> None:
        """Watch, and come back whenever the socket ends."""
        lost_at = time.monotonic()
        while True:
            try:
                pause = await self._watch(lost_at)
            except BrokenPromiseError as broken:
                self.load.ledger.broken.append(str(broken))
                return
            except (OSError, WebSocketException, RefusedError, AssertionError, TimeoutError):
                pause = self.chance.uniform(0.1, 0.6)
            if self.back.is_set():
                self.back.clear()
                lost_at = time.monotonic()
            await asyncio.sleep(pause)

    async def _watch(self, lost_at: float) -> float:
        server = self.chance.choice(self.servers or self.load.servers)
        async with asyncio.timeout(10):
            client = Client(server.url, ORIGIN, after=self.client)
            await client.__aenter__()
        # From here on this is what the reader knows, also if the rest fails.
        self.client = client
        try:
            for story in self.stories:
                known = client.replays.get(story.code)
                since = None if known is None or known.seq < 0 else known.position()
                await client.subscribe(story.token, since=since)
            self.away = max(self.away, time.monotonic() - lost_at)
            self.back.set()
            await asyncio.wait({client._listener})
            client._check()
        finally:
            self.closes.append((time.monotonic(), client.socket.close_code))
            self.load.ledger.see(client.frames)
            client.socket.transport.abort()
            await asyncio.wait({client._listener})
        goodbye = [frame for frame in client.frames if frame["type"] == "goodbye"]
        if goodbye:
            self.goodbyes += 1
            return float(goodbye[-1]["retry_after_ms"]) / 1000
        return self.chance.uniform(0.1, 0.6)


class Writer:
    """One reader who does one thing after another."""

    def __init__(self, load: FaultLoad, number: int, chance: random.Random) -> None:
        self.load, self.number, self.chance = load, number, chance
        self.reader: str | None = None
        # An idle connection is given up before the server does so: a request that meets the end
        # of its connection says nothing of a fault.
        limits = httpx.Limits(keepalive_expiry=1)
        self.http = http_client(headers={"Origin": ORIGIN}, limits=limits)
        self.own: list[Posted] = []
        self.size = 0
        """Characters that each comment is filled up to."""
        self.tokens = {story.code: story.token for story in load.stories}

    async def begin(self) -> None:
        """Become a reader; only from now on does sending again mean the same reader."""
        await self._react(self.load.stories[0].code, "")

    async def run(self) -> None:
        """Do things until the load stops."""
        while not self.load.stopping.is_set():
            await self._something()
            await asyncio.sleep(self.chance.uniform(0, self.load.rest))

    async def _something(self) -> None:
        story = self.chance.choice(self.load.stories)
        kept = [posted for posted in self.own if not posted.removed]
        kind = self.chance.random()
        if kind < 0.45 or not kept:
            await self.post(story)
        elif kind < 0.8:
            posted = self.chance.choice(kept)
            await self._react(*self.chance.choice([(story.code, ""), (posted.story, posted.id)]))
        elif kind < 0.93:
            await self._edit(self.chance.choice(kept))
        else:
            await self._delete(self.chance.choice(kept))

    async def post(self, story: Story, size: int = 0) -> tuple[str, str]:
        """A comment of so many characters at least; its story's code and its id."""
        key, body = (
            str(uuid.UUID(int=self.chance.getrandbits(128))),
            f"By {self.number}.".ljust(size or self.size, "."),
        )
        answer = await self._do("comment", story.code, key=key, body=body)
        posted = Posted(answer["comment"]["id"], story.code, body)
        self.load.ledger.comments[key] = posted
        self.own.append(posted)
        return story.code, posted.id

    async def _react(self, code: str, target: str) -> None:
        reaction = self.chance.choice((*REACTIONS, None))
        comment = {"comment": target} if target else {}
        await self._do("react", code, reaction=reaction, **comment)
        self.load.ledger.reactions[code, target, self.number] = reaction

    async def _edit(self, posted: Posted) -> None:
        body = f"By {self.number}, edited {self.chance.randrange(10**6)}."
        await self._do("edit", posted.story, comment=posted.id, body=body)
        posted.body = body

    async def _delete(self, posted: Posted) -> None:
        await self._do("delete", posted.story, comment=posted.id)
        posted.removed = True

    async def _do(self, kind: str, code: str, **fields: Any) -> Json:
        action = {"type": kind, "story": code, "token": self.tokens[code], **fields}
        if self.reader is not None:
            action["reader"] = self.reader
        sent_before = False
        while True:
            answer = await self._send(action)
            if answer is None:
                sent_before = True
                await asyncio.sleep(self.chance.uniform(0.05, 0.3))
                continue
            if answer["type"] != "ok" and not (
                # Sent before and done, though the answer was lost.
                sent_before and kind == "delete" and answer["code"] == "not_found"
            ):
                self.load.ledger.broken.append(f"{kind} was answered with {answer}")
            self.load.ledger.acknowledged += 1
            self.reader = self.reader or answer.get("reader")
            return answer

    async def _send(self, action: Json) -> Json | None:
        """The answer, or None where it has to be sent again."""
        door, ledger = self.chance.choice(self.load.endpoints), self.load.ledger
        begun = time.monotonic()
        try:
            response = await self.http.post(f"{door.url}/v1/actions", json=action, timeout=20)
        except httpx.TransportError as error:
            ledger.retries[type(error).__name__] += 1
            return None
        finally:
            ledger.slowest = max(ledger.slowest, time.monotonic() - begun)
        if response.status_code in AGAIN:
            ledger.retries[str(response.status_code)] += 1
            return None
        if response.status_code >= 500:
            ledger.broken.append(f"{action['type']} was answered with {response.status_code}")
        answer: Json = response.json()
        return answer
