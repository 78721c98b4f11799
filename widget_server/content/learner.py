"""Learn from a site's decisions which comments it removes: Naive Bayes, own code, plain counts.

A text is a set: its words, their parts of four letters, its neighbouring pairs by their first four
letters, and its words in capitals. Parts and pairs of parts are used by more comments than whole words,
so they count sooner. Its score is the sum of their log-odds divided by √n. A threshold is a quantile of the scores of all good texts seen, each learned one scored
with itself taken out, so the share of good texts above it is known.
"""

import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from widget_server.content.folding import MOST_CHARACTERS, fold

LEAST_BAD = 100
LEAST_GOOD = 1_000
"""Texts of each kind that must have been seen. Before, the learner is off."""
GOOD_PER_BAD = 5
"""Good texts that are learned for each bad one. More of them hide what is bad."""
LEAST_READERS = 3
"""Comments, and readers, that must have used a word. Rarer ones can name a person."""
MOST_WORDS = 1_000
MOST_LETTERS = 40
"""Letters of a word that are looked at."""
PART = 4
SMOOTHING = 0.003
REASONS = 5
NOTHING_KNOWN = -1_000.0
"""Score of a text without known words: below every other."""

_WORD = re.compile(r"\w+")
# Without `\b` at its beginning the search jumps from letter to letter.
_MAYBE_CAPITALS = re.compile(r"[^\W\da-z_](?<!\w[^\W\da-z_])[^\W\da-z_]+\b")
_PAIR = 0x9E3779B97F4A7C15
_63_BITS = (1 << 63) - 1
_32_BITS = (1 << 32) - 1


Tokens = dict[int, str | tuple[str, str]]
"""What a text is made of, each by a number of 63 bits, with the word or the two words that it stands in."""


def tokens(text: str, seed: int = 0) -> Tokens:
    """Return what a text is made of. `seed` is the site's."""
    found: Tokens = {}
    before, previous = 0, ""
    for word in _WORD.findall(fold(text))[:MOST_WORDS]:
        start, first, own = _parts(word, seed)
        found |= own
        if previous:
            found[(before + start) & _63_BITS] = previous, word
        before, previous = first, word
    for word in _MAYBE_CAPITALS.findall(text[:MOST_CHARACTERS]):
        if word.isupper():
            start, _, _ = _parts(fold(word)[:PART], seed)
            found[~start & _63_BITS] = word
    return found


@lru_cache(maxsize=16_384)
def _parts(word: str, seed: int) -> tuple[int, int, Tokens]:
    """Return the number of a word's first letters, the same as the first of a pair, and the word with its parts."""
    # Four bytes for each letter, whatever it is.
    letters = word[:MOST_LETTERS].encode("utf-32-le", "replace")
    numbers = [zlib.crc32(letters, seed)]
    if len(letters) > 4 * PART:
        ends = range(4 * PART, len(letters) + 4, 4)
        numbers += [zlib.crc32(letters[end - 4 * PART : end], ~seed & _32_BITS) for end in ends]
    # A short word is its own first letters.
    start = numbers[:2][-1] * 31 + 7
    return start, start * _PAIR & _63_BITS, dict.fromkeys(numbers, word)


@dataclass(slots=True)
class WordCount:
    """Learned comments with a word. `readers`: hashes of at most three of their writers."""

    good: int = 0
    bad: int = 0
    readers: tuple[int, ...] = ()


class Weights(dict[int, float]):
    """Log-odds of words, each computed when it is first asked for; 0 for a word that does not count."""

    def __init__(
        self, words: Mapping[int, WordCount], learned: tuple[int, int], out: tuple[int, int]
    ) -> None:
        """`learned` are the numbers of good and bad texts in `words`; `out` those that are taken out."""
        super().__init__()
        self._words = words
        self._out_good, self._out_bad = out
        self._good, self._bad = learned[0] - out[0], learned[1] - out[1]

    def __missing__(self, token: int) -> float:
        """Return the log-odds of a word. One that no text had is not kept: there is no end of them."""
        count = self._words.get(token)
        if count is None:
            return 0.0
        weight = self[token] = self._of(count)
        return weight

    def _of(self, count: WordCount) -> float:
        good, bad = count.good - self._out_good, count.bad - self._out_bad
        if self._good < 1 or self._bad < 1:
            return 0.0
        if good + bad < LEAST_READERS or len(count.readers) < LEAST_READERS:
            return 0.0
        smooth_bad = SMOOTHING * self._bad / (self._good + self._bad)
        smooth_good = SMOOTHING * self._good / (self._good + self._bad)
        odds = (bad + smooth_bad) / (good + smooth_good)
        return math.log(odds * self._good / self._bad)


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
    _weights: dict[tuple[int, int], Weights] = field(
        default_factory=dict, repr=False, compare=False
    )
    """Weights of the words that were scored since the counts changed, by what was taken out."""

    @property
    def wants_good(self) -> bool:
        """Whether the next good text should be learned, or only be seen."""
        return self.good < GOOD_PER_BAD * self.bad

    def ready(self, good_seen: int) -> bool:
        """Return whether enough has been seen to promise a rate of false alarms."""
        return self.bad >= LEAST_BAD and good_seen >= LEAST_GOOD

    def learn(self, text: Iterable[int], reader: int, *, bad: bool) -> None:
        """Add a text of a reader, who is known by a hash."""
        self._weights.clear()
        self.good, self.bad = self.good + (not bad), self.bad + bad
        for token in text:
            count = self.words.setdefault(token, WordCount())
            count.good, count.bad = count.good + (not bad), count.bad + bad
            if len(count.readers) < LEAST_READERS and reader not in count.readers:
                count.readers = (*count.readers, reader)

    def forget(self, text: Iterable[int], reader: int, *, bad: bool) -> None:
        """Subtract a text that was learned. Words of no other text leave the counts."""
        self._weights.clear()
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
        """Return how bad a text is; `NOTHING_KNOWN` if no word is known.

        `good` or `bad` is 1 for a text that was learned so: it is scored with itself taken out.
        """
        weights = self._weights_without(good, bad)
        known = list(filter(None, map(weights.__getitem__, text)))
        return sum(known, 0.0) / math.sqrt(len(known)) if known else NOTHING_KNOWN

    def _weights_without(self, good: int, bad: int) -> Weights:
        """Return the weights of words without this number of good and bad texts."""
        out = good, bad
        if out not in self._weights:
            self._weights[out] = Weights(self.words, (self.good, self.bad), out)
        return self._weights[out]

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
            threshold = of_good[place - 1]
            caught = sum(score > threshold for score in of_bad)
            low, high = interval(caught, len(of_bad))
            found.append(Forecast(rate, threshold, caught / len(of_bad), low, high))
        return found

    def why(self, text: Tokens) -> tuple[Sequence[str], Sequence[str]]:
        """Return at most five words for holding the text and five against, the strongest first."""
        known, weights = self._weights_without(0, 0), dict[str, float]()
        for token, stands_in in text.items():
            word = stands_in if isinstance(stands_in, str) else " ".join(stands_in)
            # A word weighs as much as the strongest of its parts.
            weights[word] = max(weights.get(word, 0.0), known[token], key=abs)
        order = sorted(weights, key=weights.__getitem__)
        worst = [word for word in reversed(order) if weights[word] > 0]
        best = [word for word in order if weights[word] < 0]
        return worst[:REASONS], best[:REASONS]


def interval(number: int, total: int) -> tuple[float, float]:
    """Return the interval of 95 % (Wilson) of a share of `total`, which is above 0."""
    z = 1.96
    share, spread = number / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / total / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
