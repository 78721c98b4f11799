"""Text as strangers write it: kept and shown byte for byte, or refused with a sentence.

Nothing here trims, normalises or rewrites. What a browser could not show truthfully (NUL, lone
surrogates, controls, text with nothing to see) or what would break the line in which it stands
(line breaks and direction overrides in a name) is refused.
"""

import re
import unicodedata

from widget_server.model.errors import Malformed, TextRefused, TooLarge
from widget_server.trust import urls

MAX_NAME = 60
MAX_WEBSITE = 200
MAX_EMAIL = 254
MAX_REASON = 1_000

_SURROGATE = re.compile(r"[\ud800-\udfff]")
# C0 and C1 controls and DEL, but tab and line breaks, which a text may hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# UAX 9: embeddings, overrides and isolates reorder what stands after a name; U+2028 and U+2029
# break a line as \n does.
_BREAKS_LINE = re.compile(r"[\t\n\r\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Letters and symbols that draw nothing: Hangul fillers, empty braille, Khmer inherent vowels, and
# the variation selectors and other default ignorable marks (DerivedCoreProperties.txt).
_BLANK = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    r"\ufff0-\ufff8\ufffe\uffff\U000e0000-\U000e0fff]"
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_EMAIL = re.compile(r"[^\s@<>\x00-\x20\x7f-\x9f]+@[^\s@<>\x00-\x20\x7f-\x9f]+")


def visible(text: str) -> bool:
    """Whether a reader would see anything at all."""
    return any(
        unicodedata.category(character) not in _INVISIBLE for character in _BLANK.sub("", text)
    )


def check_characters(text: str) -> None:
    """Refuse what no text may hold.

    Raises Malformed for lone surrogates (no Unicode text has them) and TextRefused for NUL and
    other controls than tab and line breaks.
    """
    if _SURROGATE.search(text):
        raise Malformed("The text holds half a character. Send whole Unicode text.")
    if _CONTROL.search(text):
        raise TextRefused("The text holds control characters. Remove them and send it again.")


def check_name(text: str) -> None:
    """A reader's name: one line of 1 to 60 code points with something to see.

    Raises Malformed, TextRefused or TooLarge.
    """
    check_characters(text)
    if len(text) > MAX_NAME:
        raise TooLarge("A name is at most 60 characters long.")
    if _BREAKS_LINE.search(text):
        raise TextRefused("A name is one line, without tabs and marks that turn its direction.")
    if not visible(text):
        raise TextRefused("The name is empty. Write one, or leave the field out.")


def check_website(url: str) -> None:
    """A reader's website: an absolute http or https URL of at most 200 characters.

    Raises Malformed, TextRefused or TooLarge.
    """
    check_characters(url)
    if len(url) > MAX_WEBSITE:
        raise TooLarge("A website's address is at most 200 characters long.")
    if urls.split(url) is None:
        raise TextRefused("A website's address starts with https:// or http:// and has a host.")


def check_email(text: str) -> None:
    """An email address, by its shape only: it is never sent out and never written to unasked.

    Raises Malformed, TextRefused or TooLarge.
    """
    check_characters(text)
    if len(text) > MAX_EMAIL:
        raise TooLarge("An email address is at most 254 characters long.")
    if _EMAIL.fullmatch(text) is None:
        raise TextRefused("An email address looks like name@example.org.")


def check_reason(text: str) -> None:
    """Why a comment is reported: up to 1,000 code points; may be empty.

    Raises Malformed, TextRefused or TooLarge.
    """
    check_characters(text)
    if len(text) > MAX_REASON:
        raise TooLarge("A reason is at most 1,000 characters long.")
