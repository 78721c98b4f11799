"""Query plans of what owners read: at most five statements, and none scans a table."""

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.bench.bench_owners import operations
from tests.bench.owner_site import Size, fill
from tests.operations.operations_harness import open_server
from tests.statements import recorded
from widget_server.operations.services import Services
from widget_server.store import migrate

SIZE = Size(stories=200, copies=100, comments=2_000, reactions=2_000)
NAMES = list(operations(cast("Services", None), ["code"] * 8, 1_800_000_000_000))
SCAN = re.compile(
    r"SCAN (comments|reactions|stories|copies|tokens|reports|revoked_tokens|shut_out_origins)\b"
    r"|SEARCH (comments|reactions) USING .*(autoindex_\w+|_seq|_thread) \(story=\?\)"
)


@pytest.fixture(scope="module")
def busy_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[str]]:
    """Return a data folder, the URL of a database with a busy site, and its stories' codes."""
    folder = tmp_path_factory.mktemp("busy_site")
    url = f"sqlite+aiosqlite:///{folder / 'widget.db'}"

    async def seed() -> list[str]:
        await migrate.upgrade(url)
        async with open_server(folder, url) as server:
            return await fill(server.components.database, SIZE)

    return folder, url, asyncio.run(seed())


@pytest.mark.parametrize("name", NAMES)
async def test_an_owners_list_reads_few_statements_and_scans_no_table(
    busy_site: tuple[Path, str, list[str]], name: str
) -> None:
    folder, url, codes = busy_site
    async with open_server(folder, url) as server:
        run = operations(server.services, codes, server.services.now_ms())[name]
        await run()  # reads the site into the cache
        with recorded(server.components.database._reader.sync_engine) as found:
            await run()
        statements = [one for one in found if one[0].startswith(("SELECT", "WITH"))]
        assert 1 <= len(statements) <= 5

        async def explain(connection: AsyncConnection, sql: str, parameters: Any) -> list[str]:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
            return [row.detail for row in plan]

        for sql, parameters in statements:
            database = server.components.database
            steps = await database.read(partial(explain, sql=sql, parameters=parameters))
            assert not [step for step in steps if SCAN.match(step)], (sql, steps)
