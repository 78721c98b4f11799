"""No response grows with the story, and a response for many clients is in memory once."""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.publisher import Story
from tests.faults.slow_clients import never_reads
from tests.waiting import eventually
from tests.web.shared_server import SharedServer
from widget_server.model.limits import MAX_RESPONSE_BYTES

LONG = "\U0001f409" * 5_000
"""20 KB: the longest comment that is accepted."""
REPLIES = 1_100


@pytest.fixture(scope="module")
def long_story(server_on_engine: SharedServer) -> Story:
    """Create a story of 12 threads with 10 replies each, all of maximum length: 2.6 MB."""
    story = server_on_engine.story()
    with ThreadPoolExecutor(8) as pool:
        tops = list(pool.map(lambda _: post(server_on_engine, story, LONG), range(12)))
        list(
            pool.map(lambda n: post(server_on_engine, story, LONG, parent=tops[n % 12]), range(120))
        )
    return story


@pytest.fixture(scope="module")
def long_thread(server_on_engine: SharedServer) -> tuple[Story, str, list[str]]:
    """Create a thread of 1,100 replies; return its story, the top comment's id and the replies' ids."""
    story = server_on_engine.story()
    top = post(server_on_engine, story, "Who pays for the fuel?")

    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda n: post(server_on_engine, story, f"no. {n}", parent=top), range(REPLIES)
            )
        )
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        part = server_on_engine.http.get(
            f"/v1/stories/{story.code}/comments/{top}", params={"after": after}
        ).json()
        found += [reply["id"] for reply in part["replies"]]
        after = part["next"]
    return story, top, found


def post(shared_server: SharedServer, story: Story, body: str, **fields: Any) -> str:
    comment: str = shared_server.post(story, body, **fields)["comment"]["id"]
    return comment


def test_every_response_about_a_story_of_long_comments_is_bounded(
    shared_server: SharedServer, long_story: Story
) -> None:
    path = f"/v1/stories/{long_story.code}"
    snapshot = shared_server.http.get(path)
    epoch = snapshot.json()["position"]["epoch"]
    threads = snapshot.json()["comments"]["threads"]
    answers = [
        snapshot,
        shared_server.http.get(path, params={"since": f"{epoch}:0"}),
        shared_server.http.get(path, params={"since": f"{epoch}:128"}),
        *(
            shared_server.http.get(f"{path}/comments", params={"order": order, "limit": 100})
            for order in ("newest", "oldest", "top")
        ),
        shared_server.http.get(f"{path}/comments/{threads[0]['id']}"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert len(answer.content) <= MAX_RESPONSE_BYTES, answer.url
    assert answers[1].json()["resumed"] is False
    assert answers[2].json()["resumed"] is True
    page = shared_server.http.get(f"/s/{long_story.code}")
    assert len(page.content) < 2 * MAX_RESPONSE_BYTES


@pytest.mark.parametrize("letter", ["&", "'", "<"])
def test_a_story_page_is_bounded_although_html_escapes_take_more_bytes(
    shared_server: SharedServer, letter: str
) -> None:
    story = shared_server.story()
    with ThreadPoolExecutor(8) as pool:
        posted = list(
            pool.map(lambda n: post(shared_server, story, f"{n} " + letter * 4_990), range(24))
        )
    seen: list[str] = []
    path: str | None = f"/s/{story.code}"
    while path is not None:
        page = shared_server.http.get(path)
        assert len(page.content) <= MAX_RESPONSE_BYTES
        seen += re.findall(r'<article id="c-([\w-]+)"', page.text)
        further = re.search(r'<a href="([^"]+)">Older', page.text)
        path = further[1] if further else None
    assert sorted(seen) == sorted(posted)


def test_paging_returns_all_replies_of_a_long_thread(
    shared_server: SharedServer, long_thread: tuple[Story, str, list[str]]
) -> None:
    story, top, replies = long_thread
    assert len(set(replies)) == REPLIES
    (thread,) = shared_server.snapshot(story)["comments"]["threads"]
    assert [each["id"] for each in thread["replies"]] == replies[: len(thread["replies"])]
    assert thread["more"] == REPLIES - len(thread["replies"])
    assert thread["next"] == thread["replies"][-1]["id"]
    path = f"/v1/stories/{story.code}/comments"
    around = shared_server.http.get(f"{path}/{replies[899]}").json()
    shown = [each["id"] for each in around["replies"]]
    assert replies[899] in shown
    assert shown == replies[around["earlier"] :][: len(shown)]
    assert around["earlier"] + len(shown) + around["more"] == REPLIES
    for after in ("nowhere", "a b", "x" * 17):
        refused = shared_server.http.get(f"{path}/{top}", params={"after": after})
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed")


def test_a_story_page_links_to_further_replies(
    shared_server: SharedServer, long_thread: tuple[Story, str, list[str]]
) -> None:
    story, _, replies = long_thread
    seen: list[str] = []
    path: str | None = f"/s/{story.code}"
    while path is not None:
        html = shared_server.http.get(path).text
        seen += re.findall(r'<article id="c-([\w-]+)"', html)[1:]
        further = re.search(r'<a href="([^"#]+)#[^"]*">[0-9,]+ more repl', html)
        path = further[1].replace("&amp;", "&") if further else None
    assert seen == replies
    permalink = shared_server.http.get(f"/s/{story.code}", params={"thread": replies[899]}).text
    assert f'id="c-{replies[899]}"' in permalink
    assert "earlier replies" in permalink
    assert (
        shared_server.http.get(f"/s/{story.code}", params={"thread": "nowhere"}).status_code == 404
    )


async def test_clients_that_never_read_share_prepared_responses(
    shared_server: SharedServer, long_story: Story
) -> None:
    shared_server.snapshot(long_story)
    before = resident_bytes(shared_server)
    sockets = [await never_reads(shared_server.server, long_story) for _ in range(12)]
    slow = [await slow_get(shared_server, long_story) for _ in range(10)]
    try:

        async def served() -> bool:
            return await shared_server.server.metric("widget_hub_subscribes_total") >= 12

        await eventually(served, "every client was sent its snapshot")
        grown = resident_bytes(shared_server) - before
        assert grown < 22 * 128 * 1024, f"{grown / 22 / 1024:.0f} KiB each"
    finally:
        for writer in sockets:
            writer.transport.abort()
        for sock in slow:
            sock.close()


async def slow_get(shared_server: SharedServer, story: Story) -> socket.socket:
    """Request the snapshot and do not read the response."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", shared_server.server.port))
    await loop.sock_sendall(
        sock, b"GET /v1/stories/%b HTTP/1.1\r\nHost: h\r\n\r\n" % story.code.encode()
    )
    assert await loop.sock_recv(sock, 100)
    return sock


def resident_bytes(shared_server: SharedServer) -> int:
    """Return the server's resident memory in bytes."""
    assert shared_server.server.process is not None
    status = Path(f"/proc/{shared_server.server.process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024
