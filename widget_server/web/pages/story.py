"""Story pages for readers without JavaScript: reactions and comments as plain HTML."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.content import urls
from widget_server.model.errors import NotFoundError
from widget_server.model.identifiers import COMMENT_ID
from widget_server.model.limits import MAX_COMMENTS_BYTES, MAX_RESPONSE_BYTES, MAX_THREADS
from widget_server.operations.readers import read
from widget_server.protocol import serializers
from widget_server.web.api.stories import after_param, get_services, story_code_param
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
MIN_COMMENTS_BYTES = MAX_COMMENTS_BYTES // 8
"""A page with this many bytes of comments as JSON is never too long."""
_STYLES = Assets(TEMPLATES)


async def stylesheet(request: Request) -> Response:
    """Handle `GET /static/{file}`: the styles of the pages."""
    file = request.path_params["file"]
    return _STYLES.response(request, f"{file.removesuffix('.css')}/{file}", CACHE_LATEST)


async def story_page(request: Request) -> Response:
    """Handle `GET /s/{code}?before=`: a story's own page, with 100 threads at most.

    `?thread=&after=` is a page of one thread, starting after one of its comments.
    """
    max_bytes = MAX_COMMENTS_BYTES
    html = await _render_page(request, max_bytes)
    # A text can take five times as many bytes in HTML as in JSON: `&` becomes `&amp;`.
    while len(html) > MAX_RESPONSE_BYTES and max_bytes > MIN_COMMENTS_BYTES:
        max_bytes //= 2
        html = await _render_page(request, max_bytes)
    return HTMLResponse(html, headers=_HEADERS)


async def _render_page(request: Request, max_bytes: int) -> bytes:
    """Render the page with at most `max_bytes` of comments, measured as JSON."""
    services, code = get_services(request), story_code_param(request)
    thread_id, before = (
        request.query_params.get("thread"),
        request.query_params.get("before") or None,
    )
    if thread_id is None:
        page, settings = await read.page(services, code, "newest", before, MAX_THREADS, max_bytes)
        threads, following = page.threads, page.next
    else:
        if not COMMENT_ID.fullmatch(thread_id):
            raise NotFoundError
        after = after_param(request)
        part, settings = await read.thread(services, code, thread_id, after, max_bytes)
        threads, following = [part], None
    story = await services.cache.story(code, fresh=True)
    counts = await read.counts(services, [code])
    if story is None or not counts:
        raise NotFoundError
    *_, total, tally = counts[0]
    content: dict[str, Any] = {
        "story": serializers.story(story),
        "settings": serializers.settings(settings),
        "counts": tally.counts,
        "total": total,
        "threads": [
            serializers.part_of_thread(thread, show_copy=settings.show_copy) for thread in threads
        ],
        "next": following,
        "whole": thread_id is None,
    }
    return templates.get_template("story/story.html").render(content).encode()
