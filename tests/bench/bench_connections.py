"""Rows for the cost of sockets: memory and CPU of idle ones, and time to open new ones."""

import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.bench import baselines
from tests.bench.processes import ServerAndClient, process_pool, settle
from tests.bench.results import Goal, Result

IDLE_SOCKETS = 15_000


def memory(sockets: int = 5_000) -> Result:
    """Measure the growth of the server's resident memory for each subscribed socket."""
    row = Result(f"memory per idle socket, {sockets:,} sockets", "KB")
    with process_pool() as pool:
        kinds = {
            "this server": pool.start_server(),
            "accepted only": pool.start_server(mode="accept_only"),
            "plain uvicorn and Starlette": pool.start_baseline(baselines.naive),
            "the same, as browsers get it": pool.start_baseline(baselines.naive, deflate=True),
        }
        for name, pair in kinds.items():
            # Load code and fill caches first: that memory does not belong to the sockets.
            pair.open(200)
            settle()
            before = pair.server.resident()
            pair.open(sockets)
            settle()
            row.add_sample(name, (pair.server.resident() - before) / sockets / 1024)
    row.goals.append(
        Goal("all included", row.samples["this server"], 14, at_least=False, unit="KB")
    )
    return row


def joins(repeats: int, sockets: int = 1_500) -> Result:
    """Compare connecting with token, subscription and cached snapshot with a bare accept."""
    row = Result("joins/s", "/s")
    with process_pool() as pool:
        kinds = {
            "this server": pool.start_server(),
            "bare accepts": pool.start_server(mode="accept_only"),
        }
        for pair in kinds.values():
            _time_joins(pair, 300)
        for _ in range(repeats):
            for name, pair in kinds.items():
                before = pair.server.call("cpu")
                row.add_sample(name, sockets / _time_joins(pair, sockets))
                row.add_cpu_sample(name, sockets / (pair.server.call("cpu") - before))
    row.set_goal("this server", "bare accepts", 0.6, by_cpu=True)
    return row


def _time_joins(pair: ServerAndClient, sockets: int) -> float:
    taken: float = pair.client.call("join", sockets, pair.handshake(), pair.subscribe_message())
    return taken


def idle(seconds: float, sockets: int = IDLE_SOCKETS) -> Result:
    """Measure the CPU of a process whose readers send nothing."""
    row = Result(f"{sockets:,} idle sockets for {seconds:g} s", "%")
    with process_pool() as pool:
        pair = pool.start_server()
        pair.open(sockets)
        # Wait: the server spreads the first pings over 20 s, and counts new sockets for presence.
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
    """Yield the name and the measurement of each row."""
    yield "memory", memory
    yield "joins", partial(joins, repeats)
    yield "idle", partial(idle, idle_s)
