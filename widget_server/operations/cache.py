"""Sites and stories that actions speak of, kept for a moment so that each action need not ask.

A site's rules and withdrawn tokens are at most `SITE_TTL_S` old, a story's attribution `STORY_TTL_S`, and
older only while the database does not answer: no one can change them there either.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from widget_server.model.claims import WidgetClaims
from widget_server.model.errors import UnavailableError
from widget_server.model.records import Copy, SeenCopy, ShutOut, Site, Story
from widget_server.operations.counts_cache import CountsCache
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.sites import Sites

T = TypeVar("T")

SITE_TTL_S = 2.0
ADMISSION_MAX_AGE_S = 0.05
"""How old rules may be by which a page is let in, in seconds: thousands that come at once share them."""
FULL_RELOAD_S = 30.0
"""Withdrawn tokens and the like are read again after so long, also where nothing says they changed."""
DB_WAIT_S = 1.0
"""How long an action waits for the database where older rules are known, in seconds."""
STORY_TTL_S = 30.0
COPY_TTL_S = 3600.0
NOT_FOUND_TTL_S = 1.0
"""How long a code is known to name no story, in seconds: a token may make it known elsewhere."""
MAX_STORIES = 50_000
MAX_TOKENS = 5_000
MAX_NOT_FOUND = 10_000


@dataclass(frozen=True, slots=True)
class CachedSite:
    """A site with the handles of its withdrawn tokens, and the origins that it lets in no more."""

    site: Site
    revoked: frozenset[str]
    shut_out: frozenset[ShutOut] = frozenset()


class LookupCache:
    """Looks up sites by slug and stories by code."""

    def __init__(
        self, sites: Sites, discussions: Discussions, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sites = sites
        self._discussions = discussions
        self._clock = clock
        self._by_slug: dict[str, tuple[float, CachedSite | None]] = {}
        self._fully_loaded_at: dict[str, float] = {}
        self._by_code: OrderedDict[str, tuple[float, Story]] = OrderedDict()
        self._absent: OrderedDict[str, float] = OrderedDict()
        """Codes that name no story, and when that was asked."""
        self._copies: OrderedDict[tuple[int, str, str], tuple[float, Copy, bool]] = OrderedDict()
        """When a copy was noted, it, and whether as one that was acted on."""
        self._epoch = ""
        self.counts_cache = CountsCache(discussions, self._allows_code_only, clock)
        self._claims: OrderedDict[str, WidgetClaims] = OrderedDict()
        self._shared: dict[tuple[object, ...], asyncio.Task[Any]] = {}

    async def site(self, slug: str, *, max_age: float = SITE_TTL_S) -> CachedSite | None:
        """The site as it was at most `max_age` seconds ago, or None.

        Raises `UnavailableError` when the database does not answer and nothing is known.
        """
        self._forget_if_restored()
        at, known = self._by_slug.get(slug, (-math.inf, None))
        if self._clock() - at < max_age:
            return known
        asking = self.shared(("site", slug), lambda: self._load_site(slug))
        if known is None or max_age == 0:
            return await asking
        try:
            return await asyncio.wait_for(asking, DB_WAIT_S)
        except (UnavailableError, TimeoutError):
            return known

    async def _load_site(self, slug: str) -> CachedSite | None:
        epoch = self._epoch
        site = await self._sites.find(slug)
        known = self._by_slug.get(slug, (0.0, None))[1]
        whole = self._clock() - self._fully_loaded_at.get(slug, -math.inf) < FULL_RELOAD_S
        if site is None:
            known = None
        elif not whole or known is None or known.site != site:
            # After the site: of what changes meanwhile its count of changes knows nothing yet.
            revoked = await self._sites.revoked(slug)
            known = CachedSite(site, revoked, await self._sites.shut_out(slug))
            self._fully_loaded_at[slug] = self._clock()
        if len(self._by_slug) > MAX_STORIES:
            self._by_slug.clear()
        if epoch == self._epoch:
            self._by_slug[slug] = (self._clock(), known)
        return known

    async def _allows_code_only(self, slug: str) -> bool:
        """Whether everyone may read the site's stories."""
        known = await self.site(slug)
        return known is not None and known.site.settings.open_reading

    async def seen(self, slug: str, jti: str) -> list[SeenCopy]:
        """The copies that carry a token of the site, by its handle; the one seen last first."""
        return await self._sites.seen(slug, jti)

    async def all_sites(self) -> list[Site]:
        """Every site, by slug."""
        return await self._sites.all()

    async def story(self, code: str, *, fresh: bool = False) -> Story | None:
        """The story as it was at most `STORY_TTL_S` ago; `fresh` asks the database."""
        self._forget_if_restored()
        at, known = self._by_code.get(code, (0.0, None))
        if not fresh and known is not None and self._clock() - at < STORY_TTL_S:
            return known
        if not fresh and self._clock() - self._absent.get(code, -math.inf) < NOT_FOUND_TTL_S:
            return None
        try:
            story = await self._load_story(code, fresh=fresh)
        except UnavailableError:
            if known is None or fresh:
                raise
            return known
        if story is not None:
            self.put(story)
        else:
            self._absent[code] = self._clock()
            self._absent.move_to_end(code)
            if len(self._absent) > MAX_NOT_FOUND:
                self._absent.popitem(last=False)
        return story

    async def _load_story(self, code: str, *, fresh: bool) -> Story | None:
        if fresh:  # One that was asked for before may know less.
            return await self._discussions.story(code)
        return await self.shared(("story", code), lambda: self._discussions.story(code))

    def knows(self, code: str) -> bool:
        """Whether this is known to be a story's code, or to be none, without asking."""
        asked = self._clock() - self._absent.get(code, -math.inf) < NOT_FOUND_TTL_S
        return code in self._by_code or asked

    def put(self, story: Story) -> None:
        """Remember a story that was just read or written."""
        self._absent.pop(story.code, None)
        self._forget_if_restored()
        self._by_code[story.code] = (self._clock(), story)
        self._by_code.move_to_end(story.code)
        if len(self._by_code) > MAX_STORIES:
            self._by_code.popitem(last=False)

    def _forget_if_restored(self) -> None:
        """In a restored database stories and copies may have other numbers."""
        if self._epoch != self._discussions.epoch:
            self._epoch = self._discussions.epoch
            self._by_code.clear()
            self._by_slug.clear()
            self._absent.clear()
            self._fully_loaded_at.clear()
            self._copies.clear()

    def claims(self, token: str) -> WidgetClaims | None:
        """What a widget token says whose signature was found to be good before.

        Whether its key is still accepted, and all else that may change, is the caller's to ask.
        """
        return self._claims.get(token)

    def put_claims(self, token: str, claims: WidgetClaims) -> None:
        """Remember a good token: thousands of sockets bring the same one, and share its claims."""
        self._claims[token] = claims
        if len(self._claims) > MAX_TOKENS:
            self._claims.popitem(last=False)

    def copy(self, key: tuple[int, str, str], *, used: bool) -> Copy | None:
        """The copy with this (story, token handle, origin), if it was noted in the last hour.

        `used`: only if that was as one that was acted on.
        """
        self._forget_if_restored()
        found = self._copies.get(key)
        if found is None or self._clock() - found[0] >= COPY_TTL_S:
            return None
        return found[1] if found[2] or not used else None

    def put_copy(self, key: tuple[int, str, str], copy: Copy | None, *, used: bool) -> None:
        """Remember that a copy was noted; None says nothing, for soon there may be room."""
        if copy is None:
            return
        self._copies[key] = (self._clock(), copy, used)
        self._copies.move_to_end(key)
        if len(self._copies) > MAX_STORIES:
            self._copies.popitem(last=False)

    async def shared(self, key: tuple[object, ...], ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer, asked for once for all who want it at the same time.

        Not the asker's: one who leaves does not take it from the others. Raises what `ask` does.
        """
        asking = self._shared.get(key)
        if asking is None:
            asking = self._shared[key] = asyncio.create_task(ask())
            asking.add_done_callback(lambda done: self._answered(key, done))
        answer: T = await asyncio.shield(asking)
        return answer

    def _answered(self, key: tuple[object, ...], done: asyncio.Task[Any]) -> None:
        del self._shared[key]
        # Anyone who still waits is told; a failure that no one waits for is no one's affair.
        if not done.cancelled():
            done.exception()

    def cached_site_of(self, code: str) -> Site | None:
        """The site of a story as last seen, without asking."""
        story = self._by_code.get(code, (0.0, None))[1]
        known = self._by_slug.get(story.site, (0.0, None))[1] if story is not None else None
        return None if known is None else known.site
