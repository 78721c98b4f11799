"""React, comment, reply, report, edit and delete without JavaScript: `GET` and `POST /s/CODE/write`.

One form holds the whole page, so that whatever was typed stays, whichever button is pressed. A POST
is answered with the page itself. The reader token, once issued, and the idempotency key travel in
hidden fields only: they are in no cookie and no address. A reader is therefore known as long as
they go on from the page.
"""

import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.content import text
from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    OriginNotAllowedError,
    ProblemError,
    RateLimitedError,
    UnavailableError,
)
from widget_server.model.identifiers import COMMENT_ID
from widget_server.operations.readers import authorize, identify, read
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.services import Services
from widget_server.protocol import client_messages
from widget_server.protocol.codes import status_of
from widget_server.transport import admission
from widget_server.web import actions
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.pages import discussion
from widget_server.web.pages.form_data import parse_form
from widget_server.web.pages.layout import render
from widget_server.web.pages.translate import Translator, translator
from widget_server.web.read_limits import count_read

MAX_FORM_BYTES = 64 * 1024
FORM_THREADS = 50
"""Threads of a page: with their buttons they take about as many bytes as 100 without."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_STEP = re.compile(r"([a-z-]{1,12})(?::([0-9A-Za-z_-]{0,16})(?::([a-z_]{1,30}))?)?")
_MODES = ("reply", "edit", "delete", "report")
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


@dataclass(slots=True)
class Form:
    """What the page's form holds, and what is to be said about the last step."""

    first: str
    """The secret that a new reader is made from, sent with every step."""
    key: str
    """The idempotency key of the comment that is being written."""
    reader: str = ""
    body: str = ""
    name: str = ""
    email: str = ""
    website: str = ""
    reason: str = ""
    draft: str = ""
    """The comment that was being written when an edit began."""
    mode: str = ""
    """What the composer is for: one of `_MODES`, or empty for a new comment."""
    target: str = ""
    """The comment that the mode is about."""
    target_name: str = ""
    notice: str = ""
    link: str = ""
    """The comment that the notice is about."""
    preview: Any = None
    errors: dict[str, str] = field(default_factory=dict)
    """By field; by comment id for a reaction to a comment; "" for the whole page."""
    status: int = 200
    retry_after: float | None = None

    @classmethod
    def new(cls) -> "Form":
        """Return an empty form."""
        return cls(str(uuid.uuid4()), str(uuid.uuid4()))

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> "Form":
        """Return the form as it was sent. What is damaged is made anew."""
        form = cls.new()
        for name in ("first", "key"):
            if _UUID.fullmatch(fields.get(name, "")):
                setattr(form, name, fields[name])
        for name in ("reader", "body", "name", "email", "website", "reason", "draft"):
            setattr(form, name, fields.get(name, ""))
        mode, _, target = fields.get("mode", "").partition(":")
        form.enter(mode, target)
        return form

    def enter(self, mode: str, target: str) -> None:
        """Make the composer one for a comment. Anything unknown makes it one for a new comment."""
        known = mode in _MODES and COMMENT_ID.fullmatch(target) is not None
        self.mode, self.target = (mode, target) if known else ("", "")

    def leave(self) -> None:
        """Make the composer one for a new comment again, with what was written before an edit."""
        if self.mode == "edit":
            self.body, self.draft = self.draft, ""
        self.mode = self.target = self.reason = ""

    def fail(self, error: ProblemError, place: str, t: Translator) -> None:
        """Say an error at the field that it is about."""
        self.status, self.retry_after = status_of(error), error.retry_after
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            said = t("too_fast", n=max(1, math.ceil(error.retry_after)))
        else:
            said = t("!" + error.code, error.detail)
        self.errors[error.field or place] = said


async def write_page(request: Request) -> Response:
    """Handle `GET /s/{code}/write?reply=ID`: the discussion with its forms."""
    services, code, t = get_services(request), story_code_param(request), translator(request)
    with count_read(request, code):
        place = discussion.Place.from_query(request.query_params)
        form = Form.new()
        for mode in ("reply", "report"):
            if mode in request.query_params:
                form.enter(mode, request.query_params[mode])
        return await _respond(services, code, place, t, form, None)


async def write_post(request: Request) -> Response:
    """Handle `POST /s/{code}/write`: take one step, and answer with the page.

    Raises `OriginNotAllowedError` for a form that another page sent.
    """
    services, code, t = get_services(request), story_code_param(request), translator(request)
    _require_own_page(request, services, t)
    body = await admission.read_body(request, MAX_FORM_BYTES)
    fields = parse_form(request.headers.get("content-type", ""), body)
    form = Form.from_fields(fields)
    step = fields.get("do", "")
    try:
        with count_read(request, code):
            place = _place(step.removeprefix("go:") if step[:3] == "go:" else fields.get("at", ""))
            reader = await _take_step(request, services, code, t, form, step)
            return await _respond(services, code, place, t, form, reader)
    except (RateLimitedError, UnavailableError) as error:
        # The discussion cannot be read now: the page shows only what was typed, to be sent again.
        form.fail(error, "", t)
        return _response(_render_kept(code, t, form, step), form, t)


def _require_own_page(request: Request, services: Services, t: Translator) -> None:
    """Raise `OriginNotAllowedError` unless a page of this server sent the form."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site != "same-origin" or admission.get_origin(request.scope) != services.server_origin:
        raise OriginNotAllowedError(t("foreign"))


def _place(query: str) -> discussion.Place:
    try:
        return discussion.Place.from_query(dict(parse_qsl(query, max_num_fields=8)))
    except ValueError:
        raise MalformedError from None


async def _take_step(
    request: Request, services: Services, code: str, t: Translator, form: Form, step: str
) -> ReaderClaims | None:
    """Do what the pressed button says; return the reader. Errors are said in the form.

    Raises `NotFoundError`, `NotPermittedError` where the story cannot be read.
    """
    match = _STEP.fullmatch(step)
    kind, target, key = match.groups(default="") if match else ("", "", "")
    network = services.network_key(admission.client_address(request.scope))
    grant = await authorize.authorize(
        services, token=None, code=code, origin=services.server_origin, lang=t.lang
    )
    reader = identify.reader_from_token(services, grant.site, form.reader or None)
    if reader is None:
        form.reader = ""
    try:
        services.rate_limiters.hit_network("action", network)
        action = _action(form, kind, target, key, t)
        if action is not None:
            message = {**action, "story": code, "first": form.first}
            parsed = client_messages.parse_action(orjson.dumps(message))
            answer, reader = await actions.execute(services, grant, reader, network, parsed)
            _on_done(form, kind, key, orjson.loads(answer), t)
        elif not form.errors:
            await _enter(services, grant, reader, form, kind, target, t)
    except UnavailableError:
        raise
    except ProblemError as error:
        form.fail(error, _place_of_error(kind, target), t)
    return reader


def _place_of_error(kind: str, target: str) -> str:
    if kind in {"react", "unreact"}:
        return "reactions"
    if kind in {"on", "off"}:
        return target
    return "reason" if kind == "send-report" else "body"


def _action(form: Form, kind: str, target: str, key: str, t: Translator) -> dict[str, Any] | None:
    """Return the action of a button, or None for a button that only changes the page."""
    match kind:
        case "react" | "unreact":
            return {"type": "react", "reaction": key if kind == "react" else None}
        case "on" | "off":
            chosen = key if kind == "on" else None
            return {"type": "react", "reaction": chosen, "comment": target}
        case "post" | "save" if not form.body.strip():
            form.errors["body"], form.status = t("empty"), 422
            return None
        case "post":
            contact = {name: getattr(form, name) or None for name in ("name", "email", "website")}
            parent = form.target if form.mode == "reply" else None
            message = {"type": "comment", "key": form.key, "body": form.body, "parent": parent}
            return message | contact
        case "save":
            return {"type": "edit", "comment": form.target, "body": form.body}
        case "erase":
            return {"type": "delete", "comment": target}
        case "send-report":
            return {"type": "report", "comment": target, "reason": form.reason or None}
    return None


def _on_done(form: Form, kind: str, key: str, answer: Mapping[str, Any], t: Translator) -> None:
    """Say what was done, and make the form ready for the next step."""
    form.reader = answer.get("reader", form.reader)
    comment = answer.get("comment")
    held = isinstance(comment, dict) and (comment["state"] == "pending" or "waiting" in comment)
    match kind:
        case "post":
            form.notice, form.link = (
                t("held" if held else "posted"),
                comment["id"] if comment else "",
            )
            form.body, form.key = "", str(uuid.uuid4())
            form.leave()
        case "save":
            form.notice, form.link = t("waiting" if held else "saved"), form.target
            form.leave()
        case "erase":
            form.notice = t("deleted")
            form.leave()
        case "send-report":
            form.notice = t("reported")
            form.leave()
        case "react":
            form.notice = t("reacted")
        case "unreact":
            form.notice = t("unreacted")


async def _enter(
    services: Services,
    grant: Grant,
    reader: ReaderClaims | None,
    form: Form,
    kind: str,
    target: str,
    t: Translator,
) -> None:
    """Change the page as a button says that stores nothing."""
    if kind == "preview":
        form.preview = text.check_body(form.body) if form.body.strip() else None
        if form.preview is None:
            form.errors["body"], form.status = t("empty"), 422
    elif kind == "cancel":
        form.leave()
    elif kind in _MODES:
        form.leave()
        form.enter(kind, target)
        if kind == "edit":
            own = None if reader is None else identify.reader_id(reader)
            left = (
                {}
                if own is None
                else (await discussion.own_of(services, grant.story, own)).comments
            )
            if target not in left:
                form.leave()
                raise NotFoundError
            form.draft, form.body = form.body, left[target].source


async def _respond(
    services: Services,
    code: str,
    place: discussion.Place,
    t: Translator,
    form: Form,
    reader: ReaderClaims | None,
) -> Response:
    own = discussion.NOTHING_OWN
    if reader is not None:
        story, _ = await discussion.find(services, code)
        own = await discussion.own_of(services, story, identify.reader_id(reader))
    if form.target:
        await _find_target(services, code, form, t)
    extra = {"form": form, "fields": _fields_of(form)}
    html = await discussion.draw(
        services, code, place, t, "story/write.html", extra, own, FORM_THREADS
    )
    return _response(html, form, t)


async def _find_target(services: Services, code: str, form: Form, t: Translator) -> None:
    """Look up the name of the comment that the composer is about."""
    try:
        part, _ = await read.thread(services, code, form.target, None, 8 * 1024)
    except NotFoundError:
        if form.mode != "edit":  # One's own that waits for a moderator is in no thread.
            form.leave()
        return
    for comment in (part.top, *part.replies):
        if comment.id == form.target:
            form.target_name = comment.name or t("anonymous")


def _fields_of(form: Form) -> dict[str, str]:
    """Return the hidden fields. What has no visible field in this mode is kept in a hidden one."""
    mode = f"{form.mode}:{form.target}" if form.mode else ""
    hidden = {"first": form.first, "key": form.key, "reader": form.reader, "mode": mode}
    hidden["draft"] = form.draft
    if form.mode in {"report", "delete"}:
        hidden["body"] = form.body
    if form.mode in {"edit", "report", "delete"}:
        hidden |= {"name": form.name, "email": form.email, "website": form.website}
    return {name: value for name, value in hidden.items() if value}


def _render_kept(code: str, t: Translator, form: Form, step: str) -> bytes:
    content = {
        "code": code,
        "form": form,
        "step": step if _STEP.fullmatch(step) else "post",
        "fields": {**_fields_of(form), "name": form.name, "email": form.email}
        | {"website": form.website, "reason": form.reason},
        "pair": t.pair(f"m{form.status}"),
    }
    return render("story/kept.html", t, content).encode()


def _response(html: bytes, form: Form, t: Translator) -> Response:
    headers = {**_HEADERS, "Content-Language": t.lang}
    if form.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(form.retry_after)))
    return HTMLResponse(html, form.status, headers)
