"""Calls made while a query runs share one query, which starts after them."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.waiting import eventually
from widget_server.hub.batch_loader import BatchLoader
from widget_server.model.errors import UnavailableError


class Database:
    """Responds when the test allows it. Each result is the number of the query."""

    def __init__(self) -> None:
        self.queries: list[tuple[str, tuple[str, ...]]] = []
        self.may_respond = asyncio.Event()
        self.failures = 0
        """The first queries fail, this many of them."""

    async def query(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        self.queries.append((code, tuple(readers)))
        number = len(self.queries)
        await self.may_respond.wait()
        if number <= self.failures:
            raise UnavailableError(retry_after=1)
        return dict.fromkeys(readers, b"%d" % number)


async def test_a_thousand_calls_during_a_query_share_the_next_query() -> None:
    database = Database()
    loader = BatchLoader(database.query)
    first = asyncio.create_task(loader.load("a", ["r0"]))
    await eventually(lambda: database.queries, "the first query has started")
    others = [asyncio.create_task(loader.load("a", [f"r{number}"])) for number in range(1_000)]
    elsewhere = asyncio.create_task(loader.load("b", ["r0"]))
    await eventually(lambda: len(database.queries) == 2, "the query of the other story has started")
    others[7].cancel()
    database.may_respond.set()
    assert (await first)["r0"] == b"1"
    assert (await elsewhere)["r0"] == b"2"
    # The first reader gets the new result too: that reader may have reacted since the first query.
    results = await asyncio.gather(*others, return_exceptions=True)
    assert isinstance(results.pop(7), asyncio.CancelledError)
    assert {result["r0"] for result in results if isinstance(result, dict)} == {b"3"}
    assert len(results) == 999
    assert [len(readers) for _, readers in database.queries] == [1, 1, 1_000]
    # Results are not cached.
    assert (await loader.load("a", ["r0"]))["r0"] == b"4"


async def test_calls_made_during_a_failing_query_get_a_query_of_their_own() -> None:
    database = Database()
    database.failures = 1
    loader = BatchLoader(database.query)
    first = asyncio.create_task(loader.load("a", ["r0"]))
    await eventually(lambda: database.queries, "the first query has started")
    second = asyncio.create_task(loader.load("a", ["r1"]))
    await asyncio.sleep(0)
    database.may_respond.set()
    with pytest.raises(UnavailableError):
        await first
    assert await second == {"r1": b"2"}
