"""Figures 9 and 17: a decision beside a reaction, and the verification of a log of 1,000,000 entries."""

import statistics

from tests.bench import bench_decisions
from tests.bench.moderation.figures import Asked, Group, Tell, Values, p99
from tests.bench.rpc import run_loop

ENTRIES = 1_000_000
ASKED = (
    Asked(9, "a decision through the writer, on disk, median", 2, "ms"),
    Asked(9, "the same", 2, "× a reaction"),
    Asked(9, "a decision, p99", 50, "ms"),
    Asked(17, f"log of {ENTRIES:,} entries verified", 15, "s"),
    Asked(17, "CPU of it", None, "s"),
    Asked(17, "one byte changed: the entry named", 15, "s"),
)


def measure(tell: Tell) -> Values:
    """Decide, and verify a log."""
    tell(f"decisions, then a log of {ENTRIES:,} entries")
    found = run_loop(bench_decisions.measure(ENTRIES))
    react, remove = (statistics.median(found.decisions[one]) for one in ("react", "remove"))
    values = (
        1_000 * remove,
        remove / react,
        1_000 * p99(found.decisions["remove"]),
        found.verified,
        found.busy,
        found.found,
    )
    return {one.says: value for one, value in zip(ASKED, values, strict=True)}


GROUP = Group(ASKED, "seed 15", f"python -m tests.bench.bench_decisions {ENTRIES}", measure)
