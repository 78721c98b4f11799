"""Permission watcher: apply changes of permissions to open sockets within a second.

One query a second reads the `rights` counters of all watched sites, whatever the number of sockets. Only the
sockets of a changed site review their grants, `BATCH_SIZE` at a time, so that ten thousand new snapshots
do not block the event loop.
"""

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from widget_server.hub.channel import Subscription
from widget_server.hub.hub import Hub
from widget_server.hub.tasks import TaskSet
from widget_server.model.errors import ProblemError
from widget_server.operations.cache import LookupCache
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.sites import Sites

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0
"""Seconds between two checks."""
BATCH_SIZE = 100
"""Sockets that review their grants before the next pause."""
PAUSE_S = 0.01
"""Pause between two batches in seconds, for other work of the event loop."""

PermissionVersion = tuple[str, int]
"""Epoch and `Site.rights`. Permissions change only if one of them does, or if a token expires."""


class GrantHolder(Protocol):
    """A socket that holds grants of a site."""

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        """Refresh the grants of a site. Return the story code and subscription of each that needs a new snapshot.

        The method itself closes subscriptions whose grants have ended. Raises `UnavailableError`.
        """


@dataclass(slots=True)
class _WatchedSite:
    """A site with the sockets that hold its grants."""

    version: PermissionVersion | None
    """The version at the last check; None if the next check must review the sockets."""
    expires_at: float = math.inf
    """When the first of the grants expires, in seconds since 1970."""
    holders: dict[GrantHolder, None] = field(default_factory=dict)
    reviewing: bool = False


class PermissionWatcher:
    """Sockets of this process by the sites whose grants they hold. `run` keeps the grants current."""

    def __init__(
        self,
        sites: Sites,
        cache: LookupCache,
        discussions: Discussions,
        hub: Hub,
        clock: Callable[[], float],
    ) -> None:
        self._sites = sites
        self._cache = cache
        self._discussions = discussions
        self._hub = hub
        self._clock = clock
        self._sites_watched: dict[str, _WatchedSite] = {}
        self._tasks = TaskSet()

    def add(
        self, site: str, holder: GrantHolder, version: PermissionVersion, expires_at: float
    ) -> None:
        """Review this socket's grant when its site's version differs from `version`, or when it expires.

        `expires_at` is in seconds since 1970.
        """
        watched = self._sites_watched.get(site)
        if watched is None:
            watched = self._sites_watched[site] = _WatchedSite(version)
        watched.holders[holder] = None
        watched.expires_at = min(watched.expires_at, expires_at)
        if watched.version != version:
            # The grant was created from an older version, after the check that found the change. The
            # next check must review it.
            watched.version = None

    def remove(self, site: str, holder: GrantHolder) -> None:
        """Stop watching a site for this socket."""
        watched = self._sites_watched.get(site)
        if watched is not None:
            watched.holders.pop(holder, None)
            if not watched.holders:
                del self._sites_watched[site]

    async def run(self) -> None:
        """Check every second until cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            try:
                await self.check()
            except ProblemError as rejection:
                log.warning("event=permissions_check_failed reason=%s", rejection.code)

    async def check(self) -> None:
        """Find the changed sites and start their reviews. Raises `UnavailableError`."""
        if not self._sites_watched:
            return
        rights = await self._sites.rights(list(self._sites_watched))
        now, epoch = self._clock(), self._discussions.epoch
        for site, watched in self._sites_watched.items():
            version = (epoch, rights.get(site, -1))
            if (watched.version != version or watched.expires_at <= now) and not watched.reviewing:
                watched.version, watched.expires_at, watched.reviewing = version, math.inf, True
                self._tasks.start(self._review(site, watched))

    async def _review(self, site: str, watched: _WatchedSite) -> None:
        try:
            await self._cache.site(site, max_age=0)
            holders = list(watched.holders)
            for start in range(0, len(holders), BATCH_SIZE):
                await self._review_batch(
                    site,
                    [h for h in holders[start : start + BATCH_SIZE] if h in watched.holders],
                )
                await asyncio.sleep(PAUSE_S)
        except BaseException:
            watched.version = None
            raise
        finally:
            watched.reviewing = False

    async def _review_batch(self, site: str, holders: list[GrantHolder]) -> None:
        changed: defaultdict[str, list[Subscription]] = defaultdict(list)
        try:
            for holder in holders:
                for code, subscription in await holder.review(site):
                    changed[code].append(subscription)
        finally:
            for code, subscriptions in changed.items():
                self._hub.renew(code, subscriptions)
