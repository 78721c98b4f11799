"""Restores that are killed at random moments, and restores of a backup older than an erasure."""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner

from tests.e2e.harness import Client, RejectedError, ServerProcess
from tests.e2e.publisher import Publisher, Story
from tests.engines import Valkey
from tests.faults import restoring
from tests.faults.fault_environment import SEED, THOROUGH
from tests.faults.fault_report import FAULT, FaultResult
from tests.loopback import http_client
from tests.store.store_harness import LOG_KEYS
from tests.waiting import eventually
from widget_server.cli import main as cli
from widget_server.model.claims import Attribution
from widget_server.model.reactions import REACTIONS
from widget_server.model.records import Site
from widget_server.model.settings import SiteSettings
from widget_server.store import backup, migrate
from widget_server.store.engine import Database
from widget_server.store.queries.sites import insert_site
from widget_server.store.queries.stories import insert_story
from widget_server.store.writing.actions import Post
from widget_server.store.writing.writer import Writer

ROUNDS = 40 if THOROUGH else 5
CODE = "restored0001"
SECRET = "a secret of the restores without a comma"
SIZES = {"first": 1_300, "second": 2_100}
"""Number of comments in each backup. The text of each comment is the backup's name."""


async def make_backup(folder: Path, name: str) -> Path:
    """Create a backup of a site with one story."""
    url = f"sqlite+aiosqlite:///{folder / name}.db"
    await migrate.upgrade(url)
    database = Database(url)
    await database.open()
    writer = Writer(database, lambda *_: None, LOG_KEYS)
    running = asyncio.create_task(writer.run())
    keys = tuple(reaction.key for reaction in REACTIONS)
    await writer.run_in_transaction(insert_site(Site("paper", name, 1, 1, SiteSettings())))
    story = await writer.run_in_transaction(
        insert_story(CODE, "paper", "s", 1, Attribution(title=name), dict.fromkeys(keys, 0))
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
    """Content of a database: its epoch and the name of the backup."""

    epoch: str
    name: str


async def state_of(url: str) -> State:
    """Read everything in one transaction; fail if it is not exactly one of the backups."""
    engine = create_async_engine(url)
    isolation = {} if "sqlite" in url else {"isolation_level": "REPEATABLE READ"}
    try:
        async with engine.connect() as connection:
            await connection.execution_options(**isolation)
            if not isolation:
                await connection.exec_driver_sql("BEGIN")

            async def select(query: str) -> list[tuple[object, ...]]:
                return [tuple(row) for row in await connection.execute(text(query))]

            ((epoch,),) = await select("SELECT value FROM meta WHERE key = 'epoch'")
            sites = await select("SELECT name FROM sites")
            stories = await select("SELECT title, published FROM stories")
            comments = await select("SELECT source, COUNT(*) FROM comments GROUP BY source")
    finally:
        await engine.dispose()
    name = str(sites[0][0])
    expected = [(name, SIZES[name])]
    assert (sites, stories, comments) == ([(name,)], expected, expected)
    return State(str(epoch), name)


async def served(server: ServerProcess) -> State:
    """Return the content that the server sends to readers."""
    async with http_client(timeout=20) as http:
        answer = await http.get(f"{server.url}/v1/stories/{CODE}")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    name = shown["story"]["title"]
    assert shown["count"] == SIZES[name]
    assert {thread["text"][0] for thread in shown["comments"]["threads"]} == {name}
    return State(shown["position"]["epoch"], name)


async def ended(process: ForkServerProcess) -> int | None:
    """Wait for the process without blocking the event loop, and return its status."""
    await asyncio.to_thread(process.join)
    return process.exitcode


@pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql"] if THOROUGH else ["sqlite"], indirect=True
)
async def test_a_restore_killed_at_random_moments_leaves_one_of_the_two_backups(
    database_url: str,
    tmp_path: Path,
    valkey: Valkey,
    new_server: Callable[..., ServerProcess],
    record_property: Callable[[str, object], None],
) -> None:
    files = {name: await make_backup(tmp_path, name) for name in SIZES}
    await migrate.upgrade(database_url)
    rng = random.Random(SEED)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.restoring"])

    def restore(name: str) -> ForkServerProcess:
        process = context.Process(
            target=restoring.main, args=(database_url, files[name], SECRET, tmp_path / "data")
        )
        process.start()
        return process

    # The first restore also starts the fork server; the second one measures the duration.
    assert await ended(restore("second")) == 0
    begun = time.monotonic()
    assert await ended(restore("first")) == 0
    takes = time.monotonic() - begun
    server = new_server(DATABASE_URL=database_url, REDIS_URL=valkey.url, SECRET_KEYS=SECRET)
    await server.start()
    stored = await state_of(database_url)
    assert stored.name == "first"
    names = {stored.epoch: stored.name}
    longest = 0.0
    for round_ in range(ROUNDS):
        target = "second" if stored.name == "first" else "first"
        process = restore(target)
        # A random moment is the purpose of the test: from before the beginning to the end.
        await asyncio.sleep(takes * (round_ + rng.random()) / ROUNDS)
        process.kill()
        await ended(process)
        killed = time.monotonic()
        stored = await state_of(database_url)
        # An epoch always has the same content.
        assert names.setdefault(stored.epoch, stored.name) == stored.name
        shown = await served(server)
        assert names.setdefault(shown.epoch, shown.name) == shown.name

        async def in_sync() -> bool:
            # PostgreSQL may still execute a commit of the killed process.
            return await served(server) == await state_of(database_url)

        await eventually(in_sync, "the server sends what is stored", 15)
        longest = max(longest, time.monotonic() - killed)
        stored = await state_of(database_url)
    # Data that the killed restores left behind does not prevent a restore.
    target = "second" if stored.name == "first" else "first"
    assert await ended(restore(target)) == 0
    now = await state_of(database_url)
    assert now.name == target
    assert now.epoch not in names
    engine = "sqlite" if "sqlite" in database_url else "postgresql"
    fault = f"kill -9 of a restore, {ROUNDS} times"
    record_property(FAULT, asdict(FaultResult(fault, engine, SIZES[target], 0, 0, longest)))


class Readers:
    """Requests of several readers to one server."""

    def __init__(self, server: ServerProcess, http: httpx.AsyncClient) -> None:
        self.server, self.http = server, http

    async def act(self, story: Story, kind: str, **fields: object) -> httpx.Response:
        """Send an action from a copy of the story."""
        message = {"type": kind, "story": story.code, "token": story.token, **fields}
        headers = {"Origin": "https://copy.example", "Content-Type": "text/plain"}
        return await self.http.post("/v1/actions", json=message, headers=headers)

    async def act_ok(self, story: Story, kind: str, **fields: object) -> dict[str, Any]:
        """Send an action that must succeed, and return the response."""
        answer = await self.act(story, kind, **fields)
        assert answer.status_code == 200, answer.text
        response: dict[str, Any] = answer.json()
        return response

    async def vouched(self, story: Story, identity: str) -> bool:
        """Return True if the server exchanges the identity token for a reader token."""
        async with Client(self.server.url) as client:
            try:
                snapshot = await client.subscribe(token=story.token, identity=identity)
            except RejectedError:
                return False
        return snapshot.get("reader") is not None

    async def everything(self, code: str, comments: list[str]) -> str:
        """Return the text of all responses with content of a story."""
        paths = [f"/v1/stories/{code}", f"/v1/stories/{code}/comments", f"/s/{code}"]
        paths += [f"/v1/stories/{code}/comments/{comment}" for comment in comments]
        return "\n".join([(await self.http.get(path)).text for path in paths])

    async def epoch(self, code: str) -> str:
        """Return the epoch that the server sends."""
        answer = await self.http.get(f"/v1/stories/{code}")
        return str(answer.json()["position"]["epoch"])


async def command(server: ServerProcess, *arguments: str) -> str:
    """Run an operator's command beside a running server and return its output."""
    done = await asyncio.to_thread(CliRunner().invoke, cli.app, arguments, env=server.env)
    assert done.exit_code == 0, (arguments, done.output, done.exception)
    return str(done.stdout)


@pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql"] if THOROUGH else ["sqlite"], indirect=True
)
async def test_after_a_restore_erased_data_and_revoked_tokens_stay_invalid(
    database_url: str,
    tmp_path: Path,
    valkey: Valkey,
    new_server: Callable[..., ServerProcess],
    record_property: Callable[[str, object], None],
) -> None:
    server = new_server(DATABASE_URL=database_url, REDIS_URL=valkey.url, SECRET_KEYS=SECRET)
    await command(server, "migrate")
    await server.start()
    for site in ("paper", "leaky"):
        await command(server, "site", "create", site, "--name", site)
    publisher, leaky = Publisher("paper", SECRET), Publisher("leaky", SECRET)
    story, leaked = publisher.story(), leaky.story()
    bad = replace(story, token=publisher.token(story.key, jti="badcopy"))
    identity = publisher.identity("vera", "Vera Holm")
    async with http_client(base_url=server.url, timeout=20) as http:
        readers = Readers(server, http)
        first = await readers.act_ok(
            story, "comment", key="a-first-key", body="ERASED", name="ERASED"
        )
        removed = await readers.act_ok(story, "comment", key="b-first-key", body="REMOVED")
        await readers.act_ok(story, "comment", key="c-first-key", body="kept")
        await readers.act_ok(story, "react", reaction="sad", reader=first["reader"])
        for copy in (bad, leaked):
            await readers.act_ok(copy, "react", reaction="happy")
        backup_file = tmp_path / "before.sqlite3"
        await command(server, "backup", str(backup_file))
        ids = [first["comment"]["id"], removed["comment"]["id"]]
        await readers.act_ok(story, "forget", reader=first["reader"])
        await command(server, "comment", "remove", ids[1])
        await command(server, "site", "revoke", "paper", "badcopy")
        await command(server, "site", "rotate-key", "leaky")
        await command(server, "site", "retire-keys", "leaky")
        assert await readers.vouched(story, identity)
        erasures = 5
        before = await readers.epoch(story.code)
        output = await command(server, "restore", str(backup_file))
        begun = time.monotonic()
        assert "stays so" in output

        async def restored() -> bool:
            return await readers.epoch(story.code) != before

        await eventually(restored, "the server sends the restored data", 15)
        recovered = time.monotonic() - begun
        shown = await readers.everything(story.code, ids)
        assert "kept" in shown
        served_again = [word for word in ("ERASED", "REMOVED") if word in shown]
        tally = (await http.get(f"/v1/stories/{story.code}")).json()["tally"]["counts"]
        assert (tally["sad"], tally["happy"]) == (0, 1)
        newer = replace(leaky, generation=2)
        attempts = {
            "revoked": await readers.act(bad, "react", reaction="happy"),
            "retired": await readers.act(leaked, "react", reaction="happy"),
        }
        served_again += [name for name, answer in attempts.items() if answer.status_code == 200]
        served_again += ["used"] if await readers.vouched(story, identity) else []
        assert attempts["retired"].status_code == 401
        # Tokens of the current key remain valid.
        current = replace(leaked, token=newer.token(leaked.key))
        await readers.act_ok(current, "react", reaction="happy")
    assert served_again == []
    engine = "sqlite" if "sqlite" in database_url else "postgresql"
    fault = "restore of a backup older than erasures and revocations"
    line = FaultResult(fault, engine, erasures, len(served_again), 0, recovered)
    record_property(FAULT, asdict(line))
