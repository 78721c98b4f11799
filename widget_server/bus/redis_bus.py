"""The bus between processes: Valkey or Redis pub/sub, at most once and never the truth.

Nothing here waits for the bus on behalf of a reader, and nothing fails when it is away: messages
that cannot be sent are dropped and counted, and reconciliation against the database repairs what they
would have told. redis-py's pub/sub can be dead without an error (a half-open connection, a
failover), so each process sends itself a probe; when it does not come back, or a subscription is
confirmed anew by itself, the connection is rebuilt and everything watched is reconciled.

Every message is signed (`signing`) and looked at before it is passed on: a wrong one with the right
number would be taken for the change that has it, and reconciliation, which compares numbers, would not
find out. One that was recorded and is sent again is passed over for its number, its version or its
time, whatever its kind.
"""

import asyncio
import contextlib
import logging
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from widget_server.bus.message import BusMessage, decode, is_sound
from widget_server.bus.signing import BusSigner

log = logging.getLogger(__name__)

PARTITIONS = 64
"""Fixed from the first day, so that a bus of several machines can share the channels out."""
PROBE_S = 2.0
PROBE_TIMEOUT_S = 5.0
"""Nothing heard for so long, not even the own probe: the connection is dead."""
TALLY_INTERVAL_S = 0.05
"""Tallies of one story travel at most so often; of those in between only the newest does."""
MAX_PENDING = 10_000
RECONNECT_S = (0.1, 2.0)
WARN_S = 60.0
"""Refused messages are told in the log at most so often."""


def channel_name(code: str) -> str:
    """`w:{partition}:code`; the braces keep one partition's channels on one cluster node."""
    return f"w:{{{zlib.crc32(code.encode()) % PARTITIONS}}}:{code}"


@dataclass(slots=True)
class BusMetrics:
    """What the bus did, for /metrics."""

    messages_sent: Annotated[int, "messages given to the bus"] = 0
    messages_received: Annotated[int, "messages heard from the bus"] = 0
    messages_dropped: Annotated[
        int, "messages that could not be sent; reconciliation tells what they told"
    ] = 0
    messages_conflated: Annotated[int, "tallies replaced by newer ones before they were sent"] = 0
    reconnects: Annotated[int, "connections to the bus given up, to be made anew"] = 0
    messages_rejected: Annotated[
        int, "messages heard that no process of this server can have sent"
    ] = 0


class RedisBus:
    """Publishes and receives messages. `on_message` and `on_gap` are called in the event loop.

    `on_gap` means that messages may have been lost since the last call.
    """

    def __init__(
        self,
        url: str,
        process: str,
        on_message: Callable[[BusMessage], None],
        on_gap: Callable[[], None],
        keys: Sequence[bytes],
    ) -> None:
        """`keys`, newest first, are the same in all processes and known to no one else."""
        self._url = url
        self._probe = f"w:probe:{process}"
        self._probes = 0
        self._signer = BusSigner(keys)
        self._warned_at = -WARN_S
        self._on_message = on_message
        self._on_gap = on_gap
        self._pending_ordered: deque[BusMessage] = deque()
        self._pending_by_key: dict[tuple[str, str, str], BusMessage] = {}
        self._pending_by_key_at = 0.0
        self._sending = False
        self._wake = asyncio.Event()
        self._subscribed: dict[str, str] = {}
        self._unconfirmed: dict[str, asyncio.Future[None]] = {}
        self._pubsub: PubSub | None = None
        self._commands: asyncio.Queue[tuple[str, list[str]]] = asyncio.Queue()
        self._last_message_at = 0.0
        self.healthy = False
        """Whether the own probe came back within the last seconds."""
        self.metrics = BusMetrics()

    # Publishing --------------------------------------------------------------------------------

    def publish(self, message: BusMessage) -> None:
        """Send to the other processes. Comments keep their order; of tallies the newest is sent."""
        if message.kind in {"comment", "story"}:
            if len(self._pending_ordered) >= MAX_PENDING:
                self.metrics.messages_dropped += 1
                return
            self._pending_ordered.append(message)
        else:
            key = (message.kind, message.story, message.target)
            if key in self._pending_by_key:
                self.metrics.messages_conflated += 1
            self._pending_by_key[key] = message
        self._wake.set()

    async def wait_flushed(self, within: float) -> bool:
        """Wait until nothing is left to send; False when that took too long."""
        deadline = time.monotonic() + within
        while self._has_work and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return not self._has_work

    @property
    def _has_work(self) -> bool:
        return bool(self._pending_ordered or self._pending_by_key or self._sending)

    async def _send(self) -> None:
        client = _client(self._url)
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                pause = self._pending_by_key_at + TALLY_INTERVAL_S - time.monotonic()
                if not self._pending_ordered and pause > 0:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._wake.wait()
                await self._flush(client)
                if self._pending_by_key:
                    self._wake.set()
        finally:
            await client.aclose()

    async def _flush(self, client: Redis) -> None:
        batch = list(self._pending_ordered)
        self._pending_ordered.clear()
        if time.monotonic() - self._pending_by_key_at >= TALLY_INTERVAL_S:
            self._pending_by_key_at = time.monotonic()
            batch += self._pending_by_key.values()
            self._pending_by_key.clear()
        if not batch:
            return
        self._sending = True
        try:
            async with asyncio.timeout(1), client.pipeline(transaction=False) as pipeline:
                for message in batch:
                    name = channel_name(message.story)
                    pipeline.publish(name, self._signer.sign(name, message.encode()))
                answers = await pipeline.execute(raise_on_error=False)
            failed = sum(isinstance(answer, Exception) for answer in answers)
            self.metrics.messages_sent += len(batch) - failed
            self.metrics.messages_dropped += failed
        except (RedisError, OSError, TimeoutError):
            # Not sent again: it may have arrived, and reconciliation repairs it if not.
            self.metrics.messages_dropped += len(batch)
        finally:
            self._sending = False

    # Receiving ---------------------------------------------------------------------------------

    def subscribe(self, code: str) -> asyncio.Future[None]:
        """Listen to a story. The future is done once the server has confirmed it."""
        name = channel_name(code)
        confirmed = self._unconfirmed.get(name)
        if confirmed is None:
            confirmed = asyncio.get_running_loop().create_future()
            if name in self._subscribed:
                confirmed.set_result(None)
                return confirmed
            self._unconfirmed[name] = confirmed
            self._subscribed[name] = code
            self._command("subscribe", [name])
        return confirmed

    def unsubscribe(self, codes: Iterable[str]) -> None:
        """Stop listening to stories."""
        names = [channel_name(code) for code in codes]
        for name in names:
            self._subscribed.pop(name, None)
            waiting = self._unconfirmed.pop(name, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
        if names:
            self._command("unsubscribe", names)

    def _command(self, verb: str, names: list[str]) -> None:
        if self._pubsub is not None:
            self._commands.put_nowait((verb, names))

    async def run(self) -> None:
        """Keep sending and listening until cancelled, through any number of lost connections."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send())
            tasks.create_task(self._listen())

    async def _listen(self) -> None:
        pause = RECONNECT_S[0]
        while True:
            try:
                await self._listen_once()
            except (RedisError, OSError, TimeoutError) as error:
                if self.healthy:
                    log.warning("event=bus_disconnected reason=%s", type(error).__name__)
                pause = RECONNECT_S[0] if self.healthy else min(pause * 2, RECONNECT_S[1])
            self.healthy = False
            self.metrics.reconnects += 1
            await asyncio.sleep(pause)

    async def _listen_once(self) -> None:
        """One connection's life; raises when it is dead."""
        client = _client(self._url)
        pubsub = client.pubsub()
        self._commands = asyncio.Queue()
        reader: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(2):
                await pubsub.subscribe(self._probe)
            self._pubsub = pubsub
            for names in _chunks(list(self._subscribed), 500):
                async with asyncio.timeout(2):
                    await pubsub.subscribe(*names)
            self._last_message_at = time.monotonic()
            reader = asyncio.create_task(self._receive_task(pubsub))
            reader.add_done_callback(lambda _: self._commands.put_nowait(("subscribe", [])))
            await self._maintain(client, pubsub, reader)
        finally:
            self._pubsub = None
            if reader is not None:
                # Waited for without taking its exception: its being cancelled is not ours.
                reader.cancel()
                await asyncio.wait({reader})
                if not reader.cancelled():
                    reader.exception()
            for end in (pubsub, client):
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    async with asyncio.timeout(1):
                        await end.aclose()

    async def _receive_task(self, pubsub: PubSub) -> None:
        confirmed: set[str] = set()
        while True:
            reply: Any = await pubsub.parse_response(block=True)
            self._last_message_at = time.monotonic()
            kind, name = reply[0], reply[1].decode()
            if kind == b"message":
                self._receive(name, reply[2])
            elif kind == b"subscribe":
                waiting = self._unconfirmed.pop(name, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)
                if name in confirmed:
                    # Confirmed a second time without being asked: there was another connection
                    # in between, and what was said meanwhile is lost.
                    self._on_gap()
                confirmed.add(name)
            elif kind == b"unsubscribe":
                confirmed.discard(name)

    def _receive(self, name: str, data: bytes) -> None:
        said = self._signer.verify(name, data)
        if said is None:
            self._refuse()
        elif name == self._probe:
            self._receive_probe(said)
        elif (code := self._subscribed.get(name)) is not None:
            message = decode(code, said)
            if message is None:
                return  # of another version of ours, beside which this one runs
            if not is_sound(message):
                self._refuse()
                return
            self.metrics.messages_received += 1
            self._on_message(message)

    def _receive_probe(self, said: bytes) -> None:
        # Only the last one proves something: an older one may have been recorded and sent again.
        if said == b"%d" % self._probes and not self.healthy:
            self.healthy = True
            self._on_gap()

    def _refuse(self) -> None:
        self.metrics.messages_rejected += 1
        now = time.monotonic()
        if now - self._warned_at >= WARN_S:
            self._warned_at = now
            log.warning("event=bus_message_rejected total=%d", self.metrics.messages_rejected)

    async def _maintain(self, client: Redis, pubsub: PubSub, reader: asyncio.Task[None]) -> None:
        """Send subscriptions as they are asked for, and the probe; raise when it is not heard."""
        due = 0.0
        while True:
            if reader.done():
                reader.result()
            now = time.monotonic()
            if now - self._last_message_at > PROBE_TIMEOUT_S:
                raise TimeoutError("the probe did not come back")
            if now >= due:
                due = now + PROBE_S
                async with asyncio.timeout(1):
                    self._probes += 1
                    probe = self._signer.sign(self._probe, b"%d" % self._probes)
                    await client.publish(self._probe, probe)
            try:
                async with asyncio.timeout(max(0.01, due - now)):
                    verb, names = await self._commands.get()
            except TimeoutError:
                continue
            if names:
                act = pubsub.subscribe if verb == "subscribe" else pubsub.unsubscribe
                async with asyncio.timeout(1):
                    await act(*names)


def _client(url: str) -> Redis:
    # Never sent twice: a repeated PUBLISH is a repeated message. A hanging server costs a second.
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=None,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


def _chunks(names: list[str], number: int) -> Iterable[list[str]]:
    return (names[start : start + number] for start in range(0, len(names), number))
