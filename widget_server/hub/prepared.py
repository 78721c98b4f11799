"""Messages encoded once for all connections: with a WebSocket header, and joined into one write."""

import re
import struct
from collections.abc import Iterable, Sequence
from itertools import chain

# RFC 6455, section 5.2: FIN set, no extension bits, opcode 1 (text); servers do not mask (5.1).
_FINAL_TEXT = 0x81
_LENGTH_IN_16_BITS = 126
_LENGTH_IN_64_BITS = 127

# Only a message itself has these: inside of a text, JSON has a backslash before each quotation mark.
_STORY = re.compile(rb'"story":(?:\{"code":)?"([0-9A-Za-z]{12})"')
_POSITION = re.compile(rb'"position":\{"epoch":"([!-~]{1,64}?)","seq":([0-9]+)\}')


def _header(length: int) -> bytes:
    """Return the header of an unmasked, unfragmented text frame of `length` payload bytes."""
    if length < _LENGTH_IN_16_BITS:
        return bytes((_FINAL_TEXT, length))
    if length < 1 << 16:
        return struct.pack("!BBH", _FINAL_TEXT, _LENGTH_IN_16_BITS, length)
    return struct.pack("!BBQ", _FINAL_TEXT, _LENGTH_IN_64_BITS, length)


class PreparedMessage:
    """A message for all subscribers: `frame_bytes` is written to each socket unchanged.

    `payload` must be UTF-8, as orjson's output is. It is not checked again.
    """

    __slots__ = ("_event", "_start", "_text", "frame_bytes")

    frame_bytes: bytes
    """RFC 6455 header and payload, as one object."""

    def __init__(self, payload: bytes) -> None:
        header = _header(len(payload))
        self.frame_bytes = header + payload
        self._start = len(header)
        self._text: str | None = None
        self._event: bytes | None = None

    @property
    def payload(self) -> bytes:
        """The message without its header. Each access copies."""
        return self.frame_bytes[self._start :]

    @property
    def text(self) -> str:
        """The message as text, decoded at the first access: only plain ASGI servers need it."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text

    @property
    def event_bytes(self) -> bytes:
        """The message as a Server-Sent Event, encoded at the first access: for all event streams.

        A message with a position has `id: <story>:<epoch>:<seq>`, which a client sends when it returns.
        """
        if self._event is None:
            payload = self.payload
            story, position = _STORY.search(payload), _POSITION.search(payload)
            name = b""
            if story is not None and position is not None:
                name = b"id: %b:%b:%b\n" % (story[1], *position.groups())
            # JSON has no line break outside of its texts, and writes those within them as `\\n`.
            self._event = b"%bdata: %b\n\n" % (name, payload)
        return self._event

    def __len__(self) -> int:
        """Return the payload's length in bytes."""
        return len(self.frame_bytes) - self._start

    def __repr__(self) -> str:
        return f"PreparedMessage({self.payload!r})"


class PiecedMessage(PreparedMessage):
    """A message kept in pieces, whose long pieces are shared by the messages of many readers.

    A message that waits in a write buffer needs no copy of its long pieces.
    """

    __slots__ = ("pieces",)

    pieces: tuple[bytes, ...]
    """RFC 6455 header and payload, in order."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        header = _header(sum(map(len, parts)))
        self.pieces = (header + parts[0], *parts[1:])
        self._start = len(header)
        self._text = self._event = None

    @property
    def frame_bytes(self) -> bytes:  # type: ignore[override]
        """Header and payload as one object. Each access copies."""
        return b"".join(self.pieces)

    def __len__(self) -> int:
        """Return the payload's length in bytes."""
        return sum(map(len, self.pieces)) - self._start


class PreparedBatch:
    """Messages that are written together. One object serves all connections."""

    __slots__ = ("count", "frame_bytes", "messages", "size")

    messages: tuple[PreparedMessage, ...]

    frame_bytes: bytes
    """All frames as one object. A plain attribute, like `count` and `size`: read at each flush."""

    count: int
    """Number of messages."""

    size: int
    """Length of `frame_bytes`."""

    def __init__(self, messages: Iterable[PreparedMessage]) -> None:
        self.messages = messages = tuple(messages)
        # A single message is not copied: the transport gets the object that the history keeps.
        self.frame_bytes = (
            messages[0].frame_bytes
            if len(messages) == 1
            else b"".join(m.frame_bytes for m in messages)
        )
        self.count, self.size = len(messages), len(self.frame_bytes)

    def __add__(self, other: "PreparedBatch") -> "PreparedBatch":
        return PreparedBatch(chain(self.messages, other.messages))

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self.messages)

    def __repr__(self) -> str:
        return f"PreparedBatch({self.messages!r})"


class SharedBatch(PreparedBatch):
    """Messages for one connection, kept in pieces that are shared with other connections."""

    __slots__ = ("pieces",)

    pieces: list[bytes]

    def __init__(self, messages: Iterable[PreparedMessage]) -> None:
        self.messages = messages = tuple(messages)
        self.pieces = []
        for message in messages:
            if isinstance(message, PiecedMessage):
                self.pieces += message.pieces
            else:
                self.pieces.append(message.frame_bytes)
        self.count, self.size = len(messages), sum(map(len, self.pieces))

    @property
    def frame_bytes(self) -> bytes:  # type: ignore[override]
        """All frames as one object. Each access copies."""
        return b"".join(self.pieces)
