"""Two running servers for all journeys, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SERVERS
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, valkey_of_its_own
from tests.engines import Postgres


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def running_pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two servers that run for the whole session; each test has stories of its own."""
    folder: Path = tmp_path_factory.mktemp(f"pair-{request.param}")
    valkey = valkey_of_its_own()
    postgres: Postgres | None = None
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{folder / 'shared.db'}"
    else:
        postgres = request.getfixturevalue("postgres_server")
        assert postgres is not None
        postgres.sql("CREATE DATABASE journeys STRATEGY FILE_COPY")
        url = postgres.address("postgresql+asyncpg", "journeys")
    pair = Pair(folder, url, valkey.url)
    asyncio.run(_start(pair))
    yield pair
    asyncio.run(pair.kill())
    valkey.close()
    if postgres is not None:
        postgres.sql("DROP DATABASE journeys WITH (FORCE)")


async def _start(pair: Pair) -> None:
    try:
        await pair.start()
    except BaseException:
        await pair.kill()
        raise


@pytest.fixture
def pair(running_pair: Pair, request: pytest.FixtureRequest) -> Pair:
    """The two servers; what they printed is shown where the test fails."""
    request.node.stash.setdefault(SERVERS, []).extend(running_pair.servers)
    return running_pair


@pytest.fixture(scope="session")
def publisher(running_pair: Pair) -> Publisher:
    """A site with the default rules, for all tests that change none."""
    return running_pair.site()
