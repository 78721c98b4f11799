"""A token is withdrawn by a command while many pages that carry it are open on both servers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from tests.e2e.client import Client
from tests.faults.fault_environment import THOROUGH, FaultEnvironment, now
from tests.waiting import SLOWNESS

SetStage = Callable[..., Awaitable[FaultEnvironment]]

PAGES = 1_000 if THOROUGH else 100
MOST_S = 5.0
"""PROTOCOL, section 3, rule 8."""


async def told(page: Client) -> float:
    """When an open page was told that its token is withdrawn."""
    await page.saw("snapshot", 2 * MOST_S, can=["read"], read_only="token_revoked")
    return now()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_withdrawn_rights_end_on_every_open_page_within_five_seconds(
    set_stage: SetStage, engine: str
) -> None:
    stage = await set_stage(engine)
    story = stage.publisher.story(jti="withdrawn")
    load = stage.load(subscribers=10)
    async with load, AsyncExitStack() as stack:
        pages = [Client(stage.servers[number % 2].url) for number in range(PAGES)]
        for start in range(0, PAGES, 20):
            some = pages[start : start + 20]
            await asyncio.gather(*(stack.enter_async_context(page) for page in some))
            await asyncio.gather(*(page.subscribe(story.token) for page in some))
        await load.more(20)
        revoke = ("site", "revoke", stage.publisher.site, "withdrawn")
        said = await asyncio.to_thread(stage.pair.cli, *revoke)
        withdrawn = now()
        assert "https://copy.example" in said
        last = max(await asyncio.gather(*(told(page) for page in pages)))
        took = last - withdrawn
        await load.more(20)
    assert took < MOST_S * SLOWNESS
    await stage.verdict(load, f"rights withdrawn, {PAGES:,} pages open", max(took, 0.0))
