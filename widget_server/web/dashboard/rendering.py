"""The template environment of the dashboard and its static files."""

import hashlib
import json
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from widget_server.content import urls
from widget_server.model.errors import NotFoundError
from widget_server.model.queue import is_harsh
from widget_server.web.assets import CACHE_IMMUTABLE, Assets
from widget_server.web.pages import comment_html
from widget_server.web.pages.translate import LOCALES

TEMPLATES = Path(__file__).parents[1] / "templates"
STATIC = Path(__file__).parent / "static"
_FILES = Assets(STATIC)
_HASHES = {
    path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    for path in STATIC.iterdir()
    if path.suffix in {".css", ".js"}
}


def static_url(name: str) -> str:
    """Return the address of a static file, with the hash of its content."""
    return f"/admin/static/{_HASHES[name]}/{name}"


def _initial(name: str) -> str:
    """Return the first letter of a name, for its disc."""
    return next((char for char in name if char.isalnum()), "?").upper()


def _nearest_colour(error: str) -> str:
    """Return the colour that an error about the accent offers, or an empty text."""
    found = re.findall(r"#[0-9a-f]{6}", error)
    return found[-1] if len(found) > 1 else ""


def _colour(key: str) -> str:
    """Return the class of a person's disc, the same for the same key."""
    return ("", "b", "c", "d", "e")[hashlib.sha256(key.encode()).digest()[0] % 5]


def dead_links(nodes: object) -> object:
    """Return a comment's tree with its links as plain words, so that no page of a stranger opens by a slip.

    The address follows the words, unless they are the address.
    """
    if not isinstance(nodes, list):
        return nodes
    return [_dead(node) for node in nodes]


def _dead(node: object) -> object:
    if not isinstance(node, list):
        return node
    inside = [_dead(one) for one in node[2:]]
    if node[:1] != ["a"]:
        return [*node[:2], *inside]
    attributes = node[1] if len(node) > 1 and isinstance(node[1], dict) else {}
    href = str(attributes.get("href", ""))
    return ["span", None, *inside, *([] if inside == [href] else [f" ({href})"])]


templates = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters |= {
    "initial": _initial,
    "colour": _colour,
    "to_json": json.dumps,
    "nearest_colour": _nearest_colour,
    "comment_html": comment_html.render,
    "dead_links": dead_links,
    "is_harsh": is_harsh,
    "safe_url": lambda url: urls.safe(url) or "",
}
templates.globals |= {
    "static": static_url,
    "languages": {lang: texts["language"] for lang, texts in LOCALES.items()},
}


async def static_file(request: Request) -> Response:
    """Handle `GET /admin/static/{hash}/{file}`: style sheet and scripts, cached for ever."""
    name = request.path_params["file"]
    if _HASHES.get(name) != request.path_params["hash"]:
        raise NotFoundError
    return _FILES.response(request, name, CACHE_IMMUTABLE)
