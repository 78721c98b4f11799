"""Stories close at their date or after the site's days, and open pages see it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.jobs.jobs_harness import rows, runner
from tests.operations.operations_harness import PAGE, Server
from widget_server.jobs.schedule import JOBS
from widget_server.model import actors
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError, NotPermittedError, StoryClosedError
from widget_server.operations.moderation import decide
from widget_server.operations.moderation.decide import DAY_MS
from widget_server.operations.owners import closing
from widget_server.operations.readers.authorize import Grant
from widget_server.store.queries.schedule import take_out_of_schedule

SHELL = actors.shell("root")
KINDS = [job.kind for job in JOBS if job.lane == "database"]


async def work(server: Server) -> None:
    """Do everything that is due, as a server process does."""
    jobs = runner(server)
    while await jobs.run_next(KINDS):
        pass
    assert jobs.metrics.failed == jobs.metrics.given_up == 0


async def is_closed(server: Server, grant: Grant) -> bool:
    story = await server.services.discussions.story(grant.story.code)
    assert story is not None
    return story.closed


def advance(server: Server, days: float) -> None:
    """Let the server's clock go on."""
    clock: Callable[[], float] = server.services.clock
    moved = replace(server.services, clock=lambda: clock() + days * 86_400)
    server.services = moved


async def test_a_story_closes_at_its_date_and_an_open_page_sees_it(server: Server) -> None:
    grant = await server.grant()
    page = await server.subscribe(grant.story.code)
    now = server.services.now_ms()
    later = await decide.set_closing_date(server.services, SHELL, grant.story.code, now + DAY_MS)
    assert later.closes_at == now + DAY_MS
    await work(server)
    assert not await is_closed(server, grant)
    assert page.of_type("story") == [], "a date is no event for readers"
    await decide.set_closing_date(server.services, SHELL, grant.story.code, now)
    await work(server)
    assert await is_closed(server, grant)
    (seen,) = page.of_type("story")
    assert seen["closed"] is True
    with pytest.raises(StoryClosedError):
        await server.post(grant, server.actor(grant))


async def test_a_date_that_was_dropped_or_moved_closes_nothing(server: Server) -> None:
    dropped, moved = await server.grant(), await server.grant()
    now = server.services.now_ms()
    for grant in (dropped, moved):
        await decide.set_closing_date(server.services, SHELL, grant.story.code, now)
    await decide.set_closing_date(server.services, SHELL, dropped.story.code, None)
    await decide.set_closing_date(server.services, SHELL, moved.story.code, now + DAY_MS)
    await work(server)
    assert not await is_closed(server, dropped)
    assert not await is_closed(server, moved)


async def test_a_date_without_its_scheduled_work_is_found_by_the_hourly_run(
    server: Server,
) -> None:
    """As after a restored backup whose schedule is older."""
    grant = await server.grant()
    await decide.set_closing_date(
        server.services, SHELL, grant.story.code, server.services.now_ms()
    )
    for scheduled in await rows(server):
        await server.services.writer.run_in_transaction(
            take_out_of_schedule(scheduled.kind, scheduled.subject)
        )
    assert await closing.close_due(server.services) == 1
    assert await is_closed(server, grant)
    assert await closing.close_due(server.services) == 0


@pytest.mark.parametrize(("rule", "closed"), [("story", True), ("comment", False)])
async def test_days_count_from_the_start_or_from_the_last_comment(
    server: Server, rule: str, closed: bool
) -> None:
    await server.set(("close_after_days", "10"), ("close_after", rule))
    quiet, busy = await server.grant(), await server.grant()
    advance(server, 6)
    await server.post(busy, server.actor(busy))
    assert await closing.close_due(server.services) == 0
    advance(server, 5)
    assert await closing.close_due(server.services) == (2 if closed else 1)
    assert await is_closed(server, quiet)
    assert await is_closed(server, busy) == closed
    advance(server, 6)
    await closing.close_due(server.services)
    assert await is_closed(server, busy)


async def test_without_days_no_story_ever_closes(
    server: Server,
) -> None:
    grant = await server.grant()
    advance(server, 5_000)
    assert await closing.close_due(server.services) == 0
    assert not await is_closed(server, grant)


async def test_a_story_that_a_person_opens_again_gets_the_days_again(
    server: Server,
) -> None:
    await server.set(("close_after_days", "10"))
    grant = await server.grant()
    advance(server, 11)
    assert await closing.close_due(server.services) == 1
    await decide.decide_story(server.services, SHELL, "open", grant.story.code)
    assert await closing.close_due(server.services) == 0
    advance(server, 9)
    assert await closing.close_due(server.services) == 0
    assert not await is_closed(server, grant)
    advance(server, 2)
    assert await closing.close_due(server.services) == 1
    assert await is_closed(server, grant)


async def test_a_story_that_a_person_closes_loses_its_date(server: Server) -> None:
    grant = await server.grant()
    code = grant.story.code
    await decide.set_closing_date(server.services, SHELL, code, server.services.now_ms() + DAY_MS)
    story = await decide.decide_story(server.services, SHELL, "close", code)
    assert (story.closed, story.closes_at) == (True, None)


async def test_a_closing_date_needs_the_right_on_the_storys_own_site(server: Server) -> None:
    grant = await server.grant()
    refused: list[Any] = [
        Actor("account", "ann", "dashboard", "other", "owner"),
        Actor("account", "ann", "dashboard", "paper", "auditor"),
    ]
    for by in refused:
        with pytest.raises(NotPermittedError):
            await decide.set_closing_date(server.services, by, grant.story.code, 1)
    assert await rows(server) == []
    moderator = Actor("account", "ann", "dashboard", "paper", "moderator")
    await decide.set_closing_date(server.services, moderator, grant.story.code, 1)
    with pytest.raises(NotFoundError):
        await decide.set_closing_date(server.services, SHELL, "000000000000", 1)
    assert grant.origin == PAGE
