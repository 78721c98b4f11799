"""`/s/CODE/changes?from=VERSION`: what changed in a story's text since a version that copies have."""

import re

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.model.errors import NotFoundError
from widget_server.operations.publishing.changes import read_changes
from widget_server.protocol import serializers
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.pages.layout import render, theme_address
from widget_server.web.pages.translate import translator


async def changes_page(request: Request) -> Response:
    """Handle `GET /s/{code}/changes?from=`: the passages that are new, and those that are gone. Raises `NotFoundError`."""
    services, code, t = get_services(request), story_code_param(request), translator(request)
    version = request.query_params.get("from", "")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", version):
        raise NotFoundError("This version of the text is not known.")
    found = await read_changes(services, code, int(version))
    story, site = found.shown.found.story, found.shown.found.site
    now = serializers.rfc3339(services.now_ms())
    times = [serializers.rfc3339(one.created_at) for one in (found.old, found.newest)]
    content = {
        "server": services.server_origin,
        "story": serializers.story(story),
        "title": found.newest.title or story.title or story.key,
        "site": site,
        "theme": theme_address(site.settings),
        "version": version,
        "is_newest": found.old.version == found.newest.version,
        "old": {"at": times[0], "when": t.date(times[0], now)},
        "newest": {"at": times[1], "when": t.date(times[1], now)},
        "differences": found.differences,
    }
    policy = (
        "default-src 'none'",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    headers = {
        "Cache-Control": "public, max-age=60",
        "Vary": "Accept-Language",
        "Content-Language": t.lang,
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return HTMLResponse(render("story/changes.html", t, content), headers=headers)
