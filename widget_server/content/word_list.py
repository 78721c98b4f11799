"""Find the words, phrases and beginnings of a list in a text, whatever tricks hide them.

The cost is bounded for any text: one pass over at most 20,000 characters, one over the words that look
odd, and at most `MOST_MATCHES` checks.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice

import ahocorasick

from widget_server.content.folding import FoldedText, fold
from widget_server.content.odd_words import Reading, odd_words, plain_reading

MOST_ENTRIES = 20_000
LONGEST_ENTRY = 100
"""Characters of an entry."""
MOST_MATCHES = 500
"""Matches of the automaton that are looked at in one text."""
MOST_EXCEPTED = 100
"""The same for a list with exceptions, and for these."""
MOST_FOUND = 50
"""Places that are returned."""

# Scripts without spaces between words, and pictures: an entry is found inside a longer run.
_RUNS_ON = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2190-\u2bff\u3005-\u30ff\u3400-\u9fff"
    "\U0001f000-\U0001faff\U00020000-\U000323af]"
)
# Letters of a script that resemble none of another script. A text with one of them is in that script.
_OWN_LETTERS = {
    "latin": re.compile("[dfgjlnqrsuvwz]", re.IGNORECASE),
    "cyrillic": re.compile("[гджилпфцчшщъыэюяђћљњ]", re.IGNORECASE),
    "greek": re.compile("[βγδζθλμξπσςφψ]", re.IGNORECASE),
}
_LETTERS = {
    "latin": re.compile("[a-z\u00c0-\u024f\u1e00-\u1eff]", re.IGNORECASE),
    "cyrillic": re.compile("[\u0400-\u052f]"),
    "greek": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
}


class EntryRejectedError(ValueError):
    """An entry that no text can match. The message is a sentence for the list's owner."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry at a place in the text: source[start:end]."""

    entry: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    prefix: bool
    script: str | None


@dataclass(frozen=True, slots=True)
class _Places:
    """Places in a text, sorted, and how far those up to each reach."""

    starts: list[int]
    reach: list[int]

    @classmethod
    def of(cls, found: Iterable[tuple[int, int]]) -> "_Places":
        places = sorted(found)
        return cls([start for start, _ in places], list(accumulate((e for _, e in places), max)))

    def contain(self, start: int, end: int) -> bool:
        """Return whether one of the places contains this one."""
        last = bisect_right(self.starts, start)
        return last > 0 and self.reach[last - 1] >= end


@dataclass(slots=True)
class WordList:
    """A searchable list. Build it once and use it for many texts.

    An entry is a word or a phrase; `word*` also finds longer words. `leet` also reads digits and signs
    as letters: `c4s1no`. Raises `EntryRejectedError`.
    """

    entries: Iterable[str]
    leet: bool = False
    _automaton: ahocorasick.Automaton = field(init=False, repr=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        keys: dict[str, list[_Entry]] = {}
        for text in dict.fromkeys(self.entries):
            key, entry = _parse(text)
            keys.setdefault(key, []).append(entry)
        self.size = sum(map(len, keys.values()))
        if self.size > MOST_ENTRIES:
            raise EntryRejectedError(f"A list has at most {MOST_ENTRIES:,} entries: split it.")
        self._automaton = ahocorasick.Automaton()
        for key, found in keys.items():
            self._automaton.add_word(key, (len(key), tuple(found)))
        if keys:
            self._automaton.make_automaton()

    def search(self, text: str) -> list[Found]:
        """Return at most 50 places in the order found, each place and entry once."""
        return self.search_folded(FoldedText.of(text))

    def search_folded(self, text: FoldedText, exceptions: "WordList | None" = None) -> list[Found]:
        """Do the same for a text that is folded already, without the places of `exceptions`."""
        if not self.size:
            return []
        found: dict[Found, None] = {}
        for match in self.matches(text, exceptions):
            found[match] = None
            if len(found) == MOST_FOUND:
                break
        return list(found)

    def matches(self, text: FoldedText, exceptions: "WordList | None" = None) -> Iterator[Found]:
        """Yield matches, at most one for each of the first 500 that the automaton reports.

        Matches inside a place that `exceptions` finds are left out; then it is the first 100.
        """
        allowed: _Places | None = None
        left = MOST_MATCHES if exceptions is None else MOST_EXCEPTED
        for reading in self._readings(text):
            for last, (length, entries) in self._automaton.iter(reading.text):
                first = last + 1 - length
                for entry in entries:
                    if entry.prefix and reading.whole_words(first):
                        continue
                    start, end = text.span(*reading.place(first, last + 1))
                    left -= 1
                    # Above the bound every match counts: a text made of doubtful words is held.
                    if left > 0:
                        if _foreign(entry, text.source, start, end):
                            continue
                        if exceptions is not None:
                            allowed = allowed or _Places.of(exceptions.plain_places(text))
                            if allowed.contain(start, end):
                                continue
                    yield Found(entry.text, start, end)
                if left <= 0:
                    return

    def plain_places(self, text: FoldedText) -> Iterator[tuple[int, int]]:
        """Yield the places of the first 100 matches in the text as it is spelled."""
        if not self.size:
            return
        reading = plain_reading(text.folded)
        for last, (length, entries) in islice(self._automaton.iter(reading.text), MOST_EXCEPTED):
            start, end = text.span(*reading.place(last + 1 - length, last + 1))
            if any(not _foreign(entry, text.source, start, end) for entry in entries):
                yield start, end

    def _readings(self, text: FoldedText) -> Iterator[Reading]:
        plain = plain_reading(text.folded)
        yield plain
        odd = odd_words(text.folded, plain, leet=self.leet)
        if odd is not None:
            yield odd


def check_entry(text: str) -> None:
    """Raise `EntryRejectedError` for an entry that no text can match."""
    _parse(text)


def _parse(text: str) -> tuple[str, _Entry]:
    """Return the key in the automaton: the folded entry, with a space where a word must begin or end."""
    prefix = text.rstrip().endswith("*")
    if len(text) > LONGEST_ENTRY:
        raise EntryRejectedError(
            f"An entry has at most {LONGEST_ENTRY} characters: “{text[:20]}…”."
        )
    key = plain_reading(fold(text.rstrip().removesuffix("*"))).text.strip()
    if not key:
        raise EntryRejectedError(f"“{text}” has no letter, digit or picture to look for.")
    begin = "" if _RUNS_ON.match(key) else " "
    end = "" if prefix or _RUNS_ON.match(key[-1]) else " "
    return begin + key + end, _Entry(text, prefix, _script(text))


def _script(text: str) -> str | None:
    """Return the only one of three scripts that the text has letters of, else None."""
    found = [name for name, letters in _LETTERS.items() if letters.search(text)]
    return found[0] if len(found) == 1 else None


def _foreign(entry: _Entry, source: str, start: int, end: int) -> bool:
    """Return whether the place is a word of another script that only resembles the entry.

    Russian “сор” resembles “cop”. It is a word if the text has letters that only Russian has.
    """
    if entry.script is None or (source.isascii() and entry.script == "latin"):
        return False
    script = _script(source[start:end])
    return (
        script is not None
        and script != entry.script
        and _OWN_LETTERS[script].search(source) is not None
    )
