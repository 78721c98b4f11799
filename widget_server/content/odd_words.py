"""Read words that are spelled oddly: c.a.s.i.n.o, c a s i n o, casiiiino, c4s1n0.

Only odd words are read again, each as a word of its own; the places of the readings are kept.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

_SIGNS = r"!-/:-@\[-`{-~"
_WORD = re.compile(r"\S+")
# What an odd word may have: a sign before a letter, but not that of “don't”, or a letter three times; where
# digits are read as letters, also a digit. Each pattern begins with a set, which `re` finds fast.
_SIGN = re.compile(rf"[{_SIGNS}](?!(?<=')(?:[stdm]|ll|re|ve)(?!\w))(?=[^\W_])")
_SIGN_OR_DIGIT = re.compile(
    rf"[{_SIGNS}0-9](?!(?<=')(?:[stdm]|ll|re|ve)(?!\w))(?:(?=[^\W_])|(?<=[^\W\d_][$|+013-57-9]))"
)
_SPACED_GATE = re.compile(r" [^\W_] [^\W_] [^\W_] ")
_SEPARATED = dict.fromkeys((n for n in range(128) if not chr(n).isalnum()), " ")
_SPACE = re.compile(r"\s")
_GAPS = re.compile(rf"[{_SIGNS}\s]+")
_SPACED = re.compile(rf"(?<!\S)[^\W_](?:[{_SIGNS}\s]{{1,4}}[^\W_]){{2,}}(?![^\s{_SIGNS}])")
_INSIDE = re.compile(rf"[{_SIGNS}]")
_THREE = re.compile(r"([^\W\d_])\1{2,}")
_OUTSIDE = ".,;:?\"'()[]{}<>«»*_~`-"
_LEET = str.maketrans("01345789@$!|+", "oieastbgasilt")
_LEET_L = str.maketrans("1!", "ll")
_LEET_SIGNS = re.compile(r"[013-57-9@$!|+]")
_LETTER = re.compile(r"[^\W\d_]")
MOST_ODD = 50
"""Odd words that are read one by one. The rest of a text with more is read as a whole."""


@dataclass(slots=True)
class Reading:
    """A text to search, with one space around each word, and where its words stand in the folded text."""

    text: str
    folded: str
    # Beginnings of words in `text`, their places in `folded`, and whether only a whole word counts.
    _begins: list[int] = field(default_factory=list, repr=False)
    _places: list[tuple[int, int]] = field(default_factory=list, repr=False)
    _whole: list[bool] | None = field(default=None, repr=False)
    # The folded text with spaces between its words, of the same length.
    _spaced: str = field(default="", repr=False)
    _left: Iterator[tuple[re.Match[str], re.Match[str]]] | None = field(default=None, repr=False)

    def whole_words(self, start: int) -> bool:
        """Return whether an entry for beginnings of words must not be found at this place."""
        return self._whole is not None and self._whole[self._word(start + 1)]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the folded text, without the spaces at the ends of text[start:end]."""
        while self.text[start] == " ":
            start += 1
        while self.text[end - 1] == " ":
            end -= 1
        if self._whole is not None:
            first, last = self._word(start), self._word(end - 1)
            return self._places[first][0], self._places[last][1]
        self._find_words(end)
        first, last = self._word(start), self._word(end - 1)
        return (
            self._places[first][0] + start - self._begins[first],
            self._places[last][0] + end - self._begins[last],
        )

    def _word(self, place: int) -> int:
        return max(0, bisect_right(self._begins, place) - 1)

    def _find_words(self, until: int) -> None:
        """Find the words up to a place in `text`. A text is often searched at its beginning only."""
        if self._left is None:
            self._left = zip(_WORD.finditer(self.text), _WORD.finditer(self._spaced), strict=True)
        while not self._begins or self._begins[-1] < until:
            word = next(self._left, None)
            if word is None:
                return
            self._begins.append(word[0].start())
            self._places.append(word[1].span())


def plain_reading(folded: str) -> Reading:
    """Return the words of a folded text with one space around each."""
    spaced = folded.translate(_SEPARATED)
    return Reading(f" {' '.join(spaced.split())} ", folded, _spaced=spaced)


def odd_words(folded: str, plain: Reading, *, leet: bool) -> Reading | None:
    """Return other readings of the odd words, or None without any."""
    parts: list[str] = []
    begins: list[int] = []
    places: list[tuple[int, int]] = []
    whole: list[bool] = []
    at = 1
    for word, span, only_whole in _readings(folded, plain.text, leet=leet):
        parts.append(word)
        begins.append(at)
        places.append(span)
        whole.append(only_whole)
        at += len(word) + 1
    if not parts:
        return None
    return Reading(f" {' '.join(parts)} ", folded, begins, places, whole)


def _readings(
    folded: str, plain: str, *, leet: bool
) -> Iterator[tuple[str, tuple[int, int], bool]]:
    """Yield each reading with its place, and whether it counts as a whole word only."""
    spaced = _SPACED.finditer(folded) if _SPACED_GATE.search(plain) else ()
    for run in islice(spaced, MOST_ODD):
        letters = _GAPS.sub("", run[0])
        for word in {letters, *_squeezed(letters), *(_read_leet(letters) if leet else ())}:
            yield word, run.span(), True
    seen: set[str] = set()
    for begin, end in _odd_places(folded, leet=leet):
        word = folded[begin:end]
        if word in seen:
            continue
        if len(seen) == MOST_ODD:
            yield from ((rest, (0, len(folded)), True) for rest in _rest(folded, leet=leet))
            return
        seen.add(word)
        yield from ((read, (begin, end), whole) for read, whole in _read(word, leet=leet))


def _odd_places(folded: str, *, leet: bool) -> Iterator[tuple[int, int]]:
    """Yield the places of words that may be odd: those with a sign or digit, then those with a letter thrice."""
    for pattern in (_SIGN_OR_DIGIT if leet else _SIGN, _THREE):
        end = 0
        while (match := pattern.search(folded, end)) is not None:
            begin, end = _around(folded, match.start(), end)
            end = max(end, match.end())
            yield begin, end


def _around(text: str, place: int, lowest: int) -> tuple[int, int]:
    """Return the word around a place, not before `lowest`."""
    begin = place
    while begin > lowest and not text[begin - 1].isspace():
        begin -= 1
    space = _SPACE.search(text, place)
    return begin, len(text) if space is None else space.start()


def _read(word: str, *, leet: bool) -> Iterator[tuple[str, bool]]:
    bare = word.strip(_OUTSIDE)
    joined = _INSIDE.sub("", bare)
    for read in {joined, *_squeezed(joined)} - {"", bare.rstrip("!")}:
        yield read, joined != bare
    if leet and _LEET_SIGNS.search(bare):
        yield from ((read, False) for read in _read_leet(bare))


def _rest(text: str, *, leet: bool) -> Iterator[str]:
    """Yield readings of a text with very many odd words, all words at once."""
    joined = _INSIDE.sub("", text.translate(_LEET) if leet else text)
    yield " ".join(joined.split())
    yield " ".join(_THREE.sub(r"\1", joined).split())


def _squeezed(word: str) -> tuple[str, ...]:
    """Return the word with three or more equal letters as one and as two."""
    if _THREE.search(word) is None:
        return ()
    return _THREE.sub(r"\1", word), _THREE.sub(r"\1\1", word)


def _read_leet(word: str) -> set[str]:
    """Return the word with digits and signs as letters. A word without letters is a number."""
    if _LETTER.search(word) is None:
        return set()
    found = set()
    for spelled in (word, word.rstrip("!")):
        for table in (None, _LEET_L):
            read = spelled.translate(table) if table else spelled
            joined = _INSIDE.sub("", read.translate(_LEET))
            found |= {joined, *_squeezed(joined)}
    return found - {""}
