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

from widget_server.live.background import Background
from widget_server.live.hub import Hub
from widget_server.live.watched import Subscription
from widget_server.model.errors import Refused
from widget_server.operations.directory import Directory
from widget_server.store.discussions import Discussions
from widget_server.store.sites import Sites

log = logging.getLogger(__name__)

LOOK_S = 1.0
CHUNK = 100
"""Sockets that look at their grants in one turn of the event loop."""
PAUSE_S = 0.01
"""Between two turns, for everything else."""

Mark = tuple[str, int]
"""Epoch and `Site.rights`: as long as it stays the same, so does what pages may do."""


class Holder(Protocol):
    """A socket that holds grants of a site."""

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        """Look at them again. Answers, by the story's code, who needs a fresh snapshot.

        Raises `Unavailable`; what has ended altogether is closed in here.
        """


@dataclass(slots=True)
class _Watched:
    """A site with the sockets that hold grants of it."""

    mark: Mark | None
    """What the last look found; None when there must be another."""
    ends: float = math.inf
    """When the first of the grants ends by itself, in seconds since 1970."""
    holders: dict[Holder, None] = field(default_factory=dict)
    reviewing: bool = False


class Rights:
    """Who holds grants of which site in this process. `run` keeps them true."""

    def __init__(
        self,
        sites: Sites,
        directory: Directory,
        discussions: Discussions,
        hub: Hub,
        clock: Callable[[], float],
    ) -> None:
        self._sites = sites
        self._directory = directory
        self._discussions = discussions
        self._hub = hub
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._background = Background()

    def hold(self, site: str, holder: Holder, mark: Mark, ends: float) -> None:
        """Let this socket know when a grant that it was given at this mark changes.

        `ends`: when it does so by itself, in seconds since 1970.
        """
        watched = self._watched.get(site)
        if watched is None:
            watched = self._watched[site] = _Watched(mark)
        watched.holders[holder] = None
        watched.ends = min(watched.ends, ends)
        if watched.mark != mark:
            # Given by what was known a moment ago; the look that saw the change did not see it.
            watched.mark = None

    def let_go(self, site: str, holder: Holder) -> None:
        """The socket holds no grant of this site any more."""
        watched = self._watched.get(site)
        if watched is not None:
            watched.holders.pop(holder, None)
            if not watched.holders:
                del self._watched[site]

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Refused as refusal:
                log.warning("event=rights_not_looked_at reason=%s", refusal.code)

    async def look(self) -> None:
        """Find the sites where something has changed. Raises `Unavailable`."""
        if not self._watched:
            return
        changes = await self._sites.rights(list(self._watched))
        now, epoch = self._clock(), self._discussions.epoch
        for site, watched in self._watched.items():
            mark = (epoch, changes.get(site, -1))
            if (watched.mark != mark or watched.ends <= now) and not watched.reviewing:
                watched.mark, watched.ends, watched.reviewing = mark, math.inf, True
                self._background.start(self._review(site, watched))

    async def _review(self, site: str, watched: _Watched) -> None:
        try:
            await self._directory.site(site, max_age=0)
            holders = list(watched.holders)
            for start in range(0, len(holders), CHUNK):
                await self._ask(
                    site, [one for one in holders[start : start + CHUNK] if one in watched.holders]
                )
                await asyncio.sleep(PAUSE_S)
        except BaseException:
            watched.mark = None
            raise
        finally:
            watched.reviewing = False

    async def _ask(self, site: str, holders: list[Holder]) -> None:
        changed: defaultdict[str, list[Subscription]] = defaultdict(list)
        try:
            for holder in holders:
                for code, subscription in await holder.review(site):
                    changed[code].append(subscription)
        finally:
            for code, subscriptions in changed.items():
                self._hub.renew(code, subscriptions)
