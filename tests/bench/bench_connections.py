"""What a socket costs: memory while it idles, CPU while it idles, time when it comes."""

import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.bench import baselines
from tests.bench.processes import ServerAndClient, process_pool, settle
from tests.bench.results import Goal, Result

MANY = 15_000


def memory(sockets: int = 5_000) -> Result:
    """Resident memory of the server, before and after, for each subscribed socket."""
    row = Result(f"memory per idle socket, {sockets:,} sockets", "KB")
    with process_pool() as stage:
        kinds = {
            "ours": stage.house(),
            "accepted only": stage.house(acknowledging="bare"),
            "plain uvicorn and Starlette": stage.yardstick(baselines.naive),
            "the same, as browsers get it": stage.yardstick(baselines.naive, deflate=True),
        }
        for name, pair in kinds.items():
            # The first ones bring in code and caches that belong to no socket.
            pair.open(200)
            settle()
            before = pair.server.resident()
            pair.open(sockets)
            settle()
            row.add_sample(name, (pair.server.resident() - before) / sockets / 1024)
    row.goals.append(Goal("all included", row.samples["ours"], 14, at_least=False, unit="KB"))
    return row


def joins(repeats: int, sockets: int = 1_500) -> Result:
    """Token, subscription and cached snapshot, against a bare accept by the same server."""
    row = Result("joins/s", "/s")
    with process_pool() as stage:
        kinds = {"ours": stage.house(), "bare accepts": stage.house(acknowledging="bare")}
        for pair in kinds.values():
            _joined(pair, 300)
        for _ in range(repeats):
            for name, pair in kinds.items():
                before = pair.server.call("cpu")
                row.add_sample(name, sockets / _joined(pair, sockets))
                row.note_cpu(name, sockets / (pair.server.call("cpu") - before))
    row.set_goal("ours", "bare accepts", 0.6, by_cpu=True)
    return row


def _joined(pair: ServerAndClient, sockets: int) -> float:
    taken: float = pair.client.call("join", sockets, pair.handshake(), pair.subscribe_message())
    return taken


def idle(seconds: float, sockets: int = MANY) -> Result:
    """CPU of a process whose readers only read."""
    row = Result(f"{sockets:,} idle sockets for {seconds:g} s", "%")
    with process_pool() as stage:
        pair = stage.house()
        pair.open(sockets)
        # The first pings are spread over the first 20 s, and what joined is counted for presence.
        time.sleep(min(15.0, seconds / 2))
        pair.client.call("start_counting")
        begin, before = time.monotonic(), pair.server.call("cpu")
        time.sleep(seconds)
        cpu, passed = pair.server.call("cpu") - before, time.monotonic() - begin
        row.add_sample("CPU of one core", 100 * cpu / passed)
        row.add_sample("sockets lost", float(pair.client.call("counted", 0)[3]))
    row.goals.append(Goal("CPU", row.samples["CPU of one core"], 2, at_least=False, unit="%"))
    row.goals.append(Goal("lost", row.samples["sockets lost"], 0, at_least=False, unit=""))
    return row


def all_rows(repeats: int, idle_s: float) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Name and measurement of each row."""
    yield "memory", memory
    yield "joins", partial(joins, repeats)
    yield "idle", partial(idle, idle_s)
