"""Compare a page's text with the versions of a story's text, passage by passage.

Letters and digits count, with the points inside numbers: editors change quotation marks, dashes and
spaces without changing what is said.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from widget_server.model.page_check import TextSeen

MOST_PASSAGES = 10
"""Passages that are shown of each kind."""
PASSAGE_LENGTH = 300
CARRIED = 0.2
"""Share of a text from which on a page is said to carry it."""
_BLOCKS = frozenset({"p", "h2", "h3", "h4", "pre", "li", "ul", "ol", "blockquote"})
_COUNTS = re.compile(r"(?<=\d)[.,](?=\d)|[^\W_]|%")

Version = tuple[int, Sequence[str]]
"""Number and passages of a version."""


def passages(title: str | None, tree: object) -> list[str]:
    """Return the paragraphs, headings and list items of a story's tree. Any JSON is valid input."""
    found: list[str] = [title or ""]

    def add(node: object, depth: int) -> None:
        if isinstance(node, str):
            found[-1] += node
        elif isinstance(node, list) and node and depth:
            block = node[0] in _BLOCKS
            if block:
                found.append("")
            elif node[0] == "br":
                found[-1] += " "
            for one in node[2:]:
                add(one, depth - 1)
            if block:
                found.append("")

    if isinstance(tree, list):
        found.append("")
        for node in tree:
            add(node, 50)
    return [" ".join(one.split()) for one in found if key(one)]


def key(text: str) -> str:
    """Return the letters and digits of a text, in the form in which they are compared."""
    return "".join(_COUNTS.findall(unicodedata.normalize("NFKC", text).casefold()))


def compare(page: str, versions: Sequence[Version], *, complete: bool = True) -> TextSeen | None:
    """Return how a page's text compares with a story's, or None without a version.

    `versions` begin with the newest. With `complete=False`, the page goes on after `page`.
    """
    if not versions:
        return None
    words = key(page)
    known: dict[str, tuple[int, bool]] = {}

    def look(passage: str) -> tuple[int, bool]:
        if passage not in known:
            wanted = key(passage)
            known[passage] = (len(wanted), wanted in words)
        return known[passage]

    def share(version: Version) -> float:
        looked = [look(one) for one in version[1]]
        return sum(size for size, there in looked if there) / max(
            1, sum(size for size, _ in looked)
        )

    newest = versions[0]
    closest = max(versions, key=lambda one: (share(one), one[0]))
    if share(newest) == 1.0:
        return TextSeen("same", newest[0])
    if not complete:
        return TextSeen("unknown")
    if share(closest) < CARRIED:
        return TextSeen("none")
    missing = _shown(one for one in newest[1] if not look(one)[1])
    now = {key(one) for one in newest[1]}
    together = key(" ".join(newest[1]))
    outdated = (
        ()
        if closest is newest
        else _shown(
            one
            for one in closest[1]
            if look(one)[1] and key(one) not in now and key(one) not in together
        )
    )
    if not outdated and share(closest) < 1.0:
        # Nothing on the page shows that it was made from an earlier version: its own changes are as far from both.
        closest = newest
    return TextSeen("changed" if closest is newest else "older", closest[0], missing, outdated)


@dataclass(frozen=True, slots=True)
class Difference:
    """Passages that differ in one place of a text: those that are gone, and those that stand there now."""

    gone: tuple[str, ...]
    new: tuple[str, ...]


def differences(old: Sequence[str], new: Sequence[str]) -> list[Difference]:
    """Return the passages that only one of two versions has, in the order of the new one.

    A passage that has only moved is in both. Takes time in proportion to the number of passages.
    """
    common = {key(one) for one in old} & {key(one) for one in new}

    def by_place(text: Sequence[str]) -> dict[str, list[str]]:
        """Return the passages of one version only, by the passage of both versions that they follow."""
        after, places = "", {"": list[str]()}
        for one in text:
            own = key(one)
            if own in common:
                after = own
                places.setdefault(after, [])
            else:
                places[after].append(one)
        return places

    gone, added = by_place(old), by_place(new)
    places = ((gone[place], added[place]) for place in added)
    return [Difference(tuple(was), tuple(now)) for was, now in places if was or now]


def _shown(found: object) -> tuple[str, ...]:
    chosen = list(dict.fromkeys(found))[:MOST_PASSAGES]  # type: ignore[call-overload]
    return tuple(
        one if len(one) <= PASSAGE_LENGTH else f"{one[:PASSAGE_LENGTH].rstrip()}…" for one in chosen
    )
