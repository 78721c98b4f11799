"""Pages for people without JavaScript: a story's reactions and comments as plain HTML."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.content import urls
from widget_server.model.errors import NotFoundError
from widget_server.model.limits import MAX_COMMENTS_BYTES, MAX_RESPONSE_BYTES
from widget_server.operations.readers import read
from widget_server.protocol import serializers
from widget_server.web.api.stories import COMMENT, after_of, get_services, story_code_param
from widget_server.web.assets import CACHE_LATEST, Assets
from widget_server.web.pages.comment_html import render

TEMPLATES = Path(__file__).parents[1] / "templates"
templates = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.globals |= {"draw": render, "address": urls.safe}
_HEADERS = {
    "Cache-Control": "public, max-age=5",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
MAX_THREADS = 100
LEAST_COMMENTS = MAX_COMMENTS_BYTES // 8
"""Below so many bytes of JSON no page is too long."""
_STYLES = Assets(TEMPLATES)


async def stylesheet(request: Request) -> Response:
    """`GET /static/{file}`: the pages' styles."""
    file = request.path_params["file"]
    return _STYLES.response(request, f"{file.removesuffix('.css')}/{file}", CACHE_LATEST)


async def story_page(request: Request) -> Response:
    """`GET /s/{code}?before=`: the story's own page, one hundred threads at a time, or fewer.

    `?thread=&after=` is a page of one thread from a comment of it on.
    """
    most = MAX_COMMENTS_BYTES
    html = await _drawn(request, most)
    # As HTML a text may take five times the bytes that it takes as JSON: `&` is `&amp;`.
    while len(html) > MAX_RESPONSE_BYTES and most > LEAST_COMMENTS:
        most //= 2
        html = await _drawn(request, most)
    return HTMLResponse(html, headers=_HEADERS)


async def _drawn(request: Request, most: int) -> bytes:
    """The page with comments that take at most so many bytes as JSON."""
    services, code = get_services(request), story_code_param(request)
    of, before = request.query_params.get("thread"), request.query_params.get("before") or None
    if of is None:
        page, settings = await read.page(services, code, "newest", before, MAX_THREADS, most)
        threads, following = page.threads, page.next
    else:
        if not COMMENT.fullmatch(of):
            raise NotFoundError
        after = after_of(request)
        found_thread, settings = await read.thread(services, code, of, after, most)
        threads, following = [found_thread], None
    kept = await services.cache.story(code, fresh=True)
    found = await read.counts(services, [code])
    if kept is None or not found:
        raise NotFoundError
    *_, total, tally = found[0]
    content: dict[str, Any] = {
        "story": serializers.story(kept),
        "settings": serializers.settings(settings),
        "counts": tally.counts,
        "total": total,
        "threads": [
            serializers.part_of_thread(thread, show_copy=settings.show_copy) for thread in threads
        ],
        "next": following,
        "whole": of is None,
    }
    return templates.get_template("story/story.html").render(content).encode()
