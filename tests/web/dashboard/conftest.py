"""A dashboard for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.dashboard.desk import Desk, open_desk


@pytest.fixture
async def desk(tmp_path: Path, migrated_sqlite_url: str) -> AsyncIterator[Desk]:
    """Return a dashboard with people of every role, on SQLite."""
    async with open_desk(tmp_path, migrated_sqlite_url) as opened:
        yield opened
