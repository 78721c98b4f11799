"""Cut the wording out of a text in which a listed word was harmless, to make an exception of it."""

import re
from collections.abc import Iterable

from widget_server.content.word_list import LONGEST_ENTRY

WORDS_AROUND = 2
"""Words that are taken on each side."""
LONGEST_WORD = 24
"""Characters of a neighbouring word. Of a longer one, in a script without spaces, a few are taken."""
SIGNS_AROUND = 4

_BEFORE = re.compile(rf"(?:[^\s.!?]+[^\S\n]+){{1,{WORDS_AROUND}}}$")
_AFTER = re.compile(rf"^(?:[^\S\n]+[^\s.!?]+){{1,{WORDS_AROUND}}}")


def wordings(text: str, spans: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """Return, for each place, its words with up to two more on each side, within the sentence.

    A wording has at most 100 characters and one line.
    """
    found = dict.fromkeys(_wording(text, *_whole_words(text, *span)) for span in spans)
    return tuple(one for one in found if one)


def _wording(text: str, start: int, end: int) -> str:
    before = _BEFORE.search(text[max(0, start - LONGEST_ENTRY) : start])
    after = _AFTER.search(text[end : end + LONGEST_ENTRY])
    first = start - len(before[0]) if before else start
    last = end + len(after[0]) if after else end
    if last - first > LONGEST_ENTRY:
        first, last = start, end
    # A star at the end would allow longer words too.
    return " ".join(text[first:last].split())[:LONGEST_ENTRY].rstrip("* ")


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the place with the rest of its first and last word; of a long run a few characters."""
    first, last = start, end
    while first > 0 and not text[first - 1].isspace():
        first -= 1
    while last < len(text) and not text[last].isspace():
        last += 1
    if start - first > LONGEST_WORD:
        first = start - SIGNS_AROUND
    if last - end > LONGEST_WORD:
        last = end + SIGNS_AROUND
    return first, last
