"""`jobs list` and `story close --at`."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.cli.commands import Run, sentence
from tests.e2e.harness import ServerProcess
from tests.store.store_harness import open_store
from tests.waiting import eventually
from widget_server.auth.tokens import story_code
from widget_server.jobs.schedule import JOBS
from widget_server.model.claims import Attribution
from widget_server.store.queries.stories import insert_story


@pytest.fixture
def story(site: str, data: Path) -> str:
    """Store a story of the site and return its code."""
    code = story_code(site, "one")
    insert = insert_story(code, site, "one", 1, Attribution(title="One"), {})

    async def store() -> None:
        async with open_store(f"sqlite+aiosqlite:///{data / 'database.sqlite3'}") as opened:
            await opened.writer.run_in_transaction(insert)

    asyncio.run(store())
    return code


def test_jobs_are_listed_for_people_and_for_programs(run: Run, site: str, story: str) -> None:
    assert run("jobs", "list", "--json").out == "[]"
    assert "No job is scheduled" in run("jobs", "list").out
    assert run("story", "close", story, "--at", "2090-01-02T03:04").status == 0
    (job,) = json.loads(run("jobs", "list", "--json").out)
    at = int(datetime(2090, 1, 2, 3, 4).astimezone().timestamp() * 1000)
    assert (job["kind"], job["subject"], job["due_at"]) == ("close_story", story, at)
    assert (job["every"], job["tries"], job["last_error"]) == (None, 0, None)
    assert f"close_story {story}" in run("jobs", "list").out


def test_a_closing_date_is_set_and_dropped(run: Run, site: str, story: str) -> None:
    assert (
        "will close at 2090-01-02 00:00" in run("story", "close", story, "--at", "2090-01-02").out
    )
    assert "no closing date" in run("story", "close", story, "--at", "never").out
    assert run("jobs", "list", "--json").out == "[]"


@pytest.mark.parametrize(
    "date", ["tomorrow", "", "31.12.2030", "2030-13-01", "0001-01-01", "9999-12-31"]
)
def test_a_wrong_date_is_one_sentence(run: Run, site: str, story: str, date: str) -> None:
    assert "date" in sentence(run("story", "close", story, "--at", date)) or "year" in sentence(
        run("story", "close", story, "--at", date)
    )


def test_an_unknown_story_gets_no_date(run: Run, site: str) -> None:
    assert "no story" in sentence(run("story", "close", "000000000000", "--at", "2090-01-02"))
    assert run("jobs", "list", "--json").out == "[]"


async def test_a_running_server_schedules_its_repeated_jobs_and_does_them(
    new_server: Callable[..., ServerProcess],
) -> None:
    server = await new_server().start()

    async def done() -> bool:
        return await server.metric("widget_jobs_done_total") >= 2

    await eventually(done, "the repeated jobs ran once", 30)
    jobs = json.loads(server.cli("jobs", "list", "--json"))
    assert {job["kind"] for job in jobs} == {one.kind for one in JOBS if one.every_s}
    assert all(job["tries"] == 0 and job["lease_until"] == 0 for job in jobs)
    assert "event=job" not in server.log()
