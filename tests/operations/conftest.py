"""A server's components on each engine, with the site `paper`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.operations.operations_harness import Server, open_server
from widget_server.model.actors import shell
from widget_server.operations.owners import sites


@pytest.fixture
async def server(tmp_path: Path, migrated_url: str) -> AsyncIterator[Server]:
    """Return the components of one process, without a bus."""
    async with open_server(tmp_path, migrated_url) as opened:
        await sites.create_site(opened.services, shell("test"), "paper", "A paper")
        yield opened
