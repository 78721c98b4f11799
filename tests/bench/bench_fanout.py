"""Rows for broadcasting: frames per second, conflation, latency, two processes."""

import statistics
import time
from array import array
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager

from tests.bench import baselines
from tests.bench.processes import ProcessPool, ServerAndClient, process_pool, settle
from tests.bench.results import Goal, Result
from tests.bench.rpc import MeasurementError
from widget_server.model.events import TallyChanged
from widget_server.model.records import Tally
from widget_server.protocol import server_messages

FRAMES = 60_000
"""Frames of one sample, whatever the number of subscribers."""
MAX_SUBSCRIBERS_FOR_ALL = 5_000
"""Up to this number of subscribers all rivals are measured; above it, only those with a goal."""
RIVALS = ("nchan", "raw send in c", "ws on node")
StartRivals = Callable[
    [ProcessPool, Container[str]], tuple[dict[str, ServerAndClient], dict[str, str]]
]
"""Starts the named rivals that can run here; returns them, and the reasons of the others."""
_MESSAGE = (
    b'{"type":"comment","story":"0123456789AB","position":{"epoch":"0123456789abcdef",'
    b'"seq":100000000},"count":17,"comment":' + b"x" * 420 + b"}"
)


def tally(size: int = 150) -> bytes:
    """Return a tally message of exactly `size` bytes."""
    counts = {"surprised": 12, "thinking": 3_405, "happy": 23_117, "sad": 801, "fired_up": 96}
    event = TallyChanged("0123456789AB", None, Tally(1_234_567, counts))
    payload = server_messages.encode_tally(event)[0]
    return payload[:-2] + b" " * (size - len(payload)) + b"}}"


def delivered(subscribers: int, repeats: int, start_rivals: StartRivals) -> Result:
    """Measure frames per second for one story: every tally to every subscriber, no conflation."""
    row = Result(
        f"frames/s to {subscribers:,} subscribers, 150-byte tally, no conflation", "frames/s"
    )
    with process_pool() as pool:
        pairs = {"this server": pool.start_server(), **pool.start_baselines()}
        with_all = subscribers <= MAX_SUBSCRIBERS_FOR_ALL
        if with_all:
            pairs["websockets.broadcast"] = pool.start_baseline(baselines.websockets_broadcast)
        rivals, row.missing = start_rivals(pool, RIVALS if with_all else ("nchan",))
        pairs |= rivals
        for name, pair in list(pairs.items()):
            with _drop_failed_rival(row, pairs, name, rivals):
                pair.open(subscribers)
        settle()
        payload, rounds = tally(), max(2, FRAMES // subscribers)
        for repeat in range(repeats + 1):
            for name, pair in list(pairs.items()):
                with _drop_failed_rival(row, pairs, name, rivals):
                    rate, of_cpu = pair.measure_broadcast(payload, rounds, subscribers)
                    if repeat:  # the first round warms up
                        row.add_sample(name, rate)
                        row.add_cpu_sample(name, of_cpu)
    # No goal against the naive loop without compression: every browser offers compression, and on
    # most machines the raw loop itself is less than three times as fast.
    bounds = {"raw send loop": 0.85, "naive loop, as browsers get it": 3.0, "nchan": 1.0}
    for name in pairs:
        if name != "this server":
            row.set_goal("this server", name, bounds.get(name), by_cpu=True)
    return row


@contextmanager
def _drop_failed_rival(
    row: Result, pairs: dict[str, ServerAndClient], name: str, rivals: Container[str]
) -> Iterator[None]:
    """Record the failure of a rival and leave it out. Other failures are raised."""
    try:
        yield
    except (MeasurementError, RuntimeError) as error:
        if name not in rivals:
            raise
        row.missing[name] = str(error).strip().splitlines()[-1][:200]
        for figures in (pairs, row.samples, row.per_cpu):
            figures.pop(name, None)


def several_in_one_write(repeats: int, subscribers: int = 1_000) -> Result:
    """Measure comments that arrive faster than the flush interval and share a write."""
    row = Result(f"comments/s delivered to {subscribers:,}, as fast as they go", "frames/s")
    with process_pool() as pool:
        measured, raw = pool.start_server(), pool.start_baseline(baselines.raw)
        for pair in (measured, raw):
            pair.open(subscribers)
        settle()
        for repeat in range(repeats + 1):
            measured.client.call("start_counting")
            begun = time.monotonic()
            number, _, cpu = measured.server.call("writers.post_comments", 1_000, 2)
            frames, _, last, lost = measured.client.call("counted", number * subscribers)
            if lost:
                raise RuntimeError(f"{lost} sockets were lost")
            rate, _ = raw.measure_broadcast(_MESSAGE, FRAMES // subscribers, subscribers)
            if repeat:
                row.add_sample("this server", frames / (last - begun))
                row.add_sample("raw send loop", rate)
                row.add_sample("share of all comments", frames / (number * subscribers))
                row.add_sample("this server, per CPU second", frames / cpu)
    row.set_goal("this server", "raw send loop", 3)
    return row


def conflated(repeats: int, subscribers: int = 1_000) -> Result:
    """Measure 100 times the reactions. The subscribers are on another process than the reactions."""
    row = Result(f"100 × the reactions on a story with {subscribers:,} subscribers", "")
    frames, cpu = [], []
    with process_pool() as pool:
        data = pool.data()
        source, broadcaster = pool.start_server(data), pool.start_server(data, first=False)
        broadcaster.open(subscribers)
        settle()
        for _ in range(repeats):
            sent: dict[int, tuple[int, float]] = {}
            for per_second in (20, 2_000):
                before = broadcaster.server.call("cpu")
                broadcaster.client.call("start_counting")
                source.server.call("writers.react", per_second, 3)
                number = broadcaster.client.call("counted", 10**9)[0]
                sent[per_second] = (number, broadcaster.server.call("cpu") - before)
                row.add_sample(f"frames at {per_second:,} reactions/s", number)
                row.add_sample(f"CPU s at {per_second:,} reactions/s", sent[per_second][1])
            frames.append(sent[2_000][0] / sent[20][0])
            cpu.append(sent[2_000][1] / sent[20][1])
    row.goals.append(Goal("frames sent", frames, 1.05, at_least=False))
    row.goals.append(Goal("CPU of the fan-out", cpu, 1.1, at_least=False))
    return row


def latency(repeats: int, subscribers: int = 1_000) -> Result:
    """Measure the time from commit to arrival at 20 comments a second."""
    row = Result(f"commit to arrival at {subscribers:,} subscribers, 20/s, p99", "ms")
    with process_pool() as pool:
        data = pool.data()
        same, other = pool.start_server(data), pool.start_server(data, first=False)
        raw = pool.start_baseline(baselines.raw)
        for pair in (same, other, raw):
            pair.open(subscribers)
        settle()
        for _ in range(repeats):
            for name, pair in (("same process", same), ("other process", other)):
                pair.client.call("start_recording")
                begun = same.server.call("writers.write_comments", 20, 4)
                row.add_sample(name, _p99(begun, pair.client.call("recorded", 80 * subscribers)))
            raw.client.call("start_recording")
            begun = raw.server.call("send_at_rate", 20, 4, _MESSAGE)
            arrivals = raw.client.call("recorded", 80 * subscribers)
            row.add_sample("raw send loop", _p99(begun, arrivals))
    for name, bound in (("same process", 30), ("other process", 50)):
        more = [a - b for a, b in zip(row.samples[name], row.samples["raw send loop"], strict=True)]
        row.goals.append(Goal(f"{name}: beyond the raw loop", more, bound, False, "ms"))
    return row


def _p99(
    begun: tuple["array[int]", "array[float]"], arrived: tuple["array[int]", "array[float]"]
) -> float:
    """Return the 99th percentile in milliseconds.

    Raises `RuntimeError` if more than a tenth of the frames to 1,000 subscribers did not arrive.
    """
    began = dict(zip(*begun, strict=True))
    latencies = [(at - began[seq]) * 1000 for seq, at in zip(*arrived, strict=True) if seq in began]
    if len(latencies) < len(began) * 900:
        raise RuntimeError(f"only {len(latencies)} arrivals of {len(began)} events")
    return statistics.quantiles(latencies, n=100)[98]


def two_processes(repeats: int, subscribers: int = 4_000) -> Result:
    """Compare two processes with one, each with half of the subscribers and actions.

    The figure is per CPU second of the busier process, without the client processes.
    """
    row = Result(f"two processes, {subscribers:,} subscribers", "frames per CPU s of the busiest")
    with process_pool() as pool:
        alone = pool.start_server()
        data = pool.data()
        first, second = pool.start_server(data), pool.start_server(data, first=False)
        alone.open(subscribers)
        for pair in (first, second):
            pair.open(subscribers // 2)
        settle()
        for repeat in range(repeats + 1):
            single = _frames_per_cpu([alone], subscribers)
            double = _frames_per_cpu([first, second], subscribers)
            if repeat:
                row.add_sample("one", single)
                row.add_sample("two", double)
    row.set_goal("two", "one", 1.8)
    return row


def _frames_per_cpu(pairs: list[ServerAndClient], subscribers: int) -> float:
    """Return the frames of all processes per CPU second of the busiest."""
    before = [pair.server.call("cpu") for pair in pairs]
    for pair in pairs:
        pair.client.call("start_counting")
    for pair in pairs:
        pair.server.send_call("writers.post_comments", 16 / len(pairs), 3)
    number: int = sum(pair.server.receive_result()[0] for pair in pairs)
    share = number * subscribers // len(pairs)
    frames: int = sum(pair.client.call("counted", share)[0] for pair in pairs)
    cpu: list[float] = [
        pair.server.call("cpu") - at for pair, at in zip(pairs, before, strict=True)
    ]
    return frames / max(cpu)


def all_rows(repeats: int, start_rivals: StartRivals) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Yield the name and the measurement of each row."""
    yield "fanout-1000", lambda: delivered(1_000, repeats, start_rivals)
    yield "fanout-10000", lambda: delivered(10_000, repeats, start_rivals)
    yield "several", lambda: several_in_one_write(repeats)
    yield "conflated", lambda: conflated(repeats)
    yield "latency", lambda: latency(repeats)
    yield "two-processes", lambda: two_processes(repeats)
