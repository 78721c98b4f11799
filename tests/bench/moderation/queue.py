"""Figures 4, 5 and 8: the queue with 100,000 open cases among 1,000,000 comments, and a batch of 10,000."""

from tests.bench.bench_queue import BATCH, CASES, COMMENTS, moderators_queue
from tests.bench.moderation.figures import Asked, Group, Tell, Values

REPEATS = 40
_GOALS = {
    "first page, SQL": "first page, SQL, p95",
    f"first page of {CASES:,} cases, answer, p95": "the page, p95",
    "the same, CPU": "the page, CPU, p95",
    "first page of what is new, answer, p95": "new, the page, p95",
    "page 500, SQL, p95": "page 500, SQL, p95",
    f"{BATCH:,} removed": f"{BATCH:,} removed",
    f"{BATCH:,} undone": f"{BATCH:,} undone",
    "a reaction meanwhile, beside before, p95": "reaction meanwhile / before, p95",
}
"""Goals of the row `queue` by what the table says."""
ASKED = (
    Asked(4, "first page, SQL", 1, "ms"),
    Asked(4, f"first page of {CASES:,} cases, answer, p95", 20, "ms"),
    Asked(4, "the same, CPU", 20, "ms"),
    Asked(4, "first page of what is new, answer, p95", 20, "ms"),
    Asked(5, "page 500, SQL, p95", 5, "ms"),
    Asked(8, f"{BATCH:,} removed", 5, "s"),
    Asked(8, f"{BATCH:,} undone", 5, "s"),
    Asked(8, "a reaction meanwhile, beside before, p95", 2, "×"),
)


def measure(tell: Tell) -> Values:
    """Fill a database and measure the queue."""
    tell(f"{CASES:,} open cases among {COMMENTS:,} comments, then {BATCH:,} decisions")
    goals = {goal.says: goal.median for goal in moderators_queue(REPEATS).goals}
    return {says: goals[name] for says, name in _GOALS.items()}


GROUP = Group(ASKED, "seed 15", "python -m tests.bench queue", measure)
