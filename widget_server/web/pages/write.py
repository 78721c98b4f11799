"""The discussion with forms, for readers without JavaScript: `GET` and `POST /s/CODE/write`.

One form holds the whole page, so that whatever was typed stays, whichever button is pressed. A POST
is answered with the page itself. The reader token, once issued, and the idempotency key travel in
hidden fields only: they are in no cookie and no address. A reader is therefore known as long as
they go on from the page.
"""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.model.claims import ReaderClaims
from widget_server.model.decisions import REASONS
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from widget_server.operations.readers import identify, read
from widget_server.operations.services import Services
from widget_server.transport import admission
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.pages import comment_views, discussion
from widget_server.web.pages.form_data import parse_form
from widget_server.web.pages.layout import render
from widget_server.web.pages.own_forms import require_own_page
from widget_server.web.pages.translate import Translator, translator
from widget_server.web.pages.write_decisions import NOTHING_DECIDED, Decisions, decisions_of
from widget_server.web.pages.write_form import HINT, HINT_FIELDS, OBJECT, Form
from widget_server.web.pages.write_steps import STEP, take_step
from widget_server.web.read_limits import count_read

MAX_FORM_BYTES = 64 * 1024
FORM_THREADS = 50
"""Threads of a page: with their buttons they take about as many bytes as 100 without."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    # Not `no-referrer`: browsers would then send `Origin: null` with the form.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


async def write_page(request: Request) -> Response:
    """Handle `GET /s/{code}/write?reply=ID`: the discussion with its forms.

    `?report=ID` opens the form of a report, `?hint=` that of an error in the story.
    """
    services, code, t = get_services(request), story_code_param(request), translator(request)
    with count_read(request, code):
        place = discussion.Place.from_query(request.query_params)
        form = Form.new()
        for mode in ("reply", "report", HINT):
            if mode in request.query_params:
                form.enter(mode, request.query_params[mode])
        return await _respond(services, code, place, t, form, None)


async def write_post(request: Request) -> Response:
    """Handle `POST /s/{code}/write`: take one step, and answer with the page.

    Raises `OriginNotAllowedError` for a form that another page sent.
    """
    services, code, t = get_services(request), story_code_param(request), translator(request)
    require_own_page(request, services, t)
    body = await admission.read_body(request, MAX_FORM_BYTES)
    fields = parse_form(request.headers.get("content-type", ""), body)
    form = Form.from_fields(fields)
    step = fields.get("do", "")
    try:
        with count_read(request, code):
            place = _place(step.removeprefix("go:") if step[:3] == "go:" else fields.get("at", ""))
            reader = await take_step(request, services, code, t, form, step)
            told = NOTHING_DECIDED
            if reader is not None:
                network = services.network_key(admission.client_address(request.scope))
                told = await decisions_of(services, code, t, reader, network)
            return await _respond(services, code, place, t, form, reader, told)
    except (RateLimitedError, UnavailableError) as error:
        # The discussion cannot be read now: the page shows only what was typed, to be sent again.
        form.fail(error, "", t)
        return _response(_render_kept(code, t, form, step), form, t)


def _place(query: str) -> discussion.Place:
    try:
        return discussion.Place.from_query(dict(parse_qsl(query, max_num_fields=8)))
    except ValueError:
        raise MalformedError from None


async def _respond(
    services: Services,
    code: str,
    place: discussion.Place,
    t: Translator,
    form: Form,
    reader: ReaderClaims | None,
    told: Decisions = NOTHING_DECIDED,
) -> Response:
    own = comment_views.NOTHING_OWN
    if reader is not None:
        story, _ = await discussion.find(services, code)
        own = await comment_views.own_of(services, story, identify.reader_id(reader))
    if form.target and form.mode != OBJECT:
        await _find_target(services, code, form, own, t)
    extra = {"form": form, "fields": form.hidden_fields(), "told": told, "report_reasons": REASONS}
    html = await discussion.draw(
        services, code, place, t, "story/write.html", extra, own, FORM_THREADS
    )
    return _response(html, form, t)


async def _find_target(
    services: Services, code: str, form: Form, own: comment_views.Own, t: Translator
) -> None:
    """Look up the name of the comment that the composer is about."""
    try:
        part, _ = await read.thread(services, code, form.target, None, 8 * 1024)
    except NotFoundError:
        # One's own that waits for a moderator is in no thread.
        if form.target not in own.comments:
            form.leave()
        return
    for comment in (part.top, *part.replies):
        if comment.id == form.target:
            form.target_name = comment.name or t("anonymous")


def _render_kept(code: str, t: Translator, form: Form, step: str) -> bytes:
    content = {
        "code": code,
        "form": form,
        "step": step if STEP.fullmatch(step) else "post",
        "fields": {**form.hidden_fields(), "name": form.name, "email": form.email}
        | {"website": form.website, "reason": form.reason, "category": form.category}
        | {name: getattr(form, name) for name in HINT_FIELDS},
        "pair": t.pair(f"m{form.status}"),
    }
    return render("story/kept.html", t, content).encode()


def _response(html: bytes, form: Form, t: Translator) -> Response:
    headers = {**_HEADERS, "Content-Language": t.lang}
    if form.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(form.retry_after)))
    return HTMLResponse(html, form.status, headers)
