"""Sites and stories that deeds speak of, kept for a moment so that each deed need not ask.

A site's rules and withdrawn tokens are at most `SITE_S` old, a story's attribution `STORY_S`, and
older only while the database does not answer: nobody can change them there either.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from widget_server.model.claims import WidgetClaims
from widget_server.model.errors import Unavailable
from widget_server.model.records import Copy, SeenCopy, ShutOut, Site, Story
from widget_server.operations.lists import Lists
from widget_server.store.discussions import Discussions
from widget_server.store.sites import Sites

T = TypeVar("T")

SITE_S = 2.0
ADMITTED_S = 0.05
"""How old rules may be by which a page is let in, in seconds: thousands that come at once share them."""
WHOLE_S = 30.0
"""Withdrawn tokens and the like are read again after so long, also where nothing says they changed."""
PATIENCE_S = 1.0
"""How long a deed waits for the database where older rules are known, in seconds."""
STORY_S = 30.0
COPY_S = 3600.0
ABSENT_S = 1.0
"""How long a code is known to name no story, in seconds: a token may make it known elsewhere."""
MOST_STORIES = 50_000
MOST_TOKENS = 5_000
MOST_ABSENT = 10_000


@dataclass(frozen=True, slots=True)
class KnownSite:
    """A site with the handles of its withdrawn tokens, and the origins that it lets in no more."""

    site: Site
    revoked: frozenset[str]
    shut_out: frozenset[ShutOut] = frozenset()


class Directory:
    """Looks up sites by slug and stories by code."""

    def __init__(
        self, sites: Sites, discussions: Discussions, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sites = sites
        self._discussions = discussions
        self._clock = clock
        self._by_slug: dict[str, tuple[float, KnownSite | None]] = {}
        self._whole_at: dict[str, float] = {}
        self._by_code: OrderedDict[str, tuple[float, Story]] = OrderedDict()
        self._absent: OrderedDict[str, float] = OrderedDict()
        """Codes that name no story, and when that was asked."""
        self._copies: OrderedDict[tuple[int, str, str], tuple[float, Copy, bool]] = OrderedDict()
        """When a copy was noted, it, and whether as one that was acted on."""
        self._epoch = ""
        self.lists = Lists(discussions, self._is_open, clock)
        self._claims: OrderedDict[str, WidgetClaims] = OrderedDict()
        self._shared: dict[tuple[object, ...], asyncio.Task[Any]] = {}

    async def site(self, slug: str, *, max_age: float = SITE_S) -> KnownSite | None:
        """The site as it was at most `max_age` seconds ago, or None.

        Raises `Unavailable` when the database does not answer and nothing is known.
        """
        self._forget_if_restored()
        at, known = self._by_slug.get(slug, (-math.inf, None))
        if self._clock() - at < max_age:
            return known
        asking = self.shared(("site", slug), lambda: self._ask(slug))
        if known is None or max_age == 0:
            return await asking
        try:
            return await asyncio.wait_for(asking, PATIENCE_S)
        except (Unavailable, TimeoutError):
            return known

    async def _ask(self, slug: str) -> KnownSite | None:
        epoch = self._epoch
        site = await self._sites.find(slug)
        known = self._by_slug.get(slug, (0.0, None))[1]
        whole = self._clock() - self._whole_at.get(slug, -math.inf) < WHOLE_S
        if site is None:
            known = None
        elif not whole or known is None or known.site != site:
            # After the site: of what changes meanwhile its count of changes knows nothing yet.
            revoked = await self._sites.revoked(slug)
            known = KnownSite(site, revoked, await self._sites.shut_out(slug))
            self._whole_at[slug] = self._clock()
        if len(self._by_slug) > MOST_STORIES:
            self._by_slug.clear()
        if epoch == self._epoch:
            self._by_slug[slug] = (self._clock(), known)
        return known

    async def _is_open(self, slug: str) -> bool:
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
        """The story as it was at most `STORY_S` ago; `fresh` asks the database."""
        self._forget_if_restored()
        at, known = self._by_code.get(code, (0.0, None))
        if not fresh and known is not None and self._clock() - at < STORY_S:
            return known
        if not fresh and self._clock() - self._absent.get(code, -math.inf) < ABSENT_S:
            return None
        try:
            story = await self._ask_for_story(code, fresh=fresh)
        except Unavailable:
            if known is None or fresh:
                raise
            return known
        if story is not None:
            self.keep(story)
        else:
            self._absent[code] = self._clock()
            self._absent.move_to_end(code)
            if len(self._absent) > MOST_ABSENT:
                self._absent.popitem(last=False)
        return story

    async def _ask_for_story(self, code: str, *, fresh: bool) -> Story | None:
        if fresh:  # One that was asked for before may know less.
            return await self._discussions.story(code)
        return await self.shared(("story", code), lambda: self._discussions.story(code))

    def knows(self, code: str) -> bool:
        """Whether this is known to be a story's code, or to be none, without asking."""
        asked = self._clock() - self._absent.get(code, -math.inf) < ABSENT_S
        return code in self._by_code or asked

    def keep(self, story: Story) -> None:
        """Remember a story that was just read or written."""
        self._absent.pop(story.code, None)
        self._forget_if_restored()
        self._by_code[story.code] = (self._clock(), story)
        self._by_code.move_to_end(story.code)
        if len(self._by_code) > MOST_STORIES:
            self._by_code.popitem(last=False)

    def _forget_if_restored(self) -> None:
        """In a restored database stories and copies may have other numbers."""
        if self._epoch != self._discussions.epoch:
            self._epoch = self._discussions.epoch
            self._by_code.clear()
            self._by_slug.clear()
            self._absent.clear()
            self._whole_at.clear()
            self._copies.clear()

    def claims(self, token: str) -> WidgetClaims | None:
        """What a widget token says whose signature was found to be good before.

        Whether its key is still accepted, and all else that may change, is the caller's to ask.
        """
        return self._claims.get(token)

    def keep_claims(self, token: str, claims: WidgetClaims) -> None:
        """Remember a good token: thousands of sockets bring the same one, and share its claims."""
        self._claims[token] = claims
        if len(self._claims) > MOST_TOKENS:
            self._claims.popitem(last=False)

    def copy(self, key: tuple[int, str, str], *, used: bool) -> Copy | None:
        """The copy with this (story, token handle, origin), if it was noted in the last hour.

        `used`: only if that was as one that was acted on.
        """
        self._forget_if_restored()
        found = self._copies.get(key)
        if found is None or self._clock() - found[0] >= COPY_S:
            return None
        return found[1] if found[2] or not used else None

    def keep_copy(self, key: tuple[int, str, str], copy: Copy | None, *, used: bool) -> None:
        """Remember that a copy was noted; None says nothing, for soon there may be room."""
        if copy is None:
            return
        self._copies[key] = (self._clock(), copy, used)
        self._copies.move_to_end(key)
        if len(self._copies) > MOST_STORIES:
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
        # Whoever still waits is told; a failure that nobody waits for is nobody's affair.
        if not done.cancelled():
            done.exception()

    def site_of(self, code: str) -> Site | None:
        """The site of a story as last seen, without asking."""
        story = self._by_code.get(code, (0.0, None))[1]
        known = self._by_slug.get(story.site, (0.0, None))[1] if story is not None else None
        return None if known is None else known.site
