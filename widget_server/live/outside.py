"""What the hub asks of what is outside: the database behind it, and the bus beside it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from widget_server.live.channel import Loaded, Recent
from widget_server.live.messages import Message


class Source(Protocol):
    """Where the hub reads what it did not hear. Raises the model's refusals."""

    async def snapshot(self, code: str) -> Loaded:
        """The story now."""

    async def changes(self, code: str, seq: int) -> list[Message] | None:
        """The messages after `seq`, or None when a number is missing in between."""

    async def recent(self, code: str) -> Recent:
        """The last changes, for readers who come back."""

    async def tallies(self, code: str, version: int) -> list[Message]:
        """The tallies that changed after `version`, the oldest first; at most `RECENT`."""

    async def mine(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        """What each reader left in the story, as JSON."""

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        """The epoch, and `(seq, tally counter)` of each story."""


class Carrier(Protocol):
    """What the hub asks of the bus. Nothing here waits and nothing here fails."""

    @property
    def healthy(self) -> bool:
        """Whether messages are known to arrive."""

    def publish(self, message: Message) -> None:
        """Send to the other processes, if that is possible now."""

    def watch(self, code: str) -> "asyncio.Future[None]":
        """Listen to a story; done when that is confirmed."""

    def unwatch(self, codes: Iterable[str]) -> None:
        """Stop listening."""
