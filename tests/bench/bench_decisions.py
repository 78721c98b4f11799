"""Cost of a decision beside a reaction, and of verifying a log of 1,000,000 entries with one changed byte.

Run with `python -m tests.bench.bench_decisions [ENTRIES]`. It prints a table.
"""

import gc
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from tests.bench.rpc import run_loop
from tests.store.store_harness import LOG_KEYS, Store, decide, open_store, undo
from widget_server.model.records import Story
from widget_server.store import migrate
from widget_server.store.log_keys import STORY_ENTRY
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.schema import decisions

SAMPLES = 200
BEFORE = 100
"""Rounds that are not counted. The first rows extend the WAL; after a checkpoint, as in operation, it is written over."""
CHUNK = 20_000


async def decision_beside_reaction(store: Store, story: Story) -> dict[str, list[float]]:
    """Return seconds of single reactions, removals and undos, each committed alone."""
    found: dict[str, list[float]] = {"react": [], "remove": [], "undo": []}
    ids = [(await store.post(story, f"r{n}", "words " * 50)).id for n in range(BEFORE + SAMPLES)]
    for number, comment in enumerate(ids):
        begun = time.perf_counter()
        await store.react(story, f"x{number}", "happy", comment)
        found["react"].append(time.perf_counter() - begun)
        action = decide(story, comment, "remove", note="a note")
        begun = time.perf_counter()
        await store.writer.submit(action)
        found["remove"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        await store.writer.submit(undo(story, comment, action.id))
        found["undo"].append(time.perf_counter() - begun)
    return {name: seconds[BEFORE:] for name, seconds in found.items()}


def entries(story: Story, number: int, first: int, before: str) -> list[dict[str, Any]]:
    """Return signed entries of a story's log that continue the hash `before`."""
    rows = []
    for place in range(first, first + number):
        row: dict[str, Any] = {
            "story": story.id, "number": place, "site": "s", "comment": f"c{place:x}",
            "id": f"e{place:x}", "at": place, "actor_kind": "account", "actor": "31",
            "via": "dashboard", "shell_user": None, "verb": "remove", "reason": "attack",
            "batch": None, "undoes": None, "words": None,
            "before": '{"state":"published","queues":["reported"],"revision":1}',
            "after": '{"state":"removed","queues":[],"revision":1}',
        }  # fmt: skip
        LOG_KEYS.sign(before, row, STORY_ENTRY)
        before = row["hash"]
        rows.append(row)
    return rows


async def fill(store: Store, story: Story, number: int) -> None:
    """Fill a story's log with this many entries."""
    before, done = "", 0
    while done < number:
        rows = entries(story, min(CHUNK, number - done), done + 1, before)
        await store.writer.run_in_transaction(
            lambda connection, rows=rows: connection.execute(insert(decisions), rows)  # type: ignore[misc]
        )
        before, done = rows[-1]["hash"], done + len(rows)
    end = f"UPDATE stories SET decisions = {number}, log_hash = '{before}' WHERE id = {story.id}"
    await store.writer.run_in_transaction(lambda connection: connection.exec_driver_sql(end))


def flip_a_byte(file: Path, number: int, rng: random.Random) -> None:
    """Change one byte of a column of the entry with this number."""
    column = rng.choice(("actor", "verb", "reason", "before", "after", "hash", "comment"))
    with closing(sqlite3.connect(file)) as database:
        read = f"SELECT CAST({column} AS BLOB) FROM decisions WHERE number = ?"
        value = bytearray(database.execute(read, (number,)).fetchone()[0])
        place = rng.randrange(len(value))
        value[place] ^= 1 << rng.randrange(7)
        change = f"UPDATE decisions SET {column} = CAST(? AS TEXT) WHERE number = ?"
        database.execute(change, (bytes(value), number))
        database.commit()


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of decisions and of reactions, each alone, and of the verification of a log."""

    decisions: dict[str, list[float]]
    entries: int
    verified: float
    busy: float
    """CPU of it."""
    found: float
    """Until the changed entry was named."""


async def measure(number: int) -> Measured:
    """Decide, fill a log with this many entries, verify it, change one byte, and verify it again."""
    rng = random.Random(15)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "widget.db"
        url = f"sqlite+aiosqlite:///{file}"
        await migrate.upgrade(url)
        async with open_store(url) as store:
            # As a worker does once it is ready.
            gc.collect()
            gc.freeze()
            seconds = await decision_beside_reaction(store, await store.story("busy"))
            log = await store.story("log")
            await fill(store, log, number)
            check = LogCheck(store.database, LOG_KEYS)
            begun, busy = time.perf_counter(), time.process_time()
            verdict = await check.verify()
            assert verdict.damages == []
            took, busy = time.perf_counter() - begun, time.process_time() - busy
            changed = number - rng.randrange(number // 100 + 1)
            flip_a_byte(file, changed, rng)
            begun = time.perf_counter()
            damage = (await check.verify()).damages[0]
            named = time.perf_counter() - begun
            assert (damage.log, damage.number) == (f"story:{log.code}", changed), damage
            return Measured(seconds, verdict.entries, took, busy, named)


async def run(number: int) -> None:
    """Measure and print the table."""
    measured = await measure(number)
    for name, seconds in measured.decisions.items():
        tail, median = statistics.quantiles(seconds, n=100)[98], statistics.median(seconds)
        print(f"{name:<10} median {median * 1000:6.2f} ms   p99 {tail * 1000:6.2f} ms")  # noqa: T201
    entries, took = measured.entries, measured.verified
    print(f"{entries} entries verified in {took:.1f} s, {measured.busy:.1f} s of them busy")  # noqa: T201
    print(f"one byte of an entry flipped: named in {measured.found:.1f} s")  # noqa: T201


if __name__ == "__main__":
    run_loop(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
