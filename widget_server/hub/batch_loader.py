"""What readers left in a story: one question for all who come while the one before is answered.

When thousands come at once the database is asked as often as it can answer, not once for each.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

OwnByReader = dict[str, bytes]


class BatchLoader:
    """`ask` gets a story's code and its readers, and answers JSON by reader; it may raise."""

    def __init__(self, ask: Callable[[str, Sequence[str]], Awaitable[OwnByReader]]) -> None:
        self._ask = ask
        self._next: dict[str, tuple[set[str], asyncio.Task[OwnByReader]]] = {}
        self._asked: dict[str, asyncio.Task[OwnByReader]] = {}

    async def load(self, code: str, readers: Iterable[str]) -> OwnByReader:
        """What they left, as it is at some moment after this call began; maybe others' as well."""
        if code not in self._next:
            own: set[str] = set()
            task = asyncio.create_task(self._run_after(code, own))
            # Anyone who still waits is told; a failure that no one waits for is no one's affair.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._next[code] = own, task
        together, task = self._next[code]
        together.update(readers)
        # Shielded: one reader who leaves must not take the answer from the others.
        return await asyncio.shield(task)

    async def _run_after(self, code: str, readers: set[str]) -> OwnByReader:
        before = self._asked.get(code)
        if before is not None:
            await asyncio.wait({before})
        # Who comes from now on belongs to the next question: this one may miss what they did last.
        self._asked[code] = self._next.pop(code)[1]
        try:
            return await self._ask(code, sorted(readers))
        finally:
            if self._asked[code] is asyncio.current_task():
                del self._asked[code]
