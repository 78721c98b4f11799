"""A download has no limit of comments, and memory does not grow with it: a real server, 100,000 comments."""

import asyncio
import json
import re
import socket
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine

from tests.e2e.publisher import Story
from tests.store.many_comments import write_comments
from tests.web.shared_server import SharedServer
from widget_server.store.schema import stories

COMMENTS = 100_000
MOST_GROWTH = 24 * 2**20
"""Bytes of memory. Each file has more, and the JSON file twice as many."""
FILES = {
    "txt": (re.compile(rb"^[\d.]+  ", re.MULTILINE), b"End of the discussion."),
    "html": (re.compile(rb"<article "), b"</html>"),
}
"""By format, how a comment begins and how the file ends."""


async def fill(url: str, code: str) -> None:
    """Write the comments as rows. The server reads them with its next request."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        found = await connection.execute(select(stories.c.id).where(stories.c.code == code))
        story = found.scalar_one()
        await write_comments(connection, story, COMMENTS, (3, 0, 40, 700, 1))
    await engine.dispose()


@pytest.fixture(scope="module")
def long_story(server_on_engine: SharedServer) -> Story:
    """Return a story with 100,000 comments."""
    story = server_on_engine.story(title="Long")
    asyncio.run(fill(server_on_engine.server.env["DATABASE_URL"], story.code))
    return story


def peak(server: SharedServer, *, forget: bool = False) -> int:
    """Return the most memory that the worker has had, in bytes, or begin to measure it anew."""
    pid = worker(server)
    if forget:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def worker(server: SharedServer) -> int:
    """Return the id of the process that answers requests."""
    found = re.findall(r"event=process_started name=worker-1 pid=(\d+)", server.server.log())
    return int(found[-1])


def unread(server: SharedServer, path: str) -> socket.socket:
    """Begin a download and read nothing of it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.connect(("127.0.0.1", server.server.port))
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert sock.recv(100)
    return sock


def counted(server: SharedServer, path: str, begins: re.Pattern[bytes]) -> tuple[int, int, bytes]:
    """Download a file piece by piece. Return its comments, its bytes and its end."""
    found, size, rest, last = 0, 0, b"", b""
    with server.http.stream("GET", path, timeout=120) as response:
        assert response.status_code == 200
        for piece in response.iter_bytes():
            size += len(piece)
            whole, _, rest = (rest + piece).rpartition(b"\n")
            found, last = found + len(begins.findall(whole + b"\n")), (last + piece)[-100:]
    return found, size, last


@pytest.mark.slow
def test_100_000_comments_are_downloaded_whole_in_flat_memory(
    shared_server: SharedServer, long_story: Story
) -> None:
    path = f"/s/{long_story.code}/discussion"
    # It also fills the cache of the database.
    answer = shared_server.http.get(f"{path}.json", timeout=120)
    file = json.loads(answer.content)
    assert file["complete"] is True
    assert [one["published_seq"] for one in file["comments"]] == list(range(1, COMMENTS + 1))
    assert "hidden@reader.example" not in answer.text
    with unread(shared_server, f"{path}.json"):
        before = peak(shared_server, forget=True)
        for kind, (begins, end) in FILES.items():
            found, size, last = counted(shared_server, f"{path}.{kind}", begins)
            assert (found, end in last) == (COMMENTS, True)
            assert size > 12 * 2**20
        grown = peak(shared_server) - before
    assert grown < MOST_GROWTH, f"{grown / 2**20:.1f} MiB"
