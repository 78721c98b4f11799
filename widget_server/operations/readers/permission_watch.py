"""Permission watcher: apply changes of permissions to open sockets within a second.

One query a second reads the counters of all watched sites, whatever the number of sockets. Only the
sockets of a changed site review their grants, `BATCH_SIZE` at a time, so that ten thousand new snapshots
do not block the event loop. If only single copies changed for their readers, only the sockets on their pages do.
"""

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from widget_server.hub.channel import Subscription
from widget_server.hub.hub import Hub
from widget_server.hub.tasks import TaskSet
from widget_server.model.errors import ProblemError
from widget_server.model.records import PlacedCopy
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


@dataclass(slots=True)
class PermissionMetrics:
    """Counters of one watcher. Each field's annotation is its help text in /metrics."""

    reviews: Annotated[int, "times that a socket reviewed what its pages may do and are told"] = 0


class ChangedCopies:
    """Copies whose readers are told something else."""

    def __init__(self, copies: Sequence[PlacedCopy]) -> None:
        self.ids = frozenset(one.id for one in copies)
        self.places = frozenset((one.story, one.handle, one.origin) for one in copies)
        """Story codes with what `?copy=` says and the origin of the page that asks."""


class GrantHolder(Protocol):
    """A socket that holds grants of a site."""

    def carries(self, changed: ChangedCopies) -> bool:
        """Return whether a page of the socket is one of these copies."""

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        """Refresh the grants of a site. Return the story code and subscription of each that needs a new snapshot.

        The method itself closes subscriptions whose grants have ended. Raises `UnavailableError`.
        """


@dataclass(slots=True)
class _WatchedSite:
    """A site with the sockets that hold its grants."""

    version: PermissionVersion | None
    """The version at the last check; None if the next check must review the sockets."""
    copy_changes: int = 0
    """`Site.copy_changes` up to which the sockets are told what changed for their copies."""
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
        self.metrics = PermissionMetrics()

    def add(
        self,
        site: str,
        holder: GrantHolder,
        version: PermissionVersion,
        expires_at: float,
        copy_changes: int = 0,
    ) -> None:
        """Review this socket's grant when its site's version differs from `version`, or when it expires.

        `expires_at` is in seconds since 1970. `copy_changes` is that of the site when the socket was told about its copies.
        """
        watched = self._sites_watched.get(site)
        if watched is None:
            watched = self._sites_watched[site] = _WatchedSite(version, copy_changes)
        watched.copy_changes = min(watched.copy_changes, copy_changes)
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
        counters = await self._sites.counters(list(self._sites_watched))
        now, epoch = self._clock(), self._discussions.epoch
        for site, watched in self._sites_watched.items():
            if watched.reviewing:
                continue
            rights, copy_changes = counters.get(site, (-1, 0))
            version, before = (epoch, rights), watched.copy_changes
            if watched.version != version or watched.expires_at <= now:
                watched.version, watched.expires_at = version, math.inf
                work = self._review(site, watched)
            elif before < copy_changes:
                work = self._review(site, watched, before)
            else:
                continue
            watched.copy_changes, watched.reviewing = copy_changes, True
            self._tasks.start(work)

    async def _review(self, site: str, watched: _WatchedSite, since: int | None = None) -> None:
        """Let the sockets review their grants. `since`: only those on pages of copies that changed since."""
        try:
            changed = None
            if since is not None:
                changed = ChangedCopies(await self._sites.changed_copies(site, since))
            await self._cache.site(site, max_age=0)
            holders = [one for one in watched.holders if changed is None or one.carries(changed)]
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
                self.metrics.reviews += 1
                for code, subscription in await holder.review(site):
                    changed[code].append(subscription)
        finally:
            for code, subscriptions in changed.items():
                self._hub.renew(code, subscriptions)
