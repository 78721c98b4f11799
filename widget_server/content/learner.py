"""Learn from a site's decisions which comments it removes: Naive Bayes, own code, plain counts.

A text is the set of its words and of its neighbouring pairs. Its score is the sum of their log-odds
divided by √n. A threshold is a quantile of the scores of all good texts seen, each learned one scored
with itself taken out, so the share of good texts above it is known.
"""

import math
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from widget_server.content.folding import fold

LEAST_BAD = 100
LEAST_GOOD = 1_000
"""Texts of each kind that must have been seen. Before, the learner is off."""
GOOD_PER_BAD = 3
"""Good texts that are learned for each bad one. More of them hide what is bad."""
LEAST_READERS = 3
"""Comments, and readers, that must have used a word. Rarer ones can name a person."""
MOST_WORDS = 1_000
SMOOTHING = 0.1
REASONS = 5

_WORD = re.compile(r"\w+")
_PAIR = 0x9E3779B97F4A7C15
_63_BITS = (1 << 63) - 1


def tokens(text: str, seed: int = 0) -> dict[int, str]:
    """Return the words and neighbouring pairs of a text by a number of 63 bits. `seed` is the site's."""
    words = _WORD.findall(fold(text))[:MOST_WORDS]
    codes = [zlib.crc32(word.encode("utf-8", "replace"), seed) for word in words]
    found = dict(zip(codes, words, strict=True))
    before, previous = 0, ""
    for code, word in zip(codes, words, strict=True):
        if previous:
            found[(before * _PAIR + code * 31 + 7) & _63_BITS] = f"{previous} {word}"
        before, previous = code, word
    return found


@dataclass(slots=True)
class WordCount:
    """Learned comments with a word. `readers`: hashes of at most three of their writers."""

    good: int = 0
    bad: int = 0
    readers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A text seen: its tokens, and whether it has been learned."""

    tokens: Iterable[int]
    learned: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a threshold does: `rate` was asked for; shares are 0 to 1, intervals of 95 %."""

    rate: float
    threshold: float
    caught: float
    caught_low: float
    caught_high: float


@dataclass(slots=True)
class Learner:
    """Counts of one site. A store keeps `words`, `good` and `bad`."""

    words: dict[int, WordCount] = field(default_factory=dict)
    good: int = 0
    bad: int = 0

    @property
    def wants_good(self) -> bool:
        """Whether the next good text should be learned, or only be seen."""
        return self.good < GOOD_PER_BAD * self.bad

    def ready(self, good_seen: int) -> bool:
        """Return whether enough has been seen to promise a rate of false alarms."""
        return self.bad >= LEAST_BAD and good_seen >= LEAST_GOOD

    def learn(self, text: Iterable[int], reader: int, *, bad: bool) -> None:
        """Add a text of a reader, who is known by a hash."""
        self.good, self.bad = self.good + (not bad), self.bad + bad
        for token in text:
            count = self.words.setdefault(token, WordCount())
            count.good, count.bad = count.good + (not bad), count.bad + bad
            if len(count.readers) < LEAST_READERS and reader not in count.readers:
                count.readers = (*count.readers, reader)

    def forget(self, text: Iterable[int], reader: int, *, bad: bool) -> None:
        """Subtract a text that was learned. Words of no other text leave the counts."""
        self.good, self.bad = self.good - (not bad), self.bad - bad
        for token in text:
            count = self.words.get(token)
            if count is None:
                continue
            count.good, count.bad = max(0, count.good - (not bad)), max(0, count.bad - bad)
            count.readers = tuple(one for one in count.readers if one != reader)
            if not count.good + count.bad:
                del self.words[token]

    def score(self, text: Iterable[int], *, good: int = 0, bad: int = 0) -> float:
        """Return how bad a text is; 0 if no word is known.

        `good` or `bad` is 1 for a text that was learned so: it is scored with itself taken out.
        """
        of_good, of_bad = self.good - good, self.bad - bad
        if of_good < 1 or of_bad < 1:
            return 0.0
        base = math.log(of_good / of_bad)
        for_bad = SMOOTHING * of_bad / (of_good + of_bad) - bad
        for_good = SMOOTHING * of_good / (of_good + of_bad) - good
        least = LEAST_READERS + good + bad
        total, known, log = 0.0, 0, math.log
        for count in filter(None, map(self.words.get, text)):
            if len(count.readers) == LEAST_READERS and count.good + count.bad >= least:
                total += log((count.bad + for_bad) / (count.good + for_good))
                known += 1
        return (total + known * base) / math.sqrt(known) if known else 0.0

    def forecast(self, good: Iterable[Seen], bad: Iterable[Seen], rate: float) -> Forecast:
        """Return the threshold above which at most this share of new good texts is expected.

        `good` are all good texts seen, `bad` the bad ones. Raises `ValueError` without any of one kind.
        """
        return self.curve(good, bad, (rate,))[0]

    def curve(
        self, good: Iterable[Seen], bad: Iterable[Seen], rates: Sequence[float]
    ) -> list[Forecast]:
        """Return a forecast for each rate: each text is scored once. Raises as `forecast`."""
        of_good = sorted((self.score(one.tokens, good=one.learned) for one in good), reverse=True)
        of_bad = [self.score(one.tokens, bad=one.learned) for one in bad]
        if not of_good or not of_bad:
            raise ValueError("A forecast needs good and bad texts.")
        found = []
        for rate in rates:
            # The k-th highest of n scores is exceeded by a new one with probability k / (n + 1).
            place = max(1, math.floor(rate * (len(of_good) + 1) + 1e-9))
            # Below 0 the words speak for a text, and a text without known words has 0.
            threshold = max(0.0, of_good[place - 1])
            caught = sum(score > threshold for score in of_bad)
            low, high = interval(caught, len(of_bad))
            found.append(Forecast(rate, threshold, caught / len(of_bad), low, high))
        return found

    def why(self, text: dict[int, str]) -> tuple[Sequence[str], Sequence[str]]:
        """Return at most five words for holding the text and five against, the strongest first."""
        weights = []
        for token, word in text.items():
            weight = self.score((token,))
            if weight:
                weights.append((weight, word))
        weights.sort()
        worst = [word for weight, word in reversed(weights) if weight > 0]
        best = [word for weight, word in weights if weight < 0]
        return worst[:REASONS], best[:REASONS]


def interval(number: int, total: int) -> tuple[float, float]:
    """Return the interval of 95 % (Wilson) of a share of `total`, which is above 0."""
    z = 1.96
    share, spread = number / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / total / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
