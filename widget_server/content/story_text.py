"""Turn the text of a story, as HTML or Markdown, into a tree of allowed nodes, and the tree into HTML.

The tree has the shape of a comment's (`content/markdown.py`), with headings. Whatever is not allowed is
left out, its words stay; scripts, styles and frames go with their content. An image becomes a link to it.
Nothing of the source is ever copied into a page: pages are made from the tree.
"""

import re
from functools import lru_cache
from html import escape
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

from widget_server.content import urls
from widget_server.model.errors import TextRejectedError
from widget_server.model.records import Tree

MAX_TEXT = 100_000
"""Characters of a text."""
MAX_TEXT_NODES = 20_000
MAX_TEXT_DEPTH = 32
MAX_UNCLOSED = 100

_BLOCKS = {
    "p": "p", "blockquote": "blockquote", "pre": "pre", "ul": "ul", "ol": "ol", "li": "li",
    "h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4",
    "div": "p", "section": "p", "article": "p", "figure": "p", "figcaption": "p", "td": "p", "th": "p",
    "dt": "p", "dd": "p",
}  # fmt: skip
_INLINE = {
    "em": "em", "i": "em", "cite": "em", "strong": "strong", "b": "strong", "del": "del", "s": "del",
    "code": "code", "kbd": "code", "samp": "code",
}  # fmt: skip
_DROPPED = frozenset(
    ("script", "style", "iframe", "object", "noscript", "template", "textarea", "select", "svg", "math",
     "head", "title", "form", "button", "audio", "video", "canvas")
)  # fmt: skip
"""Elements that are left out with their content."""
_WRAPPERS = frozenset({"ul", "ol", "blockquote", "li"})
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_UNCLOSED = re.compile(r"<[^<>]*(?=<|\Z)")
_TAGS = frozenset({*_BLOCKS.values(), *_INLINE.values()})
# Raw HTML in Markdown is shown as typed, as in comments.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")


class _AllLinks(MarkdownIt):
    """Finds the links that `MarkdownIt` would leave as words, and HTML: other programs make both."""

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True


_STRICT = _AllLinks("commonmark", {"html": True})
_MAILTO = re.compile(r'mailto:[^\s<>"]+', re.IGNORECASE)


def parse_text(source: str, form: str) -> Tree:
    """Return the tree of a text in `html` or `markdown`. Raises `TextRejectedError`.

    It takes at most about a second for any text: call it outside of the event loop.
    """
    if len(source) > MAX_TEXT:
        raise TextRejectedError(f"A story's text has at most {MAX_TEXT:,} characters.")
    html = _MARKDOWN.render(source) if form == "markdown" else _COMMENT.sub("", source)
    if len(_UNCLOSED.findall(html)) > MAX_UNCLOSED:
        # The parser would look for the end of each one in all that follows.
        raise TextRejectedError("The text has tags without an end (“>”). Send well-formed HTML.")
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.tree()


@lru_cache(maxsize=64)
def is_plain_markdown(source: str) -> bool:
    """Return whether a Markdown text has no “<” outside of code, and links to http, https and mailto only.

    The program into which a stranger pastes it may turn HTML and every link into what they say. It takes up to
    a second: call it outside of the event loop.
    """
    found: dict[str, Any] = {}
    nodes = _STRICT.parse(source, found)
    addresses = [one["href"] for one in found.get("references", {}).values()]
    while nodes:
        node = nodes.pop()
        nodes += node.children or []
        addresses += [node.attrs[name] for name in ("href", "src") if name in node.attrs]
        words = f"{node.info}{node.attrs.get('title', '')}"
        if node.type != "inline" and node.type != "code_inline" and node.markup[:3] != "```":
            words += node.content
        # A link that was not understood stays as words, which another program may understand.
        if "<" in words or (node.type == "text" and "](" in words):
            return False
    # Addresses come encoded. A “<” in one may be a tag before it is a part of the address.
    return not any("%3C" in str(one).upper() for one in addresses) and all(
        urls.safe(one) or _MAILTO.fullmatch(str(one)) for one in addresses
    )


def text_html(tree: object) -> str:
    """Return a tree as HTML that is also well-formed XML, one block a line. Any JSON is valid input."""
    return "\n".join(filter(str.strip, (_html(node, MAX_TEXT_DEPTH + 8) for node in _list(tree))))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _html(node: object, depth: int) -> str:
    if isinstance(node, str):
        return escape(node, quote=False)
    if not isinstance(node, list) or not node or not depth:
        return ""
    tag, inside = node[0], "".join(_html(one, depth - 1) for one in node[2:])
    if tag == "br":
        return "<br/>"
    if tag == "a":
        attributes = node[1] if len(node) > 1 and isinstance(node[1], dict) else {}
        href = urls.safe(attributes.get("href"))
        return f'<a href="{escape(href)}">{inside}</a>' if href else inside
    return f"<{tag}>{inside}</{tag}>" if tag in _TAGS else inside


class _Builder(HTMLParser):
    """Builds the tree from a stream of tags. Open elements are closed where another block begins."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._root: list[Any] = []
        self._open: list[tuple[str, list[Any]]] = []
        """The source's tag and the node of each open element."""
        self._dropped: list[str] = []
        self._nodes = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._dropped or tag in _DROPPED:
            if tag in _DROPPED:
                self._dropped.append(tag)
            return
        if tag == "br":
            self._add(["br", None])
        elif tag == "img":
            self._add_image(dict(attrs))
        elif tag == "a":
            href = urls.safe((dict(attrs).get("href") or "").strip())
            if href:
                self._push(tag, ["a", {"href": href}])
        elif tag in _BLOCKS:
            self._close_paragraph()
            if tag in {"li", "dt", "dd"}:
                self._close(tag)
            self._push(tag, [_BLOCKS[tag], None])
        elif tag in _INLINE:
            self._push(tag, [_INLINE[tag], None])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in {"br", "img"}:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._dropped:
            if tag == self._dropped[-1]:
                self._dropped.pop()
            return
        self._close(tag)

    def handle_data(self, data: str) -> None:
        if self._dropped or not data:
            return
        pre = any(node[0] == "pre" for _, node in self._open)
        text = data if pre else " ".join(["", *data.split(), ""]) if data.split() else " "
        if not pre:
            text = text[0 if data[:1].isspace() else 1 :] if text != " " else text
            text = text if data[-1:].isspace() or text == " " else text[:-1]
        holder = self._holder()
        if holder and isinstance(holder[-1], str):
            holder[-1] += text
        elif text != " " or (holder and len(holder) > 2):
            self._add(text)

    def tree(self) -> Tree:
        """Return the nodes, with loose text in paragraphs and without empty elements."""
        blocks: list[Any] = []
        loose: list[Any] = []

        def end() -> None:
            if any(not isinstance(one, str) or one.strip() for one in loose):
                blocks.append(["p", None, *loose])
            loose.clear()

        for node in self._root:
            if isinstance(node, list) and node[0] in set(_BLOCKS.values()):
                end()
                blocks.append(node)
            else:
                loose.append(node)
        end()
        return [one for one in map(_without_empty, blocks) if one is not None]

    def _holder(self) -> list[Any]:
        return self._open[-1][1] if self._open else self._root

    def _add(self, node: Any) -> None:
        self._nodes += 1
        if self._nodes > MAX_TEXT_NODES:
            raise TextRejectedError("The story's text has too many elements. Shorten it.")
        self._holder().append(node)

    def _push(self, tag: str, node: list[Any]) -> None:
        if len(self._open) >= MAX_TEXT_DEPTH:
            return
        self._add(node)
        self._open.append((tag, node))

    def _close(self, tag: str) -> None:
        """Close the innermost open element of this tag, with all in it. Lists keep their items."""
        for place in range(len(self._open) - 1, -1, -1):
            name = self._open[place][0]
            if name == tag:
                del self._open[place:]
                return
            if tag == "li" and name in {"ul", "ol"}:
                return

    def _close_paragraph(self) -> None:
        """Close what cannot hold a block: a paragraph, a heading, and words in italics around it."""
        while self._open and self._open[-1][1][0] not in _WRAPPERS:
            self._open.pop()

    def _add_image(self, about: dict[str, str | None]) -> None:
        href = urls.safe((about.get("src") or "").strip())
        if href:
            self._add(["a", {"href": href}, " ".join((about.get("alt") or "").split()) or href])


def _without_empty(node: Any) -> Any:
    """Return a node without empty elements and outer spaces of blocks, or None if nothing is left."""
    if isinstance(node, str) or node[0] == "br":
        return node
    inside = [one for one in map(_without_empty, node[2:]) if one is not None]
    if node[0] in _TAGS - set(_INLINE.values()) and node[0] != "pre":
        while inside and isinstance(inside[0], str) and not inside[0].strip():
            inside.pop(0)
        while inside and isinstance(inside[-1], str) and not inside[-1].strip():
            inside.pop()
    return [*node[:2], *inside] if inside else None
