"""A whole discussion as a file: as text, as JSON, or as one page to print. It is sent while it is read.

Every comment that everyone may read is in it, and nothing else: no e-mail address, no reader, no text of
a removed comment.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from widget_server.model.errors import NotFoundError
from widget_server.operations.readers import whole_discussion
from widget_server.operations.readers.open_data import OpenStory
from widget_server.operations.readers.whole_discussion import Part
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.transport import admission
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.pages.discussion_text import TextFile
from widget_server.web.pages.print_page import PrintPage
from widget_server.web.pages.shown_comments import About, ShownComments
from widget_server.web.pages.translate import translator

FORMATS = {
    "txt": "text/plain; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
}
VERSION = 1
"""Version of the JSON file. A field may be added to it; none changes its meaning."""
AT_ONCE = 25
"""Comments that are written before others get the event loop: about 5 ms."""
RIGHTS = (
    "Each comment belongs to its writer. A comment with a `license` may be used under that licence, "
    "with its writer's name. The story has its own licence."
)


async def download(request: Request) -> Response:
    """Handle `GET /s/{code}/discussion.{format}`: `txt`, `json`, or `html` to print."""
    services, code, t = get_services(request), story_code_param(request), translator(request)
    kind = request.path_params["format"]
    if kind not in FORMATS:
        raise NotFoundError
    network = services.network_key(admission.client_address(request.scope))
    found = await whole_discussion.open_whole(services, code, network)
    headers = {"Vary": "Accept-Language"}
    if kind == "html":
        headers["Content-Security-Policy"] = PrintPage.POLICY
    return await send_file(request, services, About.now(services, found, t), kind, headers)


async def send_file(
    request: Request, services: Services, about: About, kind: str, headers: dict[str, str]
) -> Response:
    """Return the discussion as a file of a format, a key of `FORMATS`. Raises `UnavailableError`."""
    found = about.found
    headers = {
        **headers,
        "Cache-Control": "no-store",
        "Content-Language": about.t.lang,
        "Content-Type": FORMATS[kind],
        # Search engines list the discussion's page, if the site lets them.
        "X-Robots-Tag": "noindex",
    }
    if kind != "html":
        name = f'attachment; filename="discussion-{found.story.code}.{kind}"'
        headers["Content-Disposition"] = name
    if request.method == "HEAD":
        response = Response(None, 200, headers)
        del response.headers["content-length"]
        return response
    parts = whole_discussion.parts(services, found.story.id)
    # What fails before the first comment has a status of its own.
    first = await anext(parts, None)
    return StreamingResponse(_WRITERS[kind](about, _with_first(first, parts)), 200, headers)


async def _with_first(first: Part | None, others: AsyncIterator[Part]) -> AsyncIterator[Part]:
    if first is not None:
        yield first
        async for part in others:
            yield part


async def _text(about: About, parts: AsyncIterator[Part]) -> AsyncIterator[str]:
    file, shown = TextFile(about), ShownComments(about)
    yield file.head()
    async for part in parts:
        for some in shown.of(part, AT_ONCE):
            yield "".join(file.comment(one) for one in some)
            await asyncio.sleep(0)
    yield file.foot()


async def _page(about: About, parts: AsyncIterator[Part]) -> AsyncIterator[str]:
    page, shown = PrintPage(about), ShownComments(about)
    yield page.head
    async for part in parts:
        for some in shown.of(part, AT_ONCE):
            yield page.comments(some)
            await asyncio.sleep(0)
    yield page.foot


async def _json(about: About, parts: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    yield orjson.dumps(json_head(about.found, about.server, about.now_ms))[:-1] + b',"comments":[\n'
    separator, settings = b"", about.found.site.settings
    async for part in parts:
        for start in range(0, len(part.comments), AT_ONCE):
            lines = [
                orjson.dumps(serializers.comment(one, show_copy=settings.show_copy))
                for one in part.comments[start : start + AT_ONCE]
            ]
            yield separator + b",\n".join(lines)
            separator = b",\n"
            await asyncio.sleep(0)
    # A file that was cut off is no valid JSON.
    yield b'\n],"complete":true}\n'


def json_head(found: OpenStory, server: str, now_ms: int) -> dict[str, object]:
    """Return the fields of the JSON file before its comments."""
    story, site = found.story, found.site
    shown = serializers.settings(site.settings, now_ms)
    return {
        "format": "story-widget-discussion",
        "version": VERSION,
        "downloaded_at": serializers.rfc3339(now_ms),
        "position": {"epoch": found.epoch, "seq": story.seq},
        "page": f"{server}/s/{story.code}",
        "site": {"slug": site.slug, "name": site.name},
        "story": serializers.story(story),
        "rights": RIGHTS,
        "count": story.count,
        "tally": serializers.tally(story.tally),
        "reactions": [
            {name: one[name] for name in ("key", "label", "emoji")} for one in shown["reactions"]
        ],
    }


_WRITERS: dict[
    str, Callable[[About, AsyncIterator[Part]], AsyncIterator[str] | AsyncIterator[bytes]]
] = {"txt": _text, "json": _json, "html": _page}
