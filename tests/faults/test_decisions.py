"""After `kill -9` at random moments under decisions, log, cases, kept texts and comments agree."""

import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults import deciding
from tests.faults.agreement import examine
from tests.faults.fault_environment import SEED, THOROUGH
from tests.faults.fault_report import FAULT, FaultResult
from tests.faults.test_crashes import grown, prepare
from tests.store.store_harness import open_store
from tests.waiting import wait_until

ROUNDS = 200 if THOROUGH else 12


@pytest.mark.parametrize("about", ["comments", "hints"])
async def test_log_cases_and_texts_agree_after_kill_9_under_decisions(
    tmp_path: Path, database_url: str, record_property: Callable[[str, object], None], about: str
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
        arguments = (database_url, acknowledged, f"r{round_}", SEED + round_, about)
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
    work = "decisions" if about == "comments" else "answers to error reports"
    fault = f"kill -9 under {work}, {ROUNDS} times; log, cases and texts agree"
    record_property(FAULT, asdict(FaultResult(fault, engine, number, 0, 0, longest)))
