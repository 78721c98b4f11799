"""Attacks of hostile clients, each on one connection, and how the server must end them.

The last part has attacks on the bus and on the number of copies of a story.
"""

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
from redis.asyncio import Redis

from tests.async_context import AsyncContext
from tests.transport.serving import CLOSE, CONT, PING, TEXT, Client, frame

ADDRESS = "127.0.0.9"
"""Source address of most attackers: its own network, and not a trusted proxy."""
ORIGIN = "https://copy.example"
KEPT = "kept"
"""The server keeps the connection: a client that reads slowly is served as fast as it reads."""
CUT = "cut"
"""The server closed the connection without an answer, which a non-reading client would not get."""


@dataclass(frozen=True)
class Target:
    """The server under attack.

    `port` is its port, `busy` the widget token of an active story, `others` tokens of many other
    stories, and `long` the token and the code of a story with long comments.
    """

    port: int
    busy: str
    others: list[str]
    long: tuple[str, str] = ("", "")


Ends = Counter[str]
"""Number of connections by how they ended: close code, HTTP status, `KEPT` or `CUT`."""


@dataclass(frozen=True)
class Attack:
    """An attack: its connections at a time, its rate of new connections, and the expected ends."""

    run: Callable[[Target, Ends], Coroutine[Any, Any, None]]
    concurrency: int
    per_second: float
    ends: frozenset[str]
    window_s: float = 2.0
    """Seconds of one measurement, long enough for the attack to have its effect."""


def _socket(receive_buffer: int | None = None, address: str = ADDRESS) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    # Close with a reset: tens of thousands of connections in TIME_WAIT would use up the ports.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.bind((address, 0))
    return sock


@contextlib.asynccontextmanager
async def _connected(target: Target, receive_buffer: int | None = None) -> AsyncIterator[Client]:
    sock = _socket(receive_buffer)
    try:
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", target.port))
        yield Client(sock)
    finally:
        sock.close()


def _handshake(target: Target) -> bytes:
    return (
        f"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nOrigin: {ORIGIN}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: widget.v1\r\n\r\n"
    ).encode()


class _HandshakeRejectedError(Exception):
    """The server answered the handshake with this status."""


@contextlib.asynccontextmanager
async def _upgraded(target: Target, receive_buffer: int | None = None) -> AsyncIterator[Client]:
    async with _connected(target, receive_buffer) as client:
        await client.send(_handshake(target))
        answer = b""
        while b"\r\n\r\n" not in answer and not client.ended:
            answer += await client.read()
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise _HandshakeRejectedError(_status(head))
        client.parser.receive_data(rest)
        yield client


def _status(answer: bytes) -> str:
    parts = answer.split(None, 2)
    return parts[1].decode() if len(parts) > 1 else CUT


def _text(message: object) -> bytes:
    return frame(TEXT, json.dumps(message).encode())


def _subscribe(token: str, ref: int = 1) -> bytes:
    return _text({"type": "subscribe", "token": token, "ref": ref})


def on_socket(
    payloads: Callable[[Target], list[bytes]],
) -> Callable[[Target, Ends], Coroutine[Any, Any, None]]:
    """Return an attack that sends the payloads on a WebSocket and waits for its end."""

    async def run(target: Target, ends: Ends) -> None:
        try:
            async with _upgraded(target) as client:
                for data in payloads(target):
                    await client.send(data)
                ends[str(await client.close_code())] += 1
        except _HandshakeRejectedError as rejection:
            ends[str(rejection)] += 1

    return run


def on_connection(
    payloads: Callable[[Target], list[bytes]],
) -> Callable[[Target, Ends], Coroutine[Any, Any, None]]:
    """Return an attack that sends the payloads on a TCP connection and waits for its end."""

    async def run(target: Target, ends: Ends) -> None:
        async with _connected(target) as client:
            for data in payloads(target):
                await client.send(data)
            ends[_status(await client.read_to_end())] += 1

    return run


def drips(
    beginning: Callable[[Target], bytes],
) -> Callable[[Target, Ends], Coroutine[Any, Any, None]]:
    """Return an attack that begins a request and then sends one byte every half second."""

    async def run(target: Target, ends: Ends) -> None:
        async with _connected(target) as client:
            await client.send(beginning(target))
            listening = asyncio.create_task(client.read_to_end())
            try:
                while not listening.done():
                    await client.send(b"x")
                    await asyncio.wait({listening}, timeout=0.5)
                ends[_status(await listening)] += 1
            finally:
                listening.cancel()

    return run


async def never_reads(target: Target, ends: Ends) -> None:
    """Subscribe to the busy story and do not read for longer than the server waits."""
    async with _upgraded(target, receive_buffer=2048) as client:
        await client.send(_subscribe(target.busy))
        try:
            await asyncio.sleep(30)
            # Data in the buffers can still be read. If the server had kept the connection, more
            # data would follow and this call would time out.
            await client.read_to_end()
            ends[CUT] += 1
        except TimeoutError:
            ends[KEPT] += 1


async def never_reads_long_comments(target: Target, ends: Ends) -> None:
    """Do the same with the story of long comments, whose whole snapshot stays queued."""
    await never_reads(replace(target, busy=target.long[0]), ends)


@contextlib.contextmanager
def _count_end(ends: Ends) -> Iterator[None]:
    """Count `CUT` if the server ends the connection, `KEPT` if the attack is cancelled before."""
    try:
        yield
        ends[CUT] += 1
    except ConnectionError:
        ends[CUT] += 1
    except asyncio.CancelledError:
        ends[KEPT] += 1
        raise


async def gets_slowly(target: Target, ends: Ends) -> None:
    """Request the snapshot of the story of long comments and read it at 4 KB/s."""
    loop = asyncio.get_running_loop()
    sock = _socket(2048)
    with contextlib.closing(sock), _count_end(ends):
        await loop.sock_connect(sock, ("127.0.0.1", target.port))
        request = f"GET /v1/stories/{target.long[1]} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        await loop.sock_sendall(sock, request.encode())
        while data := await loop.sock_recv(sock, 1000):
            await asyncio.sleep(len(data) / 4_000)


async def reads_slowly(target: Target, ends: Ends) -> None:
    """Read the busy story at 64 kbit/s."""
    loop = asyncio.get_running_loop()
    async with _upgraded(target, receive_buffer=2048) as client:
        await client.send(_subscribe(target.busy))
        with _count_end(ends):
            while data := await loop.sock_recv(client.sock, 1000):
                await asyncio.sleep(len(data) / 8_000)


HANDSHAKES_AT_ONCE = 50


async def floods_handshakes(
    target: Target, ends: Ends, source: Callable[[], str] = lambda: ADDRESS
) -> None:
    """Open many WebSockets at once, read each response, and close."""
    loop = asyncio.get_running_loop()
    request = _handshake(target)
    socks = [_socket(address=source()) for _ in range(HANDSHAKES_AT_ONCE)]
    try:
        for sock in socks:
            await loop.sock_connect(sock, ("127.0.0.1", target.port))
            await loop.sock_sendall(sock, request)
        for sock in socks:
            with contextlib.suppress(ConnectionError):
                answer = await loop.sock_recv(sock, 4096)
                ends[_status(answer)] += 1
    finally:
        for sock in socks:
            sock.close()


async def floods_handshakes_from_many_networks(target: Target, ends: Ends) -> None:
    """Do the same from a different network for each socket, out of four million addresses."""
    rng = random.Random()
    await floods_handshakes(
        target,
        ends,
        lambda: f"127.{rng.randrange(64, 128)}.{rng.randrange(256)}.{rng.randrange(256)}",
    )


async def subscribes(target: Target, ends: Ends) -> None:
    """Subscribe to one story after another; send the next as soon as the last was answered."""
    async with _upgraded(target) as client:
        for ref, token in enumerate(target.others, 1):
            await client.send(_subscribe(token, ref))
            answered = False
            while not answered:
                received = await client.frames(TEXT)
                codes = [bytes(one.data[:2]) for one in received if one.opcode == CLOSE]
                if codes or not received:
                    ends[str(int.from_bytes(codes[0], "big")) if codes else CUT] += 1
                    return
                answered = any(b'"ref":%d' % ref in bytes(one.data) for one in received)


def _garbage(target: Target) -> list[bytes]:
    rng = random.Random(target.port)
    return [b"\x16\x03\x01" + rng.randbytes(4096) for _ in range(16)]


def _reserved(target: Target) -> list[bytes]:
    rng = random.Random(target.port)
    return [b"\xf7" + rng.randbytes(4096) for _ in range(16)]


def _get(target: Target) -> bytes:
    return f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n".encode()


def _post(target: Target, length: int) -> bytes:
    return (
        f"POST /v1/actions HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nOrigin: {ORIGIN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _attack(
    run: Callable[[Target, Ends], Coroutine[Any, Any, None]],
    concurrency: int,
    per_second: float,
    *ends: str,
    window_s: float = 2.0,
) -> Attack:
    return Attack(run, concurrency, per_second, frozenset(ends), window_s)


_TINY = frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * 5_000
_ENDLESS = [frame(TEXT, b"a" * 1024, fin=False)] + [frame(CONT, b"a" * 1024, fin=False)] * 200
_HUGE = [b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(4)] + [b"a" * 65_536] * 16

#: Attacks that the server ends within a second.
QUICK: dict[str, Attack] = {
    "5,000 pings at once": _attack(on_socket(lambda _: [frame(PING) * 5_000]), 10, 10, "1008"),
    "endless fragments": _attack(on_socket(lambda _: _ENDLESS), 10, 10, "1009"),
    "5,000 tiny continuations": _attack(on_socket(lambda _: [_TINY]), 10, 10, "1008"),
    "frames of a terabyte": _attack(on_socket(lambda _: _HUGE), 10, 10, "1009"),
    "headers of a megabyte": _attack(
        on_connection(lambda target: [_get(target), *[b"X-Long: " + b"a" * 65_000 + b"\r\n"] * 16]),
        *(10, 10, "431"),
    ),
    "bodies of a gigabyte": _attack(
        on_connection(lambda target: [_post(target, 1 << 30), *[b"a" * 65_536] * 16]), 10, 10, "413"
    ),
    "garbage instead of HTTP": _attack(on_connection(_garbage), 10, 10, "400"),
    "garbage instead of frames": _attack(on_socket(_reserved), 10, 10, "1002"),
    "garbage instead of JSON": _attack(
        on_socket(lambda _: [frame(TEXT, b'{"type":')] * 20), 10, 10, "4400"
    ),
}

#: Attacks that end by a timeout, after many answers, or only when the attacker closes.
PATIENT: dict[str, Attack] = {
    "200 subscriptions on a socket": _attack(subscribes, 4, 1, "4400"),
    "never reads": _attack(never_reads, 20, 20, CUT, window_s=6),
    "reads 64 kbit/s": _attack(reads_slowly, 20, 20, KEPT, window_s=6),
    "never reads a story of long comments": _attack(
        never_reads_long_comments, 12, 12, CUT, window_s=6
    ),
    "gets a story of long comments at 4 KB/s": _attack(gets_slowly, 10, 10, KEPT, window_s=6),
    "silent connections": _attack(on_connection(lambda _: []), 100, 50, CUT),
    "silent sockets": _attack(on_socket(lambda _: []), 100, 50, "4408"),
    "headers sent byte by byte": _attack(drips(lambda t: _get(t) + b"X-Slow: "), 100, 50, "408"),
    "bodies sent byte by byte": _attack(drips(lambda t: _post(t, 5_000)), 100, 50, "408"),
}

FLOODS: dict[str, Attack] = {
    "thousands of handshakes a second": _attack(floods_handshakes, 4, 60, "101", "429"),
    "handshakes from thousands of networks": _attack(
        floods_handshakes_from_many_networks, 4, 60, "101", "503", window_s=6
    ),
}

ATTACKS = QUICK | PATIENT | FLOODS


class Forger(AsyncContext):
    """Attacker on the bus: `async with Forger(url) as forger:`.

    It receives all bus messages and publishes them again: late, on the channels of other stories,
    and changed. `forged` counts the messages that it published.
    """

    def __init__(self, url: str) -> None:
        self.forged = 0
        self._stopping = False
        self._url = url
        self._own: set[bytes] = set()
        self._received: list[tuple[str, bytes]] = []
        self._rng = random.Random(7)

    async def open(self) -> None:
        """Connect to the bus and start."""
        self._client = Redis.from_url(self._url)
        self._pubsub = self._client.pubsub()
        await self._pubsub.psubscribe("w:*")
        self._task = asyncio.create_task(self._run())

    async def close(self, error: BaseException | None) -> None:
        """Stop and disconnect."""
        self._stopping = True
        await asyncio.wait({self._task}, timeout=5)
        self._task.cancel()
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._client.aclose()

    async def _run(self) -> None:
        while not self._stopping:
            message = await self._pubsub.get_message(timeout=0.2)
            if message is None or message["type"] != "pmessage" or message["data"] in self._own:
                continue
            name, data = message["channel"].decode(), message["data"]
            self._received.append((name, data))
            earlier, other = (self._rng.choice(self._received) for _ in range(2))
            # Repeat one message on its own channel and another one on this channel.
            forged = [(name, one) for one in (*self._changed(data), other[1])] + [earlier]
            # Remember forged messages before publishing them: otherwise each would be forged again
            # when it arrives here, without end.
            self._own.update(one for _, one in forged)
            for channel, one in forged:
                await self._client.publish(channel, one)
            self.forged += len(forged)

    def _changed(self, data: bytes) -> list[bytes]:
        """Return forged messages: a next comment by the author, a presence message, garbage."""
        signature, _, message = data.partition(b" ")
        fields = message.split(b" ", 3)
        if len(fields) < 4 or fields[1] != b"c":
            presence = b"1 p 9 %d 0 0 -\n" % len(self._own)
            return [
                signature + b" " + presence + b'{"readers":100000000,"copies":[1],"ask":true}',
                b"not json",
            ]
        seq = int(fields[2])
        following = message.replace(b'"seq":%d' % seq, b'"seq":%d' % (seq + 1))
        following = following.replace(b" c %d " % seq, b" c %d " % (seq + 1), 1)
        by_author = following.replace(b'"role":null', b'"role":"author"')
        return [by_author, signature + b" " + by_author, b"0" * 32 + b" " + by_author]


async def names_many_origins(port: int, story: dict[str, str], number: int) -> Ends:
    """Send `number` actions, each from another origin. Every second one has an unknown reaction."""
    ends: Ends = Counter()
    transport = httpx.AsyncHTTPTransport(local_address=ADDRESS)
    turns = iter(range(number))
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=30
    ) as http:

        async def send_some() -> None:
            for turn in turns:
                reaction = "happy" if turn % 2 else "unheard-of"
                action = {"type": "react", **story, "reaction": reaction}
                headers = {"Origin": f"https://invented-{turn}.example"}
                answer = await http.post("/v1/actions", json=action, headers=headers)
                ends[str(answer.status_code)] += 1

        await asyncio.gather(*(send_some() for _ in range(8)))
    return ends
