"""Acceptor: pauses after rejections, accepts after each pause, and loses no connection."""

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
from widget_server.transport.metrics import AcceptMetrics

ON_BOTH_LOOPS = True
LONG_S = 3600.0
ITERATIONS = 20
"""Iterations of the event loop, enough to accept all queued connections."""


class Clients(ExitStack):
    """An acceptor and the clients that connect to it. Each accepted connection receives `hello`."""

    def __init__(self) -> None:
        super().__init__()
        self.listener = self.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.metrics = AcceptMetrics()
        self.acceptor = Acceptor(self._protocol, self.metrics)
        self.sockets: list[socket.socket] = []
        self.accepted = 0

    def _protocol(self) -> asyncio.Protocol:
        self.accepted += 1
        return _Hello()

    def open(self) -> None:
        """Start accepting."""
        self.acceptor.open([self.listener], 100)

    def connect(self, number: int) -> None:
        """Connect `number` more clients; they wait in the kernel's queue."""
        for _ in range(number):
            client = socket.create_connection(self.listener.getsockname(), timeout=20)
            self.sockets.append(self.enter_context(client))

    async def close_acceptor(self) -> list[bytes]:
        """Close the acceptor. Return what each client received."""
        await self.acceptor.close()
        return [await asyncio.to_thread(client.recv, 100) for client in self.sockets]


class _Hello(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(b"hello")
        transport.close()


async def _iterate() -> None:
    for _ in range(ITERATIONS):
        await asyncio.sleep(0)


async def test_queued_and_later_connections_are_accepted() -> None:
    with Clients() as clients:
        clients.connect(5)
        clients.open()
        await eventually(lambda: clients.accepted == 5, "the queued connections are accepted")
        clients.connect(5)
        await eventually(lambda: clients.accepted == 10, "later connections are accepted")
        assert await clients.close_acceptor() == [b"hello"] * 10


async def test_no_connection_is_accepted_during_a_pause_and_all_are_after_it() -> None:
    with Clients() as clients:
        clients.open()
        clients.acceptor.throttle(LONG_S)
        clients.acceptor.throttle(LONG_S)
        clients.connect(3)
        await _iterate()
        assert (clients.accepted, clients.metrics.pauses) == (0, 1)
        assert await clients.close_acceptor() == [b"hello"] * 3, (
            "closing accepts all queued connections, even during a pause"
        )
    with Clients() as clients:
        clients.open()
        clients.acceptor.throttle(MIN_PAUSE_S)
        clients.connect(3)
        await eventually(lambda: clients.accepted == 3, "the pause is over")
        await clients.close_acceptor()


async def test_many_short_pauses_are_merged_into_one() -> None:
    many = round(MIN_PAUSE_S * REJECTIONS_PER_S)
    with Clients() as clients:
        clients.open()
        for rejected in range(1, many + 1):
            assert clients.metrics.pauses == 0, rejected
            clients.acceptor.throttle()
        assert clients.metrics.pauses == 1
        await clients.close_acceptor()


async def test_clients_that_disconnect_before_they_are_accepted_are_skipped() -> None:
    with Clients() as clients:
        clients.connect(3)
        for client in clients.sockets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        clients.sockets.clear()
        clients.connect(1)
        clients.open()
        assert await clients.close_acceptor() == [b"hello"]


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Open as many files as the process may."""
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


async def test_a_connection_without_a_free_descriptor_is_accepted_later() -> None:
    with Clients() as clients:
        clients.open()
        clients.connect(2)
        with no_more_descriptors():
            await eventually(lambda: clients.metrics.resource_exhausted, "no descriptor is free")
            assert clients.accepted == 0
        await eventually(lambda: clients.accepted == 2, "a descriptor is free")
        assert await clients.close_acceptor() == [b"hello"] * 2


def test_a_pause_for_lack_of_resources_is_not_merged() -> None:
    assert EXHAUSTED_S >= MIN_PAUSE_S
