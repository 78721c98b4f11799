"""Detect text without visible characters, and escape clients' text for a terminal."""

import re
import unicodedata

# Letters and symbols without a visible glyph: Hangul fillers, empty braille, Khmer inherent vowels, and
# the variation selectors and other default ignorable marks (DerivedCoreProperties.txt).
_BLANK = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    r"\ufff0-\ufff8\ufffe\uffff\U000e0000-\U000e0fff]"
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})

_ESCAPED = _INVISIBLE - {"Zs"}


def is_visible(text: str) -> bool:
    """Return whether the text has at least one visible character."""
    return any(
        unicodedata.category(character) not in _INVISIBLE for character in _BLANK.sub("", text)
    )


def escaped(text: str) -> str:
    """Return the text with invisible and direction characters written as `\\u` and their number.

    Control characters would control the terminal. Direction marks would reorder the line by which a
    moderator decides. Joiners (used by emoji and Persian) stay.
    """
    return "".join(map(_escape, text))


def _escape(char: str) -> str:
    if unicodedata.category(char) not in _ESCAPED or char in "\u200c\u200d":
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
