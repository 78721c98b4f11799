"""Where a comment's text holds links to http and https: two rules for the Markdown parser.

Each reads the text once, whatever is written in it; a link that is none stays as it was typed.
"""

import re
import unicodedata
from bisect import bisect_left

from markdown_it.rules_inline import StateInline

from widget_server.content import urls
from widget_server.content.visibility import is_visible

MAX_HREF = 2_000

# What ends a URL in running text: RFC 3986 leaves these out of a URL (brackets only stand around
# an IPv6 host), and quotes and CJK punctuation belong to the sentence.
_URL_END = r'\s<>"`\\\[\]\x00-\x1f\x7f-\x9f«»\u2018-\u201f\u3000-\u3011\uff01-\uff0f\uff1a-\uff20'
_BARE = re.compile(rf"://(?:\[[0-9A-Fa-f:.]+\])?[^{_URL_END}]+")
_SCHEME = re.compile(r"(?<![0-9A-Za-z])https?$", re.IGNORECASE)
_DESTINATION = re.compile(
    r"\((https?://(?:\[[0-9A-Fa-f:.]+\])?"
    r'[^\s<>"\\()\[\]]*+(?:\([^\s<>"\\()\[\]]*+\)[^\s<>"\\()\[\]]*+)*+)\)',
    re.IGNORECASE,
)
_MARKS = re.compile(r"\\.|`+|!?\[|\]", re.DOTALL)
_PAIRS = {")": "(", "}": "{"}
# Letters of words that are written with spaces between them, in the script that hosts and paths are written in.
_LATIN = re.compile(r"[\u0080-\u024f\u0300-\u036f\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff]")


def bare_url(state: StateInline, silent: bool) -> bool:
    """Link `https://…` in running text, called at its colon."""
    if silent or state.linkLevel or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.pending[-6:])
    match = scheme and _BARE.match(state.src, state.pos, state.posMax)
    if scheme is None or match is None:
        return False
    url = scheme[0] + _without_sentence(_without_words(match[0]))
    if len(url) > MAX_HREF or urls.split(url) is None:
        return False
    state.pending = state.pending[: -len(scheme[0])]
    state.push("link_open", "a", 1).attrs = {"href": url}
    state.push("text", "", 0).content = url
    state.push("link_close", "a", -1)
    state.pos += len(url) - len(scheme[0])
    return True


def _without_words(url: str) -> str:
    """Leave the text that follows an address without a space to the text.

    An address in letters of other scripts stays whole (`https://ja.wikipedia.org/wiki/日本`): they
    begin a part of it, after a mark as `/`, `=` or `-`. Two things end it:

    - a letter of a script other than Latin, right behind an ASCII letter or digit, where all was
      ASCII so far: `https://example.org/docs了解更多`, `https://example.org/xนะครับ`;
    - a sentence mark of another script (category Po outside Latin and general punctuation, but for
      the middle dots of names): `https://example.org/x،ثم`.

    So `https://ja.wikipedia.org/wiki/Tシャツ`, which no one can tell from the first, is cut.
    """
    plain = True
    for place, char in enumerate(url):
        if char.isascii():
            continue
        kind = unicodedata.category(char)
        if plain and kind[0] in "LM" and url[place - 1].isalnum() and not _LATIN.match(char):
            return url[:place]
        if kind == "Po" and _is_foreign(char):
            return url[:place]
        plain = False
    return url


def _is_foreign(mark: str) -> bool:
    return mark >= "\u0370" and not "\u2000" <= mark <= "\u206f" and mark not in "・･"


def _without_sentence(url: str) -> str:
    """Leave the marks that end a sentence, or close what was open before the URL, to the text.

    Of whatever script: outside ASCII that is general category Po, and quotes and brackets.
    """
    end = len(url)
    spare = {
        closing: url.count(closing) - url.count(opening) for closing, opening in _PAIRS.items()
    }
    while end and (
        url[end - 1] in ".,;:!?'*_~"
        or spare.get(url[end - 1], 0) > 0
        or (
            not url[end - 1].isascii()
            and unicodedata.category(url[end - 1]) in ("Po", "Ps", "Pe", "Pi", "Pf")
        )
    ):
        end -= 1
        if url[end] in spare:
            spare[url[end]] -= 1
    return url[:end]


def link(state: StateInline, silent: bool) -> bool:
    """`[label](https://…)`, its brackets paired once for the whole paragraph."""
    if silent or state.linkLevel or state.src[state.pos] != "[":
        return False
    known = state.env.get("labels")
    if known is None or known[0] is not state.src:
        known = state.env["labels"] = (state.src, _labels(state.src))
    found = known[1].get(state.pos)
    if found is None or found[2] > state.posMax:
        return False
    close, href, end = found
    posmax = state.posMax
    state.pos, state.posMax = state.pos + 1, close
    state.push("link_open", "a", 1).attrs = {"href": href}
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.push("link_close", "a", -1)
    state.pos, state.posMax = end, posmax
    return True


def _labels(source: str) -> dict[int, tuple[int, str, int]]:
    """Where links begin: the place of `[` to the place of `]`, the URL and the end of the link.

    CommonMark, sections 6.1 and 6.3: code spans bind tighter than brackets, and of nested links
    the inner one counts. An image's brackets are no link's.
    """
    runs: dict[int, list[int]] = {}
    for run in re.finditer("`+", source):
        runs.setdefault(len(run[0]), []).append(run.start())
    found: dict[int, tuple[int, str, int]] = {}
    openers: list[int | None] = []
    position = 0
    while (mark := _MARKS.search(source, position)) is not None:
        position = mark.end()
        if mark[0][0] == "`":
            closers = runs.get(len(mark[0]), [])
            closer = bisect_left(closers, position)
            if closer < len(closers):
                position = closers[closer] + len(mark[0])
        elif mark[0][-1] == "[" and mark[0][0] != "\\":
            openers.append(mark.start() if mark[0] == "[" else None)
        elif mark[0] == "]" and openers:
            opener = openers.pop()
            target = None if opener is None else _DESTINATION.match(source, position)
            if opener is not None and target is not None and _is_link(source, opener, mark, target):
                found[opener] = (mark.start(), target[1], target.end())
                openers = [None] * len(openers)
                position = target.end()
    return found


def _is_link(source: str, opener: int, close: re.Match[str], target: re.Match[str]) -> bool:
    return (
        len(target[1]) <= MAX_HREF
        and urls.split(target[1]) is not None
        and is_visible(source[opener + 1 : close.start()])
    )
