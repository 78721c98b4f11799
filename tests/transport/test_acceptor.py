"""The acceptor: everybody in their turn, no one while it rests, and no one is turned away for it."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from tests.waiting import eventually
from widget_server.transport.acceptor import EXHAUSTED_S, MIN_PAUSE_S, REJECTIONS_PER_S, Acceptor
from widget_server.transport.metrics import ACCEPT_METRICS

ON_BOTH_LOOPS = True
LONG_S = 3600.0
TURNS = 20
"""Turns of the event loop, in which all who wait would have been accepted."""


class Guests(ExitStack):
    """A listening socket and those who have connected to it; accepted ones are told `hello`."""

    def __init__(self) -> None:
        super().__init__()
        self.listener = self.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.acceptor = Acceptor(self._protocol)
        self.clients: list[socket.socket] = []
        self.accepted = 0

    def _protocol(self) -> asyncio.Protocol:
        self.accepted += 1
        return _Hello()

    def open(self) -> None:
        """Accept from now on."""
        self.acceptor.open([self.listener], 100)

    def come(self, number: int) -> None:
        """So many more wait in the kernel's queue."""
        for _ in range(number):
            client = socket.create_connection(self.listener.getsockname(), timeout=20)
            self.clients.append(self.enter_context(client))

    async def leave(self) -> list[bytes]:
        """What each client heard until the end."""
        await self.acceptor.close()
        return [await asyncio.to_thread(client.recv, 100) for client in self.clients]


class _Hello(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(b"hello")
        transport.close()


async def _turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def test_everyone_is_accepted() -> None:
    with Guests() as guests:
        guests.come(5)
        guests.open()
        await eventually(lambda: guests.accepted == 5, "those who were there before are accepted")
        guests.come(5)
        await eventually(lambda: guests.accepted == 10, "and those who came after")
        assert await guests.leave() == [b"hello"] * 10


async def test_no_one_is_accepted_while_it_rests_and_everybody_after() -> None:
    with Guests() as guests:
        guests.open()
        before = ACCEPT_METRICS.pauses
        guests.acceptor.throttle(LONG_S)
        guests.acceptor.throttle(LONG_S)
        guests.come(3)
        await _turns()
        assert (guests.accepted, ACCEPT_METRICS.pauses) == (0, before + 1)
        assert await guests.leave() == [b"hello"] * 3, "who leaves, rested or not, answers all"
    with Guests() as guests:
        guests.open()
        guests.acceptor.throttle(MIN_PAUSE_S)
        guests.come(3)
        await eventually(lambda: guests.accepted == 3, "the rest is over")
        await guests.leave()


async def test_many_short_rests_are_had_together() -> None:
    many = round(MIN_PAUSE_S * REJECTIONS_PER_S)
    with Guests() as guests:
        guests.open()
        before = ACCEPT_METRICS.pauses
        for refused in range(1, many + 1):
            assert ACCEPT_METRICS.pauses == before, refused
            guests.acceptor.throttle()
        assert ACCEPT_METRICS.pauses == before + 1
        await guests.leave()


async def test_who_has_left_before_he_is_accepted_harms_no_one() -> None:
    with Guests() as guests:
        guests.come(3)
        for client in guests.clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        guests.clients.clear()
        guests.come(1)
        guests.open()
        assert await guests.leave() == [b"hello"]


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """As many files are open as may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        highest = stack.enter_context(Path(os.devnull).open()).fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(highest):
            try:
                stack.callback(os.close, os.dup(highest))
            except OSError:
                break
        yield


async def test_who_finds_no_room_is_accepted_when_there_is_some() -> None:
    with Guests() as guests:
        guests.open()
        guests.come(2)
        before = ACCEPT_METRICS.resource_exhausted
        with no_more_descriptors():
            await eventually(lambda: ACCEPT_METRICS.resource_exhausted > before, "there is no room")
            assert guests.accepted == 0
        await eventually(lambda: guests.accepted == 2, "there is room")
        assert await guests.leave() == [b"hello"] * 2


def test_the_rest_for_want_of_room_is_had_at_once() -> None:
    assert EXHAUSTED_S >= MIN_PAUSE_S
