"""The learned filters of sites, as this process uses them to judge comments."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from widget_server.content.learner import LEAST_READERS, NOTHING_KNOWN, Learner, WordCount, tokens
from widget_server.model.errors import UnavailableError
from widget_server.model.learning import LEARNER, LearnerState
from widget_server.model.records import Site
from widget_server.model.rules import RuleHit
from widget_server.operations.cache import LookupCache
from widget_server.store.queries.learner import LearnerReads

TTL_S = 30.0
"""Seconds after which words that were learned since are read."""
MAX_SITES = 50
"""Filters in memory."""
_ALL_READERS = tuple(range(LEAST_READERS))


@dataclass(frozen=True, slots=True)
class LoadedFilter:
    """A site's filter with the words that count. `learner` is None before it can judge."""

    state: LearnerState | None
    learner: Learner | None

    def score(self, text: str) -> float:
        """Return how bad a text is; `NOTHING_KNOWN` before the filter can judge."""
        if self.state is None or self.learner is None:
            return NOTHING_KNOWN
        return self.learner.score(tokens(text, self.state.seed))


@dataclass(slots=True)
class _Entry:
    version: tuple[str, int]
    at: float
    filter: LoadedFilter


class LearnerCache:
    """Filters by site. A changed mode counts within two seconds, learned words within 90."""

    def __init__(
        self,
        reads: LearnerReads,
        cache: LookupCache,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reads = reads
        self._cache = cache
        self._clock = clock
        self._by_site: OrderedDict[str, _Entry] = OrderedDict()
        self._refreshing: dict[str, asyncio.Task[LoadedFilter]] = {}

    async def judge(self, site: Site, epoch: str, text: str) -> tuple[RuleHit, ...]:
        """Return the filter's hit if the text is worse than the chosen threshold, else nothing.

        Raises `UnavailableError`.
        """
        found = await self.of_site(site, epoch)
        state = found.state
        if state is None or state.mode == "off" or state.point is None or found.learner is None:
            return ()
        if found.score(text) <= state.point["threshold"]:
            return ()
        return (RuleHit(LEARNER, acting=state.mode == "on"),)

    async def of_site(self, site: Site, epoch: str) -> LoadedFilter:
        """Return the site's filter. Words that were learned since are read in the background."""
        version = (epoch, site.rights)
        entry = self._by_site.get(site.slug)
        if entry is None or entry.version[0] != epoch or entry.version[1] < site.rights:
            # Most changes of a site's rights are none of the filter: then its words are not read again.
            before = entry.filter if entry is not None and entry.version[0] == epoch else None
            return await self._load(site.slug, version, before)
        if self._clock() - entry.at >= TTL_S and site.slug not in self._refreshing:
            task = asyncio.create_task(self._load(site.slug, entry.version, entry.filter))
            self._refreshing[site.slug] = task
            task.add_done_callback(lambda done: self._refreshed(site.slug, done))
        return entry.filter

    def read_again(self, slug: str) -> None:
        """Let the next comment of a site be judged with what was just learned."""
        self._by_site.pop(slug, None)

    def _refreshed(self, slug: str, done: asyncio.Task[LoadedFilter]) -> None:
        del self._refreshing[slug]
        # The database does not answer: the next comment tries again.
        if not done.cancelled() and isinstance(done.exception(), UnavailableError):
            return

    async def _load(
        self, slug: str, version: tuple[str, int], before: LoadedFilter | None
    ) -> LoadedFilter:
        key = ("learner", slug, *version)
        found = await self._cache.shared(key, lambda: self._read(slug, before))
        self._by_site[slug] = _Entry(version, self._clock(), found)
        self._by_site.move_to_end(slug)
        if len(self._by_site) > MAX_SITES:
            self._by_site.popitem(last=False)
        return found

    async def _read(self, slug: str, before: LoadedFilter | None) -> LoadedFilter:
        state = await self.reads.state(slug)
        if state is None or state.mode == "off" or not state.curve:
            return LoadedFilter(state, None)
        same = before is not None and before.state is not None
        if before is not None and before.state is not None and before.learner is not None:
            same = before.state.version == state.version
            if same:
                return LoadedFilter(state, before.learner)
        return LoadedFilter(state, await load_learner(self.reads, state))


async def load_learner(reads: LearnerReads, state: LearnerState) -> Learner:
    """Return a learner with the words that count. Raises `UnavailableError`."""
    rows = await reads.words(state.site, LEAST_READERS)

    def build() -> Learner:
        words = {token: WordCount(good, bad, _ALL_READERS) for token, good, bad in rows}
        return Learner(words, state.good, state.bad)

    return await asyncio.to_thread(build)
