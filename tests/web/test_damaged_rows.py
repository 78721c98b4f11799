"""What readers are answered when the database holds what our code never wrote."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SERVERS
from tests.e2e.client import Client
from tests.store.test_damaged_rows import DAMAGES
from tests.web.shared_server import PAGE, SharedServer

Change = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """Write into the database past our own code."""

    def run(statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(tmp_path / "server" / "own.db")) as database:
            found = database.execute(statement, values).fetchall()
            database.commit()
        return found

    return run


@pytest.fixture
def own(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SharedServer]:
    """A server whose database only this test changes."""
    folder = tmp_path / "server"
    shared_server = SharedServer(folder, f"sqlite+aiosqlite:///{folder / 'own.db'}")
    request.node.stash.setdefault(SERVERS, []).append(shared_server.server)
    with shared_server.running():
        yield shared_server


async def test_no_damaged_row_is_a_failed_request(own: SharedServer, change: Change) -> None:
    story = own.story()
    bad = {}
    for name, columns in DAMAGES.items():
        bad[own.post(story, f"damaged: {name}")["comment"]["id"]] = columns
    good = own.post(story, "good")["comment"]["id"]
    for comment, columns in bad.items():
        ((column, value),) = columns.items()
        change(f"UPDATE comments SET {column} = ? WHERE id = ?", value, comment)
    await read(own, story.code, good, [*bad])
    own.post(story, "life goes on")
    for comment in (good, *bad):
        answer = own.action(story, "react", comment=comment, reaction="sad")
        assert answer.status_code in ({200} if comment == good else {200, 404}), answer.text
    story = own.story()
    change("UPDATE stories SET counts = 'no' WHERE code = ?", story.code)
    assert own.snapshot(story)["tally"]["counts"] == {}
    assert own.http.get(f"/s/{story.code}").status_code == 200
    assert "event=row_damaged table=comments" in own.server.log()
    assert await own.server.metric("widget_rows_damaged_total") > 0
    for failure in ("Traceback", "request_failed", "socket_failed", "publish_failed"):
        assert failure not in own.server.log()
    # Nothing can be done without this one, so the server is not ready.
    ((epoch,),) = change("SELECT value FROM meta WHERE key = 'epoch'")
    change("DELETE FROM meta WHERE key = 'epoch'")
    ready = own.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "unready")
    change("INSERT INTO meta VALUES ('epoch', ?)", epoch)
    assert own.http.get("/readyz").status_code == 200


async def read(shared_server: SharedServer, code: str, good: str, bad: list[str]) -> None:
    """Everything that can be read of a story, over HTTP and by a socket."""
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
        await reader.agrees(code)
