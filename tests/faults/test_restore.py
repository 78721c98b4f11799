"""`kill -9` of a restore at random instants: the old data serves on, or all of the new; no mixture."""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.engines import Valkey
from tests.faults import restoring
from tests.faults.stage import SEED, THOROUGH
from tests.faults.table import FAULT, Line
from tests.journeys.harness import ServerProcess
from tests.loopback import http_client
from tests.waiting import eventually
from widget_server.model.claims import Attribution
from widget_server.model.records import Site
from widget_server.model.settings import REACTIONS, SiteSettings
from widget_server.store import backup, migrate
from widget_server.store.deeds import Post
from widget_server.store.engine import Database
from widget_server.store.errands import make_site, make_story
from widget_server.store.writer import Writer

ROUNDS = 40 if THOROUGH else 5
CODE = "restored0001"
SECRET = "a secret of the restores without a comma"
SIZES = {"first": 1_300, "second": 2_100}
"""Comments of either backup; each says the backup's name."""


async def make_backup(folder: Path, name: str) -> Path:
    """A backup of a site with one story."""
    url = f"sqlite+aiosqlite:///{folder / name}.db"
    await migrate.upgrade(url)
    database = Database(url)
    await database.open()
    writer = Writer(database, lambda *_: None)
    running = asyncio.create_task(writer.run())
    keys = tuple(reaction.key for reaction in REACTIONS)
    await writer.run_errand(make_site(Site("paper", name, 1, 1, SiteSettings())))
    story = await writer.run_errand(
        make_story(CODE, "paper", "s", 1, Attribution(title=name), dict.fromkeys(keys, 0))
    )
    posts = [
        Post(story, f"{name}{n:06}", f"key-{n}", f"r{n}", name, [name], False, keys, at=n)
        for n in range(SIZES[name])
    ]
    await asyncio.gather(*map(writer.submit, posts))
    running.cancel()
    await asyncio.wait({running})
    await database.close()
    file = folder / f"{name}.sqlite3"
    await backup.back_up(url, file, lambda _table, _done, _total: None)
    return file


@dataclass(frozen=True)
class State:
    """What a database holds: the epoch, and which backup's data."""

    epoch: str
    name: str


async def state_of(url: str) -> State:
    """One view of all of it. Fails where it is not one of the backups, whole."""
    engine = create_async_engine(url)
    isolation = {} if "sqlite" in url else {"isolation_level": "REPEATABLE READ"}
    try:
        async with engine.connect() as connection:
            await connection.execution_options(**isolation)
            if not isolation:
                await connection.exec_driver_sql("BEGIN")

            async def ask(query: str) -> list[tuple[object, ...]]:
                return [tuple(row) for row in await connection.execute(text(query))]

            ((epoch,),) = await ask("SELECT value FROM meta WHERE key = 'epoch'")
            sites = await ask("SELECT name FROM sites")
            stories = await ask("SELECT title, published FROM stories")
            comments = await ask("SELECT source, COUNT(*) FROM comments GROUP BY source")
    finally:
        await engine.dispose()
    name = str(sites[0][0])
    whole = [(name, SIZES[name])]
    assert (sites, stories, comments) == ([(name,)], whole, whole)
    return State(str(epoch), name)


async def served(server: ServerProcess) -> State:
    """What readers are shown."""
    async with http_client(timeout=20) as http:
        answer = await http.get(f"{server.url}/v1/stories/{CODE}")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    name = shown["story"]["title"]
    assert shown["count"] == SIZES[name]
    assert {thread["text"][0] for thread in shown["comments"]["threads"]} == {name}
    return State(shown["position"]["epoch"], name)


async def ended(process: ForkServerProcess) -> int | None:
    """Its status, without keeping this event loop from anything."""
    await asyncio.to_thread(process.join)
    return process.exitcode


@pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql"] if THOROUGH else ["sqlite"], indirect=True
)
async def test_a_restore_killed_at_random_instants_leaves_no_mixture(
    database_url: str,
    tmp_path: Path,
    valkey: Valkey,
    new_server: Callable[..., ServerProcess],
    record_property: Callable[[str, object], None],
) -> None:
    files = {name: await make_backup(tmp_path, name) for name in SIZES}
    await migrate.upgrade(database_url)
    chance = random.Random(SEED)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.restoring"])

    def restore(name: str) -> ForkServerProcess:
        process = context.Process(
            target=restoring.main, args=(database_url, files[name], SECRET, tmp_path / "data")
        )
        process.start()
        return process

    # The first one pays for the start of the process that others are forked from.
    assert await ended(restore("second")) == 0
    begun = time.monotonic()
    assert await ended(restore("first")) == 0
    takes = time.monotonic() - begun
    server = new_server(DATABASE_URL=database_url, REDIS_URL=valkey.url, SECRET_KEYS=SECRET)
    await server.start()
    known = await state_of(database_url)
    assert known.name == "first"
    names = {known.epoch: known.name}
    longest = 0.0
    for round_ in range(ROUNDS):
        wanted = "second" if known.name == "first" else "first"
        process = restore(wanted)
        # The instant is what the test is about: anywhere from before the beginning to the end.
        await asyncio.sleep(takes * (round_ + chance.random()) / ROUNDS)
        process.kill()
        await ended(process)
        killed = time.monotonic()
        known = await state_of(database_url)
        # An epoch has one content, for ever.
        assert names.setdefault(known.epoch, known.name) == known.name
        shown = await served(server)
        assert names.setdefault(shown.epoch, shown.name) == shown.name

        async def agree() -> bool:
            # PostgreSQL may still carry out a commit of one that is gone.
            return await served(server) == await state_of(database_url)

        await eventually(agree, "readers see what is stored", 15)
        longest = max(longest, time.monotonic() - killed)
        known = await state_of(database_url)
    # What the killed ones left behind is in nobody's way.
    wanted = "second" if known.name == "first" else "first"
    assert await ended(restore(wanted)) == 0
    now = await state_of(database_url)
    assert now.name == wanted
    assert now.epoch not in names
    engine = "sqlite" if "sqlite" in database_url else "postgresql"
    fault = f"kill -9 of a restore, {ROUNDS} times"
    record_property(FAULT, asdict(Line(fault, engine, SIZES[wanted], 0, 0, longest)))
