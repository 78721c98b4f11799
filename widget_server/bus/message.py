"""What travels on the bus: a short header, and the JSON that every embed will be sent.

`1 c 41 k3Jx… 12 180 9f2c…` is version, kind, number, key, comment count, the place in the payload
where the comment begins, and the epoch that the number belongs to. A reader of this version
passes over further fields, and over kinds and versions that it does not know, so two versions of
the server can run side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

VERSION = b"1"
MAX_NUMBER = 2**53 - 1
"""The highest number that every embed can count with."""

MessageKind = Literal["comment", "story", "tally", "presence"]
_LETTERS: dict[MessageKind, bytes] = {
    "comment": b"c",
    "story": b"s",
    "tally": b"t",
    "presence": b"p",
}
_KINDS: dict[bytes, MessageKind] = {letter: kind for kind, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class BusMessage:
    """One fact about one story, encoded once for all processes and all sockets.

    `number` is the `seq` of a comment or story message, the `version` of a tally, and the number
    of readers of a presence message. `target` is the comment's id (tally: of the comment or empty
    for the story; presence: the sending process).
    """

    kind: MessageKind
    story: str
    number: int
    target: str
    payload: bytes
    count: int = 0
    body_offset: int = 0
    epoch: str = ""

    def encode(self) -> bytes:
        """The bytes for the bus; the story is named by the channel."""
        head = b" ".join(
            (
                VERSION,
                _LETTERS[self.kind],
                b"%d" % self.number,
                self.target.encode() or b"-",
                b"%d" % self.count,
                b"%d" % self.body_offset,
                self.epoch.encode() or b"-",
            )
        )
        return head + b"\n" + self.payload


def decode(story: str, data: bytes) -> BusMessage | None:
    """The message, or None when it is of another version or no message at all."""
    head, _, payload = data.partition(b"\n")
    parts = head.split(b" ")
    if len(parts) < 7 or parts[0] != VERSION or parts[1] not in _KINDS:
        return None
    try:
        number, count, start = int(parts[2]), int(parts[4]), int(parts[5])
        key, epoch = (b"" if part == b"-" else part for part in (parts[3], parts[6]))
        return BusMessage(
            _KINDS[parts[1]], story, number, key.decode(), payload, count, start, epoch.decode()
        )
    except ValueError:
        return None


def is_sound(message: BusMessage) -> bool:
    """Whether the payload is JSON that says what the header says.

    Readers are sent it as it is, and parts of it are put into snapshots.
    """
    if not (0 <= message.number <= MAX_NUMBER and 0 <= message.count <= MAX_NUMBER):
        return False
    try:
        content = orjson.loads(message.payload)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(content, dict):
        return False
    if message.kind == "presence":
        return True  # not shown as it is; anyone who counts it looks at it
    if (content.get("type"), content.get("story")) != (message.kind, message.story):
        return False
    if message.kind == "tally":
        return _is_tally(message, content)
    position = {"epoch": message.epoch, "seq": message.number}
    return content.get("position") == position and (
        message.kind == "story" or _is_comment(message, content)
    )


def _is_tally(message: BusMessage, content: Mapping[str, Any]) -> bool:
    about = (content.get("comment", ""), content.get("version"))
    begins = message.payload.startswith(b'"version":', message.body_offset)
    return about == (message.target, message.number) and begins


def _is_comment(message: BusMessage, content: Mapping[str, Any]) -> bool:
    comment = content.get("comment")
    begins = message.payload[: message.body_offset].endswith(b'"comment":')
    return isinstance(comment, dict) and comment.get("id") == message.target and begins
