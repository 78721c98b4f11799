"""The home of a discussion: the widget in a page of its own, and the discussion as plain HTML.

Until the embed has loaded, and without JavaScript, the plain HTML is shown: it stands inside the
element. A reader who wants to write without JavaScript goes on to `/s/CODE/write`.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.operations.readers import open_data
from widget_server.operations.services import Services
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.pages import discussion
from widget_server.web.pages.translate import translator


async def story_page(request: Request) -> Response:
    """Handle `GET /s/{code}?order=&before=`: a story's own page, with 100 threads at most.

    `?thread=&after=` is a page of one thread, starting after one of its comments.
    """
    services, code, t = get_services(request), story_code_param(request), translator(request)
    place = discussion.Place.from_query(request.query_params)
    html = await discussion.draw(services, code, place, t, "story/story.html", {})
    headers = {
        "Cache-Control": "public, max-age=5",
        "Vary": "Accept-Language",
        "Content-Language": t.lang,
        "Content-Security-Policy": _content_security_policy(services.server_origin),
        "Referrer-Policy": "no-referrer",
        "Link": await _links(services, code, t.named),
    }
    return HTMLResponse(html, headers=headers)


async def _links(services: Services, code: str, lang: str) -> str:
    """Return the `Link` header: what other software can read of the story, without the HTML."""
    found = await open_data.open_story(services, code, fresh=False)
    page = f"{services.server_origin}/s/{code}"
    links = [
        f'<{page}/feed.atom>; rel="alternate"; type="application/atom+xml"',
        f'<{page}/replies>; rel="replies"; type="application/activity+json"',
    ]
    if found.site.settings.republishing_open(found.story.license):
        address = discussion.oembed_address(services.server_origin, code, lang)
        links += [
            f'<{address}>; rel="alternate"; type="application/json+oembed"',
            f'<{address}&format=xml>; rel="alternate"; type="text/xml+oembed"',
        ]
    return ", ".join(links)


def _content_security_policy(server: str) -> str:
    """Return the policy: the embed is the only script; styles and connections of this server."""
    address = urlsplit(server)
    sockets = f"{'wss' if address.scheme == 'https' else 'ws'}://{address.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {server}/embed.js {server}/embed/",
            "style-src 'self'",
            "img-src 'self'",
            f"connect-src {server} {sockets}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
