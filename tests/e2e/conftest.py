"""Fixtures of the end-to-end tests: two running servers, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SERVERS
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, start_valkey
from tests.engines import Postgres


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def running_pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Run two servers for the whole session. Each test creates its own stories."""
    folder: Path = tmp_path_factory.mktemp(f"pair-{request.param}")
    valkey = start_valkey()
    postgres: Postgres | None = None
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{folder / 'shared.db'}"
    else:
        postgres = request.getfixturevalue("postgres_server")
        assert postgres is not None
        postgres.sql("CREATE DATABASE e2e STRATEGY FILE_COPY")
        url = postgres.address("postgresql+asyncpg", "e2e")
    pair = Pair(folder, url, valkey.url)
    asyncio.run(_start(pair))
    yield pair
    asyncio.run(pair.kill())
    valkey.close()
    if postgres is not None:
        postgres.sql("DROP DATABASE e2e WITH (FORCE)")


async def _start(pair: Pair) -> None:
    try:
        await pair.start()
    except BaseException:
        await pair.kill()
        raise


@pytest.fixture
def pair(running_pair: Pair, request: pytest.FixtureRequest) -> Pair:
    """Return the two servers. If the test fails, pytest shows their output."""
    request.node.stash.setdefault(SERVERS, []).extend(running_pair.servers)
    return running_pair


@pytest.fixture(scope="session")
def publisher(running_pair: Pair) -> Publisher:
    """Create a site with the default rules, for all tests that do not change rules."""
    return running_pair.site()
