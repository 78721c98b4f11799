"""Render a comment's tree as HTML, for pages and feeds, as the embed shows it."""

import re

from markupsafe import Markup, escape

from widget_server.content import urls

# Only the dashboard adds `mark`.
_TAGS = frozenset(
    ["p", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "mark"]
)
_SPECIAL = re.compile("[&<>'\"]")
_DEPTH_LIMIT = 64
"""Deeper than any valid text. Deeper nodes of a damaged row are omitted."""


def render(nodes: object) -> Markup:
    """Return the nodes as HTML of allowed tags. A node with any other tag becomes a `span`.

    Every string is escaped, and a link has only a URL that `urls.safe` allows. Any input is valid,
    because a damaged row can hold any JSON.
    """
    return Markup(_html(nodes, _DEPTH_LIMIT))  # noqa: S704 - made of allowed tags and escaped text


def _html(nodes: object, depth: int) -> str:
    if not isinstance(nodes, list) or not depth:
        return ""
    return "".join(_node_html(node, depth - 1) for node in nodes)


def _text_html(text: str | float) -> str:
    # Most texts need no escaping, and a search is cheaper.
    return text if isinstance(text, str) and not _SPECIAL.search(text) else str(escape(text))


def _node_html(node: object, depth: int) -> str:
    if not isinstance(node, list):
        return _text_html(node) if isinstance(node, str | int | float) else ""
    tag = node[0] if node else None
    if tag == "br":
        return "<br>"
    inside = _html(node[2:], depth)
    if tag == "a" and len(node) > 1 and isinstance(node[1], dict):
        href = urls.safe(node[1].get("href"))
        if href:
            return f'<a href="{escape(href)}" rel="nofollow ugc noopener noreferrer">{inside}</a>'
    name = tag if isinstance(tag, str) and tag in _TAGS else "span"
    return f"<{name}>{inside}</{name}>"
