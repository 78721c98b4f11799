"""Render a comment's tree as HTML, for pages and feeds, as the embed shows it."""

from markupsafe import Markup, escape

from widget_server.content import urls

# Only the dashboard adds `mark`.
_TAGS = frozenset(
    ["p", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "mark"]
)
_DEPTH_LIMIT = 64
"""Deeper than any valid text. Deeper nodes of a damaged row are omitted."""
_LINK = Markup('<a href="{}" rel="nofollow ugc noopener noreferrer">{}</a>')
_BREAK = Markup("<br>")


def render(nodes: object, depth: int = _DEPTH_LIMIT) -> Markup:
    """Return the nodes as HTML of allowed tags. A node with any other tag becomes a `span`.

    Every string is escaped, and a link has only a URL that `urls.safe` allows. Any input is valid,
    because a damaged row can hold any JSON.
    """
    if not isinstance(nodes, list) or not depth:
        return Markup("")
    return Markup("").join(_render_node(node, depth - 1) for node in nodes)


def _render_node(node: object, depth: int) -> Markup:
    if not isinstance(node, list):
        return escape(node) if isinstance(node, str | int | float) else Markup("")
    tag = node[0] if node else None
    inside = render(node[2:], depth)
    if tag == "br":
        return _BREAK
    if tag == "a" and len(node) > 1 and isinstance(node[1], dict):
        href = urls.safe(node[1].get("href"))
        if href:
            return _LINK.format(href, inside)
    name = tag if isinstance(tag, str) and tag in _TAGS else "span"
    return Markup("<{0}>{1}</{0}>").format(Markup(name), inside)  # noqa: S704 - of `_TAGS`, or "span"
