"""Bus messages: a short header, and the JSON that is sent to every client.

The header `1 c 41 k3Jx… 12 180 9f2c…` is version, kind, number, target, comment count, body
offset and epoch. The body offset is where the comment (or the tally's `version`) begins in the
payload; the number belongs to the epoch. `decode` ignores further fields, unknown kinds and
unknown versions, so that two versions of the server can run side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from widget_server.model.records import STORY

VERSION = b"1"
MAX_NUMBER = 2**53 - 1
"""The highest integer that is exact in JavaScript."""

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
    """One change of one story, encoded once for all processes and all connections.

    `number` is the `seq` of a comment or story message, the `version` of a tally message, and the
    number of readers of a presence message. `target` is a comment's id, `STORY` for the story's
    own tally, or the sending process of a presence message. `count` is the number of published
    comments after the change.
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
        """Return the bytes for the bus. The story is not included: the channel name has it."""
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
    """Return the message, or None if it is malformed or of another version or kind."""
    head, _, payload = data.partition(b"\n")
    parts = head.split(b" ")
    if len(parts) < 7 or parts[0] != VERSION or parts[1] not in _KINDS:
        return None
    try:
        number, count, offset = int(parts[2]), int(parts[4]), int(parts[5])
        target, epoch = (b"" if part == b"-" else part for part in (parts[3], parts[6]))
        return BusMessage(
            _KINDS[parts[1]], story, number, target.decode(), payload, count, offset, epoch.decode()
        )
    except ValueError:
        return None


def is_sound(message: BusMessage) -> bool:
    """Whether the payload is JSON that agrees with the header.

    The payload is sent to clients unchanged, and parts of it are copied into snapshots.
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
        return True  # not sent to clients; `Presence.receive` checks it
    if (content.get("type"), content.get("story")) != (message.kind, message.story):
        return False
    if message.kind == "tally":
        return _is_tally(message, content)
    position = {"epoch": message.epoch, "seq": message.number}
    return content.get("position") == position and (
        message.kind == "story" or _is_comment(message, content)
    )


def _is_tally(message: BusMessage, content: Mapping[str, Any]) -> bool:
    named = (content.get("comment", STORY), content.get("version"))
    offset_fits = message.payload.startswith(b'"version":', message.body_offset)
    return named == (message.target, message.number) and offset_fits


def _is_comment(message: BusMessage, content: Mapping[str, Any]) -> bool:
    comment = content.get("comment")
    offset_fits = message.payload[: message.body_offset].endswith(b'"comment":')
    return isinstance(comment, dict) and comment.get("id") == message.target and offset_fits
