"""Takes connections from the kernel, and fewer of them while handshakes are being refused.

A refusal is as cheap as we can make it, and still costs an eighth of a millisecond: at thousands a
second those who are here would feel it. The event loop's own servers take whatever comes, so this
one accepts by itself. Who is not accepted yet waits in the kernel's queue, where no one feels it.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from widget_server.transport.metrics import ACCEPT_METRICS

REJECTIONS_PER_S = 500
"""Refusals a second, for after each of them no one is accepted for a while: a sixteenth of the time."""
MIN_PAUSE_S = 0.02
"""Ten rests are had at once: looking away and back costs more than a refusal."""
EXHAUSTED_S = 0.1
"""The same where the system had no room for another one: descriptors, memory."""


class Acceptor:
    """Accepts on several sockets, on each one connection in a turn of the event loop."""

    def __init__(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """`protocol` makes the one that a connection begins with."""
        self._protocol = protocol
        self._listeners: list[socket.socket] = []
        self._beginning: set[asyncio.Task[None]] = set()
        self._pause_debt_s = 0.0
        self._paused: asyncio.TimerHandle | None = None

    def open(self, listeners: Sequence[socket.socket], backlog: int) -> None:
        """Listen, and accept from now on."""
        self._listeners = list(listeners)
        for listener in self._listeners:
            listener.setblocking(False)
            listener.listen(backlog)
        self._start_accepting()

    def throttle(self, seconds: float = 1 / REJECTIONS_PER_S) -> None:
        """Accept no one for so long, now or together with the rests that come after."""
        self._pause_debt_s += seconds
        if self._pause_debt_s >= MIN_PAUSE_S and self._paused is None and self._listeners:
            ACCEPT_METRICS.pauses += 1
            self._stop_accepting()
            self._paused = asyncio.get_running_loop().call_later(self._pause_debt_s, self._resume)
            self._pause_debt_s = 0.0

    async def close(self) -> None:
        """Accept those who wait, for closing would reset them, and no one any more."""
        if self._paused is None:
            self._stop_accepting()
        else:
            self._paused.cancel()
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            while self._accept_one(listener):
                pass
            listener.close()
        await asyncio.gather(*self._beginning, return_exceptions=True)

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
        """Accept one; whether there was one."""
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionError:  # it did not wait
            return True
        except OSError:
            ACCEPT_METRICS.resource_exhausted += 1
            self.throttle(EXHAUSTED_S)
            return False
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._start_protocol(connection))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        return True

    async def _start_protocol(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # it left in this moment
            connection.close()
