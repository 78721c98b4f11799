"""The lookup cache: one read for all callers that wait for the same key."""

import asyncio
import gc
from typing import Any

import pytest

from tests.operations.operations_harness import Server
from widget_server.model.actors import shell
from widget_server.model.errors import UnavailableError
from widget_server.operations.cache import LookupCache
from widget_server.operations.owners import settings


async def test_a_failed_read_without_waiting_callers_is_not_logged(server: Server) -> None:
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    cache = LookupCache(server.components.sites, server.services.discussions)
    answered = asyncio.Event()

    async def load() -> None:
        await answered.wait()
        raise UnavailableError

    first = asyncio.create_task(cache.shared(("site", "s"), load))
    second = asyncio.create_task(cache.shared(("site", "s"), load))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    answered.set()
    with pytest.raises(UnavailableError):
        await second
    answered.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(cache.shared(("site", "s"), load), 0.01)
    answered.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    assert logged == []


async def test_a_site_read_after_a_change_never_shows_the_state_before_it(server: Server) -> None:
    cache = LookupCache(server.components.sites, server.services.discussions)
    old = await cache.site("paper")
    answered = asyncio.Event()

    async def read_that_started_before() -> Any:
        await answered.wait()
        return old

    earlier = asyncio.create_task(cache.shared(("site", "paper"), read_that_started_before))
    await settings.change_settings(server.services, shell("test"), "paper", {"keep_days": 3})
    later = asyncio.create_task(cache.site("paper", max_age=0))
    await asyncio.sleep(0)
    answered.set()
    found = await later
    assert found is not None
    assert found.site.settings.keep_days == 3
    assert await earlier == old
