"""Watch-lists: a queue over chosen stories, or over those that a rule names now."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import carry, person, write
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    TextRejectedError,
)
from widget_server.model.queue import StorySet
from widget_server.operations.moderation import cases, queue
from widget_server.operations.moderation.watch_lists import (
    add_watch_list,
    list_watch_lists,
    remove_watch_list,
)
from widget_server.operations.readers.authorize import Grant
from widget_server.store.queries.story_sets import MAX_WATCH_LISTS

ANA = person("moderator")


@pytest.fixture
async def pages(server: Server) -> tuple[Grant, Grant]:
    """Return the pages of two stories of a site whose comments wait; the first is in French."""
    await server.set(("moderation", "pre"))
    first, _ = await carry(server, server.publisher.story(lang="fr"), "https://one.example")
    other, _ = await carry(server, server.publisher.story(), "https://two.example")
    return first, other


async def shown(server: Server, terms: StorySet, name: str = "A list") -> set[str]:
    """Return the words of the cases that a new watch-list with these terms shows."""
    made = await add_watch_list(server.services, ANA, "paper", name, terms)
    chosen = cases.filter_of(watch=made.id)
    found = await cases.open_cases(server.services, ANA, "paper", chosen)
    page = await queue.show_queue(server.services, ANA, "paper", chosen)
    assert (page.card is not None) == bool(found)
    await queue.give_cases_back(server.services, ANA, "paper")
    cards = await queue.take(server.services, ANA, "paper", chosen, limit=50)
    await queue.give_cases_back(server.services, ANA, "paper")
    assert {card.case.id for card in cards} == {case.id for case in found}
    return {case.comment.source for case in found}


async def test_a_list_shows_the_cases_of_the_stories_that_its_terms_name(
    server: Server, pages: tuple[Grant, Grant]
) -> None:
    first, other = pages
    await write(server, first, "un")
    await write(server, other, "one")
    await write(server, other, "two")
    assert await shown(server, StorySet((first.story.code,))) == {"un"}
    assert await shown(server, StorySet(lang="fr")) == {"un"}
    assert await shown(server, StorySet(origin="https://two.example/page?x")) == {"one", "two"}
    assert await shown(server, StorySet(top=1)) == {"one", "two"}
    assert await shown(server, StorySet(top=2)) == {"un", "one", "two"}
    assert await shown(server, StorySet((first.story.code,), top=1)) == set()
    assert await shown(server, StorySet(newer_than=1)) == {"un", "one", "two"}

    async def age(connection: AsyncConnection) -> None:
        old = f"UPDATE stories SET created_at = created_at - 7200000 WHERE id = {first.story.id}"
        await connection.execute(text(old))

    await server.components.database.write(age)
    assert await shown(server, StorySet(newer_than=1)) == {"one", "two"}


async def test_a_story_that_comes_later_joins_by_itself(
    server: Server, pages: tuple[Grant, Grant]
) -> None:
    made = await add_watch_list(server.services, ANA, "paper", "Today", StorySet(newer_than=24))
    chosen = cases.filter_of(watch=made.id)
    assert await queue.take(server.services, ANA, "paper", chosen) == []
    await write(server, await server.grant(), "from a new story")
    (card,) = await queue.take(server.services, ANA, "paper", chosen)
    assert card.case.comment.source == "from a new story"


async def test_a_list_narrows_what_is_new_too(server: Server) -> None:
    one, other = await server.grant(), await server.grant()
    await write(server, one, "here")
    await write(server, other, "there")
    made = await add_watch_list(server.services, ANA, "paper", "One", StorySet((one.story.code,)))
    services = replace(server.services, clock=lambda: server.services.clock() + 10)
    cards = await queue.take(services, ANA, "paper", cases.filter_of("new", watch=made.id))
    assert [card.case.comment.source for card in cards] == ["here"]


async def test_lists_are_logged_kept_by_site_and_removed(
    server: Server, pages: tuple[Grant, Grant]
) -> None:
    services = server.services
    made = await add_watch_list(services, ANA, "paper", "  Harbour \n news ", StorySet(top=20))
    assert [(one.name, one.terms) for one in await list_watch_lists(services, ANA, "paper")] == [
        ("Harbour news", StorySet(top=20))
    ]
    await remove_watch_list(services, ANA, "paper", made.id)
    assert await list_watch_lists(services, ANA, "paper") == []

    async def logged(connection: AsyncConnection) -> list[tuple[str, str, str]]:
        query = (
            "SELECT verb, before, after FROM site_decisions WHERE verb = 'watch' ORDER BY number"
        )
        return [tuple(row) for row in await connection.execute(text(query))]

    entries = await server.components.database.read(logged)
    assert [json.loads(after) for _, _, after in entries] == [
        {"watch_list": "Harbour news", "top": 20},
        {"watch_list": None},
    ]
    for gone in (
        remove_watch_list(services, ANA, "paper", made.id),
        cases.open_cases(services, ANA, "paper", cases.filter_of(watch=made.id)),
        queue.take(services, ANA, "paper", cases.filter_of(watch=made.id)),
    ):
        with pytest.raises(NotFoundError):
            await gone


async def test_wrong_terms_names_and_roles_are_refused_and_there_are_at_most_fifty(
    server: Server, pages: tuple[Grant, Grant]
) -> None:
    services = server.services
    refused = {
        MalformedError: [
            StorySet(),
            StorySet(newer_than=0),
            StorySet(top=101),
            StorySet(lang="not a language"),
            StorySet(origin="ftp://x.example"),
            StorySet(origin="https://a@b.example"),
            StorySet(origin="https://["),
            StorySet(origin="javascript:alert(1)"),
        ],
        NotFoundError: [StorySet(("000000000000",)), StorySet(("x' OR 1=1",))],
    }
    for error, terms in refused.items():
        for one in terms:
            with pytest.raises(error):
                await add_watch_list(services, ANA, "paper", "A list", one)
    for name in ("", " ", "x" * 61, "a\0b"):
        with pytest.raises(TextRejectedError):
            await add_watch_list(services, ANA, "paper", name, StorySet(top=1))
    for role in ("auditor", "local"):
        with pytest.raises(NotPermittedError):
            await add_watch_list(services, person(role), "paper", "A list", StorySet(top=1))
    for number in range(MAX_WATCH_LISTS):
        await add_watch_list(services, ANA, "paper", f"List {number}", StorySet(top=1))
    with pytest.raises(MalformedError):
        await add_watch_list(services, ANA, "paper", "One more", StorySet(top=1))
