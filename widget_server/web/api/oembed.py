"""oEmbed 1.0 (oembed.com): the frame of a story, for editors into which its address is pasted."""

import re
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response

from widget_server.content import urls
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.identifiers import STORY_CODE
from widget_server.model.translations import edition
from widget_server.operations.readers import open_data
from widget_server.protocol.snippet import LICENCES
from widget_server.protocol.snippet_texts import texts_in
from widget_server.transport.metrics import TransportMetrics
from widget_server.web import problems
from widget_server.web.api.stories import get_services
from widget_server.web.compressed import CompressedBody
from widget_server.web.conditional import conditional_response
from widget_server.web.pages.editions import story_address
from widget_server.web.pages.layout import templates
from widget_server.web.pages.translate import DEFAULT, Translator, language_tag, text_language
from widget_server.web.pages.xml import render_xml
from widget_server.web.read_limits import count_read

WIDTH, HEIGHT = 600, 640
"""Pixels of the frame where there is room. WordPress shows 200 to 1,000 pixels of height."""
CACHE_AGE_S = 3600
_FORMATS = {"json": "application/json", "xml": "text/xml; charset=utf-8"}
_NUMBER = re.compile("0*[1-9][0-9]{0,8}")
_PATH = re.compile(rf"/s/({STORY_CODE.pattern})/?(?:\?([^#]*))?(?:#.*)?")


async def oembed(request: Request) -> Response:
    """Handle `GET /oembed?url=&maxwidth=&maxheight=&format=`: the frame of one story.

    Only addresses of stories of this server have one. Unknown parameters are ignored.
    """
    query = request.query_params
    kind = query.get("format") or "json"
    if kind not in _FORMATS:
        metrics: TransportMetrics = request.app.state.transport_metrics
        detail = "The format is json or xml."
        return problems.problem_response(metrics.http, 501, "malformed", detail)
    address = query.get("url")
    if not address:
        raise MalformedError("Send the address of a story's page as `url`.")
    width, height = _limit(query.get("maxwidth")), _limit(query.get("maxheight"))
    services = get_services(request)
    code, lang = _page_of(address, services.server_origin)
    with count_read(request, code):
        if code is None:
            raise NotFoundError("This server has no story at that address.")
        found = await open_data.framed_story(services, code)
    fields = _fields(found, services.server_origin, lang, min(width, WIDTH), min(height, HEIGHT))
    if kind == "json":
        body = orjson.dumps(fields)
    else:
        body = render_xml("oembed/oembed.xml", fields=fields)
    headers = {"Cache-Control": "public, max-age=300"}
    return conditional_response(request, CompressedBody(body), _FORMATS[kind], headers)


def _limit(text: str | None) -> int:
    """Return the value of `maxwidth` or `maxheight`, or a large one. Raises `MalformedError`."""
    if not text:
        return 1_000_000_000
    if not _NUMBER.fullmatch(text):
        raise MalformedError("`maxwidth` and `maxheight` are whole numbers of pixels, from 1 on.")
    return int(text)


def _page_of(address: str, server: str) -> tuple[str | None, str | None]:
    """Return the code and the named language in the address of a story's page on this server."""
    parts, own = urls.split(address), urls.split(server)
    if parts is None or own is None or parts.origin != own.origin:
        return None, None
    match = _PATH.fullmatch(parts.rest)
    if match is None:
        return None, None
    named = parse_qs(match[2] or "").get("lang", [""])
    return match[1], language_tag(named[0])


def _fields(
    found: open_data.OpenStory, server: str, lang: str | None, width: int, height: int
) -> dict[str, Any]:
    story = edition(found.story, lang).story
    t = Translator(text_language(lang) or DEFAULT, lang or "")
    page = story_address(server, story.code, lang)
    licence = LICENCES.get(story.license)
    title = story.title or story.key
    content = {
        "story": story,
        "title": title,
        "page": page,
        "frame": f"{server}/e/{story.code}" + (f"?lang={lang}" if lang else ""),
        "t": t,
        "texts": texts_in(t.lang),
        "license": licence,
        "width": width,
        "height": height,
    }
    fields = {
        "type": "rich",
        "version": "1.0",
        "title": title,
        "author_name": story.author or story.publisher,
        "provider_name": found.site.name,
        "provider_url": server,
        "cache_age": CACHE_AGE_S,
        "html": str(templates.get_template("oembed/frame.html").render(content)).strip(),
        "width": width,
        "height": height,
        # Beyond oEmbed 1.0, which allows further fields.
        "url": page,
        "canonical": urls.safe(story.url) or None,
        "license": licence[1] if licence else story.license,
        "comment_count": story.count,
    }
    return {name: value for name, value in fields.items() if value is not None}
