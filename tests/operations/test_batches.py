"""Batches by search: what they find, that they are decided and undone whole, and that a stop loses nothing."""

import asyncio
from dataclasses import replace

import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import carry, person, write
from widget_server.model.batches import Search
from widget_server.model.errors import MalformedError, NotFoundError, NotPermittedError
from widget_server.model.records import Comment, CommentState
from widget_server.operations.moderation import batches, cases, decide, log
from widget_server.operations.readers import identify
from widget_server.store.queries.decisions import LogFilter

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
    # As if a process had died after a part of the first chunk.
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


async def test_an_undo_stops_a_batch_that_is_going_on(server: Server) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    comments = await many(server, decide.CHUNK + 10)
    batch = await batches.start_batch(server.services, ANA, "paper", "remove", Search(phrase="buy"))
    undoing = await batches.undo_batch(server.services, ANA, "paper", batch.id)
    await batches.run_batch(server.services, batch.id)
    await batches.run_batch(server.services, undoing.id)
    assert await states(server, comments) == {"published"}


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
