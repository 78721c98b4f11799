"""A migrated store on each engine."""

from collections.abc import AsyncIterator

import pytest

from tests.store.store_harness import Store, open_store


@pytest.fixture
async def store(migrated_url: str) -> AsyncIterator[Store]:
    """Return an open store on each engine."""
    async with open_store(migrated_url) as opened:
        yield opened
