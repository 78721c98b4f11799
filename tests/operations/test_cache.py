"""The lookup cache: one read for all callers that wait for the same key."""

import asyncio
import gc
from typing import Any

import pytest

from tests.operations.operations_harness import Server
from widget_server.model.errors import UnavailableError
from widget_server.operations.cache import LookupCache


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
