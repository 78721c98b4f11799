"""SQLite locked by another process, its disk full, its file growing no more."""

import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress

from tests.faults.fault_environment import THOROUGH, FaultEnvironment, now, readiness
from tests.faults.slow_marker import slow
from tests.loopback import http_client
from tests.waiting import SLOWNESS, eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]


async def reads_work(stage: FaultEnvironment, code: str) -> bool:
    """Whether both servers still show the story."""
    async with http_client(timeout=5) as http:
        answers = [await http.get(f"{server.url}/v1/stories/{code}") for server in stage.servers]
    return all(answer.status_code == 200 for answer in answers)


async def test_another_process_holds_the_lock(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        await load.more(40)
        with closing(sqlite3.connect(stage.file, isolation_level=None)) as intruder:
            intruder.execute("BEGIN IMMEDIATE")
            held = now()
            await eventually(lambda: load.ledger.retries["503"] > 0, "actions are put off", 15)
            assert ["writing"] in await readiness(stage)
            assert await reads_work(stage, load.stories[0].code)
            if THOROUGH:
                await eventually(lambda: now() - held > 30, "30 s", 40)
            intruder.execute("ROLLBACK")
        freed = now()
        recovered = await load.recovery(freed)
        await load.more(40)
        assert await readiness(stage) == [[], []]
    assert set(load.ledger.retries) == {"503"}
    assert load.ledger.slowest < 12 * SLOWNESS
    await stage.verdict(load, "SQLite locked by another process", recovered)


@contextmanager
def no_larger_files(stage: FaultEnvironment) -> Iterator[None]:
    """From now on no file of the servers grows: what a full disk does, without a disk."""
    wal = stage.file.with_name(stage.file.name + "-wal")
    before = {}
    for server in stage.servers:
        assert server.process is not None
        pid = server.process.pid
        before[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        limit = max(stage.file.stat().st_size, wal.stat().st_size)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, before[pid][1]))
    yield
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


async def test_no_file_can_grow(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        await load.more(40)
        with no_larger_files(stage):
            await eventually(lambda: load.ledger.retries["503"] > 10, "actions are put off", 20)
            assert await reads_work(stage, load.stories[0].code)
        freed = now()
        recovered = await load.recovery(freed)
        await load.more(40)
    assert set(load.ledger.retries) == {"503"}
    await stage.verdict(load, "no file of SQLite can grow", recovered)
    with closing(sqlite3.connect(stage.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@slow
async def test_the_disk_is_full_and_freed(set_stage: SetStage) -> None:
    """Needs root, to mount a small file system."""
    made = await set_stage("sqlite", disk_mb=24)
    ballast = made.file.with_name("ballast")
    ballast.touch()
    async with made.load() as load:
        await load.more(40)
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        await eventually(lambda: load.ledger.retries["503"] > 10, "actions are put off", 30)
        assert await reads_work(made, load.stories[0].code)
        ballast.unlink()
        freed = now()
        recovered = await load.recovery(freed)
        await load.more(40)
    assert set(load.ledger.retries) == {"503"}
    await made.verdict(load, "disk full and freed", recovered)
