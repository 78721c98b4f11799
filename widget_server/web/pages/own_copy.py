"""`/s/CODE/copy/SECRET`: a republisher's own copy, by the address that was shown with its snippet."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from widget_server.model.translations import edition
from widget_server.operations.publishing import own_copy
from widget_server.protocol import serializers
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.pages.layout import render, theme_address
from widget_server.web.pages.own_forms import require_own_page
from widget_server.web.pages.republish import page_headers
from widget_server.web.pages.translate import translator


async def show(request: Request) -> Response:
    """Handle `GET /s/{code}/copy/{secret}`: the pages of one copy and their figures."""
    services, code, t = get_services(request), story_code_param(request), translator(request)
    own = await own_copy.read(services, code, request.path_params["secret"])
    content = {
        "own": own,
        "title": edition(own.story, t.reads).story.title or own.story.key,
        "publisher": own.story.publisher or own.site.name,
        "theme": theme_address(own.site.settings),
        "path": request.url.path,
        "changed_on": lambda older: t.day(serializers.rfc3339(older.changed_at)),
    }
    headers = {"Cache-Control": "no-store"} | page_headers(services.server_origin, t)
    return HTMLResponse(render("republish/copy.html", t, content), headers=headers)


async def unlist(request: Request) -> Response:
    """Handle `POST /s/{code}/copy/{secret}`: take the copy off the story's page.

    Raises `OriginNotAllowedError` for a form that another page sent.
    """
    services, code, t = get_services(request), story_code_param(request), translator(request)
    require_own_page(request, services, t)
    await own_copy.unlist(services, code, request.path_params["secret"])
    query = f"?lang={t.named}" if t.named else ""
    return RedirectResponse(request.url.path + query, 303, {"Cache-Control": "no-store"})
