"""Priority of reported comments: harm × reach × trust, and its words."""

from hypothesis import given, strategies as st

from widget_server.model.decisions import REASONS
from widget_server.model.priority import (
    HARM,
    LEAST_URGENT,
    MOST_URGENT,
    PRIORITIES,
    Reported,
    priority_of_reported,
    words_of,
)

KNOWN = st.builds(
    Reported,
    st.lists(st.sampled_from(sorted(REASONS)), min_size=1, max_size=4),
    st.integers(1, 500),
    st.integers(0, 50),
    st.integers(0, 50),
)


def test_every_reason_has_its_harm() -> None:
    assert set(HARM) == set(REASONS)


@given(KNOWN)
def test_more_reporters_right_ones_and_worse_reasons_never_make_a_case_less_urgent(
    known: Reported,
) -> None:
    was = priority_of_reported(known)
    assert MOST_URGENT <= was <= LEAST_URGENT < PRIORITIES["pending"]
    reasons, number, right, wrong = known.reasons, known.reporters, known.right, known.wrong
    for worse in (
        Reported(reasons, number + 1, right, wrong),
        Reported(reasons, number, right + 1, wrong),
        Reported([*reasons, "threat"], number, right, wrong),
    ):
        assert priority_of_reported(worse) <= was
    assert priority_of_reported(Reported(reasons, number, right, wrong + 1)) >= was


def test_a_threat_comes_before_objections_unless_its_reporters_are_always_wrong() -> None:
    assert priority_of_reported(Reported(["threat"], 1)) < PRIORITIES["appeals"]
    assert priority_of_reported(Reported(["threat"], 1, 0, 9)) > PRIORITIES["reported"]


def test_a_crowd_counts_as_eight() -> None:
    assert priority_of_reported(Reported(["spam"], 8)) == priority_of_reported(
        Reported(["spam"], 5_000)
    )


def test_the_words_say_what_the_numbers_are() -> None:
    assert words_of(Reported(["hate"], 6, 9, 1), 3) == ("high", "high", "high")
    assert words_of(Reported(["spam"], 1), 30) == ("middle", "high", "middle")
    assert words_of(Reported(["off_topic"], 1, 0, 8), None) == ("low", "low", "low")
