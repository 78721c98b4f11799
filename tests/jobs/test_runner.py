"""The runner: work is done once, retried after a failure, and given back when the process stops."""

import asyncio
import logging

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.jobs.jobs_harness import KIND, rows, runner, scheduled
from tests.operations.operations_harness import Server
from tests.waiting import eventually
from widget_server.jobs import runner as runner_module
from widget_server.jobs.schedule import JOBS, Tools
from widget_server.operations.publishing.fetch import PageUnreachableError
from widget_server.store.queries.schedule import put_in_schedule, take_out_of_schedule


async def test_work_that_is_done_once_is_done_and_forgotten(server: Server) -> None:
    done: list[str] = []

    async def run(_tools: Tools, subject: str) -> None:
        done.append(subject)

    jobs = runner(server, run)
    await scheduled(server, "one")
    await scheduled(server, "two")
    while await jobs.run_next([KIND]):
        pass
    assert sorted(done) == ["one", "two"]
    assert await rows(server) == []
    assert (jobs.metrics.leased, jobs.metrics.done, jobs.metrics.failed) == (2, 2, 0)


async def test_failed_work_is_retried_after_growing_delays_and_given_up_at_last(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_tools: Tools, _subject: str) -> None:
        raise RuntimeError("ann@example.org wrote this")

    jobs = runner(server, fail, tries=3)
    await scheduled(server)
    delays = []
    with caplog.at_level(logging.WARNING):
        for tries in (1, 2):
            before = server.services.now_ms()
            assert await jobs.run_next([KIND])
            (work,) = await rows(server)
            assert (work.tries, work.last_error) == (tries, "RuntimeError")
            assert not await jobs.run_next([KIND]), "it waits"
            delays.append(work.due_at - before)
            await make_due(server)
        assert 7_000 < delays[0] < 14_000 < delays[1] < 30_000
        assert await jobs.run_next([KIND])
    assert await rows(server) == []
    assert (jobs.metrics.failed, jobs.metrics.given_up, jobs.metrics.done) == (2, 1, 0)
    assert "job_given_up" in caplog.text
    assert "ann@example.org" not in caplog.text, "an error's text may hold personal data"


async def make_due(server: Server) -> None:
    """Set the date of all work to now, without changing anything else."""
    statement = f"UPDATE schedule SET due_at = {server.services.now_ms()}"

    async def run(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql(statement)

    await server.services.writer.run_in_transaction(run)


async def test_repeated_work_that_fails_is_never_given_up(server: Server) -> None:
    async def fail(_tools: Tools, _subject: str) -> None:
        raise RuntimeError

    jobs = runner(server, fail, tries=1, every_s=60)
    await jobs._seed()
    for tries in (1, 2, 3):
        assert await jobs.run_next([KIND])
        (work,) = await rows(server)
        assert work.tries == tries
        await make_due(server)
    assert jobs.metrics.given_up == 0


async def test_work_that_kills_each_process_is_given_up_without_another_run(
    server: Server,
) -> None:
    """A process that dies leaves only the count of its lease."""
    started = []

    async def run(_tools: Tools, subject: str) -> None:
        started.append(subject)

    jobs = runner(server, run, tries=2)
    await scheduled(server)

    async def as_left_by_the_dead(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("UPDATE schedule SET tries = 2")

    await server.services.writer.run_in_transaction(as_left_by_the_dead)
    assert await jobs.run_next([KIND])
    assert started == []
    assert await rows(server) == []


async def test_work_that_cannot_be_done_yet_waits_and_that_is_no_failure(server: Server) -> None:
    at = server.services.now_ms() + 50_000

    async def later(_tools: Tools, _subject: str) -> int:
        return at

    jobs = runner(server, later)
    await scheduled(server)
    assert await jobs.run_next([KIND])
    (work,) = await rows(server)
    assert (work.due_at, work.tries, work.last_error, work.lease_until) == (at, 0, None, 0)


async def test_a_process_that_stops_gives_its_work_back_at_once(server: Server) -> None:
    working = asyncio.Event()

    async def wait(_tools: Tools, _subject: str) -> None:
        working.set()
        await asyncio.Event().wait()

    jobs = runner(server, wait)
    await scheduled(server)
    running = asyncio.create_task(jobs.run_next([KIND]))
    await working.wait()
    (work,) = await rows(server)
    assert work.lease_until > server.services.now_ms()
    running.cancel()
    await asyncio.wait({running})
    (work,) = await rows(server)
    assert (work.lease_until, work.tries) == (0, 0), "another process can take it now"


async def test_long_work_keeps_its_lease_and_stops_when_it_is_lost(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "LEASE_MS", 300)
    stopped = asyncio.Event()

    async def wait(_tools: Tools, _subject: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    jobs = runner(server, wait)
    await scheduled(server)
    started = server.services.now_ms()
    running = asyncio.create_task(jobs.run_next([KIND]))

    async def renewed() -> bool:
        works = await rows(server)
        return works[0].lease_until > started + 900

    await eventually(renewed, "the lease was renewed several times")
    assert not stopped.is_set()
    await server.services.writer.run_in_transaction(take_out_of_schedule(KIND, "a"))
    assert await running
    assert stopped.is_set()
    assert jobs.metrics.leases_lost == 1


async def test_repeated_jobs_are_scheduled_by_the_first_process_only(server: Server) -> None:
    repeated = sorted(job.kind for job in JOBS if job.every_s is not None)
    first, second = runner(server), runner(server)
    await first._seed()
    once = await rows(server)
    assert sorted(work.kind for work in once) == repeated
    await second._seed()
    assert await rows(server) == once


async def test_a_process_at_rest_reads_and_never_writes(server: Server) -> None:
    jobs = runner(server)
    await jobs._seed()
    kinds = [job.kind for job in JOBS]
    while await jobs.run_next(kinds):
        pass
    batches = server.components.writer.metrics.batches
    reads = server.components.database.metrics.read_transactions
    for _ in range(5):
        assert not await jobs.run_next(kinds)
    assert server.components.writer.metrics.batches == batches
    assert server.components.database.metrics.read_transactions <= reads + 5 + 2


async def test_the_servers_loop_does_work_that_becomes_due(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "POLL_S", 0.02)
    done = asyncio.Event()

    async def run(_tools: Tools, _subject: str) -> None:
        done.set()

    running = asyncio.create_task(runner(server, run).run())
    try:
        await server.services.writer.run_in_transaction(
            put_in_schedule(KIND, "a", server.services.now_ms() + 100)
        )
        await asyncio.wait_for(done.wait(), 20)
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_an_expected_failure_is_no_warning(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The page of a copy that cannot be reached is not the operator's problem."""

    async def fail(_tools: Tools, _subject: str) -> None:
        raise PageUnreachableError

    jobs = runner(server, fail, tries=2, expected=(PageUnreachableError,))
    await scheduled(server)
    with caplog.at_level(logging.INFO, "widget_server"):
        assert await jobs.run_next([KIND])
        await make_due(server)
        assert await jobs.run_next([KIND])
    told = [record for record in caplog.records if "event=job_" in record.getMessage()]
    assert [record.levelname for record in told] == ["INFO", "INFO"]
    assert (jobs.metrics.failed, jobs.metrics.given_up) == (1, 1)
