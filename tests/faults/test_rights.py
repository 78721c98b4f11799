"""An operator revokes a token while many open pages on both servers use it."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.e2e.client import Client
from tests.faults.fault_environment import THOROUGH, StartEnvironment, now
from tests.waiting import SLOWNESS

PAGES = 1_000 if THOROUGH else 100
MAX_S = 5.0
"""Seconds within which ended permissions take effect: docs/developers/protocol.md, guarantee 8."""


async def revocation_time(page: Client) -> float:
    """Wait until an open page gets the revocation of its token; return the monotonic time."""
    await page.wait_for("snapshot", 2 * MAX_S, can=["read"], read_only="token_revoked")
    return now()


@pytest.mark.slow("postgresql")
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_revoked_token_ends_on_every_open_page_within_five_seconds(
    start_environment: StartEnvironment, engine: str
) -> None:
    environment = await start_environment(engine)
    story = environment.publisher.story(jti="revoked")
    load = environment.load(subscribers=10)
    async with load, AsyncExitStack() as stack:
        pages = [Client(environment.servers[number % 2].url) for number in range(PAGES)]
        for start in range(0, PAGES, 20):
            batch = pages[start : start + 20]
            await asyncio.gather(*(stack.enter_async_context(page) for page in batch))
            await asyncio.gather(*(page.subscribe(story.token) for page in batch))
        await load.wait_for_actions(20)
        revoke = ("site", "revoke", environment.publisher.site, "revoked")
        output = await asyncio.to_thread(environment.pair.cli, *revoke)
        revoked_at = now()
        assert "https://copy.example" in output
        last = max(await asyncio.gather(*(revocation_time(page) for page in pages)))
        took = last - revoked_at
        await load.wait_for_actions(20)
    assert took < MAX_S * SLOWNESS
    await environment.record(load, f"token revoked, {PAGES:,} pages open", max(took, 0.0))
