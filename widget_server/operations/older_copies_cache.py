"""Copies whose page has an earlier version of their story's text, by story.

A story is read again when its site's `copy_changes` changes, which every process sees within `SITE_TTL_S`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from widget_server.model.records import OlderCopy, Site, Story
from widget_server.operations.cache import LookupCache
from widget_server.store.queries.older_copies import OlderCopies

MAX_STORIES = 10_000


@dataclass(frozen=True, slots=True)
class OlderCopiesOfStory:
    """The older copies of one story."""

    by_id: Mapping[int, OlderCopy] = field(default_factory=dict)
    by_place: Mapping[tuple[str | None, str], OlderCopy] = field(default_factory=dict)
    """By handle and origin."""


class OlderCopiesCache:
    """The older copies of the stories whose readers are told."""

    def __init__(self, stored: OlderCopies, cache: LookupCache) -> None:
        self._stored = stored
        self._cache = cache
        self._by_code: OrderedDict[str, tuple[tuple[str, int], OlderCopiesOfStory]] = OrderedDict()

    async def of_story(self, site: Site, story: Story, epoch: str) -> OlderCopiesOfStory:
        """Return the older copies of a story. `epoch` is the database's. Raises `UnavailableError`."""
        version = (epoch, site.copy_changes)
        known = self._by_code.get(story.code)
        if known is not None and known[0][0] == epoch and known[0][1] >= site.copy_changes:
            return known[1]
        # What was read is at least as new as the counter that was read before.
        found = await self._cache.shared(
            ("older", story.code, *version), lambda: self._load(story.code)
        )
        self._by_code[story.code] = (version, found)
        self._by_code.move_to_end(story.code)
        if len(self._by_code) > MAX_STORIES:
            self._by_code.popitem(last=False)
        return found

    async def _load(self, code: str) -> OlderCopiesOfStory:
        found = await self._stored.of_story(code)
        return OlderCopiesOfStory(
            {one.copy.id: one for one in found},
            {(one.copy.handle, one.copy.origin): one for one in found},
        )
