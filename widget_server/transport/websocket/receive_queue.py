"""What uvicorn's protocol needs of `asyncio.Queue` and `asyncio.Event`, in a tenth of the memory.

Both standard classes keep deques of waiters, at more than 600 bytes each, for sockets that wait
almost all their lives, and always with one task.
"""

import asyncio

from uvicorn._types import ASGIReceiveEvent


class ReceiveQueue:
    """The events that the application has not received yet.

    Nothing follows a disconnect: the first one stays, and is the answer to every further question,
    so that an application which asks again ends instead of waiting for ever.
    """

    __slots__ = ("_events", "_waiter")

    def __init__(self) -> None:
        self._events: list[ASGIReceiveEvent] = []
        self._waiter: asyncio.Future[None] | None = None

    def _disconnected(self) -> bool:
        return bool(self._events) and self._events[-1]["type"] == "websocket.disconnect"

    def put_nowait(self, event: ASGIReceiveEvent) -> None:
        """Add an event and wake who waits for one."""
        if self._disconnected():
            return
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def empty(self) -> bool:
        """Nothing is left to receive."""
        return not self._events

    async def get(self) -> ASGIReceiveEvent:
        """Take the oldest event, waiting for one if there is none. One task at a time."""
        # The event stays in the list until it is taken, so a cancelled wait loses nothing.
        while not self._events:
            if self._waiter is not None:
                raise RuntimeError("Only one task may receive from a socket.")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if len(self._events) == 1 and self._disconnected():
            return self._events[0]
        return self._events.pop(0)


class LightEvent:
    """Open or shut; anyone who comes while it is shut waits until it opens."""

    __slots__ = ("_open", "_waiters")

    def __init__(self) -> None:
        self._open = False
        self._waiters: list[asyncio.Future[None]] | None = None

    def set(self) -> None:
        """Open, and let everyone through."""
        self._open = True
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Shut."""
        self._open = False

    async def wait(self) -> None:
        """Return when the gate is open."""
        while not self._open:
            waiter = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            await waiter
