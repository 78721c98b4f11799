"""What the hub asks of what is outside: the database behind it, and the bus beside it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from widget_server.bus.message import BusMessage
from widget_server.hub.history import CachedSnapshot, RecentChanges


class SnapshotSource(Protocol):
    """Where the hub reads what it did not hear. Raises the model's refusals."""

    async def snapshot(self, code: str) -> CachedSnapshot:
        """The story now."""

    async def changes(self, code: str, seq: int) -> list[BusMessage] | None:
        """The messages after `seq`, or None when a number is missing in between."""

    async def recent(self, code: str) -> RecentChanges:
        """The last changes, for readers who come back."""

    async def tallies(self, code: str, version: int) -> list[BusMessage]:
        """The tallies that changed after `version`, the oldest first; at most `RESUME_SIZE`."""

    async def own(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        """What each reader left in the story, as JSON."""

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        """The epoch, and `(seq, tally counter)` of each story."""


class Bus(Protocol):
    """What the hub asks of the bus. Nothing here waits and nothing here fails."""

    @property
    def healthy(self) -> bool:
        """Whether messages are known to arrive."""

    def publish(self, message: BusMessage) -> None:
        """Send to the other processes, if that is possible now."""

    def subscribe(self, code: str) -> "asyncio.Future[None]":
        """Listen to a story; done when that is confirmed."""

    def unsubscribe(self, codes: Iterable[str]) -> None:
        """Stop listening."""
