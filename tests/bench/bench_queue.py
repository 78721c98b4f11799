"""Row for moderators: the queue with 100,000 open cases among 1,000,000 comments, and batches of 10,000."""

import asyncio
import gc
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import ASGIApp, Message

from tests.bench.owner_site import SITE, Size, fill
from tests.bench.postgres import fresh_database
from tests.bench.results import Goal, Result
from tests.bench.rpc import run_loop
from tests.e2e.two_servers import start_valkey
from widget_server.app import Components
from widget_server.config import load
from widget_server.model.actors import Actor, shell
from widget_server.model.batches import Search
from widget_server.model.queue import CaseFilter
from widget_server.operations.moderation import batches, new_comments, queue
from widget_server.operations.owners import links, people
from widget_server.operations.services import Services
from widget_server.store import migrate
from widget_server.store.engine import read_transaction
from widget_server.store.queries.queue import CaseQueue, select_page
from widget_server.store.sqlite_threads import SyncConnectionAdapter
from widget_server.store.writing.actions import React
from widget_server.web.dashboard.application import create_dashboard

SECRET = "a secret of the benchmark that is long enough"
ANA = Actor("account", "ana", "dashboard", SITE, "moderator")
COMMENTS, CASES, BATCH = 1_000_000, 100_000, 10_000
PAGE, PAGES = 25, 500
ROUNDS = 3
"""Batches that are ordered and undone: a single one depends on what else the machine does in those seconds."""
PENDING = CaseFilter("pending")

_EMPTY = "source, text, vouched, reader, created_at, pinned, client_key, version, counts, score"
_FILL = """
INSERT INTO comments (id, story, thread, born, seq, state, {columns})
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number})
SELECT 'q' || i, 1 + i % 1000, 'q' || i, CASE WHEN i <= {cases} THEN 0 ELSE i END, i,
 CASE WHEN i <= {cases} THEN 'pending' ELSE 'published' END, {words},
 '[["p",null,"The ferry library is the best thing on this coast."]]', {no},
 'reader' || (i % 5000), {now} - i * 1000, {no}, 'k' || i, 0, '{{}}', 0 FROM n
"""
_OPEN = """
INSERT INTO cases (site, story, comment, queue, reasons, priority, opened_at, revision)
SELECT 'harbour', story, id, 'pending', '[]', 5, created_at, 1 FROM comments WHERE state = 'pending'
"""
_COUNT = """
INSERT INTO case_counts (site, queue, number)
SELECT site, queue, COUNT(*) FROM cases WHERE closed_at IS NULL GROUP BY site, queue
"""
_PUBLISHED = """
UPDATE stories SET published = (SELECT COUNT(*) FROM comments WHERE story = stories.id AND state = 'published'),
 changed_at = (SELECT COALESCE(MAX(created_at), changed_at) FROM comments WHERE story = stories.id AND state = 'published')
"""


class TimedQueue(CaseQueue):
    """The reads of the queue, with the time that the database needs for a page."""

    @read_transaction
    async def sql_ms(
        self, connection: AsyncConnection, after: tuple[int, int, int] | None
    ) -> tuple[tuple[float, float], tuple[int, int, int]]:
        """Return the milliseconds and the CPU of one page's statement, and the place of its last row.

        Those of the database and its driver alone: the operation builds its statement once.
        """
        query = select_page(SITE, PENDING, 0, after, PAGE)
        compiled = query.compile(
            dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
        )
        values = tuple(compiled.params[name] for name in compiled.positiontup or ())
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        rows = await _fetch(connection, str(compiled), values)
        spent = (
            1000 * (time.perf_counter() - begin),
            1000 * (time.thread_time() - begin_cpu),
        )
        last = dict(zip((column.key for column in query.selected_columns), rows[-1], strict=True))
        return spent, (last["case_priority"], last["case_opened_at"], last["case_id"])


async def _fetch(connection: Any, text: str, values: tuple[Any, ...]) -> Sequence[Any]:
    """Return the rows of a statement as the driver gives them."""
    if isinstance(connection, SyncConnectionAdapter):
        sqlite: Any = connection._connection.connection
        return list(sqlite.cursor().execute(text, values).fetchall())
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return list(await driver.fetch(text, *values))


async def fill_queue(components: Components, comments: int, cases: int) -> None:
    """Insert a site with comments of which the first ones wait, and the last ones are advertising."""
    await fill(components.database, Size(comments=0, reactions=0))
    sqlite = components.database.is_sqlite

    async def write(connection: AsyncConnection) -> None:
        words = (
            f"CASE WHEN i > {comments - min(BATCH, comments // 3)} THEN 'Best bonus this week'"
            " ELSE 'The ferry library is the best thing on this coast.' END"
        )
        values = {"columns": _EMPTY, "number": comments, "cases": cases, "words": words}
        values |= {"no": "0" if sqlite else "false", "now": components.services.now_ms()}
        await connection.execute(text(_FILL.format(**values).replace(":", "\\:")))
        await connection.execute(text(_OPEN))
        await connection.execute(text(_COUNT))
        await connection.execute(text(_PUBLISHED))
        if not sqlite:
            # SQLite has no statistics in operation either.
            await connection.execute(text("ANALYZE"))

    await components.database.write(write)


def moderators_queue(
    repeats: int,
    postgres: str | None = None,
    comments: int = COMMENTS,
    cases: int = CASES,
) -> Result:
    """Measure the queue; without a PostgreSQL, on SQLite."""
    row = Result(f"queue: {cases:,} open cases among {comments:,} comments", "ms")
    with tempfile.TemporaryDirectory() as folder, closing(start_valkey()) as bus:
        if postgres is None:
            url = f"sqlite+aiosqlite:///{Path(folder) / 'widget.db'}"
            run_loop(_measure(row, Path(folder), url, bus.url, repeats, comments, cases))
        else:
            with fresh_database(postgres) as url:
                run_loop(_measure(row, Path(folder), url, bus.url, repeats, comments, cases))
    return row


async def _measure(
    row: Result, folder: Path, url: str, bus: str, repeats: int, comments: int, cases: int
) -> None:
    await migrate.upgrade(url)
    # With a bus, as in operation: without one, each event would try to connect.
    config = load(data_dir=folder, database_url=url, redis_url=bus, secret_keys=SECRET)
    components = Components(config)
    async with components.running():
        await fill_queue(components, comments, cases)
        if components.database.is_sqlite:
            # In operation a log is never as long as after these inserts: every read would search it.
            with closing(sqlite3.connect(folder / "widget.db")) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # As a worker does once it is ready.
        gc.collect()
        gc.freeze()
        services = components.services
        timed = TimedQueue(components.database)
        times = max(40, repeats)
        await timed.sql_ms(None)
        first = [(await timed.sql_ms(None))[0] for _ in range(5 * times)]
        _add(row, "first page, SQL", first, 1)
        after = None
        for _ in range(min(PAGES, cases // PAGE) - 1):
            _, after = await timed.sql_ms(after)
        far = [(await timed.sql_ms(after))[0] for _ in range(5 * times)]
        _add(row, f"page {PAGES}, SQL", far, 5)
        _add(row, "numbers and filters", await _timed(times, partial(_facts, services)), None)
        person, by = await _signed_in(services)
        _add(row, "the page", await _timed(times, partial(_page, person)), 20)
        # Half of all comments came in since.
        await new_comments.mark_seen(services, by, SITE, f"q{comments // 2}")
        _add(row, "new, the page", await _timed(times, partial(_page, person, "new")), 20)
        _add(row, "ten cards taken", await _timed(times, partial(_take, services)), None)
        await _batch(row, services)


def _add(row: Result, name: str, values: list[tuple[float, float]], bound: float | None) -> None:
    """Add elapsed times and CPU times, which also hold for a machine that other programs use meanwhile."""
    elapsed, cpu = [one for one, _ in values], [one for _, one in values]
    for kind, found in ((name, elapsed), (f"{name}, CPU", cpu)):
        p95 = statistics.quantiles(found, n=20)[-1]
        row.samples[f"{kind}, p50"] = [statistics.median(found)]
        row.samples[f"{kind}, p95"] = [p95]
        row.goals.append(Goal(f"{kind}, p95", [p95], bound, at_least=False, unit="ms"))


async def _timed(times: int, work: Callable[[], Awaitable[Any]]) -> list[tuple[float, float]]:
    await work()
    found = []
    for _ in range(times):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        await work()
        found.append(
            (1000 * (time.perf_counter() - begin), 1000 * (time.process_time() - begin_cpu))
        )
    return found


async def _facts(services: Services) -> None:
    await queue.queue_facts(services, ANA, SITE)


async def _take(services: Services) -> None:
    await queue.take(services, ANA, SITE, PENDING, limit=10)


@dataclass(frozen=True)
class Visitor:
    """A moderator's browser at the dashboard, without a network or a client whose time would count."""

    dashboard: ASGIApp
    session: str

    async def get(self, path: str, query: str = "") -> list[Message]:
        """Return what the dashboard sends for a GET, up to the end of the body."""
        sent: list[Message] = []
        headers = {
            "host": "localhost:8000",
            "accept-encoding": "gzip",
            "cookie": f"local-session={self.session}",
        }
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("localhost", 8000),
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.dashboard(scope, receive, send)
        return sent


async def _page(person: Visitor, name: str = "pending") -> None:
    start, *body = await person.get(f"/admin/sites/{SITE}/queue", f"queue={name}")
    assert start["status"] == 200, start
    assert sum(len(part["body"]) for part in body) > 5_000


async def _signed_in(services: Services) -> tuple[Visitor, Actor]:
    """Return the browser of a moderator who has just signed in, and who they are."""
    link = await links.invite(services, shell("bench"), SITE, "moderator")
    ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    address, password = "ben@harbour.example", "six boats on a ferry"
    session = await links.create_account(services, ticket, "Ben", address, password, agent="")
    by = await people.find_actor(services, "Ben", SITE)
    return Visitor(create_dashboard(services), session.secret), by


async def _batch(row: Result, services: Services) -> None:
    """Remove and restore all advertising while readers react, in rounds, and compare their times."""
    found: dict[str, list[float]] = {"removed": [], "undone": []}
    before: list[float] = []
    meanwhile: list[float] = []
    total = 0
    for _ in range(ROUNDS):
        before.append(_p95(await _reactions(services, 200)))
        during: list[float] = []
        readers = asyncio.create_task(_reactions(services, None, during))
        begin = time.perf_counter()
        search = Search(phrase="best bonus")
        batch = await batches.start_batch(services, ANA, SITE, "remove", search)
        await batches.run_batch(services, batch.id)
        found["removed"].append(time.perf_counter() - begin)
        begin = time.perf_counter()
        undoing = await batches.undo_batch(services, ANA, SITE, batch.id)
        await batches.run_batch(services, undoing.id)
        found["undone"].append(time.perf_counter() - begin)
        readers.cancel()
        with suppress(asyncio.CancelledError):
            await readers
        meanwhile.append(_p95(during))
        total = batch.total
        for one in (batch, undoing):
            ended = await services.batches.find(one.id)
            assert ended is not None
            assert (ended.done, ended.refused) == (total, 0)
    for name, seconds in found.items():
        row.samples[f"{total:,} {name}, s"] = seconds
        row.goals.append(Goal(f"{total:,} {name}", seconds, 5, at_least=False, unit="s"))
    row.samples["reaction before, p95"] = before
    row.samples["reaction meanwhile, p95"] = meanwhile
    ratios = [during / quiet for during, quiet in zip(meanwhile, before, strict=True)]
    row.goals.append(Goal("reaction meanwhile / before, p95", ratios, 2, at_least=False))


def _p95(milliseconds: list[float]) -> float:
    return statistics.quantiles(milliseconds, n=20)[-1]


async def _reactions(
    services: Services, number: int | None, found: list[float] | None = None
) -> list[float]:
    """React one after the other, and return the milliseconds of each. None: until cancelled."""
    found = [] if found is None else found
    while number is None or len(found) < number:
        begin = time.perf_counter()
        at = services.now_ms()
        reader = f"fan{len(found) % 50}"
        await services.writer.submit(
            React(1 + 9 * (len(found) % 100), None, reader, "happy", None, at)
        )
        found.append(1000 * (time.perf_counter() - begin))
        await asyncio.sleep(0.01)
    return found


def all_rows(repeats: int, postgres: str | None) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Yield the name and the measurement of each row."""
    yield "queue", partial(moderators_queue, repeats, postgres)
