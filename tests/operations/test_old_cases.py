"""Closed cases are deleted after 400 days and ended batches after 90, and nothing waits again because of it."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import OWNER, person, write
from widget_server.jobs.schedule import JOBS
from widget_server.model.batches import Search
from widget_server.operations.moderation import batches, cases, decide, expire, match, queue
from widget_server.operations.moderation.expire import KEPT_BATCHES_MS, KEPT_CASES_MS
from widget_server.operations.readers import comment as comments
from widget_server.operations.services import Services
from widget_server.store.schema import cases as rows, comments as comment_rows

ANA = person("moderator")
MINUTE_MS = 60_000


def later(services: Services, ms: int) -> Services:
    """Return the services as they are some milliseconds later."""
    return replace(services, clock=lambda: services.clock() + ms / 1000)


async def count(server: Server, table: object = rows) -> int:
    """Return the number of rows of a table."""

    async def read(connection: AsyncConnection) -> int:
        found = await connection.execute(select(func.count()).select_from(table))  # type: ignore[arg-type]
        return int(found.scalar_one())

    return await server.components.database.read(read)


async def test_closed_cases_go_after_400_days_and_open_ones_stay(server: Server) -> None:
    await server.set(("moderation", "pre"))
    grant = await server.grant()
    decided, _ = [await write(server, grant, word) for word in ("decided", "open")]
    await decide.decide(server.services, ANA, "approve", decided.id)
    assert await expire.delete_old_cases(later(server.services, KEPT_CASES_MS - MINUTE_MS)) == 0
    assert await expire.delete_old_cases(later(server.services, KEPT_CASES_MS + MINUTE_MS)) == 1
    (case,) = await cases.open_cases(server.services, ANA, "paper", "all")
    assert case.comment.source == "open"
    assert await match.match_waiting_cases(server.services) == 0
    assert "delete_old_cases" in {job.kind for job in JOBS}


async def test_a_settled_report_does_not_wait_again_when_its_case_would_be_old(
    server: Server,
) -> None:
    services, grant = server.services, await server.grant()
    kept, removed = [await write(server, grant, word) for word in ("kept", "removed")]
    for comment in (kept, removed):
        await comments.report(services, grant, server.actor(grant), comment.id, "attack")
    await decide.decide(services, ANA, "approve", kept.id, queue="reported")
    await decide.decide(services, ANA, "remove", removed.id)
    await expire.delete_old_cases(later(services, KEPT_CASES_MS + MINUTE_MS))
    assert await count(server) == 1
    assert await match.match_waiting_cases(services) == 0
    assert await cases.open_cases(services, ANA, "paper", "all") == []


async def test_undoing_a_decision_whose_case_is_gone_opens_a_case(server: Server) -> None:
    await server.set(("moderation", "pre"))
    services = server.services
    comment = await write(server, await server.grant(), "words")
    made = await decide.decide(services, ANA, "approve", comment.id)
    assert made.decision is not None
    await expire.delete_old_cases(later(services, KEPT_CASES_MS + MINUTE_MS))
    await decide.undo(services, ANA, made.decision.id)
    (card,) = await queue.take(services, ANA, "paper", cases.filter_of())
    assert (card.case.queue, card.case.comment.source) == ("held", "words")


async def test_ended_batches_go_after_90_days_with_no_comment_or_log_entry(
    server: Server,
) -> None:
    services, grant = server.services, await server.grant()
    await write(server, grant, "best bonus")
    batch = await batches.start_batch(
        services, OWNER, "paper", "remove", Search(phrase="best bonus")
    )
    await batches.run_batch(services, batch.id)
    before = later(services, KEPT_BATCHES_MS - MINUTE_MS)
    assert await expire.delete_old_cases(before) == 0
    await expire.delete_old_cases(later(services, KEPT_BATCHES_MS + MINUTE_MS))
    assert await services.batches.find(batch.id) is None
    assert await count(server, comment_rows) == 1
    assert len(await services.decisions.to_undo(batch.id)) == 1


@pytest.mark.parametrize("days", [0, 399])
async def test_the_job_does_nothing_the_second_time(server: Server, days: int) -> None:
    moved = later(server.services, days * 86_400_000)
    assert await expire.delete_old_cases(moved) == 0
    assert await expire.delete_old_cases(moved) == 0
