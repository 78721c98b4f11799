"""The template environment of the dashboard and its static files."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Context, Macro
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from widget_server.content import urls
from widget_server.model.errors import NotFoundError
from widget_server.model.queue import is_harsh
from widget_server.web.assets import CACHE_IMMUTABLE, Assets
from widget_server.web.dashboard import entry_words
from widget_server.web.dashboard.diff import words_changed
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


def _favicon(waits: int) -> str:
    """Return the icon of a window as a `data:` address: the mark, and how much waits for a person."""
    number = "9+" if waits > 9 else str(waits)
    badge = (
        "<circle cx='22' cy='22' r='10' fill='#b1271d'/>"
        "<text x='22' y='27' font-family='sans-serif' font-size='14' font-weight='700'"
        f" text-anchor='middle' fill='#fff'>{number}</text>"
    )
    mark = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>"
        "<rect width='32' height='32' rx='8' fill='#0c8577'/>"
        "<path d='M8 9h16v11H16l-5 4v-4H8z' fill='#fff'/>"
        f"{badge if waits else ''}</svg>"
    )
    return f"data:image/svg+xml,{quote(mark)}"


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


def marked(nodes: object, words: Sequence[str]) -> object:
    """Return a comment's tree in which these words, as they are written, are marked."""
    if not isinstance(nodes, list) or not words:
        return nodes
    longest_first = sorted(words, key=len, reverse=True)
    return _mark(nodes, re.compile(f"({'|'.join(map(re.escape, longest_first))})"))


def _mark(nodes: list[object], pattern: re.Pattern[str]) -> list[object]:
    found: list[object] = []
    for node in nodes:
        if isinstance(node, str):
            parts = pattern.split(node)
            found += [
                ["mark", None, part] if n % 2 else part for n, part in enumerate(parts) if part
            ]
        elif isinstance(node, list):
            found.append([*node[:2], *_mark(node[2:], pattern)])
        else:
            found.append(node)
    return found


class PlainContext(Context):
    """Calls what a template calls, as it is: no function of these templates takes Jinja's context."""

    def call(self, called: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Return what the call returns."""
        # A page makes 400 calls. Jinja's own method would ask each time what the function takes.
        if kwargs:
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
        if type(called) is Macro:
            return called(self.eval_ctx, *args, **kwargs)
        return called(*args, **kwargs)


MAX_KEPT = 1_000
"""Rendered parts that are kept by `once`. One more, and it begins anew."""
_kept: dict[tuple[object, ...], Markup] = {}


def once(*key: object, caller: Callable[[], Markup]) -> Markup:
    """Return what `caller` renders, kept for the same key. What it renders must depend on nothing but the key."""
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        found = _kept[key] = caller()
    return found


class Templates(Environment):
    """The templates of the dashboard."""

    context_class = PlainContext


templates = Templates(
    # Each page would ask the disk fourteen times whether a template has changed.
    auto_reload=False,
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
    "favicon": _favicon,
    # An address as people say it.
    "bare": lambda address: address.removeprefix("https://").removesuffix("/"),
    "comment_html": comment_html.render,
    "dead_links": dead_links,
    "marked": marked,
    "is_harsh": is_harsh,
    "changed_to": words_changed,
    "safe_url": lambda url: urls.safe(url) or "",
}
templates.globals |= {
    "once": once,
    "static": static_url,
    "actor_of": entry_words.actor_of,
    "word_of": entry_words.word_of,
    "scope_of": entry_words.scope_of,
    "scopes_by_group": entry_words.scopes_by_group,
    "languages": {lang: texts["language"] for lang, texts in LOCALES.items()},
}


async def static_file(request: Request) -> Response:
    """Handle `GET /admin/static/{hash}/{file}`: style sheet and scripts, cached for ever."""
    name = request.path_params["file"]
    if _HASHES.get(name) != request.path_params["hash"]:
        raise NotFoundError
    return _FILES.response(request, name, CACHE_IMMUTABLE)
