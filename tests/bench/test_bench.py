"""The benchmark measures what it says: small runs of it, and how it counts and compares."""

import socket
from collections.abc import Container
from pathlib import Path

import pytest

from widget_server.bench import fanout, sockets
from widget_server.bench.crowd import Cast, Pair
from widget_server.bench.load import Load, _Socket
from widget_server.bench.peers import peers_in
from widget_server.bench.suite import Choice, run
from widget_server.bench.table import Row
from widget_server.live.frames import Frame


def peers(stage: Cast, names: Container[str]) -> dict[str, Pair]:
    """Those that can run here."""
    return peers_in(Path(__file__).parent, stage, names)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 100_000])
@pytest.mark.parametrize("looked_into", [False, True])
def test_frames_are_counted_in_whatever_pieces_they_come(piece: int, looked_into: bool) -> None:
    payloads = [b"x" * size for size in (0, 1, 125, 126, 127, 65_535, 65_536, 3)]
    wire = b"".join(Frame(payload).wire for payload in payloads) * 2
    load, one = Load(0), _Socket(socket.socket())
    one.state = 3
    seen: list[bytes] = []
    if looked_into:
        load._on_frame = lambda _one, payload: seen.append(bytes(payload))
    for start in range(0, len(wire), piece):
        some = one.rest + wire[start : start + piece]
        one.rest = b""
        load._buffer[: len(some)] = some
        load._read(one, 0, len(some))
    assert load._frames == 2 * len(payloads)
    assert not looked_into or seen == payloads * 2
    one.sock.close()


def test_a_goal_compares_round_by_round_and_by_the_median() -> None:
    row = Row("row", "/s")
    for ours, theirs in ((10, 10), (90, 100), (1, 100)):
        row.note("ours", ours)
        row.note("theirs", theirs)
    row.aim("ours", "theirs", 0.85)
    assert row.goals[0].values == [1.0, 0.9, 0.01]
    assert row.goals[0].median == 0.9
    assert row.goals[0].met


def test_a_row_that_fails_says_why_and_the_others_are_measured() -> None:
    rows = list(run(Choice(repeats=1, only=("reactions-postgres",)), lambda _line: None))
    assert [row.failed for row in rows] == ["name a PostgreSQL with --postgres"]
    with pytest.raises(ValueError, match="No row is called nonsense"):
        list(run(Choice(only=("nonsense",)), lambda _line: None))


def test_every_frame_that_is_sent_arrives_and_is_counted() -> None:
    row = fanout.delivered(20, 1, peers)
    assert set(row.samples) >= {"ours", "raw send loop", "naive loop, uncompressed"}
    assert all(value > 0 for values in row.samples.values() for value in values)


def test_joining_is_measured_beside_bare_accepts() -> None:
    row = sockets.joins(1, 40)
    assert len(row.samples["ours"]) == len(row.samples["bare accepts"]) == 1
