"""`Client` and `Replay` detect every protocol violation of a scripted server."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.e2e.client import Client, RejectedError
from tests.e2e.replay import Json, ProtocolViolationError, Replay

EPOCH = "e1"
Script = Callable[[ServerConnection, Json], Awaitable[None]]


def tally(version: int, **counts: int) -> Json:
    return {"version": version, "counts": counts}


def comment(key: str, seq: int, state: str = "published", **more: Any) -> Json:
    position = {"thread": key, "parent": None, "published_seq": 0}
    return {"id": key, "seq": seq, **position, "state": state, "tally": tally(0), **more}


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


def server_message(kind: str, seq: int | None = None, **more: Any) -> Json:
    position = {} if seq is None else {"position": {"epoch": EPOCH, "seq": seq}}
    return {"type": kind, "story": "S", **position, **more}


def replay(*messages: Json) -> Replay:
    followed = Replay("S")
    for one in messages:
        followed.apply(one)
    return followed


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """Run a server that calls `script` for each client message, and yield its URL."""

    async def handle(connection: ServerConnection) -> None:
        async for text in connection:
            await script(connection, json.loads(text))

    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("widget.v1")]) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def say(connection: ServerConnection, *messages: Json) -> None:
    for one in messages:
        await connection.send(json.dumps(one))


def test_a_snapshot_and_later_messages_give_the_next_snapshot() -> None:
    top = comment("a", 2)
    followed = replay(
        snapshot(3, [{**top, "replies": [comment("b", 3)], "more": 0, "next": None}]),
        server_message("comment", 4, comment=comment("c", 4), count=3),
        server_message("comment", 5, comment=comment("b", 5, "removed"), count=2),
        server_message("story", 6, closed=True),
        server_message("tally", version=9, counts={"sad": 2}),
        server_message("tally", version=8, counts={"sad": 1}),
        server_message("tally", comment="c", version=1, counts={"happy": 1}),
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
def test_a_repeated_or_missing_seq_is_a_protocol_violation(kind: str, seq: int) -> None:
    followed = replay(snapshot(3))
    with pytest.raises(ProtocolViolationError, match=f"e1:{seq} came after e1:3"):
        followed.apply(server_message(kind, seq, comment=comment("a", seq), count=1))


def test_two_different_tallies_with_one_version_are_a_protocol_violation() -> None:
    followed = replay(snapshot(3))
    with pytest.raises(ProtocolViolationError, match="one version"):
        followed.apply(server_message("tally", version=1, counts={"happy": 2}))


def test_a_resumed_snapshot_is_merged_into_the_replay() -> None:
    resumed = snapshot(7, resumed=True, changes=[comment("a", 7, "removed")], count=0)
    del resumed["comments"]
    followed = replay(
        snapshot(3, [{**comment("a", 2), "replies": [], "more": 0, "next": None}]), resumed
    )
    assert followed.position() == {"epoch": EPOCH, "seq": 7}
    assert followed.comments["a"]["state"] == "removed"


def test_resuming_in_another_epoch_is_a_protocol_violation() -> None:
    followed = replay(snapshot(3))
    other = snapshot(7, position={"epoch": "e2", "seq": 7}, resumed=True, changes=[])
    with pytest.raises(ProtocolViolationError, match="resumed"):
        followed.apply(other)


async def test_a_client_finds_its_replies_among_other_messages_and_keeps_its_reader_token() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        if message["type"] == "subscribe":
            await say(connection, snapshot(ref=message["ref"]))
        else:
            changed = server_message("tally", version=2, counts={"happy": 2})
            await say(connection, changed, {"type": "ok", "ref": message["ref"], "reader": "r1.x"})

    async with scripted(script) as url, Client(url) as client:
        await client.subscribe(code="S")
        await client.react("S", "happy")
        assert client.reader == "r1.x"
        assert client.state("S").tally == tally(2, happy=2)
        assert (await client.wait_for("tally", version=2))["counts"] == {"happy": 2}
        async with Client(url, after=client) as later:
            assert later.reader == "r1.x"
            assert later.state("S").tally == tally(2, happy=2)


async def test_a_rejection_is_raised_with_its_code() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        ref = message["ref"]
        await say(connection, {"type": "error", "ref": ref, "code": "not_found", "detail": "No."})

    async with scripted(script) as url, Client(url) as client:
        with pytest.raises(RejectedError, match=r"not_found: No\."):
            await client.comment("S", "hello")


async def test_a_gap_makes_the_next_call_raise_and_ends_the_socket() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        late = server_message("comment", 5, comment=comment("a", 5), count=1)
        await say(connection, snapshot(ref=message["ref"]), late)

    with pytest.raises(ProtocolViolationError, match="e1:5 came after e1:3"):  # noqa: PT012 - on leaving
        async with scripted(script) as url, Client(url) as client:
            await client.subscribe(code="S")
            with pytest.raises(ProtocolViolationError):
                await client.wait_closed()


async def test_the_close_code_is_returned_to_the_test_that_waits_for_it() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        await connection.close(4400)

    async with scripted(script) as url, Client(url) as client:
        await client.send('{"type": "nonsense"}')
        assert await client.wait_closed() == 4400


async def test_a_missing_reply_is_named() -> None:
    async def script(connection: ServerConnection, message: Json) -> None:
        pass

    async with scripted(script) as url, Client(url) as client:
        with pytest.raises(AssertionError, match=r"no reply within 0\.1 s to .*visible"):
            await client.request({"type": "visible", "value": True}, timeout=0.1)


def test_replies_that_a_snapshot_leaves_out_are_counted() -> None:
    def reply(key: str, seq: int, published: int) -> Json:
        return comment(key, seq, thread="a", parent="a", published_seq=published)

    old = snapshot(5, [thread(comment("a", 1), reply("r", 2, 2), more=1)])
    new = server_message("comment", 6, comment=reply("new", 6, 6), count=2)
    changed = server_message("comment", 7, comment=reply("s", 7, 3), count=2)
    fresh = snapshot(7, [thread(comment("a", 1), reply("r", 2, 2), more=2)], count=2)
    assert not replay(old, new, changed).differences(replay(fresh))
    wrong = snapshot(7, [thread(comment("a", 1), reply("r", 2, 2), more=3)], count=2)
    (difference,) = replay(old, new, changed).differences(replay(wrong))
    assert difference.startswith("replies of a: ")


def test_a_cut_thread_without_a_next_page_is_a_protocol_violation() -> None:
    cut = {**thread(comment("a", 1), more=1), "next": None}
    with pytest.raises(ProtocolViolationError):
        replay(snapshot(1, [cut]))
