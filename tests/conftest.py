"""Fixtures for all tests: real engines, fresh databases, and skips that count as failures."""

import asyncio
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.compiled_statements import share_compiled_statements
from tests.e2e.harness import ServerProcess
from tests.engines import Postgres, Valkey
from tests.memory_disk import folder_of_tests, use_memory_disk
from tests.slow_tests import is_left_out
from tests.waiting import eventually, wait_until
from tests.xdist_groups import XdistGroups
from widget_server.store import migrate
from widget_server.store.engine import sqlite_path

__all__ = ["eventually", "wait_until"]

use_memory_disk()
share_compiled_statements()

SERVERS = pytest.StashKey[list[ServerProcess]]()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """Run one Valkey for the whole test run.

    A test may stop it: `_restart_valkey` starts it again after the test.
    """
    server = Valkey()
    server.start()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _restart_valkey(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "valkey" in request.fixturenames:
        server: Valkey = request.getfixturevalue("valkey")
        server.start()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """Run one PostgreSQL for the whole test run."""
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres(postgres_server: Postgres) -> str:
    """Return the DSN, for asyncpg, of the maintenance database of the PostgreSQL."""
    return postgres_server.dsn


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """Create an empty PostgreSQL database and yield its URL: `postgresql+asyncpg://...`."""
    with postgres_server.new_database() as name:
        yield postgres_server.address("postgresql+asyncpg", name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a SQLite file that does not exist yet: `sqlite+aiosqlite:///...`."""
    return f"sqlite+aiosqlite:///{tmp_path / 'widget.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database for this test; the test runs once on each engine."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a database with its tables, for this test; the test runs once on each engine.

    It is a copy of a database that was migrated once, because migrations take longer than most tests.
    """
    fixture = "migrated_sqlite_url" if request.param == "sqlite" else "migrated_postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the tables and without rows, for copies."""
    path = tmp_path_factory.mktemp("migrated") / "widget.db"
    _migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def migrated_sqlite_url(sqlite_url: str, migrated_file: Path) -> str:
    """Return the URL of a SQLite file with its tables, as `migrate.upgrade` makes it."""
    path = sqlite_path(sqlite_url)
    assert path is not None
    copy_database(migrated_file, path)
    return sqlite_url


def copy_database(migrated_file: Path, path: Path) -> None:
    """Make a SQLite file with its tables, and its folder, as `migrate.upgrade` makes them."""
    migrate.make_private(path)
    shutil.copyfile(migrated_file, path)
    with sqlite3.connect(path) as connection:
        connection.executemany("UPDATE meta SET value = ? WHERE key = ?", _own_meta())
    connection.close()
    path.with_name(f"{path.name}.made").touch()


@pytest.fixture(scope="session")
def migrated_database(postgres_server: Postgres) -> Iterator[str]:
    """Yield the name of a PostgreSQL database with the tables and without rows, for copies."""
    with postgres_server.new_database() as name:
        _migrate(postgres_server.address("postgresql+asyncpg", name))
        yield name


@pytest.fixture
def migrated_postgres_url(postgres_server: Postgres, migrated_database: str) -> Iterator[str]:
    """Create a PostgreSQL database with its tables and yield its URL: `postgresql+asyncpg://...`."""
    with postgres_server.new_database(template=migrated_database) as name:
        updates = [
            f"UPDATE meta SET value = '{value}' WHERE key = '{key}'" for value, key in _own_meta()
        ]
        postgres_server.sql("; ".join(updates), name)
        yield postgres_server.address("postgresql+asyncpg", name)


def _migrate(url: str) -> None:
    # A thread: the test that needs the first copy may run in an event loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate.upgrade(url)).result()


def _own_meta() -> list[tuple[str, str]]:
    """Return what the first migration writes and no two databases share: (value, key)."""
    return [(secrets.token_hex(8), "epoch"), (str(int(time.time() * 1000)), "made_at")]


@pytest.fixture
async def new_server(
    tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Callable[..., ServerProcess]]:
    """Yield a function that creates servers: `new_server(workers=2, DATABASE_URL=url, ...)`.

    A new server is not started yet. Each server has its own port and data folder. All servers are
    killed after the test. If the test fails, pytest shows the output of its servers.
    """
    servers = request.node.stash.setdefault(SERVERS, [])

    def make(workers: int | None = None, **env: str) -> ServerProcess:
        server = ServerProcess(tmp_path / f"server-{len(servers)}", env, workers)
        servers.append(server)
        return server

    yield make
    for server in servers:
        await server.kill()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder of `tmp_path`, except in a worker of pytest-xdist, which is given its own."""
    config.option.basetemp = config.option.basetemp or folder_of_tests()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests in `make test`."""
    slow = [item for item in items if is_left_out(item)]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> XdistGroups:
    """With several xdist workers, keep tests that share a server or a browser in one worker."""
    return XdistGroups(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the output of its servers to the report of a failed test."""
    report = yield
    if report.failed:
        for server in item.stash.get(SERVERS, []):
            report.sections.append((f"log of {server.url}", server.log()[-20_000:]))
    return report


def skipped(config: pytest.Config) -> set[str]:
    """Return the ids of the tests and files that were skipped, without expected failures."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = [] if reporter is None else reporter.stats.get("skipped", [])
    return {report.nodeid for report in reports}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, fail the run if a test was skipped."""
    if os.environ.get("CI") and skipped(session.config):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print which skipped tests made a run without failures fail."""
    if os.environ.get("CI") and skipped(config):
        terminalreporter.section("skipped tests count as failures in CI", red=True)
        for nodeid in sorted(skipped(config)):
            terminalreporter.write_line(nodeid)
