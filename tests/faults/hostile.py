"""What hostile clients do, one connection at a time, and how the server ends each of them.

At the end, what a stranger does who can reach the bus.
"""

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import httpx
from redis.asyncio import Redis

from tests.transport.serving import CLOSE, CONT, PING, TEXT, Client, frame

ADDRESS = "127.0.0.9"
"""Where most attackers come from: a network of their own, and no trusted proxy."""
ORIGIN = "https://copy.example"
KEPT = "kept"
"""Not ended by the server: anyone who only reads slowly is served as fast as he reads."""
CUT = "cut"
"""Ended without an answer: nothing would reach one who does not read."""


@dataclass(frozen=True)
class Target:
    """The server under attack: its port, a token of a busy story, tokens of many others.

    `long` names a story of long comments: a token and its code.
    """

    port: int
    busy: str
    others: list[str]
    long: tuple[str, str] = ("", "")


Ends = Counter[str]
"""How connections ended: close codes, HTTP statuses, `KEPT` or `CUT`."""


@dataclass(frozen=True)
class Attack:
    """So many at a time, at most so many new ones a second, and the ends that are stated."""

    run: Callable[[Target, Ends], Coroutine[Any, Any, None]]
    together: int
    a_second: float
    ends: frozenset[str]
    window_s: float = 2.0
    """Seconds in which it shows its effect."""


def _socket(receive_buffer: int | None = None, address: str = ADDRESS) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    # Closed with a reset: tens of thousands of closed connections must not use up the ports.
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


class _RefusedError(Exception):
    """The handshake was answered with this status."""


@contextlib.asynccontextmanager
async def _upgraded(target: Target, receive_buffer: int | None = None) -> AsyncIterator[Client]:
    async with _connected(target, receive_buffer) as client:
        await client.send(_handshake(target))
        answer = b""
        while b"\r\n\r\n" not in answer and not client.ended:
            answer += await client.read()
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise _RefusedError(_status(head))
        client.parser.receive_data(rest)
        yield client


def _status(answer: bytes) -> str:
    words = answer.split(None, 2)
    return words[1].decode() if len(words) > 1 else CUT


def _text(message: object) -> bytes:
    return frame(TEXT, json.dumps(message).encode())


def _subscribe(token: str, ref: int = 1) -> bytes:
    return _text({"type": "subscribe", "token": token, "ref": ref})


def on_socket(
    speak: Callable[[Target], list[bytes]],
) -> Callable[[Target, Ends], Coroutine[Any, Any, None]]:
    """An attacker who says this on an open socket and waits for the end."""

    async def run(target: Target, ends: Ends) -> None:
        try:
            async with _upgraded(target) as client:
                for data in speak(target):
                    await client.send(data)
                ends[str(await client.close_code())] += 1
        except _RefusedError as refused:
            ends[str(refused)] += 1

    return run


def on_line(
    speak: Callable[[Target], list[bytes]],
) -> Callable[[Target, Ends], Coroutine[Any, Any, None]]:
    """An attacker who says this on a bare connection and waits for the end."""

    async def run(target: Target, ends: Ends) -> None:
        async with _connected(target) as client:
            for data in speak(target):
                await client.send(data)
            ends[_status(await client.read_to_end())] += 1

    return run


def drips(
    beginning: Callable[[Target], bytes],
) -> Callable[[Target, Ends], Coroutine[Any, Any, None]]:
    """An attacker who begins a request and goes on by one byte in half a second."""

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
    """Subscribe to the busy story and look away for longer than the server waits."""
    async with _upgraded(target, receive_buffer=2048) as client:
        await client.send(_subscribe(target.busy))
        try:
            await asyncio.sleep(30)
            # What was on its way is still there; it would go on coming if the line were not cut.
            await client.read_to_end()
            ends[CUT] += 1
        except TimeoutError:
            ends[KEPT] += 1


async def never_reads_long_comments(target: Target, ends: Ends) -> None:
    """The same with the story of long comments, all of whose snapshot waits."""
    await never_reads(replace(target, busy=target.long[0]), ends)


async def gets_slowly(target: Target, ends: Ends) -> None:
    """Ask for the snapshot of the story of long comments, and read it at 4 KB/s."""
    loop = asyncio.get_running_loop()
    sock = _socket(2048)
    try:
        await loop.sock_connect(sock, ("127.0.0.1", target.port))
        request = f"GET /v1/stories/{target.long[1]} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        await loop.sock_sendall(sock, request.encode())
        while data := await loop.sock_recv(sock, 1000):
            await asyncio.sleep(len(data) / 4_000)
        ends[CUT] += 1
    except ConnectionError:
        ends[CUT] += 1
    except asyncio.CancelledError:
        ends[KEPT] += 1
        raise
    finally:
        sock.close()


async def reads_slowly(target: Target, ends: Ends) -> None:
    """Read the busy story at 64 kbit/s."""
    loop = asyncio.get_running_loop()
    async with _upgraded(target, receive_buffer=2048) as client:
        await client.send(_subscribe(target.busy))
        try:
            while True:
                data = await loop.sock_recv(client.sock, 1000)
                if not data:
                    break
                await asyncio.sleep(len(data) / 8_000)
            ends[CUT] += 1
        except ConnectionError:
            ends[CUT] += 1
        except asyncio.CancelledError:
            ends[KEPT] += 1
            raise


HERD = 50


async def shakes_hands(
    target: Target, ends: Ends, whence: Callable[[], str] = lambda: ADDRESS
) -> None:
    """Open a herd of sockets at once, look at each answer, and go."""
    loop = asyncio.get_running_loop()
    request = _handshake(target)
    socks = [_socket(address=whence()) for _ in range(HERD)]
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


async def shakes_hands_from_everywhere(target: Target, ends: Ends) -> None:
    """The same from a network of its own for each socket, of four million."""
    chance = random.Random()
    await shakes_hands(
        target,
        ends,
        lambda: f"127.{chance.randrange(64, 128)}.{chance.randrange(256)}.{chance.randrange(256)}",
    )


async def subscribes(target: Target, ends: Ends) -> None:
    """Ask for one story more, and one more, as soon as the last was answered."""
    async with _upgraded(target) as client:
        for ref, token in enumerate(target.others, 1):
            await client.send(_subscribe(token, ref))
            answered = False
            while not answered:
                came = await client.frames(TEXT)
                codes = [bytes(one.data[:2]) for one in came if one.opcode == CLOSE]
                if codes or not came:
                    ends[str(int.from_bytes(codes[0], "big")) if codes else CUT] += 1
                    return
                answered = any(b'"ref":%d' % ref in bytes(one.data) for one in came)


def _garbage(target: Target) -> list[bytes]:
    chance = random.Random(target.port)
    return [b"\x16\x03\x01" + chance.randbytes(4096) for _ in range(16)]


def _reserved(target: Target) -> list[bytes]:
    chance = random.Random(target.port)
    return [b"\xf7" + chance.randbytes(4096) for _ in range(16)]


def _get(target: Target) -> bytes:
    return f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n".encode()


def _post(target: Target, length: int) -> bytes:
    return (
        f"POST /v1/actions HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nOrigin: {ORIGIN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _attack(
    run: Callable[[Target, Ends], Coroutine[Any, Any, None]],
    together: int,
    a_second: float,
    *ends: str,
    window_s: float = 2.0,
) -> Attack:
    return Attack(run, together, a_second, frozenset(ends), window_s)


_TINY = frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * 5_000
_ENDLESS = [frame(TEXT, b"a" * 1024, fin=False)] + [frame(CONT, b"a" * 1024, fin=False)] * 200
_HUGE = [b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(4)] + [b"a" * 65_536] * 16

#: Those who are ended within a second of what they do.
QUICK: dict[str, Attack] = {
    "5,000 pings at once": _attack(on_socket(lambda _: [frame(PING) * 5_000]), 10, 10, "1008"),
    "endless fragments": _attack(on_socket(lambda _: _ENDLESS), 10, 10, "1009"),
    "5,000 tiny continuations": _attack(on_socket(lambda _: [_TINY]), 10, 10, "1008"),
    "frames of a terabyte": _attack(on_socket(lambda _: _HUGE), 10, 10, "1009"),
    "headers of a megabyte": _attack(
        on_line(lambda target: [_get(target), *[b"X-Long: " + b"a" * 65_000 + b"\r\n"] * 16]),
        *(10, 10, "431"),
    ),
    "bodies of a gigabyte": _attack(
        on_line(lambda target: [_post(target, 1 << 30), *[b"a" * 65_536] * 16]), 10, 10, "413"
    ),
    "garbage instead of HTTP": _attack(on_line(_garbage), 10, 10, "400"),
    "garbage instead of frames": _attack(on_socket(_reserved), 10, 10, "1002"),
    "garbage instead of JSON": _attack(
        on_socket(lambda _: [frame(TEXT, b'{"type":')] * 20), 10, 10, "4400"
    ),
}

#: Those who are ended by a clock, after many answers, or only by leaving.
PATIENT: dict[str, Attack] = {
    "200 subscriptions on a socket": _attack(subscribes, 4, 1, "4400"),
    "never reads": _attack(never_reads, 20, 20, CUT, window_s=6),
    "reads 64 kbit/s": _attack(reads_slowly, 20, 20, KEPT, window_s=6),
    "never reads a story of long comments": _attack(
        never_reads_long_comments, 12, 12, CUT, window_s=6
    ),
    "gets a story of long comments at 4 KB/s": _attack(gets_slowly, 10, 10, KEPT, window_s=6),
    "silent connections": _attack(on_line(lambda _: []), 100, 50, CUT),
    "silent sockets": _attack(on_socket(lambda _: []), 100, 50, "4408"),
    "dripping headers": _attack(drips(lambda t: _get(t) + b"X-Slow: "), 100, 50, "408"),
    "dripping bodies": _attack(drips(lambda t: _post(t, 5_000)), 100, 50, "408"),
}

FLOODS: dict[str, Attack] = {
    "thousands of handshakes a second": _attack(shakes_hands, 4, 60, "101", "429"),
    "handshakes from thousands of networks": _attack(
        shakes_hands_from_everywhere, 4, 60, "101", "503", window_s=6
    ),
}

ATTACKS = QUICK | PATIENT | FLOODS


class Forger:
    """Hears all that is said on the bus, and says it again, late, of other stories, or changed.

    `async with Forger(url) as forger:`; `forged` counts what it has said.
    """

    def __init__(self, url: str) -> None:
        self.forged = 0
        self._silent = False
        self._url = url
        self._own: set[bytes] = set()
        self._heard: list[tuple[str, bytes]] = []
        self._chance = random.Random(7)

    async def __aenter__(self) -> "Forger":
        self._client = Redis.from_url(self._url)
        self._pubsub = self._client.pubsub()
        await self._pubsub.psubscribe("w:*")
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._silent = True
        await asyncio.wait({self._task}, timeout=5)
        self._task.cancel()
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._client.aclose()

    async def _run(self) -> None:
        while not self._silent:
            said = await self._pubsub.get_message(timeout=0.2)
            if said is None or said["type"] != "pmessage" or said["data"] in self._own:
                continue
            name, data = said["channel"].decode(), said["data"]
            self._heard.append((name, data))
            before, other = self._chance.choice(self._heard), self._chance.choice(self._heard)
            # What was heard once is said again where it was said, and where it was not.
            forged = [(name, one) for one in (*self._changed(data), other[1])] + [before]
            # Known before they are said, or each would be answered as well, and they would never end.
            self._own.update(one for _, one in forged)
            for channel, one in forged:
                await self._client.publish(channel, one)
            self.forged += len(forged)

    def _changed(self, data: bytes) -> list[bytes]:
        """The next comment of the story, by its author; an audience; and nonsense."""
        signature, _, message = data.partition(b" ")
        words = message.split(b" ", 3)
        if len(words) < 4 or words[1] != b"c":
            audience = b"1 p 9 %d 0 0 -\n" % len(self._own)
            return [
                signature + b" " + audience + b'{"readers":100000000,"copies":[1],"ask":true}',
                b"not json",
            ]
        seq = int(words[2])
        following = message.replace(b'"seq":%d' % seq, b'"seq":%d' % (seq + 1))
        following = following.replace(b" c %d " % seq, b" c %d " % (seq + 1), 1)
        written = following.replace(b'"role":null', b'"role":"author"')
        return [written, signature + b" " + written, b"0" * 32 + b" " + written]


async def names_many_origins(port: int, story: dict[str, str], number: int) -> Ends:
    """So many actions, each as from another page; every other one is for something that is not."""
    ends: Ends = Counter()
    transport = httpx.AsyncHTTPTransport(local_address=ADDRESS)
    waiting = iter(range(number))
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=30
    ) as http:

        async def ask() -> None:
            for turn in waiting:
                reaction = "happy" if turn % 2 else "unheard-of"
                action = {"type": "react", **story, "reaction": reaction}
                headers = {"Origin": f"https://invented-{turn}.example"}
                answer = await http.post("/v1/actions", json=action, headers=headers)
                ends[str(answer.status_code)] += 1

        await asyncio.gather(*(ask() for _ in range(8)))
    return ends
