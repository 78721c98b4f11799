"""The corrections of a story, as a page and as data for programs."""

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.model.records import Story
from widget_server.operations.readers import open_data
from widget_server.protocol import serializers
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.conditional import VersionedBodyCache, conditional_response, robots
from widget_server.web.pages.feeds import CACHE, corrections_changed_at
from widget_server.web.pages.layout import render, theme_address
from widget_server.web.pages.translate import Translator, translator


async def corrections_json(request: Request) -> Response:
    """Handle `GET /s/{code}/corrections.json`: a story of a closed site does not exist here."""
    services, code = get_services(request), story_code_param(request)
    found = await open_data.recent_story(services, code)
    story = found.story
    version = (found.epoch, story.corrections, story.title, story.url)
    cache: VersionedBodyCache = request.app.state.feeds
    packed = cache.get((code, "corrections", ""), version)
    if packed is None:
        body = {
            "story": code,
            "title": story.title,
            "url": story.url,
            "corrections": serializers.story(story).get("corrections", []),
        }
        packed = cache.put((code, "corrections", ""), version, orjson.dumps(body))
    headers = {"Cache-Control": CACHE, **robots(found.site)}
    changed = corrections_changed_at(story)
    return conditional_response(
        request, packed, "application/json", headers, changed, services.now_ms()
    )


async def corrections_page(request: Request) -> Response:
    """Handle `GET /s/{code}/corrections`: every correction with its passage and thanks."""
    services, code, t = get_services(request), story_code_param(request), translator(request)
    found = await open_data.open_story(services, code)
    story = found.story
    content = {
        "server": services.server_origin,
        "story": serializers.story(story),
        "title": story.title or story.key,
        "site": found.site,
        "theme": theme_address(found.site.settings),
        "search_engines": found.site.settings.search_engines,
        "corrections": drawn(story, t),
    }
    policy = (
        "default-src 'none'",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    headers = {
        "Cache-Control": "public, max-age=5",
        "Vary": "Accept-Language",
        "Content-Language": t.lang,
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
    }
    return HTMLResponse(render("story/corrections.html", t, content), headers=headers)


def drawn(story: Story, t: Translator) -> list[dict[str, str]]:
    """Return the corrections that readers see, the newest first, in the words of a page."""
    return [
        {
            "id": one["id"],
            "kind": one["kind"],
            "what": t(f"kind_{one['kind']}", when=t.day(one["at"])),
            "at": one["at"],
            "text": one.get("texts", {}).get(t.lang, one["text"]),
            "passage": one.get("passage", ""),
            "credit": one.get("credit", ""),
            "withdrawn": (
                t("correction_withdrawn", when=t.day(one["withdrawn_at"]))
                if "withdrawn_at" in one
                else ""
            ),
        }
        for one in serializers.story(story).get("corrections", [])
    ]
