"""SQLite is locked by another process, its disk is full, or its files cannot grow."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from tests.faults.fault_environment import (
    THOROUGH,
    FaultEnvironment,
    StartEnvironment,
    now,
    readiness,
    reads_work,
)
from tests.waiting import SLOWNESS, eventually


async def test_actions_get_503_while_another_process_locks_the_database(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        await load.wait_for_actions(40)
        with closing(sqlite3.connect(environment.file, isolation_level=None)) as intruder:
            intruder.execute("BEGIN IMMEDIATE")
            held = now()
            await eventually(lambda: load.ledger.retries["503"] > 0, "actions get 503", 15)
            assert ["writing"] in await readiness(environment)
            assert await reads_work(environment, load.stories[0].code)
            if THOROUGH:
                await eventually(lambda: now() - held > 30, "30 s", 40)
            intruder.execute("ROLLBACK")
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
        await load.wait_for_actions(40)
        assert await readiness(environment) == [[], []]
    assert set(load.ledger.retries) == {"503"}
    assert load.ledger.slowest < 12 * SLOWNESS
    await environment.record(load, "SQLite locked by another process", recovered)


@contextmanager
def no_larger_files(environment: FaultEnvironment) -> Iterator[None]:
    """Limit the file size of the servers inside the block: the effect of a full disk."""
    wal = environment.file.with_name(environment.file.name + "-wal")
    before = {}
    for server in environment.servers:
        assert server.process is not None
        pid = server.process.pid
        before[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        limit = max(environment.file.stat().st_size, wal.stat().st_size)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, before[pid][1]))
    yield
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


async def test_actions_get_503_while_no_file_can_grow_and_the_database_is_intact(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        await load.wait_for_actions(40)
        with no_larger_files(environment):
            await eventually(lambda: load.ledger.retries["503"] > 10, "actions get 503", 20)
            assert await reads_work(environment, load.stories[0].code)
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
        await load.wait_for_actions(40)
    assert set(load.ledger.retries) == {"503"}
    await environment.record(load, "SQLite files cannot grow", recovered)
    with closing(sqlite3.connect(environment.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.slow
async def test_actions_get_503_while_the_disk_is_full(start_environment: StartEnvironment) -> None:
    """The test needs root to mount a small file system."""
    environment = await start_environment("sqlite", disk_mb=24)
    ballast = environment.file.with_name("ballast")
    ballast.touch()
    async with environment.load() as load:
        await load.wait_for_actions(40)
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        await eventually(lambda: load.ledger.retries["503"] > 10, "actions get 503", 30)
        assert await reads_work(environment, load.stories[0].code)
        ballast.unlink()
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
        await load.wait_for_actions(40)
    assert set(load.ledger.retries) == {"503"}
    await environment.record(load, "disk full and freed", recovered)
