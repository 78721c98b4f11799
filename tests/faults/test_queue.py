"""Two moderators in two processes at one queue at full speed, and one whose server is killed."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.fault_environment import THOROUGH
from tests.operations.operations_harness import Server, open_server
from tests.operations.owner_harness import person
from tests.store.store_harness import post
from tests.waiting import eventually
from widget_server.model.actors import shell
from widget_server.operations.moderation import queue
from widget_server.operations.owners import sites
from widget_server.store import migrate
from widget_server.store.queries.decisions import LogFilter

CASES = 10_000 if THOROUGH else 240


async def fill(server: Server, number: int) -> None:
    """Let so many comments wait."""
    await sites.create_site(server.services, shell("test"), "paper", "A paper")
    story = (await server.grant()).story
    for start in range(0, number, 200):
        some = range(start, min(start + 200, number))
        await asyncio.gather(
            *(
                server.services.writer.submit(post(story, f"r{one}", pending=True, at=1 + one))
                for one in some
            )
        )


def moderator(url: str, folder: Path, name: str, *more: str) -> subprocess.Popen[bytes]:
    """Start a process in which a moderator works."""
    words = [sys.executable, "-m", "tests.faults.moderating", url, str(folder), name, *more]
    return subprocess.Popen(words)


@pytest.mark.slow("postgresql")
@pytest.mark.parametrize("how", ["takes", "races"])
async def test_two_moderators_at_full_speed_decide_each_case_once_and_leave_none(
    tmp_path: Path,
    migrated_url: str,
    how: str,
    record_testsuite_property: Callable[[str, float], None],
) -> None:
    async with open_server(tmp_path / "own", migrated_url) as server:
        await fill(server, CASES)
        pair = [moderator(migrated_url, tmp_path, name, how) for name in ("ana", "ben")]
        for process in pair:
            assert await asyncio.to_thread(process.wait) == 0
        lines = [
            line for name in ("ana", "ben") for line in (tmp_path / name).read_text().split("\n")
        ]
        done = [line for line in lines if line.isdigit()]
        assert len(done) == CASES
        assert max(Counter(done).values()) == 1, "no case is decided twice"
        assert all((tmp_path / name).read_text() for name in ("ana", "ben")), "both had work"
        if how == "races":
            assert any(line.startswith("closed") for line in lines), "both decided about the same"
        owner = person("owner")
        facts = await queue.queue_facts(server.services, owner, "paper")
        assert (facts.counts, facts.at_work) == ({}, [])
        assert await server.services.decisions.unmatched() is False
        found = await logged(server)
        assert Counter(found) == dict.fromkeys(found, 1)
        assert len(found) == CASES
        # For the table of `make bench-moderation`.
        record_testsuite_property("cases that two moderators decided at full speed", len(done))
        record_testsuite_property("cases decided twice", len(done) - len(set(done)))
        record_testsuite_property("cases left or stuck", len(facts.counts) + len(facts.at_work))


async def logged(server: Server) -> list[str]:
    """Return the comment of each decision in the log."""
    entries: list[str] = []
    after = None
    while found := await server.services.decisions.log("paper", LogFilter(), after, 500):
        entries += [one.targets[0] for one in found if one.verb in {"approve", "reject"}]
        after = found[-1].at, found[-1].id
    return entries


async def test_cases_of_a_moderator_whose_server_is_killed_are_free_when_the_time_is_over(
    tmp_path: Path, database_url: str
) -> None:
    await migrate.upgrade(database_url)
    async with open_server(tmp_path / "own", database_url) as server:
        await fill(server, 12)
        process = moderator(database_url, tmp_path, "ana", "holds")
        report = tmp_path / "ana"
        await eventually(report.exists, "she has taken cases", 60)
        held = await eventually(lambda: report.read_text().split(), "she has told which")
        process.kill()
        process.wait()
        ben = replace(person("moderator"), id="ben")
        everything = queue.filter_of()

        async def has_all() -> bool:
            await queue.take(server.services, ben, "paper", everything, limit=50)
            own = await queue.take(server.services, ben, "paper", everything, limit=50)
            return len(own) == 12

        free = await queue.take(server.services, ben, "paper", everything, limit=50)
        if len(free) < 12:
            assert not {str(card.case.id) for card in free} & set(held)
        await eventually(has_all, "all cases are his")
