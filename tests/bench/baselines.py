"""Baselines to compare the server with that need nothing but the installed packages.

The raw loop is the lower bound of the cost: one `send` for each reader and nothing else. The naive
loop is the usual first implementation. The `rival_*.py` programs are servers that need other
software.
"""

import asyncio
import logging
import select
import socket
import time
from array import array
from multiprocessing.connection import Connection

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.server import ServerConnection, broadcast, serve

from tests.bench.rpc import Stopwatch, answer_all, answer_one, run_loop, serve_and_answer
from widget_server.hub.prepared import PreparedMessage

_ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: widget.v1\r\n\r\n"
)


class Raw:
    """A loop of `send` calls over sockets. The cost of the Python loop itself is subtracted."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._sockets: list[socket.socket] = []

    def run(self, connection: Connection) -> None:
        """Accept sockets and answer calls until the parent closes the pipe."""
        with select.epoll() as ready:
            ready.register(self._listener, select.EPOLLIN)
            ready.register(connection.fileno(), select.EPOLLIN)
            while True:
                for descriptor, _ in ready.poll():
                    if descriptor == self._listener.fileno():
                        self._accept()
                    elif not answer_one(connection, self):
                        return

    def _accept(self) -> None:
        one, _ = self._listener.accept()
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.recv(4096)
        one.send(_ACCEPT)
        self._sockets.append(one)

    def address(self) -> int:
        """Return the port."""
        return int(self._listener.getsockname()[1])

    def broadcast(self, payload: bytes, rounds: int) -> tuple[float, float]:
        """Send a frame to every socket `rounds` times; return seconds and CPU seconds of the sends."""
        wire = PreparedMessage(payload).frame_bytes
        sockets = self._sockets
        watch = Stopwatch()
        for _ in range(rounds):
            for one in sockets:
                one.send(wire)
        wall, cpu = watch.read()
        loop_cost = self._loop_cost(wire, rounds)
        return wall - loop_cost, cpu - loop_cost

    def _loop_cost(self, wire: bytes, rounds: int) -> float:
        """Return the CPU seconds of the same loop with a call that does nothing."""
        sockets, nothing = self._sockets, wire.startswith
        watch = Stopwatch()
        for _ in range(rounds):
            for _one in sockets:
                nothing(wire)
        return watch.read()[1]

    def send_at_rate(
        self, per_second: float, seconds: float, payload: bytes
    ) -> tuple["array[int]", "array[float]"]:
        """Send frames to every socket at a steady rate.

        Return the `seq` of each frame and the time at which its round began. `payload` has the
        number as eight digits after `"seq":1`.
        """
        head, _, tail = payload.partition(b"00000000")
        seqs, times = array("q"), array("d")
        begin = time.perf_counter()
        for number in range(int(per_second * seconds)):
            time.sleep(max(0.0, begin + number / per_second - time.perf_counter()))
            wire = PreparedMessage(b"%b%08d%b" % (head, number, tail)).frame_bytes
            seqs.append(100_000_000 + number)
            times.append(time.monotonic())
            for one in self._sockets:
                one.send(wire)
        return seqs, times


class Naive:
    """`for socket in sockets: await socket.send_text(text)`, on Starlette and plain uvicorn."""

    def __init__(self) -> None:
        self._sockets: list[WebSocket] = []

    async def run(self, connection: Connection) -> None:
        """Serve and answer calls until the parent closes the pipe."""
        app = Starlette(routes=[WebSocketRoute("/v1/live", self._watch)])
        settings = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", backlog=4096
        )
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
            self._port = int(listener.getsockname()[1])
            server = uvicorn.Server(settings)
            await serve_and_answer(server, listener, connection, self)

    async def _watch(self, websocket: WebSocket) -> None:
        await websocket.accept(subprotocol="widget.v1")
        self._sockets.append(websocket)
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            self._sockets.remove(websocket)

    def address(self) -> int:
        """Return the port."""
        return self._port

    async def broadcast(self, payload: bytes, rounds: int) -> tuple[float, float]:
        """Send a text to every socket `rounds` times; return seconds and CPU seconds."""
        text = payload.decode()
        watch = Stopwatch()
        for _ in range(rounds):
            for one in self._sockets:
                await one.send_text(text)
        return watch.read()


class Broadcast:
    """`websockets.broadcast` without compression."""

    async def run(self, connection: Connection) -> None:
        """Serve and answer calls until the parent closes the pipe."""
        self._sockets: set[ServerConnection] = set()

        async def watch(one: ServerConnection) -> None:
            self._sockets.add(one)
            await one.wait_closed()
            self._sockets.discard(one)

        logging.getLogger("websockets").setLevel(logging.CRITICAL)
        async with serve(
            watch,
            "127.0.0.1",
            0,
            compression=None,
            backlog=4096,
            select_subprotocol=lambda *_: None,
        ) as server:
            self._port = int(next(iter(server.sockets)).getsockname()[1])
            await answer_all(connection, self)

    def address(self) -> int:
        """Return the port."""
        return self._port

    async def broadcast(self, payload: bytes, rounds: int) -> tuple[float, float]:
        """Send a text to every socket `rounds` times; return seconds and CPU seconds."""
        text = payload.decode()
        watch = Stopwatch()
        for _ in range(rounds):
            broadcast(self._sockets, text)
            await asyncio.sleep(0)
        return watch.read()


def raw(connection: Connection) -> None:
    """Run the process of the raw loop."""
    Raw().run(connection)


def naive(connection: Connection) -> None:
    """Run the process of the naive loop."""
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    run_loop(Naive().run(connection))


def websockets_broadcast(connection: Connection) -> None:
    """Run the process of `websockets.broadcast`."""
    run_loop(Broadcast().run(connection))
