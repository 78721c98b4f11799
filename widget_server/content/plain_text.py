"""A comment's tree as lines of plain text, with the marks of Markdown, for files that are read as they are."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from widget_server.content import urls
from widget_server.model.records import Node

MIN_WIDTH = 20
"""Columns that a line has at least, however deep its list or quote is."""
_LISTS = ("ul", "ol")
_BLOCKS = ("p", "pre", "blockquote", "li", *_LISTS)
_MARKS = {"em": "*", "strong": "**", "del": "~~", "code": "`"}
# A character of two columns may end a line, but not if one of these follows.
_WIDE = r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\U0001f300-\U0001faff\U00020000-\U0003fffd]"
_NOT_FIRST = "[\u3001\u3002\uff0c\uff0e\u30fb\uff1a\uff1b\uff1f\uff01\u30fc\uff09\u300d\u300f\u3011\u3015\u3009\u300b\u2026\u200d\ufe0f]"
_PIECES = re.compile(rf"[ \t]+|{_WIDE}{_NOT_FIRST}*|(?:(?!{_WIDE})[^ \t])+{_NOT_FIRST}*")


def wrapped(tree: Iterable[Node], width: int, *, tight: bool = False) -> list[str]:
    """Return the lines of a comment, at most `width` columns wide. No word and no address is cut.

    `tight`: no blank line before a list, as inside of another list.
    """
    lines: list[str] = []
    inline: list[Node] = []

    def end_paragraph() -> None:
        if inline:
            lines.extend(wrap(_inline(inline), width))
            inline.clear()

    for node in tree:
        if isinstance(node, str) or node[0] not in _BLOCKS:
            inline.append(node)
            continue
        end_paragraph()
        block = _block(node, width)
        lines += [""] if lines and not (tight and node[0] in _LISTS) else []
        lines += block
    end_paragraph()
    return lines


def _block(node: list[Any], width: int) -> list[str]:
    tag, inside = node[0], list(node[2:])
    if tag == "pre":
        return ["    " + line for line in _text(inside).splitlines()]
    if tag == "blockquote":
        return [f"> {line}".rstrip() for line in wrapped(inside, max(MIN_WIDTH, width - 2))]
    if tag in _LISTS:
        return _items(tag, inside, width)
    return wrapped(inside, width)


def _items(tag: str, items: list[Any], width: int) -> list[str]:
    lines: list[str] = []
    for number, item in enumerate(items, 1):
        mark = "- " if tag == "ul" else f"{number}. "
        inside = list(item[2:]) if isinstance(item, list) else [item]
        room = max(MIN_WIDTH, width - len(mark))
        first, *rest = wrapped(inside, room, tight=True) or [""]
        lines += [(mark + first).rstrip()]
        lines += [(" " * len(mark) + line).rstrip() for line in rest]
    return lines


def _inline(nodes: Iterable[Node]) -> str:
    """Return text with marks. A line break stays a line break, a link is followed by its address."""
    parts: list[str] = []
    for node in nodes:
        if isinstance(node, str):
            parts.append(node)
        elif node[0] == "br":
            parts.append("\n")
        elif node[0] == "a":
            parts.append(_link(node))
        else:
            mark = _MARKS.get(str(node[0]), "")
            parts.append(f"{mark}{_inline(node[2:])}{mark}")
    return "".join(parts)


def _link(node: list[Any]) -> str:
    text = _inline(node[2:])
    href = urls.safe(node[1].get("href")) if isinstance(node[1], dict) else ""
    return text if not href or href == text else f"{text} <{href}>"


def _text(nodes: Iterable[Any]) -> str:
    return "".join(
        node if isinstance(node, str) else _text(node[2:]) if isinstance(node, list) else ""
        for node in nodes
    )


def wrap(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken at spaces and between characters of two columns."""
    # `splitlines` knows every character that ends a line in some editor: what follows is indented too.
    return [line for part in text.splitlines() for line in _wrap_line(part, width)]


def _wrap_line(text: str, width: int) -> list[str]:
    lines, line, used = [], "", 0
    for piece in _PIECES.findall(text.strip()):
        columns = columns_of(piece)
        if line and used + columns > width and not piece.isspace():
            lines.append(line.rstrip())
            line, used = "", 0
        if line or not piece.isspace():
            line, used = line + piece, used + columns
    return [*lines, line.rstrip()]


def columns_of(text: str) -> int:
    """Return how many columns a text takes in a monospaced font."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )
