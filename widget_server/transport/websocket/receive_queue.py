"""Replacements of `asyncio.Queue` and `asyncio.Event` in uvicorn's protocol, at a tenth of the memory.

Both standard classes keep a deque of waiters of more than 600 bytes. A socket is idle most of the
time, and only one task waits for it.
"""

import asyncio

from uvicorn._types import ASGIReceiveEvent


class ReceiveQueue:
    """Events that the application has not received yet.

    No event follows a disconnect. After it, `get` returns the disconnect on every call, so that an
    application that calls again does not hang.
    """

    __slots__ = ("_events", "_waiter")

    def __init__(self) -> None:
        self._events: list[ASGIReceiveEvent] = []
        self._waiter: asyncio.Future[None] | None = None

    def _disconnected(self) -> bool:
        return bool(self._events) and self._events[-1]["type"] == "websocket.disconnect"

    def put_nowait(self, event: ASGIReceiveEvent) -> None:
        """Add an event and wake the task that waits in `get`."""
        if self._disconnected():
            return
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def empty(self) -> bool:
        """Return whether no event is queued."""
        return not self._events

    async def get(self) -> ASGIReceiveEvent:
        """Remove and return the oldest event; wait for one if the queue is empty.

        Raises `RuntimeError` if another task waits already.
        """
        # The event stays in the list until it is returned, so a cancelled wait loses none.
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
    """A flag that tasks can wait for."""

    __slots__ = ("_is_set", "_waiters")

    def __init__(self) -> None:
        self._is_set = False
        self._waiters: list[asyncio.Future[None]] | None = None

    def set(self) -> None:
        """Set the flag and wake all waiting tasks."""
        self._is_set = True
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Reset the flag."""
        self._is_set = False

    async def wait(self) -> None:
        """Return once the flag is set."""
        while not self._is_set:
            waiter = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            await waiter
