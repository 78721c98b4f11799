"""Latest tallies of a story and of its comments. An older tally of the same target is dropped."""

from collections import OrderedDict
from typing import NamedTuple

from widget_server.bus.message import BusMessage
from widget_server.hub.prepared import PreparedMessage
from widget_server.hub.snapshot import CachedSnapshot
from widget_server.model.records import STORY


class _LatestTally(NamedTuple):
    """The latest tally of the story or of one comment."""

    version: int
    message: PreparedMessage
    epoch: str


class LatestTallies:
    """Tally messages by target, the least recently changed first; at most `limit`."""

    __slots__ = ("_by_target", "_limit", "missing_up_to", "story_tally")

    def __init__(self, limit: int) -> None:
        self._by_target: OrderedDict[str, _LatestTally] = OrderedDict()
        """By comment id, or `STORY`."""
        self._limit = limit
        self.missing_up_to = 0
        """Tallies of comments up to this version may be missing: never received, or dropped."""
        self.story_tally: bytes = b""
        """The story's own tally, as the JSON object `{version, counts}`."""

    def drop_other_epochs(self, epoch: str) -> None:
        """Drop the tallies of other epochs, whose versions are not comparable."""
        self._by_target = OrderedDict(
            (target, latest) for target, latest in self._by_target.items() if latest.epoch == epoch
        )
        self.missing_up_to = 0

    def apply_snapshot(self, loaded: CachedSnapshot) -> None:
        """Use the snapshot's tally of the story, unless a newer one was received."""
        self.missing_up_to = max(self.missing_up_to, loaded.version)
        received = self._by_target.get(STORY)
        if received is None or received.version <= loaded.tally_version:
            self.story_tally = loaded.tally

    def store_if_newer(self, message: BusMessage) -> PreparedMessage | None:
        """Store and return the prepared tally, or return None if it is not newer."""
        target, latest = message.target, self._by_target.get(message.target)
        if (
            latest is not None
            and latest.version >= message.number
            and latest.epoch == message.epoch
        ):
            return None
        prepared = PreparedMessage(message.payload)
        self._by_target[target] = _LatestTally(message.number, prepared, message.epoch)
        self._by_target.move_to_end(target)
        if len(self._by_target) > self._limit:
            _, dropped = self._by_target.popitem(last=False)
            self.missing_up_to = max(self.missing_up_to, dropped.version)
        if target == STORY:
            self.story_tally = b"{" + message.payload[message.body_offset :]
        return prepared

    def get(self, target: str) -> PreparedMessage | None:
        """Return the latest tally message of a target, or None."""
        latest = self._by_target.get(target)
        return None if latest is None else latest.message

    def after(self, version: int) -> list[PreparedMessage]:
        """Return the latest tally messages with a version above `version`."""
        return [latest.message for latest in self._by_target.values() if latest.version > version]

    def has_comment_after(self, version: int) -> bool:
        """Whether a comment's tally changed after `version`."""
        return any(
            target != STORY and latest.version > version
            for target, latest in self._by_target.items()
        )
