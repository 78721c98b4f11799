"""Render a comment's tree as HTML, for pages and feeds, as the embed shows it."""

import re
from typing import Any

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
    parts: list[str] = []
    _add_nodes(parts, nodes, _DEPTH_LIMIT)
    return Markup("".join(parts))  # noqa: S704 - made of allowed tags and escaped text


def _add_nodes(parts: list[str], nodes: object, depth: int) -> None:
    if not isinstance(nodes, list) or not depth:
        return
    # One loop, without a call for each text: a feed has hundreds of them.
    for node in nodes:
        if isinstance(node, str):
            # Most texts need no escaping, and a search is cheaper.
            parts.append(str(escape(node)) if _SPECIAL.search(node) else node)
        elif isinstance(node, list):
            _add_element(parts, node, depth - 1)
        elif isinstance(node, int | float):
            parts.append(str(escape(node)))


def _add_element(parts: list[str], node: list[Any], depth: int) -> None:
    tag = node[0] if node else None
    if tag == "br":
        parts.append("<br>")
        return
    name = tag if isinstance(tag, str) and tag in _TAGS else "span"
    start = f"<{name}>"
    if tag == "a" and len(node) > 1 and isinstance(node[1], dict):
        href = urls.safe(node[1].get("href"))
        if href:
            name = "a"
            start = f'<a href="{escape(href)}" rel="nofollow ugc noopener noreferrer">'
    parts.append(start)
    _add_nodes(parts, node[2:], depth)
    parts.append(f"</{name}>")
