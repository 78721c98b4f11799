"""Lists of a site's stories: search, filters, orders, paging, readers now, and who may see them."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.engines import Valkey
from tests.operations.operations_harness import Server, open_server
from tests.operations.owner_harness import (
    OWNER,
    Statements,
    carry,
    feel,
    person,
    read,
    write,
)
from tests.waiting import eventually
from widget_server.model.actors import shell
from widget_server.model.errors import MalformedError, NotFoundError, NotPermittedError
from widget_server.operations.moderation import decide
from widget_server.operations.owners import sites, stories
from widget_server.operations.owners.stories import StoryFilter, StoryOrder
from widget_server.store.schema import stories as table

TITLES = ("The ferry library", "Élections 100 %", "Night trains")


async def three_stories(server: Server) -> list[str]:
    """Register three stories; the first has most comments, the second most reactions."""
    codes = []
    for number, title in enumerate(TITLES):
        story = server.publisher.story(title=title, author=f"Author {number % 2}", iat=1_000)
        grant, _ = await carry(server, story, "https://one.example")
        for _ in range(3 - number):
            await write(server, grant)
        for _ in range((1, 3, 2)[number]):
            await feel(server, grant)
        codes.append(story.code)
    return codes


async def codes_of(server: Server, wanted: StoryFilter, order: StoryOrder = "created") -> list[str]:
    found = await stories.list_stories(server.services, OWNER, "paper", wanted, order=order)
    return [row.record.story.code for row in found.stories]


async def test_stories_are_found_by_words_state_author_and_language(server: Server) -> None:
    first, second, third = await three_stories(server)
    await decide.decide_story(server.services, shell("test"), "close", third)
    story = server.publisher.story(title="Autre", lang="fr")
    await carry(server, story, "https://fr.example")
    assert await codes_of(server, StoryFilter("FERRY")) == [first]
    assert await codes_of(server, StoryFilter("élections")) == [second]
    assert await codes_of(server, StoryFilter("100 %")) == [second]
    assert await codes_of(server, StoryFilter("_")) == []
    assert await codes_of(server, StoryFilter(first)) == [first]
    assert await codes_of(server, StoryFilter(story.key.upper())) == [story.code]
    assert await codes_of(server, StoryFilter(closed=True)) == [third]
    assert await codes_of(server, StoryFilter(closed=False, author="Author 0")) == [first]
    assert await codes_of(server, StoryFilter(lang="fr")) == [story.code]
    choices = await stories.story_choices(server.services, OWNER, "paper")
    assert (choices.authors, choices.languages) == (["Author 0", "Author 1"], ["fr"])


async def test_each_order_pages_through_all_stories_once(server: Server) -> None:
    codes = await three_stories(server)
    expected: dict[StoryOrder, list[str]] = {
        "created": codes[::-1],
        "comments": codes,
        "reactions": [codes[1], codes[2], codes[0]],
        "activity": codes[::-1],
    }
    for order, wanted in expected.items():
        found: list[str] = []
        after = None
        for _ in range(3):
            page = await stories.list_stories(
                server.services, OWNER, "paper", order=order, limit=1, after=after
            )
            assert (page.total, page.all, len(page.stories)) == (3, 3, 1)
            found.append(page.stories[0].record.story.code)
            after = page.next
        assert (found, after) == (wanted, None), order


async def test_a_story_moves_to_the_front_when_something_happens(server: Server) -> None:
    codes = await three_stories(server)
    story = await server.services.discussions.story(codes[0])
    assert story is not None
    before = await stories.list_stories(server.services, OWNER, "paper", order="activity")
    grant = await server.grant()
    assert before.stories[0].record.story.code == codes[2]
    await feel(server, grant)
    page = await stories.list_stories(server.services, OWNER, "paper", order="activity")
    assert page.stories[0].record.story.id == grant.story.id
    assert page.stories[0].record.active_at > story.created_at


async def test_the_numbers_of_a_list_are_those_of_the_rows(server: Server) -> None:
    story = server.publisher.story(title="Numbers")
    grant, _ = await carry(server, story, "https://one.example")
    await carry(server, story, "https://two.example")
    await feel(server, grant, "happy")
    await feel(server, grant, "sad")
    shown = await write(server, grant)
    await write(server, grant)
    await decide.decide(server.services, shell("test"), "remove", shown.id)
    await server.set(("moderation", "pre"))
    grant, _ = await carry(server, story, "https://one.example")
    await write(server, grant, "waits")
    gone = await write(server, grant, "waits and goes")
    await decide.decide(server.services, shell("test"), "remove", gone.id)
    (row,) = (await stories.list_stories(server.services, OWNER, "paper")).stories
    record = row.record
    assert (record.copies, record.reactions, record.story.count, record.waiting) == (2, 2, 1, 1)


async def test_damaged_counts_of_one_story_do_not_hide_the_others(server: Server) -> None:
    codes = await three_stories(server)

    async def damage(connection: object) -> None:
        damaged = update(table).where(table.c.code == codes[1]).values(counts="{broken")
        await connection.execute(damaged)  # type: ignore[attr-defined]

    await server.services.writer.run_in_transaction(damage)
    assert await codes_of(server, StoryFilter(), "reactions") == [codes[2], codes[0], codes[1]]


@pytest.mark.parametrize("after", ["", "x", "WyJjcmVhdGVkIiwxXQ", "WyJjb21tZW50cyIsMSwxXQ"])
async def test_a_cursor_of_another_order_is_refused(server: Server, after: str) -> None:
    with pytest.raises(MalformedError, match="after"):
        await stories.list_stories(server.services, OWNER, "paper", order="created", after=after)


async def test_a_list_reads_two_statements_and_a_story_three(server: Server) -> None:
    codes = await three_stories(server)
    with Statements(server) as statements:
        await stories.list_stories(server.services, OWNER, "paper", StoryFilter("e"))
    assert len(statements.texts) == 2
    with Statements(server) as statements:
        await stories.show_story(server.services, OWNER, "paper", codes[0])
    assert len(statements.texts) == 3


async def test_a_story_is_shown_with_its_copies_and_their_readers(server: Server) -> None:
    story = server.publisher.story(title="Shown")
    grant, one = await carry(server, story, "https://one.example")
    _, two = await carry(server, story, "https://two.example")
    await feel(server, grant)
    for number in range(3):
        await read(server, story.code, two, f"network {number}")
    await read(server, story.code, one)
    shown = await stories.show_story(server.services, OWNER, "paper", story.code, copies=1)
    assert (shown.readers.number, shown.more_copies) == (4, 1)
    assert [(copy.record.id, copy.readers.number) for copy in shown.copies] == [(two, 3)]
    local = person("local", copies=frozenset({one}))
    shown = await stories.show_story(server.services, local, "paper", story.code)
    assert [copy.record.id for copy in shown.copies] == [one]
    assert (shown.copies[0].readers.number, shown.copies[0].readers.text) == (None, "a few")


async def test_below_three_readers_only_an_owner_sees_the_number(server: Server) -> None:
    story = server.publisher.story()
    _, copy = await carry(server, story, "https://one.example")
    numbers: dict[str, list[int | None]] = {"owner": [], "editor": [], "auditor": []}
    for network in ("", "a", "b", "c"):
        if network:
            await read(server, story.code, copy, network)
        for role, seen in numbers.items():
            by = person(role)  # type: ignore[arg-type]
            (row,) = (await stories.list_stories(server.services, by, "paper")).stories
            seen.append(row.readers.number)
    assert numbers == {
        "owner": [0, 1, 2, 3],
        "editor": [0, None, None, 3],
        "auditor": [0, None, None, 3],
    }


async def test_stories_of_another_site_are_never_shown(server: Server) -> None:
    story = server.publisher.story()
    await carry(server, story, "https://one.example")
    await sites.create_site(server.services, shell("test"), "other", "Another paper")
    stranger = person("owner")
    with pytest.raises(NotPermittedError):
        await stories.list_stories(server.services, stranger, "other")
    assert (await stories.list_stories(server.services, shell("root"), "other")).all == 0
    with pytest.raises(NotFoundError):
        await stories.show_story(server.services, shell("root"), "other", story.code)


async def test_readers_of_every_process_are_counted(
    tmp_path: Path, migrated_url: str, valkey: Valkey
) -> None:
    async with (
        open_server(tmp_path / "one", migrated_url, valkey.url) as one,
        open_server(tmp_path / "other", migrated_url, valkey.url) as other,
    ):
        await sites.create_site(one.services, shell("test"), "paper", "A paper")
        await eventually(
            lambda: one.components.bus.healthy and other.components.bus.healthy, "the bus is up"
        )
        story = one.publisher.story()
        _, copy = await carry(one, story, "https://one.example")
        await read(one, story.code, copy, "a")
        await read(other, story.code, copy, "b")

        async def counted(server: Server) -> bool:
            shown = await stories.show_story(server.services, OWNER, "paper", story.code)
            whole = await stories.site_readers(server.services, OWNER, "paper")
            numbers = (shown.readers.number, shown.copies[0].readers.number, whole.number)
            return numbers == (2, 2, 2)

        await asyncio.gather(
            eventually(lambda: counted(one), "the first process knows both readers"),
            eventually(lambda: counted(other), "the other process knows both readers"),
        )
