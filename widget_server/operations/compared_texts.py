"""What differs between versions of stories' texts, as this process compared them last."""

import asyncio
from collections import OrderedDict

from widget_server.content.passages import Difference, differences, passages
from widget_server.operations.cache import LookupCache
from widget_server.store.queries.story_texts import StoryText

MAX_COMPARED = 32
"""Pairs of versions in memory. Each takes as much as the passages that differ: 200,000 characters at most."""

_Key = tuple[str, str, int, int, int, int]


class ComparedTexts:
    """Differences by story and versions. A version never changes."""

    def __init__(self, cache: LookupCache) -> None:
        self._cache = cache
        self._found: OrderedDict[_Key, list[Difference]] = OrderedDict()

    async def differences(
        self, epoch: str, code: str, old: StoryText, newest: StoryText
    ) -> list[Difference]:
        """Return the places where two versions of a story's text differ. `epoch` is the database's."""
        # With the times: after a text was removed, its number may stand for another one.
        key = epoch, code, old.version, old.created_at, newest.version, newest.created_at
        found = self._found.get(key)
        if found is None:
            # Outside of the event loop: a long text takes a while.
            found = await self._cache.shared(
                ("compared", *key), lambda: asyncio.to_thread(_compare, old, newest)
            )
            self._found[key] = found
        self._found.move_to_end(key)
        if len(self._found) > MAX_COMPARED:
            self._found.popitem(last=False)
        return found


def _compare(old: StoryText, newest: StoryText) -> list[Difference]:
    return differences(passages(old.title, old.tree), passages(newest.title, newest.tree))
