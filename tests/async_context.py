"""Base class for test helpers that are used with `async with`."""

from types import TracebackType
from typing import Self


class AsyncContext:
    """Async context manager that calls `open` on entry and `close` on exit."""

    async def open(self) -> None:
        """Acquire what the object needs."""
        raise NotImplementedError

    async def close(self, error: BaseException | None) -> None:
        """Release everything. `error` is the exception that ends the block, or None.

        An implementation that also checks results does so only if `error` is None, so that a
        failed check never hides the first failure.
        """
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close(error)
