"""`Connection` for any ASGI server, and the choice between it and this server's own protocol."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, cast

from widget_server.hub.connection import Connection
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.transport.metrics import WebSocketMetrics
from widget_server.transport.websocket.protocol import CONNECTION_EXTENSION

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("widget_server.websocket")


def connection_for(scope: Mapping[str, Any], send: Send, metrics: WebSocketMetrics) -> Connection:
    """Return the connection of an accepted socket: the server's own, or else an `ASGIConnection`.

    Call it in the task that runs the application.
    """
    extension = (scope.get("extensions") or {}).get(CONNECTION_EXTENSION)
    if extension is not None and extension["version"] == 1:
        return cast(Connection, extension["connection"])
    return ASGIConnection(send, metrics)


class ASGIConnection:
    """Connection that sends messages one at a time, as text, in a task of its own.

    Unsent messages are buffered. Above `write_limit_high` bytes writes are paused; at
    `write_limit_low` bytes they resume. ASGI cannot abort a connection, so `abort` cancels the
    application's task, and every server then closes the transport. `on_shutdown` is never called:
    a server without the extension does not announce its shutdown. After `close` has sent its frame,
    the server waits for the client's.
    """

    direct_socket = None
    """ASGI gives no access to the socket."""
    write_limit_high = 64 * 1024
    write_limit_low = 16 * 1024
    slow_consumer_timeout_s = 20.0
    close_timeout_s = 5.0

    def __init__(self, send: Send, metrics: WebSocketMetrics) -> None:
        self.on_writable: Callable[[], None] | None = None
        self.on_shutdown: Callable[[], None] | None = None
        self.on_direct_revoked: Callable[[], None] | None = None
        self.paused_since: float | None = None
        self.closed = False
        self._send = send
        self._metrics = metrics
        self._frames: deque[PreparedMessage] = deque()
        self._buffered = 0
        self._close_message: dict[str, Any] | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._writer_task = asyncio.create_task(self._run())
        owner = asyncio.current_task()
        if owner is None:
            raise RuntimeError("Create the connection in the task of the application.")
        self._owner: asyncio.Task[Any] = owner
        owner.add_done_callback(self._on_application_end)

    @property
    def write_paused(self) -> bool:
        """Whether the buffer exceeded `write_limit_high` and has not drained to `write_limit_low`."""
        return self.paused_since is not None

    def write(self, batch: PreparedBatch) -> bool:
        """Queue the whole batch, or nothing and return False if writing is paused or closed."""
        if self.closed or self.paused_since is not None:
            return False
        self._frames.extend(batch.messages)
        self._buffered += sum(map(len, batch.messages))
        if self._buffered > self.write_limit_high:
            self._metrics.write_pauses += 1
            self.paused_since = self._loop.time()
        self._wake.set()
        return True

    def write_remainder(self, data: bytes | memoryview) -> None:
        """Do nothing: without `direct_socket` there is no remainder."""

    def close(self, code: int, reason: str = "") -> None:
        """Send all queued messages and a close frame, within `close_timeout_s`."""
        if not self.closed:
            self.closed = True
            self._metrics.server_closes.add(code, reason)
            self._close_message = {"type": "websocket.close", "code": code, "reason": reason}
            self._close_timer = self._loop.call_later(self.close_timeout_s, self.abort)
            self._wake.set()

    def abort(self) -> None:
        """Cancel the application's task; the server then closes the connection."""
        self.closed = True
        self._owner.cancel("the connection was aborted")

    def _on_application_end(self, _owner: asyncio.Task[Any]) -> None:
        """Stop the writer task and release all references."""
        self.closed = True
        self.paused_since = None
        self._writer_task.cancel()
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._frames.clear()
        self.on_writable = self.on_shutdown = self.on_direct_revoked = None

    async def _run(self) -> None:
        try:
            while self._close_message is None:
                await self._wake.wait()
                self._wake.clear()
                await self._send_all()
            await self._send(self._close_message)
        except TimeoutError:
            self._metrics.slow_consumers_dropped += 1
            self.abort()
        except (OSError, RuntimeError):
            # The client has disconnected; servers raise different errors. The application receives the event.
            self.closed = True
        if self._close_timer is not None:
            self._close_timer.cancel()

    async def _send_all(self) -> None:
        while self._frames:
            # ASGI does not report partial progress: allow the timeout for each `write_limit_high` bytes.
            shares = 1 + len(self._frames[0]) // self.write_limit_high
            async with asyncio.timeout(self.slow_consumer_timeout_s * shares):
                await self._send({"type": "websocket.send", "text": self._frames[0].text})
            self._buffered -= len(self._frames.popleft())
            if self.paused_since is not None and self._buffered <= self.write_limit_low:
                self._resume()

    def _resume(self) -> None:
        self.paused_since = None
        if self.on_writable is not None and not self.closed:
            try:
                self.on_writable()
            except Exception:
                log.exception("event=hook_failed")
