"""Times to a decision: each equals a recount of the cases, on each engine."""

import csv
import math
import random
from collections import defaultdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import OWNER, carry, person, write
from tests.operations.test_numbers import BEGIN, DAY_MS, LENGTH_DAYS, seed
from widget_server.model.decisions import QUEUES
from widget_server.model.errors import NotPermittedError
from widget_server.operations.moderation import decide
from widget_server.operations.owners import numbers
from widget_server.operations.owners.decision_times import csv_decision_times, decision_times
from widget_server.operations.owners.numbers import HOUR_MS, Span
from widget_server.store import schema

MINUTE_MS = 60_000


async def seed_cases(server: Server) -> list[dict[str, Any]]:
    """Insert cases of random queues and times, of two sites, some open and some without a decision."""
    await seed(server)
    chance = random.Random(29)

    async def read(connection: Any) -> Any:
        columns = (schema.comments.c.id, schema.comments.c.story)
        return (await connection.execute(select(*columns))).all()

    comments = await server.components.database.read(read)
    rows = []
    for number, (comment, story) in enumerate(comments):
        opened = BEGIN + chance.randrange(-DAY_MS, (LENGTH_DAYS + 1) * DAY_MS)
        closed = (
            opened + chance.choice((MINUTE_MS, HOUR_MS, DAY_MS)) * chance.randrange(1, 90) // 30
        )
        is_open = number % 11 == 0
        rows.append(
            {
                "site": "other" if number % 7 == 0 else "paper",
                "story": story,
                "comment": comment,
                "queue": chance.choice(QUEUES),
                "reasons": "[]",
                "priority": 1,
                "opened_at": opened,
                "revision": 1,
                "closed_at": None if is_open else closed,
                "decision": None if is_open or number % 13 == 0 else f"d{number}",
            }
        )

    async def run(connection: Any) -> None:
        await connection.execute(insert(schema.cases), rows)

    await server.services.writer.run_in_transaction(run)
    return rows


def nearest_rank(values: list[int], part: float) -> int:
    return sorted(values)[math.ceil(part * len(values)) - 1]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Lisbon", "Asia/Kolkata"])
@pytest.mark.parametrize("unit", ["hour", "day"])
async def test_times_to_a_decision_equal_a_recount(
    server: Server, unit: numbers.Unit, zone: str
) -> None:
    rows = await seed_cases(server)
    span = Span(BEGIN, BEGIN + LENGTH_DAYS * DAY_MS, unit, zone)
    form = "%Y-%m-%d" if unit == "day" else "%Y-%m-%d %H"
    by_period: dict[tuple[str, str], list[int]] = defaultdict(list)
    whole: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        closed = row["closed_at"]
        if row["site"] != "paper" or row["decision"] is None:
            continue
        if not span.start <= closed < span.end:
            continue
        at = datetime.fromtimestamp(closed / 1000, ZoneInfo(zone)).strftime(form)
        by_period[at, row["queue"]].append(closed - row["opened_at"])
        whole[row["queue"]].append(closed - row["opened_at"])
    found = await decision_times(server.services, OWNER, "paper", span)
    shown = {
        (period.start.strftime(form), queue): (one.number, one.median, one.nine_in_ten)
        for period in found.periods
        for queue, one in period.queues.items()
    }
    expected = {
        key: (len(values), nearest_rank(values, 0.5), nearest_rank(values, 0.9))
        for key, values in by_period.items()
    }
    assert shown == expected
    assert len(shown) > 30
    assert {queue: one.number for queue, one in found.whole.items()} == {
        queue: len(values) for queue, values in whole.items()
    }
    assert found.queues == list(QUEUES)


async def test_the_times_of_one_story_and_the_csv_are_the_same_figures(server: Server) -> None:
    await seed_cases(server)
    span = Span(BEGIN, BEGIN + LENGTH_DAYS * DAY_MS)
    every = await decision_times(server.services, OWNER, "paper", span)

    async def read(connection: Any) -> Any:
        return (await connection.execute(select(schema.stories.c.code))).scalars().all()

    codes = await server.components.database.read(read)
    of_stories = [
        await decision_times(server.services, OWNER, "paper", span, story=code) for code in codes
    ]
    decided = sum(one.number for times in of_stories for one in times.whole.values())
    assert decided == sum(one.number for one in every.whole.values())
    lines = list(csv.DictReader(csv_decision_times(every)))
    assert sum(int(line["decided"]) for line in lines) == decided
    first = every.periods[0].queues[lines[0]["queue"]]
    assert int(lines[0]["median_seconds"]) == round(first.median / 1000)


async def test_only_who_may_read_numbers_is_told_the_times(server: Server) -> None:
    span = Span(BEGIN, BEGIN + DAY_MS)
    assert (await decision_times(server.services, person("auditor"), "paper", span)).whole == {}
    with pytest.raises(NotPermittedError):
        await decision_times(server.services, person("local"), "paper", span)


async def test_a_case_counts_when_a_person_decides(server: Server) -> None:
    await server.set(("moderation", "pre"))
    grant, _ = await carry(server, server.publisher.story(), "https://one.example")
    comment = await write(server, grant)

    async def earlier(connection: Any) -> None:
        moved = update(schema.cases).values(opened_at=schema.cases.c.opened_at - 90 * MINUTE_MS)
        await connection.execute(moved)

    await server.services.writer.run_in_transaction(earlier)
    await decide.decide(server.services, OWNER, "approve", comment.id)
    now = server.services.now_ms()
    span = Span(now - DAY_MS, now + DAY_MS)
    found = await decision_times(server.services, OWNER, "paper", span)
    assert found.queues == ["pending"]
    one = found.whole["pending"]
    assert (one.number, one.median // MINUTE_MS) == (1, 90)
