"""Serve the files of every embed build. A process has its own build's files and reads others from the database.

So a page can load its build's files from any process, during a rolling restart and after it, as long as
the major version is supported.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from widget_server.operations.services import Services
from widget_server.store.queries.embed_files import store_embed_files

NAMES_MAX_AGE_S = 1.0
"""Seconds between two reads of the stored file names, when requests name unknown files."""
STORE_TIMEOUT_S = 10.0
"""Seconds that the start of a process waits until its files are stored."""


class OtherBuilds:
    """Finds files of other builds. A request for an invented name causes no database read of its own."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._clock = clock
        self._names: frozenset[str] = frozenset()
        self._names_read_at = float("-inf")
        self._names_lock = asyncio.Lock()

    async def find(self, name: str) -> str | None:
        """Return a file's content, or None. Raises `UnavailableError` if the database does not respond."""
        if name not in self._names:
            async with self._names_lock:
                if self._clock() - self._names_read_at >= NAMES_MAX_AGE_S:
                    # Set before the read: if it fails, other requests must not repeat it at once.
                    self._names_read_at = self._clock()
                    self._names = await self._services.embed_files.names()
        return await self._services.embed_files.content(name) if name in self._names else None


async def store_own(services: Services, files: Mapping[str, str]) -> None:
    """Store this build's files that are not in the database yet.

    Raises `UnavailableError`, or `TimeoutError` after `STORE_TIMEOUT_S`.
    """
    async with asyncio.timeout(STORE_TIMEOUT_S):
        stored = await services.embed_files.names()
        missing = {name: content for name, content in files.items() if name not in stored}
        if missing:
            await services.writer.run_in_transaction(store_embed_files(missing))
