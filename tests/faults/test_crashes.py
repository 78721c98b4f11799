"""After `kill -9` at random moments, SQLite has every acknowledged comment and is intact."""

import asyncio
import json
import multiprocessing
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from tests.faults import crashing
from tests.faults.fault_environment import SEED, THOROUGH
from tests.faults.fault_report import FAULT, FaultResult
from tests.store.store_harness import LOG_KEYS
from tests.waiting import wait_until
from widget_server.model.claims import Attribution
from widget_server.model.reactions import REACTIONS
from widget_server.model.records import Site
from widget_server.model.settings import SiteSettings
from widget_server.store import migrate
from widget_server.store.engine import Database
from widget_server.store.queries.sites import insert_site
from widget_server.store.queries.stories import insert_story
from widget_server.store.writing.writer import Writer

ROUNDS = 200 if THOROUGH else 15


async def prepare(url: str) -> None:
    """Create a database with one story."""
    await migrate.upgrade(url)
    database = Database(url)
    await database.open()
    writer = Writer(database, lambda *_: None, LOG_KEYS)
    running = asyncio.create_task(writer.run())
    await writer.run_in_transaction(insert_site(Site("paper", "A paper", 1, 1, SiteSettings())))
    counts = dict.fromkeys((reaction.key for reaction in REACTIONS), 0)
    await writer.run_in_transaction(
        insert_story(crashing.CODE, "paper", "s", 1, Attribution(), counts)
    )
    running.cancel()
    await asyncio.wait({running})
    await database.close()


async def test_sqlite_survives_kill_9_at_random_moments(
    tmp_path: Path, sqlite_url: str, record_property: Callable[[str, object], None]
) -> None:
    await prepare(sqlite_url)
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    rng = random.Random(SEED)
    # Fork from a process that has imported all modules, so that a round starts quickly.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.crashing"])
    longest = 0.0
    for round_ in range(ROUNDS):
        before = acknowledged.stat().st_size
        begun = time.monotonic()
        child = context.Process(target=crashing.main, args=(sqlite_url, acknowledged, f"r{round_}"))
        child.start()
        wait_until(grown(acknowledged, before), "the process posts", 20)
        longest = max(longest, time.monotonic() - begun)
        # A random moment is the purpose of the test; 0.1 s covers several transactions.
        time.sleep(rng.uniform(0, 0.1))
        child.kill()
        child.join()
        examine(tmp_path / "widget.db", acknowledged)
    keys = acknowledged.read_text().split()
    fault = f"kill -9 while writing, {ROUNDS} times, integrity checked"
    record_property(FAULT, asdict(FaultResult(fault, "sqlite", len(keys), 0, 0, longest)))


def grown(acknowledged: Path, before: int) -> Callable[[], bool]:
    """Return a condition: the file is larger than `before` bytes."""
    return lambda: acknowledged.stat().st_size > before


def examine(file: Path, acknowledged: Path) -> None:
    """Check that the database is intact, has all acknowledged comments, and that counts match."""
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = [key for (key,) in db.execute("SELECT client_key FROM comments")]
        seq, published = db.execute("SELECT seq, published FROM stories").fetchone()
        seqs = [number for (number,) in db.execute("SELECT seq FROM comments")]
        rows = db.execute("SELECT target, reaction FROM reactions").fetchall()
        counts = db.execute("SELECT id, counts FROM comments").fetchall()
    missing = set(acknowledged.read_text().split()) - set(stored)
    assert not missing
    assert len(set(stored)) == len(stored) == published
    assert max(seqs) <= seq
    assert len(set(seqs)) == len(seqs)
    counted = Counter(target for target, _ in rows)
    assert all(json.loads(stored)["happy"] == counted[target] for target, stored in counts)
