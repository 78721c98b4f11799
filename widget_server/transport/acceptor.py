"""Accept connections from the kernel, more slowly while handshakes are being rejected.

Rejecting a handshake costs 0.125 ms. At thousands a second that would delay connected clients, so
accepting pauses after rejections; connections that are not accepted yet wait in the kernel's queue.
The event loop's own servers cannot pause, so this class calls `accept` itself.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from widget_server.transport.metrics import AcceptMetrics

REJECTIONS_PER_S = 500
"""Rejections a second: accepting pauses for 2 ms after each. The rejections then cost 1/16 of the time."""
MIN_PAUSE_S = 0.02
"""Ten pauses are merged: removing and adding the readers costs more than one rejection."""
EXHAUSTED_S = 0.1
"""The pause after the system had no descriptor or no memory for another connection."""


class Acceptor:
    """Accepts on several listening sockets, one connection of each per iteration of the event loop."""

    def __init__(self, protocol: Callable[[], asyncio.Protocol], metrics: AcceptMetrics) -> None:
        """`protocol` creates the first protocol of a connection."""
        self._protocol = protocol
        self._metrics = metrics
        self._listeners: list[socket.socket] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._pause_debt_s = 0.0
        self._paused: asyncio.TimerHandle | None = None

    def open(self, listeners: Sequence[socket.socket], backlog: int) -> None:
        """Listen on all sockets and start accepting."""
        self._listeners = list(listeners)
        for listener in self._listeners:
            listener.setblocking(False)
            listener.listen(backlog)
        self._start_accepting()

    def throttle(self, seconds: float = 1 / REJECTIONS_PER_S) -> None:
        """Add `seconds` to the next pause, and start it once it is at least `MIN_PAUSE_S` long."""
        self._pause_debt_s += seconds
        if self._pause_debt_s >= MIN_PAUSE_S and self._paused is None and self._listeners:
            self._metrics.pauses += 1
            self._stop_accepting()
            self._paused = asyncio.get_running_loop().call_later(self._pause_debt_s, self._resume)
            self._pause_debt_s = 0.0

    async def close(self) -> None:
        """Accept all queued connections, then stop listening.

        Closing the listeners first would reset the queued connections.
        """
        if self._paused is None:
            self._stop_accepting()
        else:
            self._paused.cancel()
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            while self._accept_one(listener):
                pass
            listener.close()
        await asyncio.gather(*self._starting, return_exceptions=True)

    def _start_accepting(self) -> None:
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.add_reader(listener, self._accept_one, listener)

    def _stop_accepting(self) -> None:
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener)

    def _resume(self) -> None:
        self._paused = None
        self._start_accepting()

    def _accept_one(self, listener: socket.socket) -> bool:
        """Accept one connection. Return False if none was queued or no resources are left."""
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionError:  # the client disconnected before it was accepted
            return True
        except OSError:
            self._metrics.resource_exhausted += 1
            self.throttle(EXHAUSTED_S)
            return False
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._start_protocol(connection))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        return True

    async def _start_protocol(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # the client disconnected meanwhile
            connection.close()
