"""Work beside everything else: whether or not anyone waits for it, its failure is noted."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from widget_server.model.errors import ProblemError

log = logging.getLogger(__name__)


class TaskSet:
    """Holds on to tasks until they end; the event loop itself does not."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run it from now on. Who waits for it meanwhile should shield it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ProblemError):
            log.error("event=hub_task_failed", exc_info=error)
