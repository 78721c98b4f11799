"""A migrated store on each engine."""

from collections.abc import AsyncIterator

import pytest

from tests.store.store_harness import Store, open_store
from widget_server.store import migrate


@pytest.fixture
async def migrated_url(database_url: str) -> str:
    """Return a migrated database on each engine."""
    await migrate.upgrade(database_url)
    return database_url


@pytest.fixture
async def store(migrated_url: str) -> AsyncIterator[Store]:
    """Return an open store on each engine."""
    async with open_store(migrated_url) as opened:
        yield opened
