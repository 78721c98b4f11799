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


class PreparedMessage:
    """One message, ready for every watcher: `frame_bytes` goes to a socket's transport unchanged.

    `payload` must be UTF-8 (orjson's output is); it is not checked again here.
    """

    __slots__ = ("_start", "_text", "frame_bytes")

    frame_bytes: bytes
    """RFC 6455 header and payload, in one piece."""

    def __init__(self, payload: bytes) -> None:
        header = _header(len(payload))
        self.frame_bytes = header + payload
        self._start = len(header)
        self._text: str | None = None

    @property
    def payload(self) -> bytes:
        """The message without its header; a copy, made for each question."""
        return self.frame_bytes[self._start :]

    @property
    def text(self) -> str:
        """The message as text, decoded when first asked for: only plain ASGI servers need it."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text

    def __len__(self) -> int:
        """Return the bytes that the payload takes."""
        return len(self.frame_bytes) - self._start

    def __repr__(self) -> str:
        return f"Frame({self.payload!r})"


class PiecedFrame(PreparedMessage):
    """A message whose long parts are shared with other messages: no one's copy, anyone who waits for it."""

    __slots__ = ("pieces",)

    pieces: tuple[bytes, ...]
    """RFC 6455 header and payload, one after another."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        header = _header(sum(map(len, parts)))
        self.pieces = (header + parts[0], *parts[1:])
        self._start = len(header)
        self._text = None

    @property
    def frame_bytes(self) -> bytes:  # type: ignore[override]
        """All of it in one piece: a copy, made for each question."""
        return b"".join(self.pieces)

    def __len__(self) -> int:
        """Return the bytes that the payload takes."""
        return sum(map(len, self.pieces)) - self._start


class PreparedBatch:
    """Frames that go to a peer together, as one write; the same object serves every peer."""

    __slots__ = ("count", "frame_bytes", "messages", "size")

    messages: tuple[PreparedMessage, ...]

    frame_bytes: bytes
    """All frames in one piece. A plain attribute, like the two below: read for each delivery."""

    count: int
    """How many frames."""

    size: int
    """Bytes of `frame_bytes`."""

    def __init__(self, frames: Iterable[PreparedMessage]) -> None:
        self.messages = frames = tuple(frames)
        # One frame needs no copy; the transport gets the very bytes that the ring keeps.
        self.frame_bytes = (
            frames[0].frame_bytes if len(frames) == 1 else b"".join(f.frame_bytes for f in frames)
        )
        self.count, self.size = len(frames), len(self.frame_bytes)

    def __add__(self, other: "PreparedBatch") -> "PreparedBatch":
        return PreparedBatch(chain(self.messages, other.messages))

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.messages)

    def __repr__(self) -> str:
        return f"Batch({self.messages!r})"


class SharedBatch(PreparedBatch):
    """Frames for one peer, kept in pieces that others are sent as well."""

    __slots__ = ("pieces",)

    pieces: list[bytes]

    def __init__(self, frames: Iterable[PreparedMessage]) -> None:
        self.messages = frames = tuple(frames)
        self.pieces = []
        for frame in frames:
            self.pieces += frame.pieces if isinstance(frame, PiecedFrame) else (frame.frame_bytes,)
        self.count, self.size = len(frames), sum(map(len, self.pieces))

    @property
    def frame_bytes(self) -> bytes:  # type: ignore[override]
        """All frames in one piece: a copy, made for each question."""
        return b"".join(self.pieces)
