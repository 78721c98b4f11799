"""Fixtures of a shared server. Modules with `ON_BOTH_LOOPS = True` run on asyncio and on uvloop."""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop

from tests.conftest import SERVERS
from tests.engines import Postgres
from tests.web.shared_server import SharedServer


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the event loops of a test. Their transports pause, resume and close at different times."""
    module = item.getparent(pytest.Module)
    if module is not None and getattr(module.obj, "ON_BOTH_LOOPS", False):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server_on_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedServer]:
    """Run one server on each engine for all tests of this folder."""
    folder = tmp_path_factory.mktemp("press") / "server"
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{folder / 'database.sqlite3'}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres_server")
        name = f"t_{uuid.uuid4().hex}"
        postgres.sql(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
        url = postgres.address("postgresql+asyncpg", name)
    with SharedServer(folder, url).running() as shared_server:
        yield shared_server


@pytest.fixture
def shared_server(
    server_on_engine: SharedServer, request: pytest.FixtureRequest
) -> Iterator[SharedServer]:
    """Return the shared server. Fail the test if the server logs an error or a traceback."""
    request.node.stash.setdefault(SERVERS, []).append(server_on_engine.server)
    before = len(server_on_engine.server.log())
    yield server_on_engine
    logged = server_on_engine.server.log()[before:]
    assert "Traceback" not in logged, logged
    assert "level=error" not in logged, logged
