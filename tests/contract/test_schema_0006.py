"""A database of schema 0006, the last one before decisions, people and tokens, is served as it was.

`schema_0006/` was written once by the code of that schema: a server was filled over HTTP and by its
commands, then its SQLite database and its public answers were saved. It has two sites, comments with
replies, edits, pins, removals, deletions and reports, comments and an edit that wait, reactions of readers
on several copies, revoked tokens, origins that are shut out, changed settings, a rotated key, a closed
story, a notice, and a reader who was forgotten.
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Boolean, Connection, MetaData, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Publisher
from tests.loopback import NO_TLS
from tests.web.shared_server import SECRET
from widget_server.store import migrate

FROZEN = Path(__file__).parent / "schema_0006"
ANSWERS: dict[str, Any] = json.loads((FROZEN / "answers.json").read_text("utf-8"))
PAGE = "https://copy0.example"
TABLES = (
    *("meta", "sites", "revoked_tokens", "stories", "used_identities", "copies", "comments"),
    *("reactions", "reports", "shut_out_origins", "erasures"),
)
"""Tables of schema 0006 with rows, in the order of their references."""


@pytest.fixture
async def old_url(database_url: str, tmp_path: Path) -> str:
    """Return the URL of a database with the frozen rows and the tables of schema 0006."""
    file = tmp_path / "frozen.db"
    with closing(sqlite3.connect(file)) as frozen:
        frozen.executescript((FROZEN / "database.sql").read_text("utf-8"))
    if database_url.startswith("sqlite"):
        return f"sqlite+aiosqlite:///{file}"
    await migrate.upgrade(database_url, "0006")
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(_copy_rows, file)
    await engine.dispose()
    return database_url


def _copy_rows(connection: Connection, file: Path) -> None:
    tables = MetaData()
    tables.reflect(connection)
    with closing(sqlite3.connect(file)) as frozen:
        frozen.row_factory = sqlite3.Row
        for name in TABLES:
            table = tables.tables[name]
            connection.execute(table.delete())
            flags = {column.name for column in table.c if isinstance(column.type, Boolean)}
            for row in frozen.execute(f"SELECT * FROM {name}"):
                stored = dict(row)
                stored |= {name: bool(stored[name]) for name in flags & stored.keys()}
                connection.execute(insert(table).values(**stored))
    for name in ("stories", "copies"):
        highest = select(func.max(tables.tables[name].c.id)).scalar_subquery()
        connection.execute(select(func.setval(f"{name}_id_seq", highest)))


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """Return where an answer differs from the old one. New fields are no difference."""
    if isinstance(old, dict) and isinstance(new, dict):
        missing = [f"{where}.{key} is missing" for key in old if key not in new]
        return missing + [
            found
            for key in old
            if key in new
            for found in differences(old[key], new[key], f"{where}.{key}")
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            found
            for number, (one, other) in enumerate(zip(old, new, strict=True))
            for found in differences(one, other, f"{where}[{number}]")
        ]
    return [] if old == new else [f"{where}: {old!r} became {new!r}"]


def compare_answers(server: ServerProcess, epoch: str | None = None) -> None:
    """Check that every public answer of the server is as the old code gave it, but for a new epoch."""
    with httpx.Client(base_url=server.url, trust_env=False, verify=NO_TLS, timeout=20) as http:
        for path, old in ANSWERS.items():
            answer = http.get(path)
            assert answer.status_code == 200, (path, answer.text)
            new = answer.json()
            if epoch is not None and "position" in new:
                assert new["position"]["epoch"] == epoch
                # Pages of comments had no position then.
                new["position"]["epoch"] = old.get("position", {}).get("epoch")
            assert differences(old, new) == [], path


async def rows(url: str, query: str) -> list[Any]:
    """Return the rows of a query."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = (await connection.execute(text(query))).all()
    await engine.dispose()
    return [tuple(row) for row in found]


def act(server: ServerProcess, jti: str, code: str, **message: Any) -> httpx.Response:
    """Send an action of a new reader with a token that has this handle."""
    key = KEYS[code]
    token = Publisher("press", SECRET).token(key, jti=jti)
    sent = {"story": code, "token": token, **message}
    with httpx.Client(base_url=server.url, trust_env=False, verify=NO_TLS, timeout=20) as http:
        return http.post("/v1/actions", json=sent, headers={"Origin": PAGE})


def _keys() -> dict[str, str]:
    dump = (FROZEN / "database.sql").read_text("utf-8")
    found = re.findall(r"INSERT INTO \"?stories\"? VALUES\(\d+,'(\w+)','press','([^']+)'", dump)
    return dict(found)


KEYS = _keys()
"""Keys of the stories of the site `press` by code, in the order in which they were made."""


async def test_every_public_answer_stays_as_it_was_and_the_server_goes_on(
    old_url: str, new_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    waiting = await rows(
        old_url, "SELECT id, state, waiting_source IS NOT NULL FROM comments ORDER BY id"
    )
    reported = await rows(old_url, "SELECT DISTINCT comment FROM reports")
    server = new_server(DATABASE_URL=old_url, SECRET_KEYS=SECRET)
    await asyncio.to_thread(server.cli, "migrate")
    assert await migrate.revision(old_url) == migrate.head_revision()
    await server.start(120)
    await asyncio.to_thread(compare_answers, server)
    # What waited before there were cases has one, and nothing else.
    cases = set(await rows(old_url, "SELECT queue, comment FROM cases WHERE closed_at IS NULL"))
    published = {id_ for id_, state, _ in waiting if state == "published"}
    assert cases == {
        *(("pending", id_) for id_, state, _ in waiting if state == "pending"),
        *(("edits", id_) for id_, state, edited in waiting if edited and state == "published"),
        *(("reported", id_) for (id_,) in reported if id_ in published),
    }
    assert {queue for queue, _ in cases} == {"pending", "edits", "reported"}
    assert await rows(old_url, "SELECT * FROM decisions") == []
    for words in (("log", "verify"), ("doctor",)):
        await asyncio.to_thread(server.cli, *words)
    # Rights are as before: a revoked token stays revoked, another one writes on.
    first, _, third = KEYS
    revoked = act(server, "handle-2", third, type="react", reaction="happy")
    assert (revoked.status_code, revoked.json()["code"]) == (403, "token_revoked"), revoked.text
    file = tmp_path / "backup.sqlite3"
    await asyncio.to_thread(server.cli, "backup", str(file))
    written = act(server, "handle-0", first, type="comment", body="New words", key="a-new-key")
    assert written.status_code == 200, written.text
    await server.kill()
    # The backup of the migrated database, restored elsewhere, answers the same.
    target = f"sqlite+aiosqlite:///{tmp_path / 'restored' / 'widget.db'}"
    restored = new_server(DATABASE_URL=target, SECRET_KEYS=SECRET)
    await asyncio.to_thread(restored.cli, "restore", str(file))
    await restored.start(120)
    # A restore numbers anew: open pages must not mix what they have with other changes.
    ((epoch,),) = await rows(target, "SELECT value FROM meta WHERE key = 'epoch'")
    await asyncio.to_thread(compare_answers, restored, epoch)


async def test_rows_of_a_server_that_went_back_to_the_old_version_are_served(
    old_url: str, new_server: Callable[..., ServerProcess]
) -> None:
    """The way back is the old program on the migrated database: it fills only the columns it knows."""
    old = await _columns(old_url)
    await migrate.upgrade(old_url)
    engine = create_async_engine(old_url)
    async with engine.begin() as connection:
        await _write_as_before(connection, old)
    await engine.dispose()
    # It migrates at its start, and does not mind the newer database.
    assert await migrate.upgrade(old_url) == migrate.head_revision()
    server = new_server(DATABASE_URL=old_url, SECRET_KEYS=SECRET)
    await server.start(120)
    code = next(iter(KEYS))
    with httpx.Client(base_url=server.url, trust_env=False, verify=NO_TLS, timeout=20) as http:
        found = http.get(f"/v1/stories/{code}/comments/written00000").json()
    assert found["text"] == [["p", None, "Written by the old version"]]


async def _columns(url: str) -> dict[str, list[str]]:
    def read(connection: Connection) -> dict[str, list[str]]:
        tables = MetaData()
        tables.reflect(connection)
        return {name: [column.name for column in tables.tables[name].c] for name in TABLES}

    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(read)
    await engine.dispose()
    return found


async def _write_as_before(connection: AsyncConnection, columns: dict[str, list[str]]) -> None:
    """Add a copy, a comment, a reaction and a report with the columns of schema 0006 only."""

    async def add(table: str, where: str, **changed: Any) -> None:
        kept = [name for name in columns[table] if name not in changed and name != "id"]
        names = ", ".join((*kept, *changed))
        values = ", ".join((*kept, *(f":{name}" for name in changed)))
        done = await connection.execute(
            text(f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {where}"),
            changed,
        )
        assert done.rowcount == 1, table

    code = next(iter(KEYS))
    threads = ANSWERS[f"/v1/stories/{code}"]["comments"]["threads"]
    top = next(one["id"] for one in threads if one["state"] == "published")
    await add("copies", "id = 1", jti="handle-of-old")
    await add(
        "comments",
        f"id = '{top}'",
        id="written00000",
        thread="written00000",
        client_key="old",
        born=9_000,
        seq=9_000,
        source="Written by the old version",
        text='[["p",null,"Written by the old version"]]',
    )
    reader = "SELECT MIN(reader) FROM reactions WHERE story = 1 AND target = ''"
    await add(
        "reactions",
        f"story = 1 AND target = '' AND reader = ({reader})",
        target="written00000",
    )
    await connection.execute(
        text(
            "INSERT INTO reports (comment, reader, reason, at) VALUES ('written00000', 'r', 'spam', 1)"
        )
    )


def test_the_frozen_answers_are_of_every_kind() -> None:
    assert len(KEYS) == 3
    kinds = {re.sub(r"/[0-9A-Za-z]{12}(?=/|$)", "/ID", urlsplit(path).path) for path in ANSWERS}
    assert kinds == {
        "/v1/stories/ID",
        "/v1/stories/ID/comments",
        "/v1/stories/ID/comments/ID",
        "/v1/counts",
    }
