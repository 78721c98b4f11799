"""Standard load of the fault tests: subscribers and writers whose choices follow one seed.

Writers use HTTP. They retry an action under the same idempotency key until the server acknowledges
it, so after the load has ended every action is acknowledged. Subscribers use sockets on both servers
and reconnect as the protocol says. The seed decides what each client does next; the order between
clients depends on the machine.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from websockets.exceptions import WebSocketException

from tests.async_context import AsyncContext
from tests.e2e.client import Client, RejectedError
from tests.e2e.publisher import Story
from tests.e2e.replay import Json, ProtocolViolationError, Replay
from tests.faults.ledger import Ledger, Posted
from tests.loopback import http_client
from tests.waiting import eventually

RETRIED_STATUSES = {429, 502, 503, 504}
ORIGIN = "https://copy.example"
REACTIONS = ("surprised", "thinking", "happy", "sad", "fired_up")


class Address(Protocol):
    """An object with the URL of a server."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Endpoint:
    """The URL of a proxy before one or more servers."""

    url: str


def disable_keepalive(load: "FaultLoad") -> None:
    """Let writers open a new connection for each request, as some proxies do.

    A server may close a kept connection at any time. Browsers retry such a request by themselves;
    httpx does not.
    """
    for writer in load.writers:
        headers = writer.http.headers
        limits = httpx.Limits(max_keepalive_connections=0)
        writer.http = http_client(headers=headers, limits=limits)


class FaultLoad(AsyncContext):
    """The running load: `async with FaultLoad(servers, stories, seed) as load:`.

    On exit, writers finish their actions, and every subscriber must be in sync.
    """

    def __init__(
        self,
        servers: Sequence[Address],
        stories: Sequence[Story],
        seed: int,
        subscribers: int = 40,
        writers: int = 8,
        endpoints: Sequence[Address] = (),
        max_pause_s: float = 0.08,
    ) -> None:
        self.servers, self.stories = list(servers), list(stories)
        self.endpoints = list(endpoints) or self.servers
        """Addresses that writers send their actions to."""
        self.max_pause_s = max_pause_s
        """Longest pause of a writer between two actions, in seconds."""
        self.ledger = Ledger()
        self.stopping = asyncio.Event()
        self.subscribers = [
            Subscriber(self, random.Random(f"{seed} {n}")) for n in range(subscribers)
        ]
        self.writers = [Writer(self, n, random.Random(f"{seed} w{n}")) for n in range(writers)]
        self.writer_tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect all clients, wait until they have their stories, and start the writers."""
        await asyncio.gather(*(writer.begin() for writer in self.writers))
        self.subscriber_tasks = [
            asyncio.create_task(subscriber.run()) for subscriber in self.subscribers
        ]
        await self.wait_connected()
        self.writer_tasks = [asyncio.create_task(writer.run()) for writer in self.writers]

    async def close(self, error: BaseException | None) -> None:
        """Stop the writers, check that all are in sync if there is no error, and disconnect."""
        self.stopping.set()
        try:
            if error is None:
                await asyncio.wait_for(asyncio.gather(*self.writer_tasks), 40)
                await self.wait_connected()
                await self.wait_in_sync()
        finally:
            tasks = [*self.writer_tasks, *self.subscriber_tasks]
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception) and error is None:
                    raise result
            for writer in self.writers:
                await writer.http.aclose()

    async def wait_for_actions(self, number: int, timeout: float = 40) -> None:
        """Wait until `number` more actions are acknowledged."""
        goal = self.ledger.acknowledged + number
        await eventually(
            lambda: self.ledger.acknowledged >= goal, f"{number} more actions", timeout, pause=0.05
        )

    async def wait_connected(self, timeout: float = 30) -> None:
        """Wait until every subscriber is connected and has a snapshot of each of its stories."""
        await eventually(
            lambda: all(subscriber.connected.is_set() for subscriber in self.subscribers),
            "every subscriber is connected",
            timeout,
            pause=0.05,
        )

    async def recovery_time(self, since: float, timeout: float = 40) -> float:
        """Return the seconds from `since` (monotonic) until new comments reach every subscriber."""
        await self.delivery_time(timeout)
        return time.monotonic() - since

    async def delivery_time(self, timeout: float = 40) -> float:
        """Post a comment in each story and return the seconds until every subscriber has them.

        The time starts at the last acknowledgement.
        """
        posted = await asyncio.gather(
            *(
                self.writers[number % len(self.writers)].post(story)
                for number, story in enumerate(self.stories)
            )
        )
        acknowledged = time.monotonic()
        await eventually(
            lambda: all(subscriber.sees(posted) for subscriber in self.subscribers),
            "every subscriber has the comments that were posted after the fault",
            timeout,
            pause=0.02,
        )
        return time.monotonic() - acknowledged

    async def wait_in_sync(self, timeout: float = 15) -> None:
        """Wait until old snapshot + messages = new snapshot for every subscriber, story and server."""
        differences: list[str] = []

        async def same() -> bool:
            differences.clear()
            async with http_client() as http:
                for server in self.servers:
                    for story in self.stories:
                        answer = await http.get(f"{server.url}/v1/stories/{story.code}", timeout=10)
                        if answer.status_code != 200:
                            return False
                        fresh = Replay.of(answer.json())
                        for subscriber in self.subscribers:
                            differences.extend(subscriber.differences(story.code, fresh))
            return not differences

        try:
            await eventually(same, "all subscribers are in sync", timeout, pause=0.2)
        except AssertionError as problem:
            metrics = [await _hub_metrics(server) for server in self.servers]
            lines = [str(problem), *differences[:10], *metrics]
            raise AssertionError("\n".join(lines)) from None


async def _hub_metrics(server: Address) -> str:
    """Return the hub and bus metrics of a server, for the failure message."""
    async with http_client(timeout=10) as http:
        lines = (await http.get(f"{server.url}/metrics")).text.splitlines()
    metrics = [line for line in lines if line.startswith(("widget_hub", "widget_bus"))]
    return "\n".join([server.url, *metrics])


class Subscriber:
    """A reader that subscribes to three stories on one socket and reconnects when it ends."""

    def __init__(self, load: FaultLoad, rng: random.Random) -> None:
        self.load, self.rng = load, rng
        self.stories = rng.sample(load.stories, min(3, len(load.stories)))
        self.servers: Sequence[Address] = ()
        """Addresses to connect to. If empty, those of the load."""
        self.client: Client | None = None
        self.connected = asyncio.Event()
        self.closes: list[tuple[float, int | None]] = []
        """Time (monotonic) and close code of each socket that ended."""
        self.goodbyes = 0
        self.longest_gap_s = 0.0
        """Longest time without a subscribed socket, in seconds."""

    def sees(self, posted: list[tuple[str, str]]) -> bool:
        """Return True if it has each of the `(story code, comment id)` of its stories."""
        if self.client is None:
            return False
        subscribed = {story.code for story in self.stories}
        replays = self.client.replays
        return all(
            code in replays and comment in replays[code].comments
            for code, comment in posted
            if code in subscribed
        )

    def differences(self, code: str, fresh: Replay) -> list[str]:
        """Return the differences between its state of a story and a new snapshot."""
        if self.client is None or code not in {story.code for story in self.stories}:
            return []
        return self.client.replays[code].differences(fresh)

    async def run(self) -> None:
        """Stay subscribed: reconnect whenever the socket ends, until cancelled."""
        lost_at = time.monotonic()
        while True:
            try:
                pause = await self._watch(lost_at)
            except ProtocolViolationError as violation:
                self.load.ledger.violations.append(str(violation))
                return
            except (OSError, WebSocketException, RejectedError, AssertionError, TimeoutError):
                pause = self.rng.uniform(0.1, 0.6)
            if self.connected.is_set():
                self.connected.clear()
                lost_at = time.monotonic()
            await asyncio.sleep(pause)

    async def _watch(self, lost_at: float) -> float:
        server = self.rng.choice(self.servers or self.load.servers)
        async with asyncio.timeout(10):
            client = Client(server.url, ORIGIN, after=self.client)
            await client.open()
        # Keep the client even if subscribing fails: the next one continues from its state.
        self.client = client
        try:
            for story in self.stories:
                replay = client.replays.get(story.code)
                since = None if replay is None or replay.seq < 0 else replay.position()
                await client.subscribe(story.token, since=since)
            self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - lost_at)
            self.connected.set()
            await asyncio.wait({client._listener})
            client._check()
        finally:
            self.closes.append((time.monotonic(), client.socket.close_code))
            self.load.ledger.check_messages(client.messages)
            client.socket.transport.abort()
            await asyncio.wait({client._listener})
        goodbye = [message for message in client.messages if message["type"] == "goodbye"]
        if goodbye:
            self.goodbyes += 1
            return float(goodbye[-1]["retry_after_ms"]) / 1000
        return self.rng.uniform(0.1, 0.6)


class Writer:
    """A reader that sends one action after another over HTTP."""

    def __init__(self, load: FaultLoad, number: int, rng: random.Random) -> None:
        self.load, self.number, self.rng = load, number, rng
        self.reader: str | None = None
        # Close idle connections before the server does. A request that meets a closing connection
        # would count as a retry although there was no fault.
        limits = httpx.Limits(keepalive_expiry=1)
        self.http = http_client(headers={"Origin": ORIGIN}, limits=limits)
        self.own: list[Posted] = []
        self.size = 0
        """Minimal length of each comment, in characters."""
        self.tokens = {story.code: story.token for story in load.stories}

    async def begin(self) -> None:
        """Get a reader token with a first reaction. Retries after that are by the same reader."""
        await self._react(self.load.stories[0].code, "")

    async def run(self) -> None:
        """Send random actions until the load stops."""
        while not self.load.stopping.is_set():
            await self._act()
            await asyncio.sleep(self.rng.uniform(0, self.load.max_pause_s))

    async def _act(self) -> None:
        story = self.rng.choice(self.load.stories)
        kept = [posted for posted in self.own if not posted.removed]
        kind = self.rng.random()
        if kind < 0.45 or not kept:
            await self.post(story)
        elif kind < 0.8:
            posted = self.rng.choice(kept)
            await self._react(*self.rng.choice([(story.code, ""), (posted.story, posted.id)]))
        elif kind < 0.93:
            await self._edit(self.rng.choice(kept))
        else:
            await self._delete(self.rng.choice(kept))

    async def post(self, story: Story, size: int = 0) -> tuple[str, str]:
        """Post a comment of at least `size` characters; return the story code and comment id."""
        key, body = (
            str(uuid.UUID(int=self.rng.getrandbits(128))),
            f"By {self.number}.".ljust(size or self.size, "."),
        )
        answer = await self._do("comment", story.code, key=key, body=body)
        posted = Posted(answer["comment"]["id"], story.code, body)
        self.load.ledger.comments[key] = posted
        self.own.append(posted)
        return story.code, posted.id

    async def _react(self, code: str, target: str) -> None:
        reaction = self.rng.choice((*REACTIONS, None))
        comment = {"comment": target} if target else {}
        await self._do("react", code, reaction=reaction, **comment)
        self.load.ledger.reactions[code, target, self.number] = reaction

    async def _edit(self, posted: Posted) -> None:
        body = f"By {self.number}, edited {self.rng.randrange(10**6)}."
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
                await asyncio.sleep(self.rng.uniform(0.05, 0.3))
                continue
            if answer["type"] != "ok" and not (
                # An earlier attempt succeeded, but its response was lost.
                sent_before and kind == "delete" and answer["code"] == "not_found"
            ):
                self.load.ledger.violations.append(f"{kind} was answered with {answer}")
            self.load.ledger.acknowledged += 1
            self.reader = self.reader or answer.get("reader")
            return answer

    async def _send(self, action: Json) -> Json | None:
        """Return the response, or None if the action must be sent again."""
        endpoint, ledger = self.rng.choice(self.load.endpoints), self.load.ledger
        begun = time.monotonic()
        try:
            response = await self.http.post(f"{endpoint.url}/v1/actions", json=action, timeout=20)
        except httpx.TransportError as error:
            ledger.retries[type(error).__name__] += 1
            return None
        finally:
            ledger.slowest = max(ledger.slowest, time.monotonic() - begun)
        if response.status_code in RETRIED_STATUSES:
            ledger.retries[str(response.status_code)] += 1
            return None
        if response.status_code >= 500:
            ledger.violations.append(f"{action['type']} was answered with {response.status_code}")
        answer: Json = response.json()
        return answer
