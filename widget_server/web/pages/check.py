"""`/s/CODE/check`: look at a page that carries the story, and say what to change. It works without JavaScript."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.model.errors import ProblemError, RateLimitedError, TextRejectedError
from widget_server.model.page_check import Finding, PageCheck
from widget_server.operations.publishing import check_page, republish
from widget_server.operations.publishing.republish import RepublishedStory
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.protocol.codes import status_of
from widget_server.transport import admission
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.pages.form_data import parse_form
from widget_server.web.pages.layout import file_address, render, theme_address
from widget_server.web.pages.own_forms import require_own_page
from widget_server.web.pages.republish import page_headers, snippet_texts
from widget_server.web.pages.translate import Translator, translator
from widget_server.web.read_limits import count_read

MAX_FORM_BYTES = 8 * 1024


async def check_form(request: Request) -> Response:
    """Handle `GET /s/{code}/check`: the form. Nothing is asked: a link to it may stand anywhere."""
    services, code, t = get_services(request), story_code_param(request), translator(request)
    shown = await republish.read_terms(services, code)
    headers = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language"}
    return _response(services, shown, t, {}, 200, headers)


async def check_post(request: Request) -> Response:
    """Handle `POST /s/{code}/check`: the findings about the page that was typed.

    Raises `OriginNotAllowedError` for a form that another page sent.
    """
    services, code, t = get_services(request), story_code_param(request), translator(request)
    require_own_page(request, services, t)
    body = await admission.read_body(request, MAX_FORM_BYTES)
    fields = parse_form(request.headers.get("content-type", ""), body)
    typed = fields.get("page", "")[: check_page.MAX_ADDRESS + 1]
    network = services.network_key(admission.client_address(request.scope))
    headers = {"Cache-Control": "no-store"}
    with count_read(request, code):
        shown = await republish.read_terms(services, code)
        try:
            found = await check_page.check_as_stranger(
                services, code, typed, network, snippet_texts(t)
            )
        except (TextRejectedError, RateLimitedError) as error:
            if error.retry_after is not None:
                headers["Retry-After"] = str(int(error.retry_after))
            said = {"typed": typed, "error": error_text(error, t)}
            return _response(services, shown, t, said, status_of(error), headers)
    checked = {
        "typed": found.page,
        "found": sentences(services, found, t),
        "faults": len(found.faults),
    }
    return _response(services, shown, t, checked, 200, headers)


def error_text(error: ProblemError, t: Translator) -> str:
    """Return why a page was not checked. All pages that cannot be read have one answer."""
    return t("chk_often" if isinstance(error, RateLimitedError) else "chk_refused")


def sentences(services: Services, found: PageCheck, t: Translator) -> list[dict[str, Any]]:
    """Return the findings in words, what is to be changed first."""
    order = ("fault", "advice", "unknown", "good")
    now = serializers.rfc3339(services.now_ms())
    return [
        {
            "state": one.state,
            "word": t(f"chk_is_{one.state}"),
            "text": _sentence(one, t, now),
            "more": _policy(one, t),
            "line": one.line,
            "older": one.version if one.code == "text_older" else None,
            "missing": one.missing,
            "outdated": one.outdated,
        }
        for one in sorted(found.findings, key=lambda one: order.index(one.state))
    ]


def _sentence(one: Finding, t: Translator, now: str) -> str:
    when = "" if one.version_at is None else t.date(serializers.rfc3339(one.version_at), now)
    return t(f"chk_{one.code}", version=one.version, when=when)


def _policy(one: Finding, t: Translator) -> str:
    return t("chk_default", directive=one.line.partition(" ")[0]) if one.default_only else ""


def _response(
    services: Services,
    shown: RepublishedStory,
    t: Translator,
    said: Mapping[str, Any],
    status: int,
    headers: dict[str, str],
) -> Response:
    story, site = shown.found.story, shown.found.site
    content = {
        "server": services.server_origin,
        "story": serializers.story(story),
        "title": story.title or story.key,
        "theme": theme_address(site.settings),
        "script": file_address("copy.js"),
        "typed": "",
        "error": "",
        "found": [],
        "faults": 0,
        **said,
    }
    html = render("republish/check.html", t, content)
    return HTMLResponse(html, status, headers | page_headers(services.server_origin, t))
