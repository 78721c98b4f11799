"""Counts for lists of stories, drawn once and kept for a moment.

A list's page is opened by many readers at once, each of whom asks for the same hundreds of
stories. What is kept is each story's finished JSON, so that an answer is little more than a join.
"""

import time
from collections.abc import Awaitable, Callable, Sequence

from widget_server.store.discussions import Discussions
from widget_server.wire import frames

FRESH_S = 2.0
"""As long as the answer itself may be kept by others."""
MOST = 50_000


class Lists:
    """Pieces of JSON by story code; an empty piece for a code that names no story to be read.

    `is_open` tells of a site whether everyone may read its stories.
    """

    def __init__(
        self,
        discussions: Discussions,
        is_open: Callable[[str], Awaitable[bool]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._discussions = discussions
        self._is_open = is_open
        self._clock = clock
        self._pieces: dict[str, tuple[float, bytes]] = {}

    async def counts(self, codes: Sequence[str]) -> bytes:
        """`{"stories":{code:{comments, tally},…}}`, without those that are not there."""
        oldest, missing = self._clock() - FRESH_S, (0.0, b"")
        kept = [self._pieces.get(code, missing) for code in codes]
        stale = [code for code, (at, _) in zip(codes, kept, strict=True) if at < oldest]
        drawn = await self._draw(stale) if stale else {}
        found = [drawn.get(code, piece)[1] for code, piece in zip(codes, kept, strict=True)]
        return b'{"stories":{' + b",".join(filter(None, found)) + b"}}"

    async def _draw(self, codes: Sequence[str]) -> dict[str, tuple[float, bytes]]:
        counted = await self._discussions.counts(codes)
        sites = {site for site, *_ in counted}
        closed = {site for site in sites if not await self._is_open(site)}
        now = self._clock()
        drawn = dict.fromkeys(codes, (now, b""))
        drawn |= {
            code: (now, frames.count_piece(code, total, tally))
            for site, code, total, tally in counted
            if site not in closed
        }
        if len(self._pieces) + len(drawn) > MOST:
            self._pieces.clear()
        self._pieces |= drawn
        return drawn
