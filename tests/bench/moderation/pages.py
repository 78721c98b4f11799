"""Figures 1 to 3: from a removal, and its undoing, to the pages that are open."""

import asyncio

from tests.bench import bench_removals
from tests.bench.moderation.figures import Asked, Group, Tell, Values, p95, p99

ROUNDS, SOCKETS = 200, 10_000
ASKED = (
    Asked(1, "removed → gone from three pages at two servers, p95", 250, "ms"),
    Asked(1, "the same, p99", 1_000, "ms"),
    Asked(1, "bus killed and back → gone, the longest", 5_000, "ms"),
    Asked(2, "undone → back, the page as before, p95", 250, "ms"),
    Asked(2, "undone → back, p99", 1_000, "ms"),
    Asked(3, f"removed, with {SOCKETS:,} other readers of the story, p99", 1_000, "ms"),
    Asked(3, f"undone, with {SOCKETS:,} other readers of the story, p99", 1_000, "ms"),
)


def measure(tell: Tell) -> Values:
    """Remove and undo on open pages."""
    tell(f"{ROUNDS} removals and undos on three pages, then with {SOCKETS:,} readers")
    found = asyncio.run(bench_removals.measure(ROUNDS, SOCKETS))
    alone, many, back = found["alone"], found["with readers"], found["bus back"]
    seconds = (
        p95(alone["removal"]), p99(alone["removal"]), max(back["removal"]), p95(alone["undo"]),
        p99(alone["undo"]), p99(many["removal"]), p99(many["undo"]),
    )  # fmt: skip
    return {one.says: 1_000 * value for one, value in zip(ASKED, seconds, strict=True)}


GROUP = Group(ASKED, "", f"python -m tests.bench.bench_removals {ROUNDS} {SOCKETS}", measure)
