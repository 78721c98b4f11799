"""Client process of a benchmark: counts frames, records arrival times, sends actions."""

import select
import socket
import time
from array import array
from collections.abc import Sequence
from multiprocessing.connection import Connection

from tests.bench.client_sockets import ClientSockets, Socket
from tests.bench.rpc import answer_one


class LoadClient(ClientSockets):
    """The client sockets of one server.

    The parent calls the public methods. Between calls the process reads and counts frames.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._answers = 0
        self._errors = b""
        self._seqs = array("q")
        self._times = array("d")

    def run(self, connection: Connection) -> None:
        """Answer calls of the parent until it closes the pipe."""
        self._epoll.register(connection.fileno(), select.EPOLLIN)
        while True:
            for descriptor, _ in self._epoll.poll(1.0, 4096):
                if descriptor != connection.fileno():
                    self._ready(descriptor)
                elif not answer_one(connection, self):
                    return

    # Counting ----------------------------------------------------------------------------------

    def start_counting(self) -> None:
        """Reset all counters."""
        self._frames = self._bytes = self._closed = 0
        self._last = time.monotonic()

    def counted(self, frames: int) -> tuple[int, int, float, int]:
        """Return the counters since `start_counting`.

        These are text frames, bytes, the time of the last frame (monotonic) and the number of lost
        sockets. Waits until there are `frames` frames or nothing has arrived for a second.
        """

        def settled() -> bool:
            return self._frames >= frames or time.monotonic() - self._last > 1.0

        self._until(settled, "all frames have arrived")
        return self._frames, self._bytes, self._last, self._closed

    def start_recording(self) -> None:
        """Start to record when the frame with each `seq` arrives at each socket."""
        self._seqs, self._times = array("q"), array("d")
        self._on_frame = self._record

    def recorded(self, arrivals: int) -> tuple["array[int]", "array[float]"]:
        """Return the recorded `seq` values and their times (monotonic clock, seconds).

        Waits until there are `arrivals` of them or nothing has arrived for a second.
        """

        def settled() -> bool:
            return len(self._seqs) >= arrivals or time.monotonic() - self._last > 1.0

        self._until(settled, "all frames have arrived")
        self._on_frame = None
        return self._seqs, self._times

    def _record(self, _one: Socket, payload: memoryview) -> None:
        head = bytes(payload[:160])
        start = head.find(b'"seq":')
        if start >= 0:
            self._seqs.append(int(head[start + 6 : head.index(b"}", start)]))
            self._times.append(self._last)

    # Requests ----------------------------------------------------------------------------------

    def drive(
        self, requests: list[list[bytes]], seconds: float, warm: float
    ) -> tuple[int, float, int]:
        """Let each socket send its requests in turn; a reply triggers the next request.

        `seconds` is the measured time after a warm-up of `warm` seconds. Return the replies in the
        measured time, the measured time, and all replies. Raises `RuntimeError` for an `error`.
        """
        earlier = self._answers
        for one, own_requests in zip(self._sockets.values(), requests, strict=False):
            one.requests = own_requests
        active = [one for one in self._sockets.values() if one.requests]
        self._errors = b""
        self._on_frame = self._on_reply
        for one in active:
            self._send_next(one)
        self._for(warm)
        begun, begin = self._answers, time.perf_counter()
        self._for(seconds)
        answers, taken = self._answers - begun, time.perf_counter() - begin
        for one in active:
            one.requests = ()
        # Take the replies to open requests, so that they do not count in the next measurement.
        self._for(0.3)
        self._on_frame = None
        if self._errors:
            raise RuntimeError(f"the server replied {self._errors.decode()}")
        return answers, taken, self._answers - earlier

    def _on_reply(self, one: Socket, payload: memoryview) -> None:
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
        """Repeat one request on one connection; return the number of responses and the seconds."""
        with socket.create_connection(("127.0.0.1", self._port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers, begin = 0, time.perf_counter()
            while time.perf_counter() - begin < seconds:
                sock.sendall(request)
                self._read_response(sock)
                answers += 1
            return answers, time.perf_counter() - begin

    def time_each(self, requests: Sequence[bytes]) -> list[float]:
        """Send the requests one after another on one connection; return the seconds of each."""
        times = []
        with socket.create_connection(("127.0.0.1", self._port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for request in requests:
                begin = time.perf_counter()
                sock.sendall(request)
                self._read_response(sock)
                times.append(time.perf_counter() - begin)
        return times

    def etag(self, request: bytes) -> str:
        """Return the ETag of the response to a request."""
        with socket.create_connection(("127.0.0.1", self._port)) as sock:
            sock.sendall(request)
            head = self._read_response(sock).decode("latin-1")
        found = [line for line in head.split("\r\n") if line.lower().startswith("etag:")]
        return found[0].partition(":")[2].strip()

    @staticmethod
    def _read_response(sock: socket.socket) -> bytes:
        """Read one response with status 200 or 304; return its header."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += (received := sock.recv(1 << 18))
            if not received:
                raise ConnectionError("the server closed the connection")
        head, _, body = data.partition(b"\r\n\r\n")
        if b" 304 " in head[:16]:
            return head
        if b" 200 " not in head[:16]:
            raise RuntimeError(head.decode("latin-1"))
        lines = head.lower().split(b"\r\n")
        sizes = [line for line in lines if line.startswith(b"content-length:")]
        missing = int(sizes[0].partition(b":")[2]) - len(body)
        while missing > 0:
            missing -= len(sock.recv(1 << 18))
        return head


def main(connection: Connection, port: int) -> None:
    """Run the client process."""
    LoadClient(port).run(connection)
