"""A server continues without file descriptors and after failures of background tasks."""

import asyncio
import logging
import resource
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.fault_environment import StartEnvironment, now
from tests.waiting import eventually
from widget_server.app import Components
from widget_server.config import load as load_config
from widget_server.model.actors import shell
from widget_server.operations.owners import sites
from widget_server.store import migrate


async def test_a_server_without_file_descriptors_serves_connected_clients_and_recovers(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    async with environment.load() as load:
        await load.wait_for_actions(40)
        process = environment.pair.other.process
        assert process is not None
        used = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used + 8, before[1]))
        flood: list[asyncio.StreamWriter] = []
        try:
            for _ in range(60):
                _, writer = await asyncio.open_connection("127.0.0.1", environment.pair.other.port)
                flood.append(writer)
            # Connected clients are still served. New connections wait in the kernel's queue.
            await load.wait_for_actions(60)
            assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) <= used + 8
        finally:
            for writer in flood:
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()
        fault_ended_at = now()
        recovered = await load.recovery_time(fault_ended_at)
        await eventually(
            environment.pair.other.ready, "the server accepts new connections again", 5
        )
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
    await environment.record(load, "file descriptors exhausted", recovered)


@pytest.mark.parametrize("task", ["writer", "hub", "bus"])
async def test_a_background_task_that_fails_is_restarted(
    tmp_path: Path, task: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = load_config(data_dir=tmp_path, redis_url="unix:///nowhere/valkey.sock")
    await migrate.upgrade(config.database)
    components = Components(config)
    component = getattr(components, task)
    run, failures = component.run, 0

    async def fail_twice() -> None:
        nonlocal failures
        failures += 1
        if failures <= 2:
            raise RuntimeError("on purpose")
        await run()

    component.run = fail_twice
    with caplog.at_level(logging.ERROR):
        async with components.running():
            await eventually(lambda: failures == 3, "the task runs again", 5)
            await sites.create_site(components.services, shell("test"), "paper", "A paper")
            assert (await components.services.cache.all_sites())[0].slug == "paper"
    lines = [record.getMessage() for record in caplog.records if record.name == "widget_server.app"]
    assert lines == [f"event=task_failed task={task}"] * 2
