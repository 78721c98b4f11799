"""Bus between processes: Valkey or Redis pub/sub. Messages arrive at most once; some are lost.

No request waits for the bus. If it is unavailable, messages are dropped and counted;
reconciliation with the database repairs the loss.

A redis-py pub/sub connection can be dead without an error: a half-open connection, a failover. So
each process sends probes to itself. If a probe does not arrive, the connection is rebuilt. If it is
rebuilt, or a subscription is confirmed again without a request, all channels are
reconciled.

Every message is signed (`signing`) and checked before it is passed on. The hub would take a forged
message with the right number for the change with that number, and reconciliation compares only
numbers. Replayed messages are ignored by the hub, for their `seq`, their version or their time.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from widget_server.bus.message import BusMessage, decode, is_sound
from widget_server.bus.metrics import BusMetrics
from widget_server.bus.publisher import Publisher
from widget_server.bus.redis_client import channel_name, create_client
from widget_server.bus.signing import BusSigner

log = logging.getLogger(__name__)

PROBE_S = 2.0
"""Seconds between two probes."""
PROBE_TIMEOUT_S = 5.0
"""If nothing arrives for this long, not even a probe of this process, the connection is dead."""
RECONNECT_S = (0.1, 2.0)
"""First and longest pause before a new connection; the pause doubles after each failure."""
WARN_S = 60.0
"""Rejected messages are logged at most this often."""
SUBSCRIBE_CHUNK = 500
"""Channels in one SUBSCRIBE after a reconnect."""


class RedisBus:
    """Publishes messages and receives those of other processes.

    `on_message` and `on_gap` are called in the event loop. `on_gap` means that messages may have
    been lost since the last call.
    """

    def __init__(
        self,
        url: str,
        process: str,
        on_message: Callable[[BusMessage], None],
        on_gap: Callable[[], None],
        keys: Sequence[bytes],
    ) -> None:
        """`keys`, newest first, are the same in all processes of this server, and secret."""
        self._url = url
        self._probe_channel = f"w:probe:{process}"
        self._probes_sent = 0
        self._signer = BusSigner(keys)
        self._warned_at = -WARN_S
        self._on_message = on_message
        self._on_gap = on_gap
        self._subscribed: dict[str, str] = {}
        """Story codes by channel name."""
        self._unconfirmed: dict[str, asyncio.Future[None]] = {}
        """Futures of requested subscriptions, by channel name."""
        self._pubsub: PubSub | None = None
        self._commands: asyncio.Queue[tuple[str, list[str]]] = asyncio.Queue()
        """`(subscribe | unsubscribe, channel names)` for the current connection."""
        self._last_message_at = 0.0
        self.healthy = False
        """Whether this process's probe arrived within the last seconds."""
        self.metrics = BusMetrics()
        self._publisher = Publisher(url, self._signer, self.metrics)

    def publish(self, message: BusMessage) -> None:
        """Queue a message for the other processes; drop it if the queue is full."""
        self._publisher.publish(message)

    async def wait_flushed(self, timeout_s: float) -> bool:
        """Wait until all queued messages were sent; return False after `timeout_s`."""
        return await self._publisher.wait_flushed(timeout_s)

    async def run(self) -> None:
        """Send and receive until cancelled; reconnect after every lost connection."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publisher.run())
            tasks.create_task(self._listen())

    # Subscriptions -----------------------------------------------------------------------------

    def subscribe(self, code: str) -> asyncio.Future[None]:
        """Subscribe to a story. The future is done when Redis has confirmed the subscription."""
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
        """Unsubscribe from stories."""
        names = [channel_name(code) for code in codes]
        for name in names:
            self._subscribed.pop(name, None)
            self._confirm(name)
        if names:
            self._command("unsubscribe", names)

    def _command(self, verb: str, names: list[str]) -> None:
        if self._pubsub is not None:
            self._commands.put_nowait((verb, names))

    def _confirm(self, name: str) -> None:
        future = self._unconfirmed.pop(name, None)
        if future is not None and not future.done():
            future.set_result(None)

    # Connection --------------------------------------------------------------------------------

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
        """Open a connection and receive until it is dead.

        Raises `RedisError`, `OSError` or `TimeoutError`.
        """
        client = create_client(self._url)
        pubsub = client.pubsub()
        self._commands = asyncio.Queue()
        receiver: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(2):
                await pubsub.subscribe(self._probe_channel)
            self._pubsub = pubsub
            for names in _chunks(list(self._subscribed), SUBSCRIBE_CHUNK):
                async with asyncio.timeout(2):
                    await pubsub.subscribe(*names)
            self._last_message_at = time.monotonic()
            receiver = asyncio.create_task(self._receive_all(pubsub))
            # An empty command wakes `_maintain`, which then raises the receiver's exception.
            receiver.add_done_callback(lambda _: self._commands.put_nowait(("subscribe", [])))
            await self._maintain(client, pubsub, receiver)
        finally:
            self._pubsub = None
            if receiver is not None:
                # `asyncio.wait` does not raise the receiver's CancelledError, which an `await`
                # would raise as if this task had been cancelled.
                receiver.cancel()
                await asyncio.wait({receiver})
                if not receiver.cancelled():
                    receiver.exception()
            for resource in (pubsub, client):
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    async with asyncio.timeout(1):
                        await resource.aclose()

    async def _maintain(self, client: Redis, pubsub: PubSub, receiver: asyncio.Task[None]) -> None:
        """Send requested subscriptions and probes.

        Raises `TimeoutError` if no probe arrives, and the exception that ended the receiver.
        """
        probe_due = 0.0
        while True:
            if receiver.done():
                receiver.result()
            now = time.monotonic()
            if now - self._last_message_at > PROBE_TIMEOUT_S:
                raise TimeoutError("The bus probe did not arrive.")
            if now >= probe_due:
                probe_due = now + PROBE_S
                async with asyncio.timeout(1):
                    await self._send_probe(client)
            try:
                async with asyncio.timeout(max(0.01, probe_due - now)):
                    verb, names = await self._commands.get()
            except TimeoutError:
                continue
            if names:
                execute = pubsub.subscribe if verb == "subscribe" else pubsub.unsubscribe
                async with asyncio.timeout(1):
                    await execute(*names)

    async def _send_probe(self, client: Redis) -> None:
        self._probes_sent += 1
        probe = self._signer.sign(self._probe_channel, b"%d" % self._probes_sent)
        await client.publish(self._probe_channel, probe)

    # Receiving ---------------------------------------------------------------------------------

    async def _receive_all(self, pubsub: PubSub) -> None:
        confirmed: set[str] = set()
        while True:
            reply: Any = await pubsub.parse_response(block=True)
            self._last_message_at = time.monotonic()
            kind, name = reply[0], reply[1].decode()
            if kind == b"message":
                self._receive(name, reply[2])
            elif kind == b"subscribe":
                self._confirm(name)
                if name in confirmed:
                    # redis-py reconnected and resubscribed by itself. Messages sent in between
                    # are lost: report a gap.
                    self._on_gap()
                confirmed.add(name)
            elif kind == b"unsubscribe":
                confirmed.discard(name)

    def _receive(self, name: str, signed: bytes) -> None:
        data = self._signer.verify(name, signed)
        if data is None:
            self._reject()
        elif name == self._probe_channel:
            self._receive_probe(data)
        elif (code := self._subscribed.get(name)) is not None:
            message = decode(code, data)
            if message is None:
                return  # signed by another version of this server that runs beside this one
            if not is_sound(message):
                self._reject()
                return
            self.metrics.messages_received += 1
            self._on_message(message)

    def _receive_probe(self, data: bytes) -> None:
        # Only the latest probe counts: an older one may have been recorded and replayed.
        if data == b"%d" % self._probes_sent and not self.healthy:
            self.healthy = True
            self._on_gap()

    def _reject(self) -> None:
        self.metrics.messages_rejected += 1
        now = time.monotonic()
        if now - self._warned_at >= WARN_S:
            self._warned_at = now
            log.warning("event=bus_message_rejected total=%d", self.metrics.messages_rejected)


def _chunks(names: list[str], size: int) -> Iterable[list[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))
