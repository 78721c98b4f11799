"""Tests of the benchmarks: small runs, frame counting, and comparisons."""

import socket
from collections.abc import Container
from pathlib import Path

import pytest

from tests.bench import bench_connections, bench_fanout, report
from tests.bench.client_sockets import ClientSockets, Socket
from tests.bench.processes import ProcessPool, ServerAndClient
from tests.bench.results import Result
from tests.bench.rivals import rivals_in
from tests.bench.suite import Choice, run
from widget_server.hub.prepared import PreparedMessage


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 100_000])
@pytest.mark.parametrize("inspected", [False, True])
def test_frames_are_counted_in_pieces_of_any_size(piece: int, inspected: bool) -> None:
    payloads = [b"x" * size for size in (0, 1, 125, 126, 127, 65_535, 65_536, 3)]
    wire = b"".join(PreparedMessage(payload).frame_bytes for payload in payloads) * 2
    load, one = ClientSockets(0), Socket(socket.socket())
    one.state = 3
    seen: list[bytes] = []
    if inspected:
        load._on_frame = lambda _one, payload: seen.append(bytes(payload))
    for start in range(0, len(wire), piece):
        data = one.rest + wire[start : start + piece]
        one.rest = b""
        load._buffer[: len(data)] = data
        load._read(one, 0, len(data))
    assert load._frames == 2 * len(payloads)
    assert not inspected or seen == payloads * 2
    one.sock.close()


def test_a_goal_compares_each_round_and_uses_the_median() -> None:
    row = Result("row", "/s")
    for value, baseline in ((10, 10), (90, 100), (1, 100)):
        row.add_sample("this server", value)
        row.add_sample("baseline", baseline)
    row.set_goal("this server", "baseline", 0.85)
    assert row.goals[0].values == [1.0, 0.9, 0.01]
    assert row.goals[0].median == 0.9
    assert row.goals[0].met


def test_a_row_that_cannot_be_measured_has_the_reason() -> None:
    rows = list(run(Choice(repeats=1, only=("reactions-postgres",)), lambda _line: None))
    assert [row.missing for row in rows] == [{"this server": "name a PostgreSQL with --postgres"}]
    with pytest.raises(ValueError, match="No row is called nonsense"):
        list(run(Choice(only=("nonsense",)), lambda _line: None))


def test_every_sent_frame_arrives_and_a_failed_rival_is_reported(tmp_path: Path) -> None:
    imports = "from tests.bench.stdio_program import cannot_run, respond\n"
    (tmp_path / "rival_absent.py").write_text(imports + "cannot_run('it is not installed')\n")
    (tmp_path / "rival_broken.py").write_text(imports + "respond(1)\n")

    def rivals(
        pool: ProcessPool, names: Container[str]
    ) -> tuple[dict[str, ServerAndClient], dict[str, str]]:
        found, missing = rivals_in(Path(__file__).parent, pool, names)
        broken, absent = rivals_in(tmp_path, pool, {"absent", "broken"})
        return found | broken, missing | absent

    row = bench_fanout.delivered(20, 1, rivals)
    assert set(row.samples) >= {"this server", "raw send loop", "naive loop, uncompressed"}
    assert all(value > 0 for values in row.samples.values() for value in values)
    assert row.missing["absent"] == "it is not installed"
    assert row.missing["broken"]
    assert "broken" not in row.samples


def test_the_table_replaces_the_text_between_its_marks_and_keeps_rows_of_earlier_runs(
    tmp_path: Path,
) -> None:
    row = Result("frames", "/s", key="frames", when="2026-01-01 00:00", rounds=2, cpu_noise=0.034)
    for value, baseline in ((9, 10), (8, 10)):
        row.add_sample("this server", value)
        row.add_sample("baseline", baseline)
        row.add_cpu_sample("this server", 10 * value)
    row.set_goal("this server", "baseline", 0.9)
    row.set_goal("this server", "baseline", None)
    row.missing["absent"] = "not | installed"
    failed = Result("joins", "", key="joins", failed="it broke")
    report.keep(tmp_path / "rows.json", [row, failed])
    again = list(report.kept(tmp_path / "rows.json").values())
    assert again == [row, failed]
    assert report.kept(tmp_path / "none.json") == {}

    document = tmp_path / "page.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.put_into(document, again)
    lines = document.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "| frames | to baseline | 0.85 (0.8 to 0.9) × | ≥ 0.9 | **missed** |" in lines
    assert "| frames, /s | this server | 8.5 (8 to 9) | 85 (80 to 90) |" in lines
    assert "|  | to baseline | 0.85 (0.8 to 0.9) × |  |  |" in lines
    assert "|  | absent | not measured: not / installed | |" in lines
    assert "| joins | | | | not measured: it broke |" in lines
    assert "frames (2026-01-01 00:00, 2 rounds) 3 %; joins" in lines[-3]
    assert "old" not in lines
    document.write_text("no marks")
    with pytest.raises(ValueError, match="no marks for the table"):
        report.put_into(document, again)


def test_joining_is_compared_with_bare_accepts() -> None:
    row = bench_connections.joins(1, 40)
    assert len(row.samples["this server"]) == len(row.samples["bare accepts"]) == 1
