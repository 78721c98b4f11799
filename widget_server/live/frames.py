"""What is sent, encoded once: a message with its WebSocket header, and several of them as one write."""

import struct
from collections.abc import Iterable, Sequence
from itertools import chain

# RFC 6455, section 5.2: FIN set, no extension bits, opcode 1 (text); servers do not mask (5.1).
_FINAL_TEXT = 0x81
_LENGTH_IN_16_BITS = 126
_LENGTH_IN_64_BITS = 127


def _header(length: int) -> bytes:
    """Return the header of an unmasked, unfragmented text frame of `length` payload bytes."""
    if length < _LENGTH_IN_16_BITS:
        return bytes((_FINAL_TEXT, length))
    if length < 1 << 16:
        return struct.pack("!BBH", _FINAL_TEXT, _LENGTH_IN_16_BITS, length)
    return struct.pack("!BBQ", _FINAL_TEXT, _LENGTH_IN_64_BITS, length)


class Frame:
    """One message, ready for every watcher: `wire` goes to a socket's transport unchanged.

    `payload` must be UTF-8 (orjson's output is); it is not checked again here.
    """

    __slots__ = ("_start", "_text", "wire")

    wire: bytes
    """RFC 6455 header and payload, in one piece."""

    def __init__(self, payload: bytes) -> None:
        header = _header(len(payload))
        self.wire = header + payload
        self._start = len(header)
        self._text: str | None = None

    @property
    def payload(self) -> bytes:
        """The message without its header; a copy, made for each question."""
        return self.wire[self._start :]

    @property
    def text(self) -> str:
        """The message as text, decoded when first asked for: only plain ASGI servers need it."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text

    def __len__(self) -> int:
        """Return the bytes that the payload takes."""
        return len(self.wire) - self._start

    def __repr__(self) -> str:
        return f"Frame({self.payload!r})"


class PiecedFrame(Frame):
    """A message whose long parts are shared with other messages: nobody's copy, whoever waits for it."""

    __slots__ = ("pieces",)

    pieces: tuple[bytes, ...]
    """RFC 6455 header and payload, one after another."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        header = _header(sum(map(len, parts)))
        self.pieces = (header + parts[0], *parts[1:])
        self._start = len(header)
        self._text = None

    @property
    def wire(self) -> bytes:  # type: ignore[override]
        """All of it in one piece: a copy, made for each question."""
        return b"".join(self.pieces)

    def __len__(self) -> int:
        """Return the bytes that the payload takes."""
        return sum(map(len, self.pieces)) - self._start


class Batch:
    """Frames that go to a peer together, as one write; the same object serves every peer."""

    __slots__ = ("frames", "number", "size", "wire")

    frames: tuple[Frame, ...]

    wire: bytes
    """All frames in one piece. A plain attribute, like the two below: read for each delivery."""

    number: int
    """How many frames."""

    size: int
    """Bytes of `wire`."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.frames = frames = tuple(frames)
        # One frame needs no copy; the transport gets the very bytes that the ring keeps.
        self.wire = frames[0].wire if len(frames) == 1 else b"".join(f.wire for f in frames)
        self.number, self.size = len(frames), len(self.wire)

    def __add__(self, other: "Batch") -> "Batch":
        return Batch(chain(self.frames, other.frames))

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    def __repr__(self) -> str:
        return f"Batch({self.frames!r})"


class SharedBatch(Batch):
    """Frames for one peer, kept in pieces that others are sent as well."""

    __slots__ = ("pieces",)

    pieces: list[bytes]

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.frames = frames = tuple(frames)
        self.pieces = []
        for frame in frames:
            self.pieces += frame.pieces if isinstance(frame, PiecedFrame) else (frame.wire,)
        self.number, self.size = len(frames), sum(map(len, self.pieces))

    @property
    def wire(self) -> bytes:  # type: ignore[override]
        """All frames in one piece: a copy, made for each question."""
        return b"".join(self.pieces)
