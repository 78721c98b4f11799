"""Readers now, as a role may see them: exact for owners, and “a few” below three for others."""

from dataclasses import dataclass

from widget_server.hub.presence import rounded
from widget_server.hub.readers_now import StoryReaders
from widget_server.model.actors import Actor
from widget_server.operations.services import Services

FEW = 3
"""Fewer readers than this are “a few” for everyone but owners: one reader could be recognised."""


@dataclass(frozen=True, slots=True)
class ReaderCount:
    """Readers now. `number` is None if there are one or two and the role may not see which."""

    number: int | None

    @property
    def text(self) -> str:
        """The count in words for lists: a number, or “a few”."""
        return "a few" if self.number is None else str(self.number)


def reader_count(by: Actor, readers: int) -> ReaderCount:
    """Return a count of readers as this actor may see it."""
    if 0 < readers < FEW and by.role != "owner":
        return ReaderCount(None)
    return ReaderCount(rounded(readers))


async def readers_now(services: Services) -> dict[str, StoryReaders]:
    """Return the readers now of all stories by code, over all processes."""
    return await services.hub.readers_now.read()
