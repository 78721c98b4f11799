"""Send messages to Redis in batches, at most once. `publish` only queues and never blocks."""

import asyncio
import contextlib
import time
from collections import deque

from redis.asyncio import Redis
from redis.exceptions import RedisError

from widget_server.bus.message import BusMessage
from widget_server.bus.metrics import BusMetrics
from widget_server.bus.redis_client import channel_name, create_client
from widget_server.bus.signing import BusSigner

TALLY_INTERVAL_S = 0.05
"""Pause between two batches with tallies. Only the newest tally of each target is sent."""
MAX_PENDING = 10_000
"""Queued comment and story messages. Further messages are dropped."""


class Publisher:
    """Queue of outgoing messages. `run` sends them."""

    def __init__(self, url: str, signer: BusSigner, metrics: BusMetrics) -> None:
        self._url = url
        self._signer = signer
        self._metrics = metrics
        self._pending_ordered: deque[BusMessage] = deque()
        self._pending_by_key: dict[tuple[str, str, str], BusMessage] = {}
        """Tally and presence messages, by kind, story and target."""
        self._pending_by_key_sent_at = 0.0
        self._sending = False
        self._wake = asyncio.Event()

    def publish(self, message: BusMessage) -> None:
        """Queue a message. Comments keep their order; an older tally of the target is replaced."""
        if message.kind in {"comment", "story"}:
            if len(self._pending_ordered) >= MAX_PENDING:
                self._metrics.messages_dropped += 1
                return
            self._pending_ordered.append(message)
        else:
            key = (message.kind, message.story, message.target)
            if key in self._pending_by_key:
                self._metrics.messages_conflated += 1
            self._pending_by_key[key] = message
        self._wake.set()

    async def wait_flushed(self, timeout_s: float) -> bool:
        """Wait until the queue is empty; return False if that takes longer than `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while self._has_pending and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return not self._has_pending

    @property
    def _has_pending(self) -> bool:
        return bool(self._pending_ordered or self._pending_by_key or self._sending)

    async def run(self) -> None:
        """Send queued messages until cancelled."""
        client = create_client(self._url)
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                # The readers of these changes here receive their results first: to sign a batch takes milliseconds.
                await asyncio.sleep(0)
                pause = self._pending_by_key_sent_at + TALLY_INTERVAL_S - time.monotonic()
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
        if time.monotonic() - self._pending_by_key_sent_at >= TALLY_INTERVAL_S:
            self._pending_by_key_sent_at = time.monotonic()
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
                replies = await pipeline.execute(raise_on_error=False)
            failed = sum(isinstance(reply, Exception) for reply in replies)
            self._metrics.messages_sent += len(batch) - failed
            self._metrics.messages_dropped += failed
        except (RedisError, OSError, TimeoutError):
            # Not sent again: the batch may have arrived. If not, reconciliation repairs the loss.
            self._metrics.messages_dropped += len(batch)
        finally:
            self._sending = False
