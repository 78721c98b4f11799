"""Figure 15: three open pages over an edge of the opening hours, at both changes of daylight time."""

from tests.bench.moderation.figures import Asked, Group, Tell, Values
from tests.bench.moderation.keys import recorded

TEST = (
    "tests/browser/test_hours.py"
    "::test_three_copies_close_and_open_by_themselves_over_both_changes_of_the_clock"
)
ASKED = tuple(
    Asked(15, f"{says}, {season}", bound, unit)
    for says, bound, unit in (
        ("open pages after an edge", 2, "s"),
        ("drafts lost", 0, ""),
        ("comments accepted more than 2 s late", 0, ""),
    )
    for season in ("spring", "autumn")
)


def measure(tell: Tell) -> Values:
    """Open three pages before an edge, and send comments over it."""
    tell("three pages over an edge in spring and one in autumn")
    return recorded(TEST)


GROUP = Group(ASKED, "", f"pytest -n0 {TEST}", measure)
