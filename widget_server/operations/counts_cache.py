"""Counts for lists of stories, drawn once and kept for a moment.

A list's page is opened by many readers at once, each of whom asks for the same hundreds of
stories. What is kept is each story's finished JSON, so that an answer is little more than a join.
"""

import time
from collections.abc import Awaitable, Callable, Sequence

from widget_server.model.errors import UnavailableError
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.protocol import server_messages
from widget_server.store.queries.discussions import Discussions

COUNTS_TTL_S = 2.0
"""As long as the answer itself may be kept by others."""
MAX_STORIES = 50_000
_AROUND = 40
"""Bytes of an answer that are no story's."""


class CountsCache:
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
        self._fragments: dict[str, tuple[float, bytes]] = {}

    async def counts(self, codes: Sequence[str]) -> bytes:
        """`{"stories":{code:{comments, tally},…},"more":n}`, without those that are not there.

        `more` are the last of `codes`, where there is no room for all: ask for them anew.
        """
        oldest, missing = self._clock() - COUNTS_TTL_S, (0.0, b"")
        kept = [self._fragments.get(code, missing) for code in codes]
        stale = [code for code, (at, _) in zip(codes, kept, strict=True) if at < oldest]
        prepared = await self._encode(stale) if stale else {}
        found = [prepared.get(code, piece)[1] for code, piece in zip(codes, kept, strict=True)]
        room, answered = MAX_RESPONSE_BYTES - _AROUND, 0
        for piece in found:
            room -= len(piece) + 1
            if room < 0:
                break
            answered += 1
        pieces = b",".join(filter(None, found[:answered]))
        return b'{"stories":{%b},"more":%d}' % (pieces, len(codes) - answered)

    async def _may_be_read(self, site: str) -> bool:
        """Whether it is known to be open: one site that cannot be read must not cost the others."""
        try:
            return await self._is_open(site)
        except UnavailableError:
            return False

    async def _encode(self, codes: Sequence[str]) -> dict[str, tuple[float, bytes]]:
        counted = await self._discussions.counts(codes)
        sites = {site for site, *_ in counted}
        closed = {site for site in sites if not await self._may_be_read(site)}
        now = self._clock()
        prepared = dict.fromkeys(codes, (now, b""))
        prepared |= {
            code: (now, server_messages.count_json(code, total, tally))
            for site, code, total, tally in counted
            if site not in closed
        }
        if len(self._fragments) + len(prepared) > MAX_STORIES:
            self._fragments.clear()
        self._fragments |= prepared
        return prepared
