"""Run the jobs that are due. Every process of the server does this; a lease gives work to one of them.

A process that is killed loses its lease after `LEASE_MS`, and another one does the work. At rest a
process asks the database one short question per lane every few seconds.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated

from widget_server.jobs.schedule import JOBS, Job, Tools
from widget_server.model.errors import UnavailableError
from widget_server.model.metrics import Histogram
from widget_server.model.schedule import Lease
from widget_server.operations.services import Services
from widget_server.store.queries.schedule import (
    finish_work,
    lease_work,
    postpone_work,
    renew_lease,
    repeat_in_schedule,
)

log = logging.getLogger(__name__)

LEASE_MS = 30_000
"""Time after which another process may take the work of a process that died. It is renewed three times as often."""
POLL_S = 3.0
"""Mean time between two questions for work at rest."""
FIRST_RETRY_S = 10.0
LONGEST_RETRY_S = 3_600.0
"""A retry waits twice as long as the one before, up to this."""
STOP_S = 2.0
"""Time to give a lease back when the process stops."""


@dataclass(slots=True)
class JobMetrics:
    """Metrics of the jobs of this process."""

    leased: Annotated[int, "jobs that this process took"] = 0
    done: Annotated[int, "jobs that this process finished"] = 0
    failed: Annotated[int, "jobs that failed and will be tried again"] = 0
    given_up: Annotated[int, "jobs that failed too often and were dropped"] = 0
    leases_lost: Annotated[int, "jobs stopped because the lease had ended"] = 0
    duration_seconds: Annotated[Histogram, "time from the lease of a job to its end"] = field(
        default_factory=lambda: Histogram(0.01, 0.05, 0.25, 1, 5, 30, 120)
    )


class _LeaseLostError(Exception):
    """Another process may have the work."""


class JobRunner:
    """Runs jobs in this process. `epoch` returns the database's epoch: a new one means that a backup was restored."""

    def __init__(self, tools: Tools, epoch: Callable[[], str], jobs: Sequence[Job] = JOBS) -> None:
        self._tools = tools
        self._services: Services = tools.services
        self._epoch = epoch
        self._jobs = {job.kind: job for job in jobs}
        self._seeded = ""
        self.metrics = JobMetrics()

    async def run(self) -> None:
        """Run jobs until cancelled. Leases are given back at the end."""
        async with asyncio.TaskGroup() as lanes:
            for lane in sorted({job.lane for job in self._jobs.values()}):
                kinds = [job.kind for job in self._jobs.values() if job.lane == lane]
                lanes.create_task(self._run_lane(kinds))

    async def _run_lane(self, kinds: list[str]) -> None:
        while True:
            # Jittered, so that processes that start together do not ask together for ever.
            await asyncio.sleep(POLL_S * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                await self._seed()
                while await self.run_next(kinds):
                    pass
            except (UnavailableError, TimeoutError) as error:
                log.warning("event=jobs_wait reason=%s", type(error).__name__)

    async def _seed(self) -> None:
        """Schedule the repeated jobs that are not scheduled: in a new or a restored database."""
        epoch = self._epoch()
        if self._seeded == epoch:
            return
        repeated = {job.kind: job.every_s for job in self._jobs.values() if job.every_s is not None}
        missing = sorted(repeated.keys() - await self._services.schedule.kinds(""))
        if missing:
            now = self._services.now_ms()
            works = [(kind, repeated[kind] * 1000, now) for kind in missing]
            await self._services.writer.run_in_transaction(repeat_in_schedule(works))
        self._seeded = epoch

    async def run_next(self, kinds: Sequence[str]) -> bool:
        """Run the job that is due longest. Return False if none is due. Raises `UnavailableError`."""
        # A read first: a write would cost a flush to disk for nothing.
        if not await self._services.schedule.is_due(kinds, self._services.now_ms()):
            return False
        now = self._services.now_ms()
        lease = await self._services.writer.run_in_transaction(
            lease_work(kinds, now, now + LEASE_MS)
        )
        if lease is None:
            return False
        self.metrics.leased += 1
        started = time.perf_counter()
        try:
            await self._work(self._jobs[lease.kind], lease)
        finally:
            self.metrics.duration_seconds.add(time.perf_counter() - started)
        return True

    async def _work(self, job: Job, lease: Lease) -> None:
        """Do the work of a lease, and end the lease."""
        if job.every_s is None and lease.tries > job.tries:
            # It may have killed each process that took it.
            await self._give_up(job, lease, "tries", logging.ERROR)
            return
        try:
            again = await self._run_renewing(job, lease)
        except asyncio.CancelledError:
            await _at_most(STOP_S, self._postpone(lease, self._services.now_ms(), count=False))
            raise
        except _LeaseLostError:
            self.metrics.leases_lost += 1
            log.warning("event=job_lease_lost kind=%s", lease.kind)
        except Exception as error:
            await self._fail(job, lease, error)
        else:
            if again is not None:
                await self._postpone(lease, again, count=False)
                return
            now = self._services.now_ms()
            await self._services.writer.run_in_transaction(finish_work(lease, now))
            self.metrics.done += 1

    async def _run_renewing(self, job: Job, lease: Lease) -> int | None:
        """Run the job, and renew its lease meanwhile. Raises `_LeaseLostError`, and what the job raises."""
        working = asyncio.ensure_future(job.run(self._tools, lease.subject))
        try:
            until = lease.until
            while True:
                done, _ = await asyncio.wait({working}, timeout=LEASE_MS / 3000)
                if done:
                    return working.result()
                until = await self._renew(lease, until)
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await working

    async def _renew(self, lease: Lease, until: int) -> int:
        """Extend the lease and return its new end. Raises `_LeaseLostError`."""
        now = self._services.now_ms()
        try:
            held = await self._services.writer.run_in_transaction(
                renew_lease(lease, now + LEASE_MS)
            )
        except UnavailableError:
            # The database may answer again before the lease ends.
            if now >= until:
                raise _LeaseLostError from None
            return until
        if not held:
            raise _LeaseLostError
        return now + LEASE_MS

    async def _fail(self, job: Job, lease: Lease, error: Exception) -> None:
        reason = type(error).__name__
        expected = isinstance(error, job.expected)
        if job.every_s is None and lease.tries >= job.tries:
            await self._give_up(job, lease, reason, logging.INFO if expected else logging.ERROR)
            return
        self.metrics.failed += 1
        # Without the error's text and traceback, which could name an address.
        line = "event=job_failed kind=%s tries=%d reason=%s"
        level = logging.INFO if expected else logging.WARNING
        log.log(level, line, lease.kind, lease.tries, reason)
        delay = min(FIRST_RETRY_S * 2.0 ** min(lease.tries - 1, 20), LONGEST_RETRY_S)
        delay *= random.uniform(0.8, 1.2)  # noqa: S311
        at = self._services.now_ms() + int(delay * 1000)
        await self._postpone(lease, at, error=reason, count=True)

    async def _give_up(self, job: Job, lease: Lease, reason: str, level: int) -> None:
        self.metrics.given_up += 1
        line = "event=job_given_up kind=%s tries=%d reason=%s"
        log.log(level, line, lease.kind, lease.tries, reason)
        if job.give_up is not None:
            await job.give_up(self._tools, lease.subject)
        now = self._services.now_ms()
        await self._services.writer.run_in_transaction(finish_work(lease, now))

    async def _postpone(
        self, lease: Lease, at: int, *, error: str | None = None, count: bool
    ) -> None:
        await self._services.writer.run_in_transaction(postpone_work(lease, at, error, count=count))


async def _at_most(seconds: float, work: Awaitable[None]) -> None:
    """Wait for `work` at most so long, while the process stops. A lease that is kept ends by itself."""
    with suppress(UnavailableError, TimeoutError):
        await asyncio.wait_for(work, seconds)
