"""A comment's text as HTML, from the tree that it is kept as: what the embed draws, for pages and feeds."""

from markupsafe import Markup, escape

from widget_server.content import urls

_TAGS = frozenset(["p", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li"])
_DEPTH_LIMIT = 64
"""More than any text may have; what lies deeper in a damaged row is left out."""
_LINK = Markup('<a href="{}" rel="nofollow ugc noopener noreferrer">{}</a>')
_BREAK = Markup("<br>")


def render(nodes: object, depth: int = _DEPTH_LIMIT) -> Markup:
    """The nodes as HTML of known tags, whatever is in them; any other node is a `span`.

    A link leads only where `urls.safe` lets it, and every string is escaped.
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
    known = tag if isinstance(tag, str) and tag in _TAGS else "span"
    return Markup("<{0}>{1}</{0}>").format(Markup(known), inside)  # noqa: S704 - one of our own
