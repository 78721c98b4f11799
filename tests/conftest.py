"""Fixtures for every test: real engines, fresh databases, and skips that count as failures."""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import ServerProcess
from tests.engines import Postgres, Valkey
from tests.waiting import eventually, wait_until
from tests.xdist_groups import XdistGroups

__all__ = ["eventually", "wait_until"]

SERVERS = pytest.StashKey[list[ServerProcess]]()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """A real Valkey for the whole run; a test that stops it need not start it again."""
    server = Valkey()
    server.start()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _valkey_comes_back(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "valkey" in request.fixturenames:
        server: Valkey = request.getfixturevalue("valkey")
        server.start()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real PostgreSQL for the whole run."""
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres(postgres_server: Postgres) -> str:
    """The DSN, for asyncpg, of the maintenance database of a real PostgreSQL."""
    return postgres_server.dsn


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """A fresh, empty PostgreSQL database: `postgresql+asyncpg://...`."""
    name = f"t_{uuid.uuid4().hex}"
    postgres_server.sql(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
    yield postgres_server.address("postgresql+asyncpg", name)
    postgres_server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite database, not made yet: `sqlite+aiosqlite:///...`."""
    return f"sqlite+aiosqlite:///{tmp_path / 'widget.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty database for this test alone; the test runs once on each engine."""
    own = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(own)
    return url


@pytest.fixture
async def new_server(
    tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Callable[..., ServerProcess]]:
    """Make servers, not started yet: `new_server(workers=2, DATABASE_URL=url, ...)`.

    Each has a port and a data folder of its own. All end with the test; what they printed is shown
    if it fails.
    """
    servers = request.node.stash.setdefault(SERVERS, [])

    def make(workers: int | None = None, **env: str) -> ServerProcess:
        server = ServerProcess(tmp_path / f"server-{len(servers)}", env, workers)
        servers.append(server)
        return server

    yield make
    for server in servers:
        await server.kill()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> XdistGroups:
    """Where several lanes run at once, what shares a server or a browser stays in one of them."""
    return XdistGroups(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers of a failed test said."""
    report = yield
    if report.failed:
        for server in item.stash.get(SERVERS, []):
            report.sections.append((f"log of {server.url}", server.log()[-20_000:]))
    return report


def skipped(config: pytest.Config) -> set[str]:
    """Tests, and files as a whole, that were not run; an expected failure is none of them."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = [] if reporter is None else reporter.stats.get("skipped", [])
    return {report.nodeid for report in reports}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI what was not run has not passed."""
    if os.environ.get("CI") and skipped(session.config):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say why a run without failures failed."""
    if os.environ.get("CI") and skipped(config):
        terminalreporter.section("skipped tests count as failures in CI", red=True)
        for nodeid in sorted(skipped(config)):
            terminalreporter.write_line(nodeid)
