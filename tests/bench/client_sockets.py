"""Thousands of client sockets in one process that must not limit the measured server.

Requests are prebuilt, only frame headers are parsed, and a socket object has a few slots. The code
implements only the necessary part of HTTP and RFC 6455. It does not check what the tests check.
"""

import errno
import resource
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence

LIMIT_S = 90.0
"""Longest duration of one call, in seconds."""
_TEXT, _CLOSE, _PING = 1, 8, 9
_CONNECTING, _HANDSHAKE_SENT, _SUBSCRIBE_SENT, _OPEN = range(4)
_OWN_FILES = 50
_RST = struct.pack("ii", 1, 0)
#: Source addresses on the loopback. One address would run out of ports.
_SOURCES = [f"127.0.0.{last}" for last in range(11, 19)]


def masked(payload: bytes) -> bytes:
    """Return a client's text frame with mask 0 (RFC 6455, section 5.3).

    With that mask the frame can be built before the measurement.
    """
    size = len(payload)
    if size < 126:
        return bytes((0x81, 0x80 | size)) + bytes(4) + payload
    return struct.pack("!BBH", 0x81, 0x80 | 126, size) + bytes(4) + payload


def handshake(origin: str, path: str = "/v1/live", *, deflate: bool = False) -> bytes:
    """Return the request that opens a WebSocket. With `deflate` it offers compression."""
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Origin: {origin}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: widget.v1\r\n"
        f"{offer * deflate}\r\n"
    ).encode()


class Socket:
    """One client socket with its parser state and its position in its requests."""

    __slots__ = ("requests", "rest", "skip", "sock", "state", "turn")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.state = _CONNECTING
        self.rest = b""
        self.skip = 0
        self.requests: Sequence[bytes] = ()
        self.turn = 0


class ClientSockets:
    """All sockets of one process, the counters of received frames, and the loop that reads them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._epoll = select.epoll()
        self._sockets: dict[int, Socket] = {}
        self._buffer = bytearray(1 << 18)
        self._view = memoryview(self._buffer)
        self._handshake = b""
        self._subscribe_message: bytes | None = None
        self._on_open: Callable[[Socket], None] = lambda _: None
        self._on_frame: Callable[[Socket, memoryview], None] | None = None
        self._frames = 0
        self._bytes = 0
        self._last = 0.0
        self._closed = 0
        self._opened = 0

    # Opening -----------------------------------------------------------------------------------

    def open(
        self, number: int, handshake: bytes, subscribe: bytes | None, at_once: int = 64
    ) -> float:
        """Open `number` sockets and keep them; return the seconds that it took.

        `subscribe` is the frame that subscribes. With it, a socket counts as open once the first
        frame after it has begun to arrive. `at_once` limits the sockets that are being opened.
        """
        return self._open(number, handshake, subscribe, at_once, keep=True)

    def join(
        self, number: int, handshake: bytes, subscribe: bytes | None, at_once: int = 64
    ) -> float:
        """Do the same as `open`, but close each socket as soon as it is open."""
        return self._open(number, handshake, subscribe, at_once, keep=False)

    def _open(
        self, number: int, handshake: bytes, subscribe: bytes | None, at_once: int, *, keep: bool
    ) -> float:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if keep and files < (needed := len(self._sockets) + number + _OWN_FILES):
            raise OSError(f"{needed} open files are needed, the limit is {files}: see `ulimit -Hn`")
        self._handshake, self._subscribe_message = handshake, subscribe
        self._opened = started = 0

        def opened(one: Socket) -> None:
            nonlocal started
            self._opened += 1
            if not keep:
                self._drop(one)
            if started < number:
                started += 1
                self._connect()

        self._on_open = opened
        begin = time.perf_counter()
        while started < min(number, at_once):
            started += 1
            self._connect()
        self._until(lambda: self._opened >= number, "all sockets are open")
        return time.perf_counter() - begin

    def _connect(self) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Close with a reset: otherwise the next round would find thousands of ports in TIME_WAIT.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        sock.bind((_SOURCES[sock.fileno() % len(_SOURCES)], 0))
        if sock.connect_ex(("127.0.0.1", self._port)) not in {0, errno.EINPROGRESS}:
            raise ConnectionError("the server does not accept connections")
        self._sockets[sock.fileno()] = Socket(sock)
        self._epoll.register(sock.fileno(), select.EPOLLOUT)

    def _drop(self, one: Socket) -> None:
        self._epoll.unregister(one.sock.fileno())
        del self._sockets[one.sock.fileno()]
        one.sock.close()

    def close_all(self) -> None:
        """Close every socket with a reset."""
        for one in list(self._sockets.values()):
            self._drop(one)

    # The loop ----------------------------------------------------------------------------------

    def _for(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (remaining := end - time.perf_counter()) > 0:
            self._poll(remaining)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.perf_counter() + LIMIT_S
        while not condition():
            if time.perf_counter() > end:
                raise TimeoutError(f"not true after {LIMIT_S:g} s: {what}")
            self._poll(0.1)

    def _poll(self, timeout: float) -> None:
        for descriptor, _ in self._epoll.poll(timeout, 4096):
            # Ignore the pipe: the parent's next call waits until this call is answered.
            if descriptor in self._sockets:
                self._ready(descriptor)

    def _ready(self, descriptor: int) -> None:
        one = self._sockets.get(descriptor)
        if one is None:
            return
        if one.state == _CONNECTING:
            one.sock.send(self._handshake)
            one.state = _HANDSHAKE_SENT
            self._epoll.modify(descriptor, select.EPOLLIN)
            return
        kept = len(one.rest)
        if kept:
            self._buffer[:kept] = one.rest
            one.rest = b""
        try:
            size = one.sock.recv_into(self._view[kept:])
        except BlockingIOError:
            return
        except ConnectionError:
            size = 0
        if not size:
            self._closed += 1
            self._drop(one)
            if one.state != _OPEN:
                raise ConnectionError("the server refused a socket")
            return
        size += kept
        start = 0
        if one.state == _HANDSHAKE_SENT:
            start = self._read_handshake(one, size)
        if start < size and one.state != _HANDSHAKE_SENT:
            self._read(one, start, size)

    def _read_handshake(self, one: Socket, size: int) -> int:
        end = self._buffer.find(b"\r\n\r\n", 0, size)
        if end < 0:
            one.rest = bytes(self._buffer[:size])
            return size
        if not self._buffer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(bytes(self._buffer[:end]).decode("latin-1"))
        if self._subscribe_message is None:
            one.state = _OPEN
            self._on_open(one)
        else:
            one.state = _SUBSCRIBE_SENT
            one.sock.send(self._subscribe_message)
        return end + 4

    def _read(self, one: Socket, position: int, size: int) -> None:
        """Process `size` bytes in the buffer from `position` on."""
        self._bytes += size - position
        self._last = time.monotonic()
        if one.skip > size - position:
            one.skip -= size - position
            return
        position = self._walk(one, position + one.skip, size)
        one.skip = max(0, position - size)
        if position < size:
            one.rest = bytes(self._buffer[position:size])
        if one.state == _SUBSCRIBE_SENT:
            if self._buffer.find(b'"snapshot"', 0, 40) < 0:
                raise ConnectionError(bytes(self._buffer[: min(size, 300)]).decode("latin-1"))
            one.state = _OPEN
            self._on_open(one)

    def _walk(self, one: Socket, position: int, size: int) -> int:
        """Count the frames that begin in the buffer; return where the next one begins.

        That position may be beyond the buffer. If frames are inspected, a frame counts once it has
        arrived completely.
        """
        buffer, on_frame = self._buffer, self._on_frame
        while position + 2 <= size:
            length, start = buffer[position + 1], position + 2
            if length > 125:
                start += 2 if length == 126 else 8
                if start > size:
                    return position
                length = int.from_bytes(buffer[position + 2 : start], "big")
            end = start + length
            if buffer[position] & 15 == _TEXT and on_frame is None:
                self._frames += 1
            elif end > size:
                return position
            else:
                self._take(one, buffer[position] & 15, start, end)
            position = end
        return position

    def _take(self, one: Socket, opcode: int, start: int, end: int) -> None:
        if opcode == _TEXT:
            self._frames += 1
            if self._on_frame is not None:
                self._on_frame(one, self._view[start:end])
        elif opcode == _PING:
            payload = bytes(self._buffer[start:end])
            one.sock.send(bytes((0x8A, 0x80 | len(payload))) + bytes(4) + payload)
        elif opcode == _CLOSE:
            self._closed += 1
