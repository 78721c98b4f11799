"""Lookup cache: sites, stories, copies and token claims that this process read recently.

A site's settings and withdrawn tokens are at most `SITE_TTL_S` old, a story's attribution at most
`STORY_TTL_S`. Older values are used only while the database does not respond. The
database cannot change during that time. Feeds use a story that was read at most `RECENT_S` ago and
that this process has not changed since.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from widget_server.model.bans import Ban
from widget_server.model.claims import WidgetClaims
from widget_server.model.clock import now_ms
from widget_server.model.errors import UnavailableError
from widget_server.model.hours import Mode
from widget_server.model.raids import Raid
from widget_server.model.records import Copy, NarrowedCopy, SeenCopy, ShutOut, Site, Story
from widget_server.model.settings import SiteSettings
from widget_server.operations.counts_cache import CountsCache
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.sites import Sites

T = TypeVar("T")

SITE_TTL_S = 2.0
"""Seconds that a site is cached."""
ADMISSION_MAX_AGE_S = 0.05
"""Maximum age in seconds of a site when a page is authorized. Thousands of pages that arrive at once share one read."""
FULL_RELOAD_S = 30.0
"""Seconds after which withdrawn tokens and shut-out origins are read again, even if nothing changed."""
DB_WAIT_S = 1.0
"""Seconds that an action waits for a newer site before it uses the cached one."""
STORY_TTL_S = 30.0
"""Seconds that a story's attribution is cached."""
RECENT_S = 1.0
"""Seconds after which a feed's story is read again: until then, a change by another process is not in the feed."""
COPY_TTL_S = 3600.0
"""Seconds after which a copy that is in use is recorded again."""
NOT_FOUND_TTL_S = 1.0
"""Seconds that an unknown code is cached. Short, because another process may register the story."""
MAX_STORIES = 50_000
"""Cached stories, sites and copies, each."""
MAX_TOKENS = 5_000
"""Cached tokens with their claims."""
MAX_NOT_FOUND = 10_000
"""Cached codes that name no story."""


@dataclass(frozen=True, slots=True)
class CachedSite:
    """A site with its withdrawn tokens, its shut-out origins, its stories' settings and its bans."""

    site: Site
    revoked: frozenset[str]
    shut_out: frozenset[ShutOut] = frozenset()
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings that stories override, as stored, by the story's code."""
    bans: Mapping[str, Ban] = field(default_factory=dict)
    """Bans by subject, also some that have ended."""
    raids: tuple[Raid, ...] = ()
    """Raids that are on, and some that have ended."""
    full: Mode = "open"
    """What the site's capacity makes of its comments now."""
    narrowed: Mapping[int, NarrowedCopy] = field(default_factory=dict)
    """Copies that hide comments or let those of their readers wait, by id."""

    def narrowed_by(self, code: str, handle: str, origin: str) -> NarrowedCopy | None:
        """Return the copy of a story that `?copy=` names on a page of this origin, if it is narrowed."""
        wanted = (code, handle, origin)
        copies = self.narrowed.values()
        return next((one for one in copies if (one.story, one.handle, one.origin) == wanted), None)

    def for_story(self, code: str) -> Site:
        """Return the site with the settings of one story: those that it overrides in place of the site's.

        They also say what the capacity makes of comments now.
        """
        overrides = self.overrides.get(code)
        if overrides is None and self.full == "open":
            return self.site
        settings = self.site.settings.for_story(overrides or {})
        return replace(self.site, settings=replace(settings, full=self.full))


class LookupCache:
    """Looks up sites by slug, stories by code, copies and token claims."""

    def __init__(
        self,
        sites: Sites,
        discussions: Discussions,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._sites = sites
        self._discussions = discussions
        self._clock = clock
        self._now_ms = now_ms
        self._by_slug: dict[str, tuple[float, CachedSite | None]] = {}
        self._fully_loaded_at: dict[str, float] = {}
        self._by_code: OrderedDict[str, tuple[float, Story]] = OrderedDict()
        self._read_at: dict[str, float] = {}
        """When the reads of stories in `_by_code` began that this process has not changed since."""
        self._absent: OrderedDict[str, float] = OrderedDict()
        """Codes that name no story, and when the database was asked."""
        self._copies: OrderedDict[tuple[int, str, str], tuple[float, Copy, bool]] = OrderedDict()
        """By (story id, token handle, origin): when the copy was recorded, the copy, and whether as used."""
        self._epoch = ""
        self.counts_cache = CountsCache(discussions, self._allows_code_only, clock)
        self._claims: OrderedDict[str, WidgetClaims] = OrderedDict()
        self._shared: dict[tuple[object, ...], asyncio.Task[Any]] = {}

    async def site(self, slug: str, *, max_age: float = SITE_TTL_S) -> CachedSite | None:
        """Return the site as it was at most `max_age` seconds ago, or None if it does not exist.

        Raises `UnavailableError` if the database does not respond and no site is cached, or `max_age`
        is 0.
        """
        self._clear_if_restored()
        at, cached = self._by_slug.get(slug, (-math.inf, None))
        if self._clock() - at < max_age:
            return cached
        key = ("site", slug)
        if max_age == 0 and key in self._shared:
            # A read that started earlier may return an older state.
            await asyncio.wait({self._shared[key]})
        loading = self.shared(key, lambda: self._load_site(slug))
        if cached is None or max_age == 0:
            return await loading
        try:
            return await asyncio.wait_for(loading, DB_WAIT_S)
        except (UnavailableError, TimeoutError):
            return cached

    async def _load_site(self, slug: str) -> CachedSite | None:
        epoch = self._epoch
        site = await self._sites.find(slug)
        cached = self._by_slug.get(slug, (0.0, None))[1]
        is_recent = self._clock() - self._fully_loaded_at.get(slug, -math.inf) < FULL_RELOAD_S
        if site is None:
            cached = None
        elif not is_recent or cached is None or cached.site != site:
            # Read these after the site. A change in between increments `rights` above the value that
            # was read, so the next load reads them again.
            revoked = await self._sites.revoked(slug)
            shut_out = await self._sites.shut_out(slug)
            overrides = await self._sites.overrides(slug)
            bans = await self._sites.bans(slug)
            raids = await self._sites.raids(slug, self._now_ms())
            full = (await self._sites.capacity(slug)).mode
            narrowed = await self._sites.narrowed(slug)
            cached = CachedSite(site, revoked, shut_out, overrides, bans, raids, full, narrowed)
            self._fully_loaded_at[slug] = self._clock()
        if len(self._by_slug) > MAX_STORIES:
            self._by_slug.clear()
        if epoch == self._epoch:
            self._by_slug[slug] = (self._clock(), cached)
        return cached

    async def _allows_code_only(self, slug: str) -> bool:
        """Return whether the site's stories can be read without a token."""
        cached = await self.site(slug)
        return cached is not None and cached.site.settings.open_reading

    async def settings_of(self, story: Story, *, max_age: float = SITE_TTL_S) -> SiteSettings:
        """Return the settings of a story, at most `max_age` seconds old.

        Raises `UnavailableError` like `site`. If the site does not exist, return default settings.
        """
        cached = await self.site(story.site, max_age=max_age)
        return cached.for_story(story.code).settings if cached is not None else SiteSettings()

    def cached_settings_of(self, code: str, slug: str) -> SiteSettings:
        """Return the cached settings of a site's story, however old they are, without any I/O.

        If they are not cached, return default settings.
        """
        cached = self._by_slug.get(slug, (0.0, None))[1]
        return cached.for_story(code).settings if cached is not None else SiteSettings()

    async def seen(self, slug: str, jti: str) -> list[SeenCopy]:
        """Return the copies that use the site's token with this handle, the last seen first."""
        return await self._sites.seen(slug, jti)

    async def all_sites(self) -> list[Site]:
        """Return every site, in order of slugs."""
        return await self._sites.all()

    def was_absent(self, code: str) -> bool:
        """Return whether the database had no such story a moment ago."""
        return self._clock() - self._absent.get(code, -math.inf) < NOT_FOUND_TTL_S

    async def story(self, code: str, *, fresh: bool = False) -> Story | None:
        """Return the story, at most `STORY_TTL_S` old, or None. `fresh` always reads the database.

        Raises `UnavailableError` if the database does not respond and no story is cached, or with `fresh`.
        """
        self._clear_if_restored()
        at, cached = self._by_code.get(code, (0.0, None))
        if not fresh and cached is not None and self._clock() - at < STORY_TTL_S:
            return cached
        if not fresh and self.was_absent(code):
            return None
        try:
            story = await self._load_story(code, fresh=fresh)
        except UnavailableError:
            if cached is None or fresh:
                raise
            return cached
        self._put_read(code, story)
        return story

    async def recent_story(
        self, code: str, read: Callable[[str], Awaitable[Story | None]] | None = None
    ) -> Story | None:
        """Return the story with every change that this process committed, or None if there is no such story.

        A change by another process is in it at most `RECENT_S` later. `read` reads it from the database, if
        that is necessary and no other caller does it already. Raises `UnavailableError`.
        """
        self._clear_if_restored()
        if self._clock() - self._read_at.get(code, -math.inf) < RECENT_S:
            return self._by_code[code][1]
        how = read or self._discussions.story
        return await self.shared(("recent", code), lambda: self._load_recent(code, how))

    async def _load_recent(
        self, code: str, read: Callable[[str], Awaitable[Story | None]]
    ) -> Story | None:
        begun, epoch, this = self._clock(), self._epoch, asyncio.current_task()
        story = await read(code)
        # A change since the read began, or a restore: the state that was read may be the one before.
        if self._shared.get(("recent", code)) is this and epoch == self._discussions.epoch:
            self._put_read(code, story)
            if story is not None:
                self._read_at[code] = begun
        return story

    def on_changed(self, code: str) -> None:
        """Make `recent_story` read the story again, because this process committed a change of it."""
        self._read_at.pop(code, None)
        # No caller may join a read that began before the change, and its result is not cached.
        self._shared.pop(("recent", code), None)

    def _put_read(self, code: str, story: Story | None) -> None:
        """Cache what a read of the database returned."""
        if story is not None:
            self.put(story)
        else:
            self._absent[code] = self._clock()
            self._absent.move_to_end(code)
            if len(self._absent) > MAX_NOT_FOUND:
                self._absent.popitem(last=False)

    async def _load_story(self, code: str, *, fresh: bool) -> Story | None:
        if fresh:  # A shared read that started earlier may return an older state.
            return await self._discussions.story(code)
        return await self.shared(("story", code), lambda: self._discussions.story(code))

    def has_entry(self, code: str) -> bool:
        """Return whether the cache has an entry for this code: its story, or that there is none. No I/O."""
        is_absent = self._clock() - self._absent.get(code, -math.inf) < NOT_FOUND_TTL_S
        return code in self._by_code or is_absent

    def put(self, story: Story) -> None:
        """Cache a story that was just read or written."""
        self._absent.pop(story.code, None)
        self._clear_if_restored()
        # The story may be older than the last change, so no feed uses it. It may also be newer than what a
        # running read returns, so that result is not cached.
        self.on_changed(story.code)
        self._by_code[story.code] = (self._clock(), story)
        self._by_code.move_to_end(story.code)
        if len(self._by_code) > MAX_STORIES:
            oldest, _ = self._by_code.popitem(last=False)
            self._read_at.pop(oldest, None)

    def _clear_if_restored(self) -> None:
        """Clear the cache after a restore: stories and copies may have other ids."""
        if self._epoch != self._discussions.epoch:
            self._epoch = self._discussions.epoch
            self._by_code.clear()
            self._read_at.clear()
            self._by_slug.clear()
            self._absent.clear()
            self._fully_loaded_at.clear()
            self._copies.clear()

    def claims(self, token: str) -> WidgetClaims | None:
        """Return the claims of a widget token whose signature was verified before, or None.

        The caller must check everything that can change, such as whether its key is still accepted.
        """
        return self._claims.get(token)

    def put_claims(self, token: str, claims: WidgetClaims) -> None:
        """Cache the claims of a verified token. Thousands of sockets that use the token share them."""
        self._claims[token] = claims
        if len(self._claims) > MAX_TOKENS:
            self._claims.popitem(last=False)

    def copy(self, key: tuple[int, str, str], *, used: bool) -> Copy | None:
        """Return the copy (story id, token handle, origin) if it was recorded in the last hour, or None.

        With `used`, only a copy that was recorded as used is returned.
        """
        self._clear_if_restored()
        found = self._copies.get(key)
        if found is None or self._clock() - found[0] >= COPY_TTL_S:
            return None
        return found[1] if found[2] or not used else None

    def put_copy(self, key: tuple[int, str, str], copy: Copy | None, *, used: bool) -> None:
        """Cache a recorded copy. None is not cached, because the story may soon have room for the copy."""
        if copy is None:
            return
        self._copies[key] = (self._clock(), copy, used)
        self._copies.move_to_end(key)
        if len(self._copies) > MAX_STORIES:
            self._copies.popitem(last=False)

    async def shared(
        self, key: tuple[object, ...], load: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """Run `load` once for all callers that use this key at the same time, and return its result.

        A cancelled caller does not cancel `load` for the others. Raises what `load` raises.
        """
        task = self._shared.get(key)
        if task is None:
            task = self._shared[key] = asyncio.create_task(load())
            task.add_done_callback(lambda done: self._on_loaded(key, done))
        result: T = await asyncio.shield(task)
        return result

    def _on_loaded(self, key: tuple[object, ...], done: asyncio.Task[Any]) -> None:
        if self._shared.get(key) is done:
            del self._shared[key]
        # Waiting callers receive the exception. If none are left, asyncio must not log it.
        if not done.cancelled():
            done.exception()
