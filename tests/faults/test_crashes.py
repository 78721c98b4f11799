"""`kill -9` at random instants: what was acknowledged is there and the file is whole."""

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
from tests.faults.fault_report import FAULT, Line
from tests.waiting import wait_until
from widget_server.model.claims import Attribution
from widget_server.model.records import Site
from widget_server.model.settings import REACTIONS, SiteSettings
from widget_server.store import migrate
from widget_server.store.engine import Database
from widget_server.store.queries.sites import insert_site
from widget_server.store.queries.stories import insert_story
from widget_server.store.writing.writer import Writer

ROUNDS = 200 if THOROUGH else 15


async def prepare(url: str) -> None:
    """A database with one story."""
    await migrate.upgrade(url)
    database = Database(url)
    await database.open()
    writer = Writer(database, lambda *_: None)
    running = asyncio.create_task(writer.run())
    await writer.run_in_transaction(insert_site(Site("paper", "A paper", 1, 1, SiteSettings())))
    counts = dict.fromkeys((reaction.key for reaction in REACTIONS), 0)
    await writer.run_in_transaction(
        insert_story(crashing.CODE, "paper", "s", 1, Attribution(), counts)
    )
    running.cancel()
    await asyncio.wait({running})
    await database.close()


async def test_sqlite_survives_kill_9_at_random_instants(
    tmp_path: Path, sqlite_url: str, record_property: Callable[[str, object], None]
) -> None:
    await prepare(sqlite_url)
    said = tmp_path / "said"
    said.touch()
    chance = random.Random(SEED)
    # Forked from a process that has imported everything, so that a round takes a moment only.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.crashing"])
    longest = 0.0
    for round_ in range(ROUNDS):
        before = said.stat().st_size
        begun = time.monotonic()
        child = context.Process(target=crashing.main, args=(sqlite_url, said, f"r{round_}"))
        child.start()
        wait_until(grown(said, before), "it posts", 20)
        longest = max(longest, time.monotonic() - begun)
        # The instant is what the test is about: anywhere in the life of several transactions.
        time.sleep(chance.uniform(0, 0.1))
        child.kill()
        child.join()
        examine(tmp_path / "widget.db", said)
    keys = said.read_text().split()
    fault = f"kill -9 while writing, {ROUNDS} times, integrity checked"
    record_property(FAULT, asdict(Line(fault, "sqlite", len(keys), 0, 0, longest)))


def grown(said: Path, before: int) -> Callable[[], bool]:
    return lambda: said.stat().st_size > before


def examine(file: Path, said: Path) -> None:
    """The file is whole, has all that was said, and counts what it has."""
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = [key for (key,) in db.execute("SELECT client_key FROM comments")]
        seq, published = db.execute("SELECT seq, published FROM stories").fetchone()
        seqs = [number for (number,) in db.execute("SELECT seq FROM comments")]
        rows = db.execute("SELECT target, reaction FROM reactions").fetchall()
        counts = db.execute("SELECT id, counts FROM comments").fetchall()
    missing = set(said.read_text().split()) - set(stored)
    assert not missing
    assert len(set(stored)) == len(stored) == published
    assert max(seqs) <= seq
    assert len(set(seqs)) == len(seqs)
    counted = Counter(target for target, _ in rows)
    assert all(json.loads(held)["happy"] == counted[target] for target, held in counts)
