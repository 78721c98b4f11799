"""The rate limiter: a burst, then an even rate, in bounded memory."""

import pytest
from hypothesis import given, strategies as st

from widget_server.auth.rate_limit import Rate, RateLimiter
from widget_server.model.errors import RateLimitedError


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def passes(limiter: RateLimiter, key: str = "k", kind: str = "react") -> bool:
    try:
        limiter.hit(kind, key)
    except RateLimitedError:
        return False
    return True


@pytest.mark.parametrize("rate", [Rate(10, 60), Rate(3, 1), Rate(1, 10), Rate(7, 3_600)])
def test_an_idle_key_may_use_its_whole_count_at_once(rate: Rate) -> None:
    clock = Clock()
    limiter = RateLimiter({"react": rate}, clock)
    for _ in range(3):
        assert [passes(limiter) for _ in range(rate.count + 2)] == [True] * rate.count + [False] * 2
        clock.now += rate.per_s


def test_one_more_action_passes_after_retry_after() -> None:
    clock = Clock()
    limiter = RateLimiter({"react": Rate(10, 60)}, clock)
    assert all(passes(limiter) for _ in range(10))
    with pytest.raises(RateLimitedError) as rejection:
        limiter.hit("react", "k")
    assert rejection.value.retry_after == 6
    clock.now += 5.9
    assert not passes(limiter)
    clock.now += 0.1
    assert passes(limiter)
    assert not passes(limiter)


def test_retry_after_is_at_least_one_whole_second() -> None:
    limiter = RateLimiter({"react": Rate(100, 1)}, Clock())
    assert all(passes(limiter) for _ in range(100))
    with pytest.raises(RateLimitedError) as rejection:
        limiter.hit("react", "k")
    assert rejection.value.retry_after == 1


def test_keys_and_kinds_do_not_share_a_bucket() -> None:
    limiter = RateLimiter({"react": Rate(1, 60), "comment": Rate(1, 60)}, Clock())
    assert passes(limiter)
    assert passes(limiter, "other")
    assert passes(limiter, kind="comment")
    assert not passes(limiter)


def test_a_kind_without_a_rate_is_not_limited() -> None:
    limiter = RateLimiter({})
    assert all(passes(limiter) for _ in range(1_000))
    assert len(limiter) == 0


def test_memory_is_bounded_and_the_longest_unused_key_is_dropped_first() -> None:
    clock = Clock()
    limiter = RateLimiter({"react": Rate(1, 60)}, clock, capacity=3)
    for key in "abcd":
        assert passes(limiter, key)
    assert len(limiter) == 3
    assert not passes(limiter, "b")
    assert passes(limiter, "a")


def test_full_buckets_are_dropped() -> None:
    clock = Clock()
    limiter = RateLimiter({"react": Rate(1, 60)}, clock)
    for number in range(100):
        assert passes(limiter, str(number))
    clock.now += 60
    for number in range(100):
        assert passes(limiter, f"new {number}")
    assert len(limiter) == 100


@given(st.lists(st.floats(0, 20), max_size=200), st.integers(1, 10), st.integers(1, 60))
def test_no_window_ever_holds_more_than_twice_the_count(
    pauses: list[float], count: int, per_s: int
) -> None:
    clock = Clock()
    limiter = RateLimiter({"react": Rate(count, per_s)}, clock)
    passed = []
    for pause in pauses:
        clock.now += pause
        if passes(limiter):
            passed.append(clock.now)
    for first in passed:
        assert sum(first <= moment < first + per_s for moment in passed) <= 2 * count


def test_a_rate_is_read_from_text() -> None:
    assert Rate.parse("10/60") == Rate(10, 60.0)
    assert Rate.parse(" 5/1 ") == Rate(5, 1.0)


@pytest.mark.parametrize(
    "text", ["", "10", "0/60", "10/0", "-1/60", "1.5/2", "a/b", "1/2/3", "٣/٤"]
)
def test_an_invalid_rate_is_rejected_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="count/seconds"):
        Rate.parse(text)
