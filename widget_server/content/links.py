"""Find http and https links in a comment: two inline rules for the Markdown parser.

Each rule takes time proportional to the text, for any input. An invalid link stays as typed.
"""

import re
import unicodedata
from bisect import bisect_left

from markdown_it.rules_inline import StateInline

from widget_server.content import urls
from widget_server.content.visibility import is_visible

MAX_HREF = 2_000
"""Characters of a link's URL. A longer one stays text."""

# Characters that end a URL in running text. RFC 3986 excludes the ASCII ones from URLs (brackets may
# only enclose an IPv6 host). Quotes and CJK punctuation belong to the sentence.
_URL_END = r'\s<>"`\\\[\]\x00-\x1f\x7f-\x9f«»\u2018-\u201f\u3000-\u3011\uff01-\uff0f\uff1a-\uff20'
_BARE_URL = re.compile(rf"://(?:\[[0-9A-Fa-f:.]+\])?[^{_URL_END}]+")
_SCHEME = re.compile(r"(?<![0-9A-Za-z])https?$", re.IGNORECASE)
_DESTINATION = re.compile(
    r"\((https?://(?:\[[0-9A-Fa-f:.]+\])?"
    r'[^\s<>"\\()\[\]]*+(?:\([^\s<>"\\()\[\]]*+\)[^\s<>"\\()\[\]]*+)*+)\)',
    re.IGNORECASE,
)
_MARKS = re.compile(r"\\.|`+|!?\[|\]", re.DOTALL)
_PAIRS = {")": "(", "}": "{"}
# Non-ASCII Latin letters. Languages in Latin script put spaces between words, and hosts and paths
# use these letters.
_LATIN = re.compile(r"[\u0080-\u024f\u0300-\u036f\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff]")


def bare_url(state: StateInline, silent: bool) -> bool:
    """Link `https://…` in running text. The parser calls this rule at the colon."""
    if silent or state.linkLevel or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.pending[-6:])
    match = scheme and _BARE_URL.match(state.src, state.pos, state.posMax)
    if scheme is None or match is None:
        return False
    url = scheme[0] + _cut_sentence_marks(_cut_following_words(match[0]))
    if len(url) > MAX_HREF or urls.split(url) is None:
        return False
    state.pending = state.pending[: -len(scheme[0])]
    state.push("link_open", "a", 1).attrs = {"href": url}
    state.push("text", "", 0).content = url
    state.push("link_close", "a", -1)
    state.pos += len(url) - len(scheme[0])
    return True


def _cut_following_words(url: str) -> str:
    """Return the URL without text that follows it without a space.

    A URL with letters of other scripts stays whole if they start after a mark such as `/`, `=` or
    `-`: `https://ja.wikipedia.org/wiki/日本`. Two things end a URL:

    - a letter of a script other than Latin directly after an ASCII letter or digit, if the URL is
      ASCII up to there: `https://example.org/docs了解更多`, `https://example.org/xนะครับ`;
    - a sentence mark of another script (category Po outside Latin and general punctuation, except
      the middle dots in names): `https://example.org/x،ثم`.

    `https://ja.wikipedia.org/wiki/Tシャツ` is cut too: it looks like the first case.
    """
    only_ascii = True
    for place, char in enumerate(url):
        if char.isascii():
            continue
        kind = unicodedata.category(char)
        if only_ascii and kind[0] in "LM" and url[place - 1].isalnum() and not _LATIN.match(char):
            return url[:place]
        if kind == "Po" and _is_foreign(char):
            return url[:place]
        only_ascii = False
    return url


def _is_foreign(mark: str) -> bool:
    return mark >= "\u0370" and not "\u2000" <= mark <= "\u206f" and mark not in "・･"


def _cut_sentence_marks(url: str) -> str:
    """Return the URL without marks that end a sentence or close a bracket opened before the URL.

    This covers all scripts: outside ASCII, general category Po, quotes and brackets.
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
    """Link `[label](https://…)`. Brackets are paired once for the whole paragraph."""
    if silent or state.linkLevel or state.src[state.pos] != "[":
        return False
    cached = state.env.get("labels")
    if cached is None or cached[0] is not state.src:
        cached = state.env["labels"] = (state.src, _labels(state.src))
    found = cached[1].get(state.pos)
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
    """Return, for the position of each link's `[`: the position of `]`, the URL, the link's end.

    CommonMark, sections 6.1 and 6.3: code spans bind tighter than brackets, and only the inner one
    of nested links is a link. Brackets of an image are not brackets of a link.
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
