"""Figure 16: a raid of 5,000 comments in a minute on one of 50 stories."""

from tests.bench.moderation.figures import Asked, Group, Tell, Values
from tests.bench.moderation.keys import recorded

TEST = (
    "tests/operations/test_raids.py"
    "::test_a_raid_of_5000_comments_a_minute_shows_3_and_touches_no_other_story"
)
ASKED = (
    Asked(16, "bad comments shown", 3, ""),
    Asked(16, "ordinary comments on other stories affected", 0, ""),
    Asked(16, "ordinary writers asked for a proof twice", 1, "%"),
)


def measure(tell: Tell) -> Values:
    """Let 500 readers on 20 networks write."""
    tell("5,000 bad comments in a minute, then one each second for eight minutes")
    return recorded(TEST, "sqlite")


GROUP = Group(ASKED, "seed 16", f"pytest -n0 {TEST}", measure)
