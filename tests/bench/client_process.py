"""What the readers of a measurement are asked to do: count, note when frames come, send actions."""

import select
import socket
import time
from array import array
from multiprocessing.connection import Connection

from tests.bench.client_sockets import ClientSockets, Socket
from tests.bench.rpc import answer_one


class LoadClient(ClientSockets):
    """The readers of one server. Called from the parent; between calls it reads and counts."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._answers = 0
        self._errors = b""
        self._seqs = array("q")
        self._times = array("d")

    def run(self, connection: Connection) -> None:
        """Serve the parent until it closes the pipe."""
        self._epoll.register(connection.fileno(), select.EPOLLIN)
        while True:
            for descriptor, _ in self._epoll.poll(1.0, 4096):
                if descriptor != connection.fileno():
                    self._ready(descriptor)
                elif not answer_one(connection, self):
                    return

    # Counting ----------------------------------------------------------------------------------

    def start_counting(self) -> None:
        """Begin at nothing."""
        self._frames = self._bytes = self._closed = 0
        self._last = time.monotonic()

    def counted(self, frames: int) -> tuple[int, int, float, int]:
        """Text frames, bytes, time of the last frame and sockets lost since `start_counting`.

        Waits until there are so many frames or nothing came for a second.
        """

        def settled() -> bool:
            return self._frames >= frames or time.monotonic() - self._last > 1.0

        self._until(settled, "frames have settled")
        return self._frames, self._bytes, self._last, self._closed

    def start_noting(self) -> None:
        """From now on note when the frame with each `seq` arrives at each socket."""
        self._seqs, self._times = array("q"), array("d")
        self._on_frame = self._note

    def noted(self, arrivals: int) -> tuple["array[int]", "array[float]"]:
        """The numbers and their times (monotonic clock), once so many have come or all has settled."""

        def settled() -> bool:
            return len(self._seqs) >= arrivals or time.monotonic() - self._last > 1.0

        self._until(settled, "frames have arrived")
        self._on_frame = None
        return self._seqs, self._times

    def _note(self, _one: Socket, payload: memoryview) -> None:
        head = bytes(payload[:160])
        place = head.find(b'"seq":')
        if place >= 0:
            self._seqs.append(int(head[place + 6 : head.index(b"}", place)]))
            self._times.append(self._last)

    # Asking ------------------------------------------------------------------------------------

    def drive(
        self, requests: list[list[bytes]], seconds: float, warm: float
    ) -> tuple[int, float, int]:
        """Each socket sends its requests in turn, the next one when the last was answered.

        The answers in so many seconds after a warm-up, those seconds, and all answers from the
        first to the last. Any `error` raises.
        """
        earlier = self._answers
        for one, own in zip(self._sockets.values(), requests, strict=False):
            one.requests = own
        asking = [one for one in self._sockets.values() if one.requests]
        self._errors = b""
        self._on_frame = self._answered
        for one in asking:
            self._send_next(one)
        self._for(warm)
        begun, begin = self._answers, time.perf_counter()
        self._for(seconds)
        answers, taken = self._answers - begun, time.perf_counter() - begin
        for one in asking:
            one.requests = ()
        # The answers to what is under way belong to no measurement.
        self._for(0.3)
        self._on_frame = None
        if self._errors:
            raise RuntimeError(f"the server answered {self._errors.decode()}")
        return answers, taken, self._answers - earlier

    def _answered(self, one: Socket, payload: memoryview) -> None:
        kind = bytes(payload[:15])
        if kind.startswith(b'{"type":"ok"'):
            self._answers += 1
            self._send_next(one)
        elif kind.startswith(b'{"type":"error"'):
            self._errors = bytes(payload)

    def _send_next(self, one: Socket) -> None:
        if one.requests:
            one.sock.send(one.requests[one.turn % len(one.requests)])
            one.turn += 1

    def fetch(self, request: bytes, seconds: float) -> tuple[int, float]:
        """One kept connection asks the same again and again; the answers and the seconds."""
        with socket.create_connection(("127.0.0.1", self._port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers, begin = 0, time.perf_counter()
            while time.perf_counter() - begin < seconds:
                sock.sendall(request)
                self._take_answer(sock)
                answers += 1
            return answers, time.perf_counter() - begin

    @staticmethod
    def _take_answer(sock: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += (some := sock.recv(1 << 18))
            if not some:
                raise ConnectionError("the server closed")
        head, _, body = data.partition(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise RuntimeError(head.decode("latin-1"))
        lines = head.lower().split(b"\r\n")
        sizes = [line for line in lines if line.startswith(b"content-length:")]
        left = int(sizes[0].partition(b":")[2]) - len(body)
        while left > 0:
            left -= len(sock.recv(1 << 18))


def main(connection: Connection, port: int) -> None:
    """The process."""
    LoadClient(port).run(connection)
