"""The learner keeps plain counts, forgets what it is told to, and promises a rate it keeps."""

import random

from hypothesis import given, strategies as st

from widget_server.content.learner import (
    GOOD_PER_BAD,
    LEAST_READERS,
    NOTHING_KNOWN,
    Learner,
    Seen,
    Tokens,
    interval,
    tokens,
)
from widget_server.store.writing import learner as stored

BAD = ["win big bonus casino tonight", "casino bonus for you win now", "your bonus casino big win"]
GOOD = [
    "the council sold the harbour",
    "the harbour belongs to the town",
    "the town and its council",
]
STEPS = st.lists(
    st.tuples(st.sampled_from(GOOD + BAD), st.integers(0, 4), st.booleans()), max_size=12
)


def learned(repeats: int = 3) -> Learner:
    learner = Learner()
    for reader in range(repeats):
        for text in BAD:
            learner.learn(tokens(text), reader, bad=True)
        for text in GOOD:
            learner.learn(tokens(text), reader + 100, bad=False)
    return learner


def test_a_bad_text_scores_above_a_good_one_and_says_why() -> None:
    learner = learned()
    assert learner.score(tokens("casino bonus in the town")) > learner.score(tokens("the council"))
    worst, best = learner.why(tokens("casino bonus says the council"))
    assert "casino" in worst
    assert "council" in best
    assert len(worst) <= 5
    assert len(best) <= 5


def test_a_word_counts_from_three_comments_of_three_readers_on() -> None:
    learner = learned()
    phone = tokens("5550123")
    learner.learn(phone, 7, bad=True)
    learner.learn(phone, 7, bad=True)
    learner.learn(phone, 7, bad=True)
    assert learner.score(phone) == NOTHING_KNOWN
    learner.learn(phone, 8, bad=True)
    assert learner.score(phone) == NOTHING_KNOWN
    learner.learn(phone, 9, bad=True)
    assert learner.score(phone) > 0
    learner.forget(phone, 9, bad=True)
    assert learner.score(phone) == NOTHING_KNOWN


@given(STEPS, STEPS)
def test_forgetting_subtracts_exactly_what_was_learned(
    kept: list[tuple[str, int, bool]], gone: list[tuple[str, int, bool]]
) -> None:
    learner, alone = Learner(), Learner()
    for text, reader, bad in kept:
        learner.learn(tokens(text), reader, bad=bad)
        alone.learn(tokens(text), reader, bad=bad)
    for text, reader, bad in gone:
        learner.learn(tokens(text), reader + 100, bad=bad)
    for text, reader, bad in gone:
        learner.forget(tokens(text), reader + 100, bad=bad)
    counts = {key: (one.good, one.bad) for key, one in learner.words.items()}
    assert counts == {key: (one.good, one.bad) for key, one in alone.words.items()}
    assert (learner.good, learner.bad) == (alone.good, alone.bad)


def test_it_is_off_until_100_bad_and_1000_good_were_seen() -> None:
    assert not Learner(bad=99).ready(1_000)
    assert not Learner(bad=100).ready(999)
    assert Learner(bad=100).ready(1_000)


def test_five_good_texts_are_learned_for_each_bad_one() -> None:
    assert Learner(good=4, bad=1).wants_good
    assert not Learner(good=5, bad=1).wants_good


def test_the_counts_in_memory_and_in_the_database_learn_as_many_good_texts() -> None:
    assert stored.GOOD_PER_BAD == GOOD_PER_BAD
    assert stored.MOST_READERS == LEAST_READERS


def test_parts_of_a_word_and_capitals_count_and_the_reason_is_the_word_itself() -> None:
    learner = Learner()
    for reader, ending in enumerate(("s", "land", "king", "like")):
        learner.learn(tokens(f"my casino{ending} is FREE"), reader, bad=True)
        learner.learn(tokens("my town is free"), reader + 100, bad=False)
    assert learner.score(tokens("casinoville")) > 0
    assert learner.why(tokens("casinoville"))[0] == ["casinoville"]
    assert learner.score(tokens("FREE")) > learner.score(tokens("free"))


@given(st.text(max_size=300))
def test_any_text_has_numbers_of_63_bits_and_words_of_its_own(text: str) -> None:
    found = tokens(text, 7)
    assert all(0 <= number < 1 << 63 for number in found)
    assert found == tokens(text, 7)


def test_the_rate_of_false_alarms_is_the_rate_asked_for() -> None:
    rng = random.Random(16)
    words = [f"w{n}" for n in range(300)]

    def text(low: int) -> Tokens:
        return tokens(" ".join(rng.choices(words[low : low + 200], k=20)))

    alarms = 0
    for _ in range(5):
        learner = Learner()
        seen = []
        for reader in range(200):
            learner.learn(text(30), reader, bad=True)
        for reader in range(2_000):
            seen.append(Seen(one := text(0), learner.wants_good))
            if learner.wants_good:
                learner.learn(one, reader + 1_000, bad=False)
        bad = [Seen(text(30), learned=False) for _ in range(500)]
        forecast = learner.forecast(seen, bad, 0.01)
        alarms += sum(learner.score(text(0)) > forecast.threshold for _ in range(2_000))
        assert forecast.caught_low < forecast.caught < forecast.caught_high
    low, high = interval(alarms, 10_000)
    assert low < 0.013
    assert high > 0.007
