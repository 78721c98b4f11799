"""How much of a site waits for a person: the number in the title, the icon and the navigation."""

import time

from widget_server.auth.permissions import allowed
from widget_server.model.actors import Actor
from widget_server.operations.moderation.cases import unseen_queues
from widget_server.operations.services import Services

FRESH_S = 5.0
"""Seconds for which a number is kept, so that most pages do not ask the database for it."""
MAX_KEPT = 10_000

_Key = tuple[str, frozenset[int] | None]


class WaitingCounts:
    """Numbers of open cases by site, and for local moderators by their copies."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: dict[_Key, tuple[float, dict[str, int]]] = {}

    async def of(self, by: Actor, site: str) -> int:
        """Return how many cases the actor may decide about. Raises `UnavailableError`."""
        key = site, by.copies
        kept = self._kept.get(key)
        if kept is None or time.monotonic() - kept[0] > FRESH_S:
            numbers = await self._services.owner_comments.queue_counts(site, by.copies)
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[key] = time.monotonic(), numbers
        unseen: list[str] = [*unseen_queues(by, site)]
        unseen += [] if allowed(by, "correct", site) else ["corrections"]
        return sum(number for queue, number in kept[1].items() if queue not in unseen)

    def forget(self, site: str) -> None:
        """Ask the database next time: something of the site was changed."""
        for key in [one for one in self._kept if one[0] == site]:
            del self._kept[key]
