"""That a comment waits only for its copy's moderator is known while it waits, and not longer."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import OWNER, carry, person
from widget_server.model.actors import Actor
from widget_server.model.decisions import CommentVerb
from widget_server.model.records import Comment, CommentState
from widget_server.operations.moderation import decide, local_copies
from widget_server.operations.readers import comment, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor as Reader
from widget_server.store.schema_local import local_waits

HERE = "https://here.example"


async def waiting(server: Server) -> set[str]:
    """Return the comments that are stored as waiting for a local moderator only."""

    async def read(connection: AsyncConnection) -> set[str]:
        return set((await connection.execute(select(local_waits.c.comment))).scalars())

    return await server.components.database.read(read)


async def local_site(server: Server) -> tuple[Grant, Actor]:
    """Let comments of a copy wait. Return its grant and its moderator."""
    here, copy = await carry(server, server.publisher.story(), HERE)
    await local_copies.let_wait(server.services, OWNER, "paper", copy, on=True)
    return here, person("local", copies=frozenset({copy}))


async def written(server: Server, here: Grant) -> tuple[Reader, Comment]:
    """Post a comment that waits for the copy's moderator."""
    reader = server.actor(here)
    one = await server.post(here, reader, "first")
    assert one.state == CommentState.PENDING
    assert one.id in await waiting(server)
    return reader, one


@pytest.mark.parametrize("verb", ["approve", "reject", "remove", "spam", "hold"])
async def test_a_decision_ends_it_and_an_undo_brings_it_back(
    server: Server, verb: CommentVerb
) -> None:
    here, local = await local_site(server)
    _, one = await written(server, here)
    done = await decide.decide(server.services, OWNER, verb, one.id)
    assert await waiting(server) == set()
    assert done.decision is not None
    undone = await decide.undo(server.services, OWNER, done.decision.id)
    assert await waiting(server) == {one.id}
    (after,) = undone.decided
    assert after.comment is not None
    if after.comment.state == CommentState.PENDING:
        published = await decide.decide(server.services, local, "approve", one.id)
        assert published.comment is not None
        assert published.comment.state == CommentState.PUBLISHED
        assert await waiting(server) == set()


async def test_a_restored_comment_waits_for_its_copys_moderator_again(server: Server) -> None:
    here, local = await local_site(server)
    _, one = await written(server, here)
    await decide.decide(server.services, local, "reject", one.id)
    assert await waiting(server) == set()
    await decide.decide(server.services, OWNER, "restore", one.id)
    assert await waiting(server) == {one.id}
    done = await decide.decide(server.services, local, "approve", one.id)
    assert done.comment is not None
    assert done.comment.state == CommentState.PUBLISHED


async def test_what_its_author_deletes_forgets_or_replaces_does_not_wait_any_more(
    server: Server,
) -> None:
    services = server.services
    here, local = await local_site(server)
    for end in (
        lambda reader, one: comment.delete(services, here, reader, one.id),
        lambda reader, _: identify.erase(services, here, reader),
    ):
        reader, one = await written(server, here)
        await end(reader, one)
        assert await waiting(server) == set()
    reader, one = await written(server, here)
    await decide.decide(services, local, "approve", one.id)
    await comment.edit(services, here, reader, one.id, "second")
    assert await waiting(server) == {one.id}
    assert local.copies is not None
    await local_copies.let_wait(services, OWNER, "paper", *local.copies, on=False)
    await comment.edit(services, here, reader, one.id, "third")
    assert await waiting(server) == set()


async def test_a_decision_about_something_else_leaves_it_waiting(server: Server) -> None:
    services = server.services
    here, local = await local_site(server)
    reader, one = await written(server, here)
    await decide.decide(services, local, "approve", one.id)
    await comment.edit(services, here, reader, one.id, "second")
    for verb in ("pin", "unpin"):
        await decide.decide(services, OWNER, verb, one.id)
        assert await waiting(server) == {one.id}
    done = await decide.decide(services, local, "approve", one.id)
    assert done.comment is not None
    assert done.comment.source == "second"
    assert await waiting(server) == set()
