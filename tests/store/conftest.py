"""A store on each engine, with its tables made."""

from collections.abc import AsyncIterator

import pytest

from tests.store.store_harness import Store, open_store
from widget_server.store import migrate


@pytest.fixture
async def migrated_url(database_url: str) -> str:
    """A database with its tables, on each engine."""
    await migrate.upgrade(database_url)
    return database_url


@pytest.fixture
async def store(migrated_url: str) -> AsyncIterator[Store]:
    """A store that is open, on each engine."""
    async with open_store(migrated_url) as opened:
        yield opened
