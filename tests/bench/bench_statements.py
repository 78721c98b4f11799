"""Cost of the export of restrictions in the fields of the EU's Transparency Database, for 1,000,000 of them.

Run with `python -m tests.bench.bench_statements [RESTRICTIONS]`. It prints a line.
"""

import asyncio
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import insert

from tests.bench.bench_decisions import CHUNK, entries
from tests.store.store_harness import Store, open_store
from widget_server.model.actors import shell
from widget_server.operations.moderation.statements import export_statements
from widget_server.operations.services import Services
from widget_server.store import migrate
from widget_server.store.queries.statements import Statements
from widget_server.store.schema import comments, decisions


@dataclass
class Reads:
    """What the export uses of the services."""

    statements: Statements


async def fill(store: Store, number: int) -> None:
    """Fill a story with comments, each of which was removed once."""
    story = await store.story("log")
    example = await store.post(story, id="example")
    (row,) = await store.rows(comments, comments.c.id == example.id)
    before = ""
    for first in range(1, number + 1, CHUNK):
        log = entries(story, min(CHUNK, number + 1 - first), first, before)
        before = log[-1]["hash"]
        written = [
            {**row._mapping, "id": one["comment"], "client_key": one["id"], "state": "removed"}
            for one in log
        ]

        async def write(
            connection: Any, log: list[Any] = log, written: list[Any] = written
        ) -> None:
            await connection.execute(insert(comments), written)
            await connection.execute(insert(decisions), log)

        await store.writer.run_in_transaction(write)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the export cost: megabytes, seconds, CPU seconds, seconds to the first part, megabytes of memory."""

    size: float
    took: float
    busy: float
    first: float
    memory: float


async def measure(number: int) -> Measured:
    """Export this many restrictions."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'widget.db'}"
        await migrate.upgrade(url)
        async with open_store(url) as store:
            await fill(store, number)
            services = cast(Services, Reads(Statements(store.database)))
            await anext(export_statements(services, shell("bench"), "s"))
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            begun, busy = time.perf_counter(), time.process_time()
            first, lines, size = 0.0, -1, 0
            async for part in export_statements(services, shell("bench"), "s"):
                first = first or time.perf_counter() - begun
                lines, size = lines + part.count("\r\n"), size + len(part)
            took, busy = time.perf_counter() - begun, time.process_time() - busy
            assert lines == number, lines
            more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
            return Measured(size / 1e6, took, busy, first, more)


async def run(number: int) -> None:
    """Measure and print."""
    found = await measure(number)
    print(  # noqa: T201
        f"{number} restrictions, {found.size:.0f} MB in {found.took:.1f} s ({found.busy:.1f} s busy),"
        f" first part after {found.first * 1000:.0f} ms, {found.memory:+.1f} MB of memory"
    )


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
