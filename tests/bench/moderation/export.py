"""Figure 18: the export of decisions in the fields of the EU's Transparency Database."""

import asyncio

from tests.bench import bench_statements
from tests.bench.moderation.figures import Asked, Group, Tell, Values

NUMBER = 1_000_000
ASKED = (
    Asked(18, f"{NUMBER:,} decisions exported", 60, "s"),
    Asked(18, "CPU of the export", None, "s"),
    Asked(18, "first part after", 200, "ms"),
    Asked(18, "more memory", 20, "MB"),
)


def measure(tell: Tell) -> Values:
    """Export."""
    tell(f"{NUMBER:,} decisions")
    found = asyncio.run(bench_statements.measure(NUMBER))
    values = (found.took, found.busy, 1_000 * found.first, found.memory)
    return {one.says: value for one, value in zip(ASKED, values, strict=True)}


GROUP = Group(ASKED, "", f"python -m tests.bench.bench_statements {NUMBER}", measure)
