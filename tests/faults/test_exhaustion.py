"""No more file descriptors, and background work that fails: the server goes on."""

import asyncio
import logging
import resource
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.fault_environment import FaultEnvironment, now
from tests.waiting import eventually
from widget_server.app import Components
from widget_server.config import load as load_config
from widget_server.operations.owners import sites
from widget_server.store import migrate

SetStage = Callable[..., Awaitable[FaultEnvironment]]


async def test_file_descriptors_run_out_and_come_back(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        await load.more(40)
        process = stage.pair.other.process
        assert process is not None
        used = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used + 8, before[1]))
        flood: list[asyncio.StreamWriter] = []
        try:
            for _ in range(60):
                _, writer = await asyncio.open_connection("127.0.0.1", stage.pair.other.port)
                flood.append(writer)
            # Who is connected already is served on; new ones wait in the queue of the kernel.
            await load.more(60)
            assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) <= used + 8
        finally:
            for writer in flood:
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()
        freed = now()
        recovered = await load.recovery(freed)
        await eventually(stage.pair.other.ready, "new connections are taken again", 5)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
    await stage.verdict(load, "file descriptors exhausted", recovered)


@pytest.mark.parametrize("task", ["writer", "hub", "bus"])
async def test_background_work_that_fails_is_begun_again(
    tmp_path: Path, task: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = load_config(data_dir=tmp_path, redis_url="unix:///nowhere/valkey.sock")
    await migrate.upgrade(config.database)
    components = Components(config)
    room = getattr(components, task)
    run, failures = room.run, 0

    async def fail_twice() -> None:
        nonlocal failures
        failures += 1
        if failures <= 2:
            raise RuntimeError("on purpose")
        await run()

    room.run = fail_twice
    with caplog.at_level(logging.ERROR):
        async with components.running():
            await eventually(lambda: failures == 3, "it runs again", 5)
            await sites.create_site(components.services, "paper", "A paper")
            assert (await components.services.cache.all_sites())[0].slug == "paper"
    said = [record.getMessage() for record in caplog.records if record.name == "widget_server.app"]
    assert said == [f"event=task_failed task={task}"] * 2
