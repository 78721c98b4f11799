"""Rights that end, end on open sockets too: a look at each watched site, every second.

One question to the database for all sites, whatever the number of sockets. Only where something has
changed are a site's sockets asked to look at their grants again, some at a time, so that ten
thousand fresh snapshots are no standstill.
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
BATCH_SIZE = 100
"""Sockets that look at their grants in one turn of the event loop."""
PAUSE_S = 0.01
"""Between two turns, for everything else."""

PermissionVersion = tuple[str, int]
"""Epoch and `Site.rights`: as long as it stays the same, so does what pages may do."""


class GrantHolder(Protocol):
    """A socket that holds grants of a site."""

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        """Look at them again. Answers, by the story's code, who needs a fresh snapshot.

        Raises `UnavailableError`; what has ended altogether is closed in here.
        """


@dataclass(slots=True)
class _WatchedSite:
    """A site with the sockets that hold grants of it."""

    version: PermissionVersion | None
    """What the last look found; None when there must be another."""
    expires_at: float = math.inf
    """When the first of the grants ends by itself, in seconds since 1970."""
    holders: dict[GrantHolder, None] = field(default_factory=dict)
    reviewing: bool = False


class PermissionWatcher:
    """Who holds grants of which site in this process. `run` keeps them true."""

    def __init__(
        self,
        sites: Sites,
        directory: LookupCache,
        discussions: Discussions,
        hub: Hub,
        clock: Callable[[], float],
    ) -> None:
        self._sites = sites
        self._directory = directory
        self._discussions = discussions
        self._hub = hub
        self._clock = clock
        self._sites_watched: dict[str, _WatchedSite] = {}
        self._tasks = TaskSet()

    def add(
        self, site: str, holder: GrantHolder, version: PermissionVersion, expires_at: float
    ) -> None:
        """Let this socket know when a grant that it was given at this mark changes.

        `expires_at`: when it does so by itself, in seconds since 1970.
        """
        watched = self._sites_watched.get(site)
        if watched is None:
            watched = self._sites_watched[site] = _WatchedSite(version)
        watched.holders[holder] = None
        watched.expires_at = min(watched.expires_at, expires_at)
        if watched.version != version:
            # Given by what was known a moment ago; the look that saw the change did not see it.
            watched.version = None

    def remove(self, site: str, holder: GrantHolder) -> None:
        """The socket holds no grant of this site any more."""
        watched = self._sites_watched.get(site)
        if watched is not None:
            watched.holders.pop(holder, None)
            if not watched.holders:
                del self._sites_watched[site]

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            try:
                await self.check()
            except ProblemError as rejection:
                log.warning("event=permissions_check_failed reason=%s", rejection.code)

    async def check(self) -> None:
        """Find the sites where something has changed. Raises `UnavailableError`."""
        if not self._sites_watched:
            return
        changes = await self._sites.rights(list(self._sites_watched))
        now, epoch = self._clock(), self._discussions.epoch
        for site, watched in self._sites_watched.items():
            mark = (epoch, changes.get(site, -1))
            if (watched.version != mark or watched.expires_at <= now) and not watched.reviewing:
                watched.version, watched.expires_at, watched.reviewing = mark, math.inf, True
                self._tasks.start(self._review(site, watched))

    async def _review(self, site: str, watched: _WatchedSite) -> None:
        try:
            await self._directory.site(site, max_age=0)
            holders = list(watched.holders)
            for start in range(0, len(holders), BATCH_SIZE):
                await self._review_batch(
                    site,
                    [one for one in holders[start : start + BATCH_SIZE] if one in watched.holders],
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
