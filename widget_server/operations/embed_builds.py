"""Serve the embed of every build: a process knows its own files, and finds others in the database.

So a page goes on working whichever process it reaches during a rolling restart, and after it for as
long as the major version lives.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from widget_server.operations.services import Services
from widget_server.store.queries.embed_files import store_embed_files

NAMES_MAX_AGE_S = 1.0
"""How old the known names may be when a file is asked for that is not among them, in seconds."""
STORE_TIMEOUT_S = 10.0
"""How long the start of a process waits until its files are stored, in seconds."""


class OtherBuilds:
    """Finds files of other builds. Names that are invented cost no question of their own."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._clock = clock
        self._names: frozenset[str] = frozenset()
        self._names_read_at = float("-inf")
        self._names_lock = asyncio.Lock()

    async def find(self, name: str) -> str | None:
        """The file's content, or None. Raises `UnavailableError` when the database does not answer."""
        if name not in self._names:
            async with self._names_lock:
                if self._clock() - self._names_read_at >= NAMES_MAX_AGE_S:
                    # Also if it fails: a database in trouble is not asked by everyone.
                    self._names_read_at = self._clock()
                    self._names = await self._services.embed_files.names()
        return await self._services.embed_files.content(name) if name in self._names else None


async def store_own(services: Services, files: Mapping[str, str]) -> None:
    """Store the files of this build, once for all processes.

    Raises `UnavailableError` or `TimeoutError` when the database does not take them in time.
    """
    async with asyncio.timeout(STORE_TIMEOUT_S):
        known = await services.embed_files.names()
        missing = {name: content for name, content in files.items() if name not in known}
        if missing:
            await services.writer.run_in_transaction(store_embed_files(missing))
