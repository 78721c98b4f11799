"""What is asked once for many, anyone who of them still waits for the answer."""

import asyncio
import gc
from typing import Any

import pytest

from tests.store.store_harness import Store
from widget_server.model.errors import UnavailableError
from widget_server.operations.cache import LookupCache


async def test_a_question_that_no_one_waits_for_any_more_fails_without_a_word(
    store: Store,
) -> None:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    directory, answered = LookupCache(store.sites, store.discussions), asyncio.Event()

    async def ask() -> None:
        await answered.wait()
        raise UnavailableError

    first = asyncio.create_task(directory.shared(("site", "s"), ask))
    second = asyncio.create_task(directory.shared(("site", "s"), ask))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    answered.set()
    with pytest.raises(UnavailableError):
        await second
    answered.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(directory.shared(("site", "s"), ask), 0.01)
    answered.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    assert said == []
