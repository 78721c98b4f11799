"""Whether text draws anything, and text of strangers as a terminal may be given it."""

import re
import unicodedata

# Letters and symbols that draw nothing: Hangul fillers, empty braille, Khmer inherent vowels, and
# the variation selectors and other default ignorable marks (DerivedCoreProperties.txt).
_BLANK = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    r"\ufff0-\ufff8\ufffe\uffff\U000e0000-\U000e0fff]"
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})

_ESCAPED = _INVISIBLE - {"Zs"}


def is_visible(text: str) -> bool:
    """Whether a reader would see anything at all."""
    return any(
        unicodedata.category(character) not in _INVISIBLE for character in _BLANK.sub("", text)
    )


def escaped(text: str) -> str:
    """Text with whatever draws nothing, or moves what stands beside it, as `\\u` and its number.

    Control characters obey a terminal, and direction marks reorder the line of someone who decides
    by it. The joiners of emoji and of Persian stay.
    """
    return "".join(map(_escape, text))


def _escape(one: str) -> str:
    if unicodedata.category(one) not in _ESCAPED or one in "\u200c\u200d":
        return one
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"
