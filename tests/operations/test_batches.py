"""Batches by search: what they find, that they are decided and undone whole, and that a stop loses nothing."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.jobs.jobs_harness import rows, runner
from tests.operations.operations_harness import Server
from tests.operations.owner_harness import carry, person, write
from tests.waiting import eventually
from widget_server.model.actors import Request
from widget_server.model.batches import Search
from widget_server.model.errors import MalformedError, NotFoundError, NotPermittedError
from widget_server.model.records import Comment, CommentState
from widget_server.model.schedule import ScheduledWork
from widget_server.operations.batch_targets import BatchTargets
from widget_server.operations.moderation import batches, cases, decide, log
from widget_server.operations.readers import identify
from widget_server.store.queries.batches import DECIDE_BATCH, Batches, set_progress
from widget_server.store.queries.decisions import LogFilter
from widget_server.store.schema import schedule

ANA = person("moderator")


async def many(server: Server, number: int, body: str = "buy now") -> list[Comment]:
    """Return comments by readers in networks of their own."""
    grant = await server.grant()
    authors = [
        identify.act(server.services, grant, None, f"network {one}", None) for one in range(number)
    ]
    return list(await asyncio.gather(*(server.post(grant, author, body) for author in authors)))


async def states(server: Server, comments: list[Comment]) -> set[str]:
    """Return the states of the comments."""
    found = await server.services.decisions.places([one.id for one in comments])
    return {one.state for one in found.values()}


async def test_a_search_finds_by_writer_copy_phrase_story_and_time(server: Server) -> None:
    first, copy = await carry(server, server.publisher.story(), "https://one.example")
    other, _ = await carry(server, server.publisher.story(), "https://two.example")
    writer = server.actor(first)
    mine = [await server.post(first, writer, f"mine {number}") for number in range(2)]
    spam = await write(server, other, "Best BONUS this week")
    waits = await write(server, other, "plain")
    await decide.decide(server.services, ANA, "remove", waits.id)

    async def found(**search: object) -> set[str]:
        shown = await batches.preview(
            server.services,
            ANA,
            "paper",
            "remove",
            Search(**search),  # type: ignore[arg-type]
        )
        assert shown.total == len(shown.samples)
        return {one.id for _, one in shown.samples}

    own = {one.id for one in mine}
    assert await found(writer=mine[0].id) == own
    assert await found(copy=copy) == own
    assert await found(phrase="best  bonus") == {spam.id}
    assert await found(since=1) == own | {spam.id}
    assert await found(since=1, story=other.story.code) == {spam.id}
    assert await found(since=1, until=2) == set()
    assert await found(phrase="100%") == set()
    for wrong in (Search(), Search(story=first.story.code), Search(phrase="ab")):
        with pytest.raises(MalformedError):
            await batches.preview(server.services, ANA, "paper", "remove", wrong)
    with pytest.raises(NotFoundError):
        await found(writer="unknown")
    with pytest.raises(NotFoundError):
        await found(since=1, story="0" * 12)


async def test_a_small_batch_is_decided_at_once_and_undone_whole(server: Server) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, 7)
    batch = await batches.start_batch(
        server.services, ANA, "paper", "spam", Search(phrase="buy"), reason="spam", note="a flood"
    )
    assert (batch.total, batch.done, batch.refused) == (7, 7, 0)
    assert batch.ended_at is not None
    assert batch.note is None, "its words are only in the log"
    assert await states(server, comments) == {"removed"}
    entries = await log.read_log(server.services, ANA, "paper", LogFilter(batch=batch.id))
    assert {(one.verb, one.reason, one.note) for one in entries} == {("spam", "spam", "a flood")}
    undoing = await batches.undo_batch(server.services, ANA, "paper", batch.id)
    assert (undoing.undoes, undoing.total, undoing.done) == (batch.id, 7, 7)
    assert await states(server, comments) == {"published"}
    again = await batches.undo_batch(server.services, ANA, "paper", batch.id)
    assert again.id == undoing.id, "a second press does not begin another one"


async def test_a_large_batch_is_left_to_a_job_which_goes_on_after_a_stop(server: Server) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, decide.CHUNK + 30)
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(phrase="buy"))
    assert (batch.total, batch.done, batch.ended_at) == (len(comments), 0, None)
    later = await many(server, 1)
    targets = [(one.id, 1) for one in comments[:50]]
    # As if the process that took the order had died after a part of the first chunk.
    assert len(server.services.batch_targets.take(batch.id) or ()) == len(comments)
    await decide.decide_batch(server.services, ANA, "remove", targets)
    await batches.run_batch(server.services, batch.id)
    ended = await batches.find_batch(server.services, ANA, "paper", batch.id)
    assert (ended.done, ended.refused) == (len(comments), 0)
    assert await states(server, comments) == {"removed"}
    assert await states(server, later) == {"published"}, "written after the order"
    await batches.run_batch(server.services, batch.id)
    undoing = await batches.undo_batch(server.services, ANA, "paper", batch.id)
    await batches.run_batch(server.services, undoing.id)
    assert await states(server, comments[50:]) == {"published"}
    ids = {one.id for one in await batches.list_batches(server.services, ANA, "paper")}
    assert {batch.id, undoing.id} == ids


async def test_the_process_that_took_the_order_does_not_search_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "FRESH_MS", 600_000)  # however slow the machine is
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, decide.CHUNK + 5)
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(phrase="buy"))
    # One of them is removed meanwhile: it stays so.
    await decide.decide(server.services, ANA, "remove", comments[3].id)
    searches = []
    search = Batches.targets

    async def count(*place: Any) -> list[tuple[int, str]]:
        searches.append(place)
        found: list[tuple[int, str]] = await search(*place)
        return found

    monkeypatch.setattr(Batches, "targets", count)
    await batches.run_batch(server.services, batch.id)
    assert searches == []
    ended = await batches.find_batch(server.services, ANA, "paper", batch.id)
    assert (ended.total, ended.done, ended.refused) == (len(comments), len(comments) - 1, 1)
    assert await states(server, comments) == {"removed"}
    undoing = await batches.undo_batch(server.services, ANA, "paper", batch.id)
    await batches.run_batch(server.services, undoing.id)
    assert await states(server, [comments[3]]) == {"removed"}
    assert await states(server, comments[:3] + comments[4:]) == {"published"}


async def test_work_that_another_process_began_is_searched_for_and_its_progress_stays(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "SAVE_EVERY", 20)
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, decide.CHUNK + 5)
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(phrase="buy"))
    # The other process has no targets in memory, and is stopped after two steps.
    other = replace(server.services, batch_targets=BatchTargets())
    submit, steps = batches._submit, iter(range(2))

    async def stop(*parts: Any) -> Any:
        if next(steps, None) is None:
            raise asyncio.CancelledError
        return await submit(*parts)

    with monkeypatch.context() as stopped:
        stopped.setattr(batches, "_submit", stop)
        with pytest.raises(asyncio.CancelledError):
            await batches.run_batch(other, batch.id)
    await batches.run_batch(server.services, batch.id)
    ended = await batches.find_batch(server.services, ANA, "paper", batch.id)
    assert (ended.done, ended.refused) == (len(comments), 0)
    assert await states(server, comments) == {"removed"}


async def test_an_old_order_is_searched_for_again(server: Server) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, decide.CHUNK + 5)
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(phrase="buy"))
    await decide.decide(server.services, ANA, "remove", comments[3].id)
    clock = server.services.clock
    later = replace(server.services, clock=lambda: clock() + batches.FRESH_MS / 1000 + 1)
    await batches.run_batch(later, batch.id)
    ended = await batches.find_batch(server.services, ANA, "paper", batch.id)
    assert (ended.done, ended.refused) == (len(comments), 0)


async def test_an_undo_stops_a_batch_that_is_going_on(server: Server) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, decide.CHUNK + 10)
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(phrase="buy"))
    undoing = await batches.undo_batch(server.services, ANA, "paper", batch.id)
    await batches.run_batch(server.services, batch.id)
    await batches.run_batch(server.services, undoing.id)
    assert await states(server, comments) == {"published"}


async def test_an_undo_stops_a_batch_in_the_middle_and_leaves_nothing_of_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "SAVE_EVERY", 100)
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, 600)
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(phrase="buy"))
    working = asyncio.create_task(batches.run_batch(server.services, batch.id))

    async def begun() -> bool:
        return (await batches.find_batch(server.services, ANA, "paper", batch.id)).done > 0

    await eventually(begun, "the first step is done", pause=0)
    # Another process has the undo: it does not wait for the work of this one.
    undoing = await batches.undo_batch(server.services, ANA, "paper", batch.id)
    await asyncio.gather(batches.run_batch(server.services, undoing.id), working)
    assert await states(server, comments) == {"published"}
    stopped = await batches.find_batch(server.services, ANA, "paper", batch.id)
    assert stopped.ended_at is not None
    assert stopped.done < len(comments), "it was stopped"
    assert await server.services.batches.undoable(batch.id) == []
    # The schedule may give the work of a process that died to another one: it decides nothing more.
    await batches.run_batch(server.services, batch.id)
    assert await states(server, comments) == {"published"}


async def test_what_a_killed_process_decided_after_the_undo_is_undone_by_the_next_one(
    server: Server,
) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, decide.CHUNK + 10)
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(phrase="buy"))
    undoing = await batches.undo_batch(server.services, ANA, "paper", batch.id)
    await batches.run_batch(server.services, undoing.id)
    # As if a step had been on its way when the undo looked, and its process had died then.
    await decide_late(server, batch.id, comments[0])
    assert await states(server, comments[:1]) == {"removed"}
    await batches.run_batch(server.services, batch.id)
    assert await states(server, comments) == {"published"}


async def decide_late(server: Server, batch: str, comment: Comment) -> None:
    """Remove a comment as a part of a batch."""
    by = replace(ANA, request=Request(batch, again=False))
    done = await decide.decide_batch(server.services, by, "remove", [(comment.id, None)])
    assert done.batch == batch


async def test_pending_and_held_comments_are_approved_by_a_search(server: Server) -> None:
    held = await write(server, await server.grant(), "kind words")
    await decide.decide(server.services, ANA, "hold", held.id)
    await server.set(("moderation", "pre"))
    comments = await many(server, 3, "kind words")
    batch = await batches.start_batch(
        server.services, ANA, "paper", "approve", Search(phrase="kind")
    )
    # The words of the held one are sealed: a phrase does not find it.
    assert batch.done == 3
    rest = await batches.start_batch(server.services, ANA, "paper", "approve", Search(since=1))
    assert rest.done == 1
    assert await states(server, [held, *comments]) == {CommentState.PUBLISHED}
    assert sum((await cases.count_waiting(server.services, ANA, "paper")).values()) == 0


async def test_who_may_not_use_the_verb_may_neither_search_nor_undo(server: Server) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    await many(server, 1)
    auditor, elsewhere = person("auditor"), replace(ANA, site="other")
    for by in (auditor, elsewhere):
        with pytest.raises(NotPermittedError):
            await batches.preview(server.services, by, "paper", "remove", Search(phrase="buy"))
        with pytest.raises(NotPermittedError):
            await batches.start_batch(server.services, by, "paper", "remove", Search(since=1))
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(since=1))
    with pytest.raises(NotPermittedError):
        await batches.undo_batch(server.services, auditor, "paper", batch.id)
    with pytest.raises(NotFoundError):
        await batches.find_batch(server.services, replace(ANA, site="other"), "other", batch.id)
    with pytest.raises(MalformedError):
        await batches.start_batch(server.services, ANA, "paper", "erase", Search(since=1))


async def batch_jobs(server: Server) -> list[ScheduledWork]:
    """Return the jobs of batches."""
    return [one for one in await rows(server) if one.kind == DECIDE_BATCH]


async def leave_tries(server: Server, number: int) -> None:
    """Leave the job of a batch as so many killed processes leave it."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(update(schedule).values(tries=number, due_at=0))

    await server.services.writer.run_in_transaction(run)


async def test_a_batch_whose_processes_are_killed_goes_on_as_long_as_each_decides_something(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job may be killed only so often: else one that kills its process would do so for ever."""
    monkeypatch.setattr(batches, "CHUNK", 0)
    comments = await many(server, 6)
    batch = await batches.start_batch(
        server.services, ANA, "paper", "remove", Search(phrase="buy now")
    )
    await leave_tries(server, 20)
    # As a process leaves it that was killed before it stored its progress.
    server.services.batch_targets.take(batch.id)
    await decide_late(server, batch.id, comments[0])
    (work,) = await batch_jobs(server)
    assert work.tries == 20

    async def end(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as killed:
        killed.setattr(batches, "_submit", end)
        with pytest.raises(asyncio.CancelledError):
            await batches.run_batch(server.services, batch.id)
    (work,) = await batch_jobs(server)
    assert work.tries == 1
    jobs = runner(server)
    assert await jobs.run_next([DECIDE_BATCH])
    assert (jobs.metrics.done, jobs.metrics.given_up) == (1, 0)
    assert await states(server, comments) == {"removed"}


async def test_a_batch_that_kills_every_process_is_ended_and_what_it_decided_can_be_undone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "CHUNK", 0)
    comments = await many(server, 3)
    batch = await batches.start_batch(
        server.services, ANA, "paper", "remove", Search(phrase="buy now")
    )
    await leave_tries(server, 20)
    jobs = runner(server)
    assert await jobs.run_next([DECIDE_BATCH])
    assert jobs.metrics.given_up == 1
    ended = await batches.find_batch(server.services, ANA, "paper", batch.id)
    assert ended.ended_at is not None
    assert (ended.done, ended.total) == (0, 3)
    assert await batch_jobs(server) == []
    assert await states(server, comments) == {"published"}


async def test_a_batch_whose_decisions_are_all_refused_is_given_up_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused is found first again in each run: work that only saves that is no progress."""
    monkeypatch.setattr(batches, "CHUNK", 0)
    monkeypatch.setattr(batches, "SAVE_EVERY", 2)
    comments = await many(server, 6)
    removing = await batches.start_batch(
        server.services, ANA, "paper", "remove", Search(phrase="buy now")
    )
    await batches.run_batch(server.services, removing.id)
    for one in comments:
        await decide.decide(server.services, ANA, "restore", one.id)
    # Each of the batch's decisions has a later one, so that it cannot be undone.
    undoing = await batches.undo_batch(server.services, ANA, "paper", removing.id)
    assert undoing.total == 6
    await leave_tries(server, 20)
    submit, steps = batches._submit, list[int]()

    async def die_in_the_second_step(*step: Any) -> Any:
        steps.append(1)
        if len(steps) == 2:
            raise asyncio.CancelledError
        return await submit(*step)

    with monkeypatch.context() as killed:
        killed.setattr(batches, "_submit", die_in_the_second_step)
        with pytest.raises(asyncio.CancelledError):
            await batches.run_batch(server.services, undoing.id)
    saved = await batches.find_batch(server.services, ANA, "paper", undoing.id)
    assert (saved.done, saved.refused, saved.ended_at) == (0, 2, None)
    assert {one.tries for one in await batch_jobs(server) if one.subject == undoing.id} == {20}
    jobs = runner(server)
    while await jobs.run_next([DECIDE_BATCH]):
        pass
    # Also the job of the first batch, which was done before.
    assert (jobs.metrics.done, jobs.metrics.given_up) == (0, 2)
    assert await batch_jobs(server) == []
    ended = await batches.find_batch(server.services, ANA, "paper", undoing.id)
    assert (ended.done, ended.ended_at is None) == (0, False)


async def test_tries_begin_anew_only_when_more_is_done_than_before(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "CHUNK", 0)
    await many(server, 3)
    batch = await batches.start_batch(
        server.services, ANA, "paper", "remove", Search(phrase="buy now")
    )
    for done, refused, tries in ((0, 1, 20), (1, 1, 1), (1, 2, 20), (0, 3, 20), (2, 0, 1)):
        await leave_tries(server, 20)
        await server.services.writer.run_in_transaction(set_progress(batch.id, done, refused))
        (work,) = await batch_jobs(server)
        assert work.tries == tries, (done, refused)
    end = set_progress(batch.id, 3, 0, 1)
    assert await server.services.writer.run_in_transaction(end)
    assert not await server.services.writer.run_in_transaction(end)
