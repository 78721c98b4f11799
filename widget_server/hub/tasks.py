"""Set of background tasks: keeps references to tasks and logs their exceptions."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from widget_server.model.errors import ProblemError

log = logging.getLogger(__name__)


class TaskSet:
    """Keeps a reference to each task until it ends; the event loop keeps only weak ones."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start the coroutine as a task. Callers that await the task should shield it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ProblemError):
            log.error("event=hub_task_failed", exc_info=error)
