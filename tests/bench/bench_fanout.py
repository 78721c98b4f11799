"""From the server to the readers: frames per second, conflation, latency, two processes."""

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
"""Frames of one sample, whatever the number of watchers."""
FEW = 5_000
"""Up to so many watchers all peers are measured, beyond only those that a goal speaks of."""
PEERS = ("nchan", "raw send in c", "ws on node")
Others = Callable[[ProcessPool, Container[str]], tuple[dict[str, ServerAndClient], dict[str, str]]]
"""Starts the peers with these names that can run here, and says why the others cannot."""
_BEAT = (
    b'{"type":"comment","story":"0123456789AB","position":{"epoch":"0123456789abcdef",'
    b'"seq":100000000},"count":17,"comment":' + b"x" * 420 + b"}"
)


def tally(size: int = 150) -> bytes:
    """A tally frame's payload of exactly so many bytes."""
    counts = {"surprised": 12, "thinking": 3_405, "happy": 23_117, "sad": 801, "fired_up": 96}
    event = TallyChanged("0123456789AB", None, Tally(1_234_567, counts))
    payload = server_messages.encode_tally(event)[0]
    return payload[:-2] + b" " * (size - len(payload)) + b"}}"


def delivered(subscribers: int, repeats: int, others: Others) -> Result:
    """One story, every tally to everyone, no conflation."""
    row = Result(f"frames/s to {subscribers:,} watchers, 150-byte tally, no conflation", "frames/s")
    with process_pool() as stage:
        pairs = {"ours": stage.house(), **stage.yardsticks()}
        if subscribers <= FEW:
            pairs["websockets.broadcast"] = stage.yardstick(baselines.websockets_broadcast)
        rivals, row.missing = others(stage, PEERS if subscribers <= FEW else ("nchan",))
        pairs |= rivals
        for name, pair in list(pairs.items()):
            with _excused(row, pairs, name, rivals):
                pair.open(subscribers)
        settle()
        payload, rounds = tally(), max(2, FRAMES // subscribers)
        for repeat in range(repeats + 1):
            for name, pair in list(pairs.items()):
                with _excused(row, pairs, name, rivals):
                    rate, of_cpu = pair.measure_broadcast(payload, rounds, subscribers)
                    if repeat:  # the first round warms up
                        row.add_sample(name, rate)
                        row.note_cpu(name, of_cpu)
    # No goal beside the naive loop for clients that offer no compression, which no browser is: on
    # most machines the raw loop itself is not three times as fast as that.
    bounds = {"raw send loop": 0.85, "naive loop, as browsers get it": 3.0, "nchan": 1.0}
    for name in pairs:
        if name != "ours":
            row.set_goal("ours", name, bounds.get(name), by_cpu=True)
    return row


@contextmanager
def _excused(
    row: Result, pairs: dict[str, ServerAndClient], name: str, rivals: Container[str]
) -> Iterator[None]:
    """A peer that fails is left out and said so; what is ours must not fail."""
    try:
        yield
    except (MeasurementError, RuntimeError) as error:
        if name not in rivals:
            raise
        row.missing[name] = str(error).strip().splitlines()[-1][:200]
        for figures in (pairs, row.samples, row.per_cpu):
            figures.pop(name, None)


def several_in_one_write(repeats: int, subscribers: int = 1_000) -> Result:
    """Comments that come faster than the tick share a write."""
    row = Result(f"comments/s delivered to {subscribers:,}, as fast as they go", "frames/s")
    with process_pool() as stage:
        ours, raw = stage.house(), stage.yardstick(baselines.raw)
        for pair in (ours, raw):
            pair.open(subscribers)
        settle()
        for repeat in range(repeats + 1):
            ours.client.call("start_counting")
            begun = time.monotonic()
            number, _, cpu = ours.server.call("authors.post_comments", 1_000, 2)
            frames_, _, last, lost = ours.client.call("counted", number * subscribers)
            if lost:
                raise RuntimeError(f"{lost} sockets were lost")
            rate, _ = raw.measure_broadcast(_BEAT, FRAMES // subscribers, subscribers)
            if repeat:
                row.add_sample("ours", frames_ / (last - begun))
                row.add_sample("raw send loop", rate)
                row.add_sample("share of all comments", frames_ / (number * subscribers))
                row.add_sample("ours, per CPU second", frames_ / cpu)
    row.set_goal("ours", "raw send loop", 3)
    return row


def conflated(repeats: int, subscribers: int = 1_000) -> Result:
    """A hundred times the reactions; the readers are with another process than the reactions."""
    row = Result(f"100 × the reactions on a story with {subscribers:,} watchers", "")
    frames_, cpu = [], []
    with process_pool() as stage:
        data = stage.data()
        source, carrier = stage.house(data), stage.house(data, first=False)
        carrier.open(subscribers)
        settle()
        for _ in range(repeats):
            sent: dict[int, tuple[int, float]] = {}
            for per_second in (20, 2_000):
                before = carrier.server.call("cpu")
                carrier.client.call("start_counting")
                source.server.call("authors.react", per_second, 3)
                number = carrier.client.call("counted", 10**9)[0]
                sent[per_second] = (number, carrier.server.call("cpu") - before)
                row.add_sample(f"frames at {per_second:,} reactions/s", number)
                row.add_sample(f"CPU s at {per_second:,} reactions/s", sent[per_second][1])
            frames_.append(sent[2_000][0] / sent[20][0])
            cpu.append(sent[2_000][1] / sent[20][1])
    row.goals.append(Goal("frames sent", frames_, 1.05, at_least=False))
    row.goals.append(Goal("CPU of the fan-out", cpu, 1.1, at_least=False))
    return row


def latency(repeats: int, subscribers: int = 1_000) -> Result:
    """From commit to arrival, 20 comments a second."""
    row = Result(f"commit to arrival at {subscribers:,} watchers, 20/s, p99", "ms")
    with process_pool() as stage:
        data = stage.data()
        same, other = stage.house(data), stage.house(data, first=False)
        raw = stage.yardstick(baselines.raw)
        for pair in (same, other, raw):
            pair.open(subscribers)
        settle()
        for _ in range(repeats):
            for name, pair in (("same process", same), ("other process", other)):
                pair.client.call("start_noting")
                begun = same.server.call("authors.write_comments", 20, 4)
                row.add_sample(name, _p99(begun, pair.client.call("noted", 80 * subscribers)))
            raw.client.call("start_noting")
            begun = raw.server.call("beat", 20, 4, _BEAT)
            row.add_sample("raw send loop", _p99(begun, raw.client.call("noted", 80 * subscribers)))
    for name, bound in (("same process", 30), ("other process", 50)):
        more = [a - b for a, b in zip(row.samples[name], row.samples["raw send loop"], strict=True)]
        row.goals.append(Goal(f"{name}: beyond the raw loop's", more, bound, False, "ms"))
    return row


def _p99(
    begun: tuple["array[int]", "array[float]"], arrived: tuple["array[int]", "array[float]"]
) -> float:
    """Milliseconds. Frames that never arrived make it fail."""
    began = dict(zip(*begun, strict=True))
    taken = [(at - began[seq]) * 1000 for seq, at in zip(*arrived, strict=True) if seq in began]
    if len(taken) < len(began) * 900:
        raise RuntimeError(f"only {len(taken)} arrivals of {len(began)} events")
    return statistics.quantiles(taken, n=100)[98]


def two_processes(repeats: int, subscribers: int = 4_000) -> Result:
    """Half of the readers and of the actions each. By CPU of the busier one, without the client's."""
    row = Result(f"two processes, {subscribers:,} watchers", "frames per CPU s of the busiest")
    with process_pool() as stage:
        alone = stage.house()
        data = stage.data()
        first, second = stage.house(data), stage.house(data, first=False)
        alone.open(subscribers)
        for pair in (first, second):
            pair.open(subscribers // 2)
        settle()
        for repeat in range(repeats + 1):
            single = _carried([alone], subscribers)
            double = _carried([first, second], subscribers)
            if repeat:
                row.add_sample("one", single)
                row.add_sample("two", double)
    row.set_goal("two", "one", 1.8)
    return row


def _carried(pairs: list[ServerAndClient], subscribers: int) -> float:
    """Frames of all processes for each CPU second of the busiest."""
    before = [pair.server.call("cpu") for pair in pairs]
    for pair in pairs:
        pair.client.call("start_counting")
    for pair in pairs:
        pair.server.ask("authors.post_comments", 16 / len(pairs), 3)
    number: int = sum(pair.server.answer()[0] for pair in pairs)
    share = number * subscribers // len(pairs)
    frames_: int = sum(pair.client.call("counted", share)[0] for pair in pairs)
    cpu: list[float] = [
        pair.server.call("cpu") - at for pair, at in zip(pairs, before, strict=True)
    ]
    return frames_ / max(cpu)


def all_rows(repeats: int, others: Others) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Name and measurement of each row."""
    yield "fanout-1000", lambda: delivered(1_000, repeats, others)
    yield "fanout-10000", lambda: delivered(10_000, repeats, others)
    yield "several", lambda: several_in_one_write(repeats)
    yield "conflated", lambda: conflated(repeats)
    yield "latency", lambda: latency(repeats)
    yield "two-processes", lambda: two_processes(repeats)
