"""Cache of encoded counts for lists of stories.

Many readers open the same list of hundreds of stories at once. The cache holds each story's encoded JSON,
so that a response is little more than a join.
"""

import time
from collections.abc import Awaitable, Callable, Sequence

from widget_server.model.errors import UnavailableError
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.protocol import server_messages
from widget_server.store.queries.discussions import Discussions

COUNTS_TTL_S = 2.0
"""Seconds that counts are cached: the `max-age` of the HTTP response."""
MAX_STORIES = 50_000
"""Cached stories. When there are more, the cache is cleared."""
_ENVELOPE_BYTES = 40
"""Bytes of a response beside the stories' JSON."""


class CountsCache:
    """JSON fragments by story code. The fragment is empty if the code names no readable story.

    `is_open` returns whether a site's stories can be read without a token.
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
        """Return `{"stories":{code:{comments, tally},…},"more":n}` as JSON, without unreadable stories.

        The last `more` of `codes` did not fit in the response. The client requests them again. Raises
        `UnavailableError`.
        """
        oldest, missing = self._clock() - COUNTS_TTL_S, (0.0, b"")
        cached = [self._fragments.get(code, missing) for code in codes]
        stale = [code for code, (at, _) in zip(codes, cached, strict=True) if at < oldest]
        prepared = await self._encode(stale) if stale else {}
        fragments = [prepared.get(code, old)[1] for code, old in zip(codes, cached, strict=True)]
        room, included = MAX_RESPONSE_BYTES - _ENVELOPE_BYTES, 0
        for fragment in fragments:
            room -= len(fragment) + 1
            if room < 0:
                break
            included += 1
        body = b",".join(filter(None, fragments[:included]))
        return b'{"stories":{%b},"more":%d}' % (body, len(codes) - included)

    async def _is_readable(self, site: str) -> bool:
        """Return whether a site is open. An unreadable site must not make the other sites' counts fail."""
        try:
            return await self._is_open(site)
        except UnavailableError:
            return False

    async def _encode(self, codes: Sequence[str]) -> dict[str, tuple[float, bytes]]:
        counted = await self._discussions.counts(codes)
        sites = {site for site, *_ in counted}
        closed = {site for site in sites if not await self._is_readable(site)}
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
