"""A runner on the components of one process."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.operations.operations_harness import Server
from widget_server.jobs.runner import JobRunner
from widget_server.jobs.schedule import Job, Tools
from widget_server.model.schedule import ScheduledWork
from widget_server.operations.publishing.fetch import Fetcher
from widget_server.store.queries.schedule import put_in_schedule

KIND = "test_job"
Run = Callable[[Tools, str], Awaitable[int | None]]


def runner(server: Server, run: Run | None = None, **job: Any) -> JobRunner:
    """Return a runner of one job, or, without `run`, of all jobs of the server."""
    tools = Tools(server.services, Fetcher(server.services.server_origin))
    epoch = lambda: server.components.database.epoch  # noqa: E731
    return (
        JobRunner(tools, epoch) if run is None else JobRunner(tools, epoch, [Job(KIND, run, **job)])
    )


async def scheduled(server: Server, subject: str = "a") -> None:
    """Schedule the test job for now."""
    await server.services.writer.run_in_transaction(
        put_in_schedule(KIND, subject, server.services.now_ms())
    )


async def rows(server: Server) -> list[ScheduledWork]:
    """Return the schedule."""
    return await server.services.schedule.all(100)
