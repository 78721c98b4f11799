"""`kill -9` under a bulk removal and under its undo: both go on, nothing is half done, lost or done twice."""

import asyncio
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from tests.faults import batching
from tests.faults.agreement import examine
from tests.faults.fault_environment import SEED, THOROUGH
from tests.faults.fault_report import FAULT, FaultResult
from tests.operations.operations_harness import Server, open_server
from tests.operations.owner_harness import person
from tests.store.store_harness import Store, open_store, post
from tests.waiting import eventually
from widget_server.jobs.runner import LEASE_MS
from widget_server.model.actors import shell
from widget_server.model.batches import Batch, Search
from widget_server.operations.moderation import batches
from widget_server.operations.owners import sites
from widget_server.store.schema import comments, decisions, schedule

ANA = person("moderator")
COMMENTS = 10_000 if THOROUGH else 300
MOST_IDLE = 3
"""Processes that decide nothing, one after the other: the last one finds all done and only ends the batch."""
RACES = 30 if THOROUGH else 3
CONTEXT = multiprocessing.get_context("forkserver")


class Site:
    """A site with many comments, and the processes that work for it."""

    def __init__(self, server: Server, store: Store, url: str, folder: Path) -> None:
        self.server, self.store, self.url, self.folder = server, store, url, folder
        self.rng = random.Random(SEED)
        self.started = self.killed = 0

    def worker(self) -> ForkServerProcess:
        """Start a process that does what is due. Leases of the processes before are over for it."""
        self.started += 1
        ahead = self.started * (LEASE_MS / 1000 + 5)
        child = CONTEXT.Process(target=batching.main, args=(self.url, self.folder, ahead))
        child.start()
        return child

    async def entries(self, batch: Batch) -> list[Any]:
        """Return the batch's decisions."""
        return list(await self.store.rows(decisions, decisions.c.batch == batch.id))

    async def rows(self) -> dict[str, tuple[Any, ...]]:
        """Return what of each comment a removal takes away."""
        found = await self.store.rows(comments)
        return {one.id: (one.state, one.source, one.name, one.pinned) for one in found}

    async def found(self, batch: Batch) -> Batch:
        """Return the batch as it is now."""
        return await batches.find_batch(self.server.services, ANA, "paper", batch.id)

    async def kill_until_done(self, batch: Batch) -> int:
        """Kill each process that works soon after it has decided something. Return the number of kills."""
        killed, known, idle = 0, set[str](), 0
        while (await self.found(batch)).ended_at is None:
            assert idle < MOST_IDLE, "processes start that decide nothing"
            child = self.worker()
            before = len(known)

            async def has_more(before: int = before, child: ForkServerProcess = child) -> bool:
                return len(await self.entries(batch)) > before or not child.is_alive()

            await eventually(has_more, "the process has decided", 60, pause=0)
            # A random moment is the purpose of the test: a transaction takes some milliseconds.
            time.sleep(self.rng.uniform(0, 0.02))
            killed += child.is_alive()
            child.kill()
            child.join()
            entries = await self.entries(batch)
            ids = {one.id for one in entries}
            assert known <= ids, "what was committed stays"
            idle = 0 if known < ids else idle + 1
            known = ids
            assert max(Counter(one.comment for one in entries).values(), default=1) == 1
            assert (await self.found(batch)).done <= len(entries)
            await examine(self.store, ids, self.server.services.log_keys)
        return killed

    async def finish(self) -> None:
        """Let one process do what is left."""
        child = self.worker()
        await asyncio.to_thread(child.join)
        assert child.exitcode == 0
        assert await self.store.rows(schedule, schedule.c.kind == "decide_batch") == []


@asynccontextmanager
async def site(url: str, folder: Path, number: int) -> AsyncIterator[Site]:
    """Yield a site with so many comments by as many readers."""
    CONTEXT.set_forkserver_preload(["tests.faults.batching"])
    (folder / "worker").mkdir()
    async with open_server(folder / "own", url) as server, open_store(url) as store:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        story = (await server.grant()).story
        for start in range(0, number, 200):
            some = range(start, min(start + 200, number))
            posts = [post(story, f"r{one}", f"buy {one}", name=f"n{one}", at=one) for one in some]
            await asyncio.gather(*(server.services.writer.submit(one) for one in posts))
        yield Site(server, store, url, folder / "worker")


@pytest.mark.slow("postgresql")
async def test_a_bulk_removal_and_its_undo_survive_kill_9_at_random_moments(
    tmp_path: Path, migrated_url: str, record_property: Callable[[str, object], None]
) -> None:
    async with site(migrated_url, tmp_path, COMMENTS) as paper:
        services, before = paper.server.services, await paper.rows()
        begun = time.monotonic()
        batch = await batches.start_batch(services, ANA, "paper", "remove", Search(phrase="buy"))
        killed = await paper.kill_until_done(batch)
        entries = await paper.entries(batch)
        assert Counter(one.comment for one in entries) == dict.fromkeys(before, 1)
        assert {state for state, *_ in (await paper.rows()).values()} == {"removed"}
        assert (await paper.found(batch)).done == COMMENTS
        undoing = await batches.undo_batch(services, ANA, "paper", batch.id)
        killed += await paper.kill_until_done(undoing)
        undone = await paper.entries(undoing)
        assert Counter(one.undoes for one in undone) == dict.fromkeys((e.id for e in entries), 1)
        assert await paper.rows() == before
        assert ((await paper.found(undoing)).done, killed > 1) == (COMMENTS, True)
        await paper.finish()
        assert await paper.rows() == before
        engine = migrated_url.partition("+")[0]
        fault = f"kill -9 under a bulk removal and its undo, {killed} times"
        seconds = time.monotonic() - begun
        record_property(
            FAULT, asdict(FaultResult(fault, engine, 2 * COMMENTS, 0, 0, seconds / max(1, killed)))
        )


@pytest.mark.slow("postgresql")
async def test_an_undo_of_a_bulk_removal_whose_process_is_killed_leaves_nothing_of_it(
    tmp_path: Path, migrated_url: str
) -> None:
    async with site(migrated_url, tmp_path, 600) as paper:
        services, before = paper.server.services, await paper.rows()
        for _ in range(RACES):
            batch = await batches.start_batch(services, ANA, "paper", "spam", Search(phrase="buy"))
            child = paper.worker()

            async def has_begun(batch: Batch = batch) -> bool:
                return bool(await paper.entries(batch))

            await eventually(has_begun, "the process has decided", 60, pause=0)
            await batches.undo_batch(services, ANA, "paper", batch.id)
            # The kill meets a portion of the removal that is on its way, or comes after it.
            time.sleep(paper.rng.uniform(0, 0.02))
            child.kill()
            child.join()
            await paper.finish()
            assert await paper.rows() == before
            entries = await paper.entries(batch)
            rows = await paper.store.rows(decisions, decisions.c.undoes.is_not(None))
            undone = Counter(row.undoes for row in rows)
            assert {undone[one.id] for one in entries} == {1}
            ids = {row.id for row in entries}
            await examine(paper.store, ids, services.log_keys)
