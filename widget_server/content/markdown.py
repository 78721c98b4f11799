"""Convert a comment's Markdown to a tree of allowed nodes: no HTML, and no character is lost.

The subset is paragraphs, line breaks, emphasis, strong, strikethrough, code, quotes, lists and
links to http and https. All other Markdown, raw HTML included, is shown as typed.
`docs/developers/protocol.md` names the tags. `content/text.py` rejects text that cannot be shown.
"""

import re
from collections.abc import Iterable
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, list_block
from markdown_it.token import Token

from widget_server.content.links import bare_url, link
from widget_server.content.visibility import is_visible
from widget_server.model.errors import TextRejectedError
from widget_server.model.records import Node, Tree

MAX_DEPTH = 16
"""Levels of quotes and lists inside each other."""
MAX_LINKS = 10
MAX_NODES = 2_000
MAX_LINES = 1_000
"""Parsing costs lines times levels: 1,000 lines, 16 levels deep, take about 40 ms."""

_TOO_MANY = "The text has too many lines or marks. Split it in several comments."

_TAGS = {
    "paragraph": "p",
    "blockquote": "blockquote",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "em": "em",
    "strong": "strong",
    "s": "del",
    "link": "a",
}
_BLOCKS = frozenset({"p", "pre", "blockquote", "ul", "ol", "li"})

_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{0,32}")
# Lists in the tree carry no numbers, so a list that does not start at 1 stays as typed.
_OTHER_NUMBER = re.compile(r"(?!0*1[.)])[0-9]+[.)]")


def render(source: str) -> Tree:
    """Return the tree that pages, feeds and the embed show.

    The time is proportional to the source. Raises TextRejectedError for more than 10 links, 1,000
    lines, 16 levels of nesting or 2,000 nodes.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise TextRejectedError(_TOO_MANY)
    builder = _Builder()
    block: list[int] = [0, 0]
    for token in _PARSER.parse(source, {}):
        for part in token.children or () if token.type == "inline" else (token,):
            builder.add(part)
        if token.level == 0 and token.map is not None:
            block = token.map
        if token.level == 0 and token.nesting <= 0:
            builder.keep_source_if_invisible(lines[slice(*block)])
    return builder.tree


def to_plain_text(tree: Iterable[Node]) -> str:
    """Return the visible text of a tree, with one line for each block."""
    parts: list[str] = []
    for node in tree:
        if isinstance(node, str):
            parts.append(node)
        elif node[0] == "br":
            parts.append("\n")
        elif node[0] in _BLOCKS:
            before = "\n" if parts and not parts[-1].endswith("\n") else ""
            parts.append(f"{before}{to_plain_text(node[2:])}\n")
        else:
            parts.append(to_plain_text(node[2:]))
    return "".join(parts).rstrip("\n")


class _Builder:
    """Build nodes from parser tokens. `_open` holds the unfinished lists, outermost first."""

    def __init__(self) -> None:
        self.tree: Tree = []
        self._open: list[Tree] = [self.tree]
        self._tags: list[str] = [""]
        self._items: list[int] = []
        self._number = ""
        self._nodes = 0
        self._links = 0

    def add(self, token: Token) -> None:
        if self._number and token.type != "paragraph_open":
            number, self._number = self._number, ""
            self._text(number)
        if token.type == "text":
            self._text(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            self._count()
            self._open[-1].append(["br", None])
        elif token.nesting > 0:
            self._enter(_TAGS[token.type.removesuffix("_open")], token)
        elif token.nesting < 0:
            self._leave()
        elif token.type == "code_inline":
            self._code(self._open[-1], token.content)
        else:
            self._code_block(token)

    def keep_source_if_invisible(self, lines: list[str]) -> None:
        """Replace the last block by its source if the block has no visible text."""
        if is_visible(to_plain_text(self.tree[-1:])) or not is_visible("".join(lines)):
            return
        while not is_visible(lines[-1]):
            lines = lines[:-1]
        paragraph: list[Any] = ["p", None]
        self.tree[-1] = paragraph
        self._open.append(paragraph)
        for number, line in enumerate(lines):
            if number:
                self._count()
                self._open[-1].append(["br", None])
            self._text(line)
        self._open.pop()

    def _text(self, text: str) -> None:
        children = self._open[-1]
        if children and isinstance(children[-1], str) and text:
            children[-1] += text
        elif text:
            self._count()
            children.append(text)

    def _enter(self, tag: str, token: Token) -> None:
        # A tight list's paragraph has no node, and neither has a tag inside the same tag (strong in strong).
        if token.hidden or (tag not in _BLOCKS and tag in self._tags):
            self._open.append(self._open[-1])
            self._tags.append("")
            return
        node: list[Any] = [tag, None]
        if tag == "a":
            self._links += 1
            if self._links > MAX_LINKS:
                raise TextRejectedError(
                    f"A comment has at most {MAX_LINKS} links. Remove some and send it again."
                )
            node[1] = {"href": token.attrs["href"]}
        self._count()
        self._open[-1].append(node)
        self._open.append(node)
        self._tags.append(tag)
        self._count_item(tag, token)
        if len(self._open) > MAX_DEPTH + 1:
            raise TextRejectedError("Quotes and lists are nested too deep. Use fewer levels.")

    def _count_item(self, tag: str, token: Token) -> None:
        """Keep an item's number as text if it is neither 1 nor the next number."""
        if tag in {"ul", "ol"}:
            self._items.append(0)
        elif tag == "li":
            self._items[-1] += 1
            if token.info and int(token.info) not in {1, self._items[-1]}:
                self._number = f"{token.info}{token.markup} "

    def _leave(self) -> None:
        node, tag = self._open.pop(), self._tags.pop()
        if tag in {"ul", "ol"}:
            self._items.pop()
        elif tag == "a" and not is_visible(to_plain_text(node[2:])):
            attributes: Any = node[1]
            node.append(attributes["href"])

    def _code(self, children: Tree, text: str) -> None:
        self._count()
        children.append(["code", None, text] if text else ["code", None])

    def _code_block(self, token: Token) -> None:
        if is_visible(token.content):
            # The info string of a fence is one word, the language, and is not shown. Show anything longer.
            info = token.info.strip()
            first = "" if _LANGUAGE.fullmatch(info) else f"{info}\n"
            node: list[Any] = ["pre", None]
            self._code(node, first + token.content.removesuffix("\n"))
        else:
            opening = token.markup + token.info
            node = ["p", None, opening] if opening else ["p", None]
        self._count()
        self._open[-1].append(node)

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TextRejectedError(_TOO_MANY)


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    # In silent mode the parser asks whether a paragraph ends here. Then every list item counts.
    other_start = not silent and _OTHER_NUMBER.match(_line(state, start)) is not None
    return not other_start and list_block(state, start, end, silent)


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _make_parser() -> MarkdownIt:
    # Beyond maxNesting the library drops text silently. `_Builder` rejects the text before that.
    parser = MarkdownIt("zero", {"maxNesting": MAX_DEPTH + 4})
    parser.block.ruler.at("list", _list, {"alt": ["paragraph", "blockquote"]})
    parser.inline.ruler.at("link", link)
    parser.inline.ruler.at("linkify", bare_url)
    parser.enable(["code", "fence", "blockquote", "list"])
    parser.enable(["newline", "escape", "backticks", "emphasis", "strikethrough"])
    return parser.enable(["link", "linkify"])


_PARSER = _make_parser()
