"""Interfaces of the hub's dependencies: the database and the bus."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from widget_server.bus.message import BusMessage
from widget_server.hub.snapshot import CachedSnapshot, RecentChanges


class SnapshotSource(Protocol):
    """Reads stories from the database. Methods raise `NotFoundError` and `UnavailableError`."""

    async def snapshot(self, code: str) -> CachedSnapshot:
        """Return the story's current state."""

    async def changes(self, code: str, seq: int) -> list[BusMessage] | None:
        """Return the messages after `seq`, or None if one of them cannot be fetched."""

    async def recent(self, code: str) -> RecentChanges:
        """Return the latest changes, for clients that resume."""

    async def tallies(self, code: str, version: int) -> list[BusMessage]:
        """Return the tallies changed after `version`, the oldest first; at most `RESUME_SIZE`."""

    async def own(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        """Return each reader's reactions and comments in the story, as JSON by reader id."""

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        """Return the epoch, and `(seq, tally counter)` by story code."""


class Bus(Protocol):
    """Publish and subscribe between processes. No method blocks, and no method raises."""

    @property
    def healthy(self) -> bool:
        """Whether a probe confirmed within the last seconds that messages arrive."""

    def publish(self, message: BusMessage) -> None:
        """Send a message to the other processes; drop it if the bus is unavailable."""

    def subscribe(self, code: str) -> "asyncio.Future[None]":
        """Subscribe to a story. The future is done when the bus has confirmed it."""

    def unsubscribe(self, codes: Iterable[str]) -> None:
        """Unsubscribe from stories."""
