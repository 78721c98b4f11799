"""Takes connections from the kernel, and fewer of them while handshakes are being refused.

A refusal is as cheap as we can make it, and still costs an eighth of a millisecond: at thousands a
second those who are here would feel it. The event loop's own servers take whatever comes, so this
one accepts by itself. Who is not accepted yet waits in the kernel's queue, where nobody feels it.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from widget_server.edge.counts import HTTP

MOST_REFUSED = 500
"""Refusals a second, for after each of them nobody is accepted for a while: a sixteenth of the time."""
REST_TOGETHER_S = 0.02
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
        self._owed = 0.0
        self._resting: asyncio.TimerHandle | None = None

    def open(self, listeners: Sequence[socket.socket], backlog: int) -> None:
        """Listen, and accept from now on."""
        self._listeners = list(listeners)
        for listener in self._listeners:
            listener.setblocking(False)
            listener.listen(backlog)
        self._look()

    def rest(self, seconds: float = 1 / MOST_REFUSED) -> None:
        """Accept nobody for so long, now or together with the rests that come after."""
        self._owed += seconds
        if self._owed >= REST_TOGETHER_S and self._resting is None and self._listeners:
            HTTP.rests += 1
            self._look_away()
            self._resting = asyncio.get_running_loop().call_later(self._owed, self._rested)
            self._owed = 0.0

    async def close(self) -> None:
        """Accept those who wait, for closing would reset them, and nobody any more."""
        if self._resting is None:
            self._look_away()
        else:
            self._resting.cancel()
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            while self._take(listener):
                pass
            listener.close()
        await asyncio.gather(*self._beginning, return_exceptions=True)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.add_reader(listener, self._take, listener)

    def _look_away(self) -> None:
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener)

    def _rested(self) -> None:
        self._resting = None
        self._look()

    def _take(self, listener: socket.socket) -> bool:
        """Accept one; whether there was one."""
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionError:  # it did not wait
            return True
        except OSError:
            HTTP.exhausted += 1
            self.rest(EXHAUSTED_S)
            return False
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._begin(connection))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        return True

    async def _begin(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # it left in this moment
            connection.close()
