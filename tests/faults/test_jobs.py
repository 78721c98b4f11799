"""Scheduled work survives `kill -9` of the server that does it: another one takes it over."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import pytest

from tests.faults import slow_job
from tests.faults.fault_environment import StartEnvironment
from tests.store.store_harness import open_store
from tests.waiting import eventually
from widget_server.store.queries.schedule import Schedule, put_in_schedule

MODULE = "tests.faults.slow_job"
WORKS = ("one", "two", "three")


def notes(folder: Path, pattern: str) -> set[str]:
    """Return the names of the job's notes."""
    return {path.name for path in folder.glob(pattern)}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_work_of_a_killed_server_is_done_by_the_other_one(
    start_environment: StartEnvironment, engine: str, tmp_path: Path
) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    environment = await start_environment(engine, modules=(MODULE, MODULE), JOB_FOLDER=str(folder))
    one, other = environment.servers
    async with open_store(environment.url) as store:
        schedule = Schedule(store.database)

        async def left() -> Collection[str]:
            works = await schedule.all(100)
            return [work.subject for work in works if work.kind == slow_job.KIND]

        for subject in WORKS:
            now = time.time_ns() // 1_000_000
            await store.writer.run_in_transaction(put_in_schedule(slow_job.KIND, subject, now))
        await eventually(
            lambda: len(notes(folder, "started-*")) == 2, "each server works on one of them", 30
        )
        # Longer than a lease: both renew theirs, and nobody takes anything twice.
        started = notes(folder, "started-*")
        renewed = await _leases(schedule)
        await eventually(_all_later(schedule, renewed), "both leases were renewed", 30)
        assert notes(folder, "started-*") == started
        killed_at = time.monotonic()
        await one.kill()
        (folder / "go").touch()

        async def nothing_left() -> bool:
            return not await left()

        await eventually(nothing_left, "the other server did everything", 60)
        took = time.monotonic() - killed_at
    done = (folder / "done").read_text().split()
    assert sorted(done) == sorted(WORKS), "each once: the killed server had not finished its own"
    assert took < 30
    assert await other.ready()


async def _leases(schedule: Schedule) -> dict[str, int]:
    works = await schedule.all(100)
    return {work.subject: work.lease_until for work in works if work.lease_until}


def _all_later(schedule: Schedule, before: dict[str, int]) -> Callable[[], Awaitable[bool]]:
    """Return a condition: every lease ends later than `before` by more than a whole lease."""

    async def check() -> bool:
        now = await _leases(schedule)
        await asyncio.sleep(0.1)
        return all(
            now.get(subject, 0) > until + slow_job.LEASE_MS for subject, until in before.items()
        )

    return check
