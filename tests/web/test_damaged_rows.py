"""Responses when the database holds rows that this server never wrote."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SERVERS
from tests.e2e.client import Client
from tests.store.damages import DAMAGES
from tests.web.shared_server import PAGE, SharedServer

RunSql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def run_sql(tmp_path: Path) -> RunSql:
    """Run a statement on the database directly, beside the running server."""

    def run(statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(tmp_path / "server" / "own.db")) as database:
            found = database.execute(statement, values).fetchall()
            database.commit()
        return found

    return run


@pytest.fixture
def damaged_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SharedServer]:
    """Run a server with a separate database, which the test may damage."""
    folder = tmp_path / "server"
    shared_server = SharedServer(folder, f"sqlite+aiosqlite:///{folder / 'own.db'}")
    request.node.stash.setdefault(SERVERS, []).append(shared_server.server)
    with shared_server.running():
        yield shared_server


async def test_a_damaged_row_never_fails_a_request(
    damaged_server: SharedServer, run_sql: RunSql
) -> None:
    story = damaged_server.story()
    bad = {}
    for name, columns in DAMAGES.items():
        bad[damaged_server.post(story, f"damaged: {name}")["comment"]["id"]] = columns
    good = damaged_server.post(story, "good")["comment"]["id"]
    for comment, columns in bad.items():
        ((column, value),) = columns.items()
        run_sql(f"UPDATE comments SET {column} = ? WHERE id = ?", value, comment)
    await assert_readable(damaged_server, story.code, good, [*bad])
    damaged_server.post(story, "a comment after the damage")
    for comment in (good, *bad):
        answer = damaged_server.action(story, "react", comment=comment, reaction="sad")
        assert answer.status_code in ({200} if comment == good else {200, 404}), answer.text
    story = damaged_server.story()
    run_sql("UPDATE stories SET counts = 'no' WHERE code = ?", story.code)
    assert damaged_server.snapshot(story)["tally"]["counts"] == {}
    assert damaged_server.http.get(f"/s/{story.code}").status_code == 200
    assert "event=row_damaged table=comments" in damaged_server.server.log()
    assert await damaged_server.server.metric("widget_rows_damaged_total") > 0
    for failure in ("Traceback", "request_failed", "socket_failed", "publish_failed"):
        assert failure not in damaged_server.server.log()
    # Without the epoch no request can be served, so the server is not ready.
    ((epoch,),) = run_sql("SELECT value FROM meta WHERE key = 'epoch'")
    run_sql("DELETE FROM meta WHERE key = 'epoch'")
    ready = damaged_server.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "unready")
    run_sql("INSERT INTO meta VALUES ('epoch', ?)", epoch)
    assert damaged_server.http.get("/readyz").status_code == 200


async def assert_readable(
    shared_server: SharedServer, code: str, good: str, bad: list[str]
) -> None:
    """Read a story through every endpoint and over a socket. Damaged comments are absent."""
    for path in (
        *(f"/v1/stories/{code}", f"/s/{code}", f"/v1/stories/{code}/comments?order=top"),
        *(f"/v1/stories/{code}/comments/{good}", f"/v1/counts?story={code}"),
    ):
        answer = shared_server.http.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert not any(comment in answer.text for comment in bad), path
    for comment in bad:
        assert shared_server.http.get(f"/v1/stories/{code}/comments/{comment}").status_code == 404
    async with Client(shared_server.url, PAGE) as reader:
        snapshot = await reader.subscribe(code=code)
        assert [one["id"] for one in snapshot["comments"]["threads"]] == [good]
        await reader.comment(code, "from a socket")
        await reader.wait_in_sync(code)
