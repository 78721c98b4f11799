"""Fold texts for comparison: case, accents, invisible signs and look-alike letters make no difference.

Each character is folded by itself: NFKD, case folding, look-alikes, marks off. So a place in the folded
text leads back to the character that it comes from. `look_alikes.txt` is read once, at import.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate, chain
from pathlib import Path

MOST_CHARACTERS = 5_000
"""Characters of a text that are folded: the longest comment."""
MOST_SIGNS = 4
"""Characters that one character may become. A longer ligature, such as U+FDFA with 18, becomes a space."""

# Marks of alphabets. Those of Indic scripts and kana make other letters, so they stay.
_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_FILLERS = (0x115F, 0x1160, 0x3164, 0xFFA0)
_HANGUL = range(0xAC00, 0xD7A4)
_BLOCKS = (
    *(range(128, 0x3400), range(0x4DC0, 0x4E00), range(0xA000, 0xAC00), range(0xD7A4, 0x17000)),
    *(range(0x18D00, 0x20000), range(0x2F800, 0x2FA20), range(0xE0000, 0xE1000)),
)
"""Code points that may fold to another one. Ideographs, Hangul and Tangut fold to themselves, or are among
the look-alikes; above stand only private characters and those of `_INVISIBLE`."""


def _look_alikes() -> dict[str, str]:
    lines = Path(__file__).with_name("look_alikes.txt").read_text("utf-8").splitlines()
    return dict(line.split(" ") for line in lines if not line.startswith("#"))


def _fold_character(character: str, look_alikes: dict[str, str]) -> str:
    """Return the folded form: "" for marks and invisible signs, a space for punctuation outside ASCII."""
    if character in look_alikes:
        return look_alikes[character]
    if ord(character) in _HANGUL:
        return character
    plain = unicodedata.normalize("NFKD", character).casefold()
    plain = _MARKS.sub("", _INVISIBLE.sub("", unicodedata.normalize("NFKD", plain)))
    folded = "".join(_sign(look_alikes.get(sign, sign)) for sign in plain)
    return folded if len(folded) <= MOST_SIGNS else " "


def _sign(sign: str) -> str:
    if sign.isascii() or sign.isalnum() or unicodedata.category(sign)[0] == "M":
        return sign
    # Pictures stay, and stand alone like words: an emoji may be in a list.
    return f" {sign} " if unicodedata.category(sign) == "So" else " "


class _Table(dict[int, str]):
    """Folded forms by code point, for `str.translate`. All other characters stay."""

    def __missing__(self, code: int) -> str:
        return chr(code)


def _table() -> _Table:
    """Return the folded form of each character that changes."""
    look_alikes, table = _look_alikes(), _Table()
    for code in (*chain(*_BLOCKS), *map(ord, look_alikes)):
        character = chr(code)
        # Most of these 89,000 code points fold to themselves; a look at their category is the cheapest.
        kind = unicodedata.category(character)
        if kind == "Cn" or (kind == "Lo" and not unicodedata.decomposition(character)
                            and character not in look_alikes and code not in _FILLERS):  # fmt: skip
            continue
        folded = _fold_character(character, look_alikes)
        if folded != character:
            table[code] = folded
    for code in range(128):
        table[code] = chr(code).lower()
    return table


_TABLE = _table()


def fold(text: str) -> str:
    """Return the folded text of at most 5,000 characters. ASCII punctuation stays.

    The result has at most four characters for each of the text.
    """
    text = text[:MOST_CHARACTERS]
    return text.lower() if text.isascii() else text.translate(_TABLE)


@dataclass(slots=True)
class FoldedText:
    """A text, its folded form, and the way back to places of the text."""

    source: str
    folded: str
    _ends: list[int] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, source: str) -> "FoldedText":
        """Fold a text."""
        return cls(source, fold(source))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the source of folded[start:end], which must not be empty.

        The place includes marks and invisible signs within it.
        """
        if self.source.isascii():
            return start, end
        if self._ends is None:
            pieces = map(_TABLE.__getitem__, map(ord, self.source[:MOST_CHARACTERS]))
            self._ends = list(accumulate(map(len, pieces)))
        return bisect_right(self._ends, start), bisect_right(self._ends, end - 1) + 1
