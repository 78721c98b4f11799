"""The harness itself: what it must refuse to believe, shown against a scripted server."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.e2e.client import Client, RefusedError
from tests.e2e.replay import BrokenPromiseError, Json, Replay

EPOCH = "e1"
Script = Callable[[ServerConnection, Json], Awaitable[None]]


def tally(version: int, **counts: int) -> Json:
    return {"version": version, "counts": counts}


def comment(key: str, seq: int, state: str = "published", **more: Any) -> Json:
    place = {"thread": key, "parent": None, "published_seq": 0}
    return {"id": key, "seq": seq, **place, "state": state, "tally": tally(0), **more}


def thread(top: Json, *replies: Json, more: int = 0) -> Json:
    last = (replies or (top,))[-1]["id"]
    return {**top, "replies": list(replies), "more": more, "next": last if more else None}


def snapshot(seq: int = 3, threads: list[Json] | None = None, **more: Any) -> Json:
    return {
        "type": "snapshot",
        "story": {"code": "S", "closed": False, "notice": None},
        "position": {"epoch": EPOCH, "seq": seq},
        "resumed": False,
        "tally": tally(1, happy=1),
        "count": 1,
        "presence": {"readers": 1, "copies": 1},
        "settings": {},
        "comments": {"threads": threads or [], "next": None},
        **more,
    }


def frame(kind: str, seq: int | None = None, **more: Any) -> Json:
    position = {} if seq is None else {"position": {"epoch": EPOCH, "seq": seq}}
    return {"type": kind, "story": "S", **position, **more}


def replay(*frames: Json) -> Replay:
    followed = Replay("S")
    for one in frames:
        followed.apply(one)
    return followed


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """A server that answers each message as the script says; its URL."""

    async def handle(connection: ServerConnection) -> None:
        async for text in connection:
            await script(connection, json.loads(text))

    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("widget.v1")]) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def say(connection: ServerConnection, *frames: Json) -> None:
    for one in frames:
        await connection.send(json.dumps(one))


def test_a_snapshot_and_its_frames_are_the_next_snapshot() -> None:
    top = comment("a", 2)
    followed = replay(
        snapshot(3, [{**top, "replies": [comment("b", 3)], "more": 0, "next": None}]),
        frame("comment", 4, comment=comment("c", 4), count=3),
        frame("comment", 5, comment=comment("b", 5, "removed"), count=2),
        frame("story", 6, closed=True),
        frame("tally", version=9, counts={"sad": 2}),
        frame("tally", version=8, counts={"sad": 1}),
        frame("tally", comment="c", version=1, counts={"happy": 1}),
    )
    threads = [
        {**comment("c", 4, tally=tally(1, happy=1)), "replies": [], "more": 0, "next": None},
        {**top, "replies": [comment("b", 5, "removed")], "more": 0, "next": None},
    ]
    fresh = snapshot(6, threads, tally=tally(9, sad=2), count=2)
    fresh["story"] = {"code": "S", "closed": True, "notice": None}
    assert followed.differences(Replay.of(fresh)) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"count": 7}, "count"),
        ({"tally": tally(2, happy=1)}, "tally"),
        ({"position": {"epoch": EPOCH, "seq": 4}}, "seq"),
        ({"position": {"epoch": "e2", "seq": 3}}, "epoch"),
        ({"settings": {"prompt": "?"}}, "settings"),
        ({"story": {"code": "S", "closed": True, "notice": None}}, "story"),
        ({"comments": {"threads": [], "next": None}}, "comment a"),
    ],
)
def test_each_difference_is_named(change: Json, named: str) -> None:
    threads = [{**comment("a", 2), "replies": [], "more": 0, "next": None}]
    followed = replay(snapshot(3, threads))
    (difference,) = followed.differences(Replay.of(snapshot(3, threads, **change)))
    assert difference.startswith(named)


def test_a_comment_never_seen_is_a_difference_unless_it_was_on_an_older_page() -> None:
    old = {**comment("old", 2), "replies": [], "more": 0, "next": None}
    new = {**comment("new", 4), "replies": [], "more": 0, "next": None}
    followed = replay(snapshot(3, comments={"threads": [], "next": "older"}))
    followed.seq = 4
    (difference,) = followed.differences(Replay.of(snapshot(4, [new, old])))
    assert difference.startswith("comment new: never seen")


@pytest.mark.parametrize("seq", [3, 5])
@pytest.mark.parametrize("kind", ["comment", "story"])
def test_a_repeat_or_a_gap_breaks_the_promise(kind: str, seq: int) -> None:
    followed = replay(snapshot(3))
    with pytest.raises(BrokenPromiseError, match=f"e1:{seq} came after e1:3"):
        followed.apply(frame(kind, seq, comment=comment("a", seq), count=1))


def test_two_tallies_with_one_version_break_the_promise() -> None:
    followed = replay(snapshot(3))
    with pytest.raises(BrokenPromiseError, match="one version"):
        followed.apply(frame("tally", version=1, counts={"happy": 2}))


def test_resuming_brings_only_what_changed() -> None:
    resumed = snapshot(7, resumed=True, changes=[comment("a", 7, "removed")], count=0)
    del resumed["comments"]
    followed = replay(
        snapshot(3, [{**comment("a", 2), "replies": [], "more": 0, "next": None}]), resumed
    )
    assert followed.position() == {"epoch": EPOCH, "seq": 7}
    assert followed.comments["a"]["state"] == "removed"


def test_resuming_in_another_epoch_breaks_the_promise() -> None:
    followed = replay(snapshot(3))
    other = snapshot(7, position={"epoch": "e2", "seq": 7}, resumed=True, changes=[])
    with pytest.raises(BrokenPromiseError, match="resumed"):
        followed.apply(other)


async def test_a_client_finds_its_answers_among_other_frames_and_keeps_its_reader_token() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        if message["type"] == "subscribe":
            await say(connection, snapshot(ref=message["ref"]))
        else:
            told = frame("tally", version=2, counts={"happy": 2})
            await say(connection, told, {"type": "ok", "ref": message["ref"], "reader": "r1.x"})

    async with scripted(script) as url, Client(url) as client:
        await client.subscribe(code="S")
        await client.react("S", "happy")
        assert client.reader == "r1.x"
        assert client.state("S").tally == tally(2, happy=2)
        assert (await client.saw("tally", version=2))["counts"] == {"happy": 2}
        async with Client(url, after=client) as later:
            assert later.reader == "r1.x"
            assert later.state("S").tally == tally(2, happy=2)


async def test_a_refusal_is_raised_with_its_code() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        ref = message["ref"]
        await say(connection, {"type": "error", "ref": ref, "code": "not_found", "detail": "No."})

    async with scripted(script) as url, Client(url) as client:
        with pytest.raises(RefusedError, match=r"not_found: No\."):
            await client.comment("S", "hello")


async def test_a_gap_makes_the_next_call_raise_and_ends_the_socket() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        late = frame("comment", 5, comment=comment("a", 5), count=1)
        await say(connection, snapshot(ref=message["ref"]), late)

    with pytest.raises(BrokenPromiseError, match="e1:5 came after e1:3"):  # noqa: PT012 - on leaving
        async with scripted(script) as url, Client(url) as client:
            await client.subscribe(code="S")
            with pytest.raises(BrokenPromiseError):
                await client.closed()


async def test_a_close_code_reaches_anyone_who_waits_for_it() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        await connection.close(4400)

    async with scripted(script) as url, Client(url) as client:
        await client.send('{"type": "nonsense"}')
        assert await client.closed() == 4400


async def test_an_answer_that_does_not_come_is_named() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        pass

    async with scripted(script) as url, Client(url) as client:
        with pytest.raises(AssertionError, match=r"no answer in 0\.1 s to .*visible"):
            await client.ask({"type": "visible", "value": True}, timeout=0.1)


def test_a_thread_that_was_cut_is_counted_to_its_end() -> None:
    def reply(key: str, seq: int, published: int) -> Json:
        return comment(key, seq, thread="a", parent="a", published_seq=published)

    old = snapshot(5, [thread(comment("a", 1), reply("r", 2, 2), more=1)])
    new = frame("comment", 6, comment=reply("new", 6, 6), count=2)
    changed = frame("comment", 7, comment=reply("s", 7, 3), count=2)
    fresh = snapshot(7, [thread(comment("a", 1), reply("r", 2, 2), more=2)], count=2)
    assert not replay(old, new, changed).differences(replay(fresh))
    wrong = snapshot(7, [thread(comment("a", 1), reply("r", 2, 2), more=3)], count=2)
    (found,) = replay(old, new, changed).differences(replay(wrong))
    assert found.startswith("replies of a: ")


def test_a_thread_with_more_that_cannot_be_paged_breaks_the_contract() -> None:
    cut = {**thread(comment("a", 1), more=1), "next": None}
    with pytest.raises(BrokenPromiseError):
        replay(snapshot(1, [cut]))
