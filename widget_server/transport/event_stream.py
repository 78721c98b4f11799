"""`Connection` that writes messages as Server-Sent Events into the body of an HTTP response.

Like a socket's connection it accepts a batch or nothing: a client that reads too slowly costs no more
than the buffer, and the hub brings it up to date when it has read on. A client that reads nothing is cut
by `http_protocol.py`, like one of any other response.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from widget_server.hub.prepared import PreparedBatch
from widget_server.transport.metrics import EventStreamMetrics

Message = MutableMapping[str, Any]

_EXTENSION = "widget.shutdown"
_DRAINING = "widget.draining"
_KEEPALIVE = b": keepalive\n\n"

log = logging.getLogger(__name__)


class EventStreamConnection:
    """One response of unlimited length. `run` sends; the other methods do not block."""

    direct_socket = None
    """Bytes of an HTTP body are framed by the server, so they are never written directly."""
    write_limit_high = 64 * 1024
    write_limit_low = 16 * 1024
    keepalive_s = 15.0
    """Proxies close a response on which nothing is sent for a minute or less."""

    def __init__(self, metrics: EventStreamMetrics) -> None:
        self.on_writable: Callable[[], None] | None = None
        self.on_shutdown: Callable[[], None] | None = None
        self.on_direct_revoked: Callable[[], None] | None = None
        self.paused_since: float | None = None
        self.closed = False
        self._metrics = metrics
        self._events: list[bytes] = []
        self._buffered = 0
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def write_paused(self) -> bool:
        """Whether the buffer exceeded `write_limit_high` and has not been sent yet."""
        return self.paused_since is not None

    def write(self, batch: PreparedBatch) -> bool:
        """Buffer the whole batch, or nothing and return False if writing is paused or closed."""
        if self.closed or self.paused_since is not None:
            return False
        for message in batch.messages:
            self._add(message.event_bytes)
        if self._buffered > self.write_limit_high:
            self._metrics.write_pauses += 1
            self.paused_since = self._loop.time()
        return True

    def write_remainder(self, data: bytes | memoryview) -> None:
        """Do nothing: without `direct_socket` there is no remainder."""

    def set_retry(self, milliseconds: int) -> None:
        """Tell the client how long to wait before it connects again."""
        self._add(b"retry: %d\n\n" % milliseconds)

    def close(self, code: int, reason: str = "") -> None:
        """End the response after all accepted messages. The code is only counted."""
        if not self.closed:
            self.closed = True
            self._metrics.server_closes.add(code, reason)
            self._wake.set()

    def abort(self) -> None:
        """End the response without the buffered messages."""
        self._clear()
        self.close(1006, "aborted")

    async def run(
        self,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Send messages until `close`, or until the client disconnects."""
        disconnected = asyncio.create_task(self._wait_disconnected(receive))
        try:
            while not disconnected.done():
                body = await self._next()
                await send({"type": "http.response.body", "body": body, "more_body": True})
                self._resume()
                if self.closed and not self._events:
                    break
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.closed = True
            disconnected.cancel()
            self._clear()
            self.on_writable = self.on_shutdown = self.on_direct_revoked = None

    async def _next(self) -> bytes:
        """Return the buffered events as one piece, or a comment if there are none for a while."""
        try:
            async with asyncio.timeout(self.keepalive_s):
                await self._wake.wait()
        except TimeoutError:
            return _KEEPALIVE
        self._wake.clear()
        body = b"".join(self._events)
        self._events = []
        return body

    async def _wait_disconnected(self, receive: Callable[[], Awaitable[Message]]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.closed = True
        self._wake.set()

    def _add(self, event: bytes) -> None:
        self._events.append(event)
        self._buffered += len(event)
        self._wake.set()

    def _resume(self) -> None:
        """Accept writes again. The server took the bytes that were sent before."""
        self._buffered = sum(map(len, self._events))
        if self.paused_since is None or self._buffered > self.write_limit_low:
            return
        self.paused_since = None
        if self.on_writable is not None and not self.closed:
            try:
                self.on_writable()
            except Exception:
                log.exception("event=hook_failed")

    def _clear(self) -> None:
        self._events.clear()
        self._buffered = 0
        self.paused_since = None


def add_shutdown_hook(scope: MutableMapping[str, Any], hook: Callable[[], None]) -> None:
    """Have `hook` called when the server begins to shut down while it answers this request.

    It is called at once if the shutdown has begun. Only this server does that. Others wait for the end of
    the response, or cut it.
    """
    extensions = scope.setdefault("extensions", {})
    extensions.setdefault(_EXTENSION, []).append(hook)
    if _DRAINING in extensions:
        hook()


def mark_draining(scope: MutableMapping[str, Any]) -> None:
    """Record that a request began during the shutdown."""
    scope.setdefault("extensions", {})[_DRAINING] = {}


def call_shutdown_hooks(scope: Mapping[str, Any]) -> None:
    """Call the hooks of a request."""
    for hook in (scope.get("extensions") or {}).get(_EXTENSION, ()):
        hook()
