"""Numbers over time, by copy and language, and the matrix: each equals a recount of the rows."""

import csv
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import OWNER, Statements, carry, feel, person, write
from widget_server.model.actors import shell
from widget_server.model.errors import MalformedError, NotPermittedError
from widget_server.operations.moderation import decide
from widget_server.operations.owners import numbers, numbers_csv, sites
from widget_server.operations.owners.numbers import HOUR_MS, Span
from widget_server.store import schema
from widget_server.store.mapping import dump

DAY_MS = 24 * HOUR_MS
BEGIN = 1_774_600_000_000
"""In March 2026: the change to summer time is in the time that is counted."""
LENGTH_DAYS = 10
SPAN = Span(BEGIN, BEGIN + LENGTH_DAYS * DAY_MS, "day", "Europe/Lisbon")
KINDS = ("happy", "sad", "thinking")


async def seed(server: Server) -> None:
    """Insert reactions and comments of random times, copies, languages and states in two sites."""
    chance = random.Random(15)
    await sites.create_site(server.services, shell("test"), "other", "Another paper")
    places: list[tuple[int, int | None, str | None]] = []
    for number in range(4):
        story = server.publisher.story(title=f"Story {number}", lang=("en", "fr", None)[number % 3])
        for origin in ("https://one.example", "https://two.example"):
            grant, copy = await carry(server, story, origin)
            places += [(grant.story.id, copy, grant.lang), (grant.story.id, None, None)]
    reactions, comments = [], []
    for number in range(900):
        story_id, copy_id, lang = chance.choice(places)
        at = BEGIN + chance.randrange(-DAY_MS, (LENGTH_DAYS + 1) * DAY_MS)
        target = "" if number % 5 else f"c{number}"
        reactions.append(
            {
                "story": story_id,
                "target": target,
                "reader": f"r{number}",
                "reaction": chance.choice(KINDS),
                "copy": copy_id,
                "at": at,
            }
        )
        row: dict[str, Any] = dict.fromkeys(
            (
                "parent",
                "waiting_source",
                "waiting_text",
                "name",
                "email",
                "website",
                "role",
                "edited_at",
            )
        )
        state = chance.choice(("published", "published", "published", "removed", "pending"))
        comments.append(
            row
            | {
                "id": f"c{number}",
                "story": story_id,
                "thread": f"c{number}",
                "born": 0 if state == "pending" else number + 1,
                "seq": number,
                "state": state,
                "source": "hi",
                "text": dump([["p", None, "hi"]]),
                "vouched": False,
                "reader": f"r{number}",
                "copy": copy_id,
                "lang": lang,
                "created_at": at,
                "pinned": False,
                "client_key": f"k{number}",
                "version": 0,
                "counts": "{}",
                "score": 0,
            }
        )

    async def run(connection: Any) -> None:
        await connection.execute(insert(schema.reactions), reactions)
        await connection.execute(insert(schema.comments), comments)

    await server.services.writer.run_in_transaction(run)


async def rows_of(server: Server, table: Any) -> Sequence[Any]:
    async def run(connection: Any) -> Sequence[Any]:
        return (await connection.execute(select(table))).all()  # type: ignore[no-any-return]

    return await server.components.database.read(run)


def inside(at: int) -> bool:
    return SPAN.start <= at < SPAN.end


@pytest.mark.parametrize("zone", ["UTC", "Europe/Lisbon", "Asia/Kolkata", "Pacific/Auckland"])
@pytest.mark.parametrize("unit", ["hour", "day"])
async def test_numbers_over_time_equal_a_recount(
    server: Server, unit: numbers.Unit, zone: str
) -> None:
    await seed(server)
    where = ZoneInfo(zone)

    def start(at: int) -> str:
        local = datetime.fromtimestamp(max(at, SPAN.start) / 1000, where)
        return f"{local:%Y-%m-%d}" if unit == "day" else f"{local:%Y-%m-%d %H}"

    found = await numbers.over_time(
        server.services, OWNER, "paper", Span(SPAN.start, SPAN.end, unit, zone)
    )
    reactions: Counter[tuple[str, str]] = Counter(
        (start(row.at), row.reaction)
        for row in await rows_of(server, schema.reactions)
        if inside(row.at) and row.target == ""
    )
    states: Counter[tuple[str, str]] = Counter(
        (start(row.created_at), row.state)
        for row in await rows_of(server, schema.comments)
        if inside(row.created_at)
    )
    form = "%Y-%m-%d" if unit == "day" else "%Y-%m-%d %H"
    shown = {
        (one.start.strftime(form), kind): number
        for one in found.periods
        for kind, number in one.reactions.items()
    }
    assert shown == dict(reactions)
    for state, field in (("published", "stood"), ("removed", "removed"), ("pending", "pending")):
        assert {
            one.start.strftime(form): getattr(one, field)
            for one in found.periods
            if getattr(one, field)
        } == {when: number for (when, kind), number in states.items() if kind == state}
    starts = [one.start for one in found.periods]
    assert starts == sorted(set(starts))
    assert len(starts) >= LENGTH_DAYS * (1 if unit == "day" else 23)
    assert set(KINDS) <= set(found.kinds)


async def test_numbers_of_one_story_copy_and_language_equal_a_recount(server: Server) -> None:
    await seed(server)
    copies = {row.id: row for row in await rows_of(server, schema.copies)}
    stories = {row.id: row for row in await rows_of(server, schema.stories)}
    reactions = await rows_of(server, schema.reactions)
    comments = await rows_of(server, schema.comments)
    some = next(iter(copies.values()))
    code = stories[some.story].code
    choices: list[dict[str, Any]] = [{"story": code}, {"copy": some.id}, {"lang": "fr"}]
    choices.append({"story": code, "lang": "en"})
    for choice in choices:

        def is_chosen(row: Any, lang: str | None, choice: dict[str, Any] = choice) -> bool:
            return (
                choice.get("story", stories[row.story].code) == stories[row.story].code
                and choice.get("copy", row.copy) == row.copy
                and choice.get("lang", lang) == lang
            )

        found = await numbers.over_time(server.services, OWNER, "paper", SPAN, **choice)
        assert sum(sum(one.reactions.values()) for one in found.periods) == sum(
            is_chosen(row, copies[row.copy].lang if row.copy else None)
            for row in reactions
            if inside(row.at) and row.target == ""
        )
        assert sum(one.stood for one in found.periods) == sum(
            is_chosen(row, row.lang)
            for row in comments
            if inside(row.created_at) and row.state == "published"
        )


async def test_shares_of_copies_and_languages_equal_a_recount(server: Server) -> None:
    await seed(server)
    copies = {row.id: row for row in await rows_of(server, schema.copies)}
    reactions = [
        row
        for row in await rows_of(server, schema.reactions)
        if inside(row.at) and row.target == ""
    ]
    comments = [
        row
        for row in await rows_of(server, schema.comments)
        if inside(row.created_at) and row.state == "published"
    ]
    by_copy = await numbers.by_copy(server.services, OWNER, "paper", SPAN)
    assert {one.key: (one.reactions, one.comments) for one in by_copy} == {
        key: (
            sum(row.copy == key for row in reactions),
            sum(row.copy == key for row in comments),
        )
        for key in {row.copy for row in [*reactions, *comments]}
    }
    assert by_copy == sorted(by_copy, key=lambda one: -one.reactions)
    assert {one.name for one in by_copy} == {None, "https://one.example", "https://two.example"}
    langs = {row.copy: copies[row.copy].lang if row.copy else None for row in reactions}
    by_language = await numbers.by_language(server.services, OWNER, "paper", SPAN)
    assert {one.key: (one.reactions, one.comments) for one in by_language} == {
        lang: (
            sum(langs[row.copy] == lang for row in reactions),
            sum(row.lang == lang for row in comments),
        )
        for lang in ("en", "fr", None)
    }


async def test_the_matrix_and_the_week_equal_a_recount(server: Server) -> None:
    await seed(server)
    copies = {row.id: row for row in await rows_of(server, schema.copies)}
    stories = {row.id: row.code for row in await rows_of(server, schema.stories)}
    with Statements(server) as statements:
        found = await numbers.matrix(server.services, OWNER, "paper", SPAN)
    assert len(statements.texts) == 3
    expected: dict[tuple[str, str | None], list[int]] = {}
    week = [[0] * 24 for _ in range(7)]
    for row in await rows_of(server, schema.reactions):
        if inside(row.at) and row.target == "":
            origin = copies[row.copy].origin if row.copy else None
            expected.setdefault((stories[row.story], origin), [0, 0])[0] += 1
    for row in await rows_of(server, schema.comments):
        if inside(row.created_at):
            origin = copies[row.copy].origin if row.copy else None
            if row.state == "published":
                expected.setdefault((stories[row.story], origin), [0, 0])[1] += 1
            if row.state != "pending":
                local = datetime.fromtimestamp(row.created_at / 1000, ZoneInfo(SPAN.zone))
                week[local.weekday()][local.hour] += 1
    cells = {key: [cell.reactions, cell.comments] for key, cell in found.cells.items()}
    assert cells == expected
    assert set(found.origins) == {None, "https://one.example", "https://two.example"}
    assert len(found.stories) == 4
    assert await numbers.when_people_write(server.services, OWNER, "paper", SPAN) == week
    over_time = await numbers.over_time(server.services, OWNER, "paper", SPAN)
    assert over_time.week == week


async def test_numbers_follow_what_readers_and_moderators_do(server: Server) -> None:
    grant, _ = await carry(server, server.publisher.story(), "https://one.example")
    await feel(server, grant)
    comment = await write(server, grant)
    end = server.services.now_ms() + HOUR_MS
    span = Span(end - DAY_MS, end)

    async def sums() -> tuple[int, int, int]:
        found = await numbers.over_time(server.services, OWNER, "paper", span)
        return (
            sum(sum(one.reactions.values()) for one in found.periods),
            sum(one.stood for one in found.periods),
            sum(one.removed for one in found.periods),
        )

    assert await sums() == (1, 1, 0)
    await decide.decide(server.services, shell("test"), "remove", comment.id)
    assert await sums() == (1, 0, 1)


async def test_the_csv_holds_the_numbers_of_every_period(server: Server) -> None:
    await seed(server)
    found = await numbers.over_time(server.services, OWNER, "paper", SPAN)
    head, *rows = csv.reader(numbers_csv.csv_over_time(found))
    assert head == ["start", *found.kinds, "comments", "removed", "pending"]
    assert [row[-3:] for row in rows] == [
        [str(one.stood), str(one.removed), str(one.pending)] for one in found.periods
    ]


@pytest.mark.parametrize(
    "span",
    [
        Span(1, 1),
        Span(-1, 1),
        Span(0, 401 * DAY_MS),
        Span(0, 32 * DAY_MS, "hour"),
        Span(0, DAY_MS, "day", "Mars/Base"),
        Span(0, DAY_MS, "day", "../../etc/passwd"),
        Span(0, DAY_MS, "day", ""),
    ],
)
async def test_a_span_that_is_too_long_or_of_no_zone_is_refused(server: Server, span: Span) -> None:
    for read in (numbers.over_time, numbers.by_copy, numbers.matrix, numbers.when_people_write):
        with pytest.raises(MalformedError):
            await read(server.services, OWNER, "paper", span)


async def test_a_local_moderator_and_another_site_see_no_numbers(server: Server) -> None:
    await sites.create_site(server.services, shell("test"), "other", "Another paper")
    for by, site in ((person("local"), "paper"), (OWNER, "other")):
        with pytest.raises(NotPermittedError):
            await numbers.over_time(server.services, by, site, SPAN)
