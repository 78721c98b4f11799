"""Passages that only one of two versions of a text has."""

import time

import pytest

from widget_server.content.passages import Difference, differences


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("abc", "abc", []),
        ("abc", "axc", [("b", "x")]),
        ("ac", "abc", [("", "b")]),
        ("abc", "ac", [("b", "")]),
        ("abcd", "xbcy", [("a", "x"), ("d", "y")]),
        ("ab", "ba", []),
        ("ab", "cd", [("ab", "cd")]),
        ("", "a", [("", "a")]),
        ("aab", "aba", []),
        # What stood behind a passage that moved goes with it.
        ("axb", "bay", [("x", "y")]),
    ],
)
def test_differences_stand_in_the_order_of_the_new_text(
    old: str, new: str, found: list[tuple[str, str]]
) -> None:
    expected = [Difference(tuple(gone), tuple(now)) for gone, now in found]
    assert differences(list(old), list(new)) == expected


def test_quotation_marks_dashes_and_spaces_are_no_difference() -> None:
    assert differences(["“No”, she said – twice."], ['"No",  she said - twice.']) == []
    assert differences(["4.5 % of it"], ["45 % of it"]) != []


def test_time_grows_with_the_text_and_not_with_its_square() -> None:
    """A text of 100,000 characters has at most some ten thousand passages."""

    def seconds(number: int) -> float:
        old = [f"passage {one}" for one in range(number)]
        new = [f"passage {one}" for one in reversed(range(number))]
        begun = time.process_time()
        assert differences(old, new) == []
        return time.process_time() - begun

    small = min(seconds(2_000) for _ in range(3))
    assert seconds(20_000) < 40 * max(small, 0.005)
