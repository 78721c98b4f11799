"""The queue `new`: what came in since a person last looked, by a mark and without a case for each comment."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import Statements, carry, person, write
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.records import Comment
from widget_server.operations.moderation import decide, expire, new_comments, queue
from widget_server.operations.moderation.cases import filter_of
from widget_server.operations.moderation.new_comments import (
    FIRST_LOOK_MS,
    LONGEST_MS,
    SETTLED_MS,
    list_new,
    mark_seen,
    mark_unseen,
)
from widget_server.operations.readers import comment as comments
from widget_server.operations.services import Services
from widget_server.store.schema_queue import looked_at

ANA, BEN = person("moderator"), replace(person("moderator"), id="ben")
NEW = filter_of("new")


def later(services: Services, ms: float = SETTLED_MS + 1_000) -> Services:
    """Return the services as they are some milliseconds later."""
    return replace(services, clock=lambda: services.clock() + ms / 1000)


@pytest.fixture
async def written(server: Server) -> list[Comment]:
    """Return five comments on two stories of a site that publishes at once."""
    first, other = await server.grant(), await server.grant()
    return [await write(server, (first, other)[n % 2], f"number {n}") for n in range(5)]


async def sources(services: Services, by: object = ANA, **more: object) -> list[str]:
    found = await list_new(later(services), by, "paper", **more)  # type: ignore[arg-type]
    return [case.comment.source for case in found]


async def test_each_person_sees_what_came_in_until_their_own_mark(
    server: Server, written: list[Comment]
) -> None:
    services = server.services
    assert await sources(services) == [f"number {n}" for n in range(5)]
    await mark_seen(services, ANA, "paper", written[2].id)
    assert await sources(services) == ["number 3", "number 4"]
    assert await sources(services, BEN) == [f"number {n}" for n in range(5)]
    assert await new_comments.count_new(later(services), ANA, "paper") == 2
    # An older one moves the mark nowhere; taking it back does.
    await mark_seen(services, ANA, "paper", written[0].id)
    assert await sources(services) == ["number 3", "number 4"]
    await mark_unseen(services, ANA, "paper", written[1].id)
    assert await sources(services) == [f"number {n}" for n in range(1, 5)]


async def test_pages_contain_each_comment_once_also_those_of_one_millisecond(
    server: Server, written: list[Comment]
) -> None:
    async def at_once(connection: AsyncConnection) -> None:
        await connection.execute(text(f"UPDATE comments SET created_at = {written[0].created_at}"))

    await server.components.database.write(at_once)
    seen: list[str] = []
    after = None
    while found := await list_new(later(server.services), ANA, "paper", after=after, limit=2):
        seen += [case.comment.id for case in found]
        after = new_comments.mark_of(found[-1].comment)
    assert sorted(seen) == sorted(one.id for one in written)
    await mark_seen(server.services, ANA, "paper", seen[2])
    left = await list_new(later(server.services), ANA, "paper")
    assert [case.comment.id for case in left] == seen[3:]


async def test_what_waits_was_decided_is_of_staff_or_is_only_just_written_is_not_new(
    server: Server, written: list[Comment]
) -> None:
    services, grant = server.services, await server.grant()
    told = await write(server, grant, "reported")
    await comments.report(services, grant, server.actor(grant), told.id, "attack")
    for comment in written[:2]:
        await decide.decide(services, ANA, "remove", comment.id)
    assert await sources(services) == ["number 2", "number 3", "number 4"]
    await server.set(("moderation", "pre"))
    held = await write(server, await server.grant(), "waits")
    await decide.decide(services, ANA, "approve", held.id)
    assert await sources(services) == ["number 2", "number 3", "number 4"]
    assert await list_new(services, ANA, "paper") == [], "they are not five seconds old"


async def test_a_person_who_never_looked_begins_with_a_day_and_never_with_more_than_a_week(
    server: Server, written: list[Comment]
) -> None:
    services = server.services
    assert await sources(later(services, FIRST_LOOK_MS - 60_000)) != []
    assert await sources(later(services, FIRST_LOOK_MS)) == []
    await mark_unseen(services, ANA, "paper", written[0].id)
    assert await sources(later(services, LONGEST_MS - 60_000)) != []
    assert await sources(later(services, LONGEST_MS)) == []
    assert await expire.delete_old_cases(later(services, LONGEST_MS + 60_000)) == 1


async def test_cards_of_new_comments_need_few_statements_and_move_the_mark_when_all_is_seen(
    server: Server, written: list[Comment]
) -> None:
    services = later(server.services)
    await queue.take(services, ANA, "paper", NEW, limit=25)
    with Statements(server) as statements:
        cards = await queue.take(services, ANA, "paper", NEW, limit=25)
    # The mark, at most three windows of time, and all that is known about the comments.
    assert len(statements.texts) <= 5, statements.texts
    assert [card.case.comment.source for card in cards] == [f"number {n}" for n in range(5)]
    assert cards[0].context.writer == {"published": 1}
    shown = [card.case.comment.id for card in cards]
    assert await queue.take(services, ANA, "paper", NEW, looked=shown) == []
    assert (await _marks(server)) == []
    for comment in shown:
        await decide.decide(services, ANA, "remove", comment)
    much_later = later(services, 3_600_000)
    assert await queue.take(much_later, ANA, "paper", NEW) == []
    (mark,) = await _marks(server)
    assert 0 <= much_later.now_ms() - SETTLED_MS - mark.at < 60_000  # type: ignore[attr-defined]


async def _marks(server: Server) -> list[object]:
    async def read(connection: AsyncConnection) -> list[object]:
        return list((await connection.execute(looked_at.select())).all())

    return await server.components.database.read(read)


async def test_filters_and_the_copies_of_a_local_moderator_narrow_what_is_new(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story(lang="fr")
    here, copy = await carry(server, story, "https://here.example")
    there, _ = await carry(server, server.publisher.story(), "https://there.example")
    await write(server, here, "ici")
    await write(server, there, "there")
    assert await sources(services, chosen=filter_of("new", lang="fr")) == ["ici"]
    assert await sources(services, chosen=filter_of("new", copy=copy)) == ["ici"]
    assert await sources(services, chosen=filter_of("new", there.story.code)) == ["there"]
    assert await sources(services, person("local", copies=frozenset({copy}))) == ["ici"]


async def test_only_those_who_may_approve_move_their_mark_and_only_over_comments_of_the_site(
    server: Server, written: list[Comment]
) -> None:
    services = server.services
    assert len(await sources(services, person("auditor"))) == 5
    with pytest.raises(NotPermittedError):
        await mark_seen(services, person("auditor"), "paper", written[0].id)
    with pytest.raises(NotFoundError):
        await mark_seen(services, ANA, "paper", "unknown00000")
    with pytest.raises(NotPermittedError):
        await list_new(services, replace(ANA, site="other"), "paper")
