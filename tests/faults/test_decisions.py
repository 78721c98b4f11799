"""After `kill -9` at random moments under decisions, log, cases, kept texts and comments agree."""

import json
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults import deciding
from tests.faults.fault_environment import SEED, THOROUGH
from tests.faults.fault_report import FAULT, FaultResult
from tests.faults.test_crashes import grown, prepare
from tests.store.store_harness import LOG_KEYS, Store, open_store
from tests.waiting import wait_until
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.schema import cases, comments, decision_words, decisions, kept_texts
from widget_server.store.schema_queue import case_counts

ROUNDS = 200 if THOROUGH else 12


async def test_log_cases_and_texts_agree_after_kill_9_under_decisions(
    tmp_path: Path, database_url: str, record_property: Callable[[str, object], None]
) -> None:
    await prepare(database_url)
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    rng = random.Random(SEED)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.deciding"])
    longest = 0.0
    for round_ in range(ROUNDS):
        before = acknowledged.stat().st_size
        begun = time.monotonic()
        arguments = (database_url, acknowledged, f"r{round_}", SEED + round_)
        child = context.Process(target=deciding.main, args=arguments)
        child.start()
        wait_until(grown(acknowledged, before), "the process decides", 20)
        longest = max(longest, time.monotonic() - begun)
        # A random moment is the purpose of the test; 0.1 s covers several transactions.
        time.sleep(rng.uniform(0, 0.1))
        child.kill()
        child.join()
        async with open_store(database_url) as store:
            await examine(store, set(acknowledged.read_text().split()))
    number = len(acknowledged.read_text().split())
    engine = database_url.partition("+")[0].partition(":")[0]
    fault = f"kill -9 under decisions, {ROUNDS} times; log, cases and texts agree"
    record_property(FAULT, asdict(FaultResult(fault, engine, number, 0, 0, longest)))


async def examine(store: Store, acknowledged: set[str]) -> None:
    """Check the rows against each other, and that every acknowledged decision is in the log."""
    verdict = await LogCheck(store.database, LOG_KEYS).verify()
    assert verdict.damages == []
    entries = sorted(await store.rows(decisions), key=lambda row: row.number)
    assert acknowledged <= {row.id for row in entries}
    assert {row.decision for row in await store.rows(decision_words)} == {
        row.id for row in entries if row.words is not None
    }
    kept = {row.comment: row.why for row in await store.rows(kept_texts)}
    queues: dict[str, set[str]] = {}
    for case in await store.rows(cases, cases.c.closed_at.is_(None)):
        queues.setdefault(case.comment, set()).add(case.queue)
    counters = {row.queue: row.number for row in await store.rows(case_counts) if row.number}
    assert counters == Counter(name for names in queues.values() for name in names)
    logged: dict[str, dict[str, Any]] = {}
    for row in entries:
        logged.setdefault(row.comment, {}).update(json.loads(row.after))
    for row in await store.rows(comments):
        state = kept.get(row.id, row.state) if row.state == "removed" else row.state
        said = logged.get(row.id, {})
        assert said.get("state", state) == state, (row.id, said)
        assert said.get("pinned", row.pinned) == row.pinned
        assert (row.state == "removed") == (row.source == "") == (row.id in kept)
        # Reports open cases without a decision.
        if "queues" in said:
            assert queues.get(row.id, set()) - {"reported"} == set(said["queues"]) - {"reported"}
        waits = {"pending"} if row.state == "pending" and not said else None
        assert waits is None or waits <= queues[row.id]
