"""Pace: so many actions at once, evenly more with time, and a bounded memory."""

import pytest
from hypothesis import given, strategies as st

from widget_server.auth.rate_limit import Rate, RateLimiter
from widget_server.model.errors import RateLimitedError


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def passes(pace: RateLimiter, key: str = "k", kind: str = "react") -> bool:
    try:
        pace.hit(kind, key)
    except RateLimitedError:
        return False
    return True


@pytest.mark.parametrize("rate", [Rate(10, 60), Rate(3, 1), Rate(1, 10), Rate(7, 3_600)])
def test_a_rested_key_may_spend_its_whole_count_at_once(rate: Rate) -> None:
    clock = Clock()
    pace = RateLimiter({"react": rate}, clock)
    for _ in range(3):
        assert [passes(pace) for _ in range(rate.count + 2)] == [True] * rate.count + [False] * 2
        clock.now += rate.per_s


def test_one_more_passes_after_the_time_that_was_told() -> None:
    clock = Clock()
    pace = RateLimiter({"react": Rate(10, 60)}, clock)
    assert all(passes(pace) for _ in range(10))
    with pytest.raises(RateLimitedError) as rejection:
        pace.hit("react", "k")
    assert rejection.value.retry_after == 6
    clock.now += 5.9
    assert not passes(pace)
    clock.now += 0.1
    assert passes(pace)
    assert not passes(pace)


def test_the_time_told_is_whole_seconds_and_at_least_one() -> None:
    pace = RateLimiter({"react": Rate(100, 1)}, Clock())
    assert all(passes(pace) for _ in range(100))
    with pytest.raises(RateLimitedError) as rejection:
        pace.hit("react", "k")
    assert rejection.value.retry_after == 1


def test_keys_and_kinds_do_not_share_a_bucket() -> None:
    pace = RateLimiter({"react": Rate(1, 60), "comment": Rate(1, 60)}, Clock())
    assert passes(pace)
    assert passes(pace, "other")
    assert passes(pace, kind="comment")
    assert not passes(pace)


def test_a_kind_without_a_rate_is_not_limited() -> None:
    pace = RateLimiter({})
    assert all(passes(pace) for _ in range(1_000))
    assert len(pace) == 0


def test_memory_is_bounded_and_the_quiet_are_forgotten_first() -> None:
    clock = Clock()
    pace = RateLimiter({"react": Rate(1, 60)}, clock, capacity=3)
    for key in "abcd":
        assert passes(pace, key)
    assert len(pace) == 3
    assert not passes(pace, "b")
    assert passes(pace, "a")


def test_full_buckets_are_dropped() -> None:
    clock = Clock()
    pace = RateLimiter({"react": Rate(1, 60)}, clock)
    for number in range(100):
        assert passes(pace, str(number))
    clock.now += 60
    for number in range(100):
        assert passes(pace, f"new {number}")
    assert len(pace) == 100


@given(st.lists(st.floats(0, 20), max_size=200), st.integers(1, 10), st.integers(1, 60))
def test_no_window_ever_holds_more_than_twice_the_count(
    pauses: list[float], count: int, per_s: int
) -> None:
    clock = Clock()
    pace = RateLimiter({"react": Rate(count, per_s)}, clock)
    passed = []
    for pause in pauses:
        clock.now += pause
        if passes(pace):
            passed.append(clock.now)
    for first in passed:
        assert sum(first <= moment < first + per_s for moment in passed) <= 2 * count


def test_a_rate_is_read_from_text() -> None:
    assert Rate.parse("10/60") == Rate(10, 60.0)
    assert Rate.parse(" 5/1 ") == Rate(5, 1.0)


@pytest.mark.parametrize(
    "text", ["", "10", "0/60", "10/0", "-1/60", "1.5/2", "a/b", "1/2/3", "٣/٤"]
)
def test_what_is_no_rate_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="count/seconds"):
        Rate.parse(text)
