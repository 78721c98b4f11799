"""A server's process that does the batches which are due, until none is left or it is killed."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from tests.operations.operations_harness import open_server
from widget_server.jobs.runner import JobRunner
from widget_server.jobs.schedule import Tools
from widget_server.operations.publishing.fetch import Fetcher
from widget_server.store.queries.batches import DECIDE_BATCH


def main(url: str, folder: Path, ahead: float) -> None:
    """Do scheduled batches. The clock is `ahead` seconds ahead: leases of killed processes are over."""
    asyncio.run(_work(url, folder, ahead))


async def _work(url: str, folder: Path, ahead: float) -> None:
    async with open_server(folder, url) as server:
        services = replace(server.services, clock=lambda: time.time() + ahead)
        epoch = server.components.database.epoch
        runner = JobRunner(Tools(services, Fetcher("http://127.0.0.1")), lambda: epoch)
        while await runner.run_next([DECIDE_BATCH]):
            pass
