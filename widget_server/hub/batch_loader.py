"""Load readers' own reactions and comments in batches: one query for all calls made meanwhile.

If thousands of readers subscribe at once, the database is queried as often as it can respond, not
once for each reader.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

OwnByReader = dict[str, bytes]
"""A reader's reactions and comments in one story, as JSON, by reader id."""


class BatchLoader:
    """Batches calls of `query` by story.

    `query` is called with a story's code and reader ids, and returns JSON by reader id. It may
    raise.
    """

    def __init__(self, query: Callable[[str, Sequence[str]], Awaitable[OwnByReader]]) -> None:
        self._query = query
        self._next: dict[str, tuple[set[str], asyncio.Task[OwnByReader]]] = {}
        """The batch that still accepts readers, by story code."""
        self._running: dict[str, asyncio.Task[OwnByReader]] = {}

    async def load(self, code: str, readers: Iterable[str]) -> OwnByReader:
        """Return the readers' own data, as it is at some moment after this call began.

        The result may include other readers. Raises what `query` raises.
        """
        if code not in self._next:
            batch: set[str] = set()
            task = asyncio.create_task(self._run_after(code, batch))
            # Waiting callers get the exception. If none are left, it is retrieved here, so that
            # asyncio does not log it.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._next[code] = batch, task
        batch, task = self._next[code]
        batch.update(readers)
        # Shielded: if one caller is cancelled, the others still need the result.
        return await asyncio.shield(task)

    async def _run_after(self, code: str, readers: set[str]) -> OwnByReader:
        """Wait for the running query, then start this batch's query."""
        previous = self._running.get(code)
        if previous is not None:
            await asyncio.wait({previous})
        # Later calls go to the next batch: this query may miss the readers' latest actions.
        self._running[code] = self._next.pop(code)[1]
        try:
            return await self._query(code, sorted(readers))
        finally:
            if self._running[code] is asyncio.current_task():
                del self._running[code]
