"""The steps of `/s/CODE/write`: what each button of its form does."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request

from widget_server.content import text
from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import NotFoundError, ProblemError, UnavailableError
from widget_server.operations.readers import authorize, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.services import Services
from widget_server.protocol import client_messages
from widget_server.transport import admission
from widget_server.web import actions
from widget_server.web.pages import comment_views
from widget_server.web.pages.translate import Translator
from widget_server.web.pages.write_form import FORGET, HINT, MODES, OBJECT, Form

STEP = re.compile(r"([a-z-]{1,12})(?::([0-9A-Za-z_-]{0,16})(?::([a-z_]{1,30}))?)?")
"""The value of a button: what it does, to which comment, with which reaction."""


async def take_step(
    request: Request, services: Services, code: str, t: Translator, form: Form, step: str
) -> ReaderClaims | None:
    """Do what the pressed button says; return the reader. Errors are said in the form.

    Raises `NotFoundError`, `NotPermittedError` where the story cannot be read.
    """
    match = STEP.fullmatch(step)
    kind, target, key = match.groups(default="") if match else ("", "", "")
    network = services.network_key(admission.client_address(request.scope))
    grant = await authorize.authorize(
        services, token=None, code=code, origin=services.server_origin, lang=t.reads
    )
    reader = identify.reader_from_token(services, grant.site, form.reader or None)
    if reader is None:
        form.reader = ""
        if form.mode == FORGET:
            form.leave()
    try:
        services.rate_limiters.hit_network("action", network)
        action = _action(form, kind, target, key, t)
        if action is not None:
            message = {**action, "story": code, "first": form.first}
            parsed = client_messages.parse_action(orjson.dumps(message))
            answer, reader = await actions.execute(
                services, grant, reader, network, parsed, form=True
            )
            _on_done(form, kind, orjson.loads(answer), t)
            if kind == "forget-all":
                reader = None
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
    places = {
        "send-report": "reason",
        "send-object": "reason",
        "send-hint": "text",
        "forget-all": "",
    }
    return places.get(kind, "body")


def _action(form: Form, kind: str, target: str, key: str, t: Translator) -> dict[str, Any] | None:
    """Return the action of a button, or None for a button that only changes the page."""
    match kind:
        case "react" | "unreact":
            return {"type": "react", "reaction": key if kind == "react" else None}
        case "on" | "off":
            chosen = key if kind == "on" else None
            return {"type": "react", "reaction": chosen, "comment": target}
        case "post" | "save":
            return _comment(form, kind, t)
        case "erase":
            return {"type": "delete", "comment": target}
        case "send-report":
            reason, category = form.reason or None, form.category or None
            return {"type": "report", "comment": target, "reason": reason, "category": category}
        case "send-object":
            return {"type": "appeal", "comment": target or None, "text": form.reason or None}
        case "send-hint":
            return _hint(form, t)
        case "forget-all":
            return {"type": "forget"}
    return None


def _comment(form: Form, kind: str, t: Translator) -> dict[str, Any] | None:
    """Return the comment or its edit, or None if it has no words."""
    if not form.body.strip():
        form.errors["body"], form.status = t("empty"), 422
        return None
    if kind == "save":
        return {"type": "edit", "comment": form.target, "body": form.body}
    contact = {name: getattr(form, name) or None for name in ("name", "email", "website")}
    parent = form.target if form.mode == "reply" else None
    message = {"type": "comment", "key": form.key, "body": form.body, "parent": parent}
    return message | contact


def _hint(form: Form, t: Translator) -> dict[str, Any] | None:
    """Return the report of an error in the story, or None if it has no words."""
    if not form.text.strip():
        form.errors["text"], form.status = t("hint_empty"), 422
        return None
    about = {name: getattr(form, name).strip() or None for name in ("passage", "credit")}
    return {"type": "hint", "text": form.text, **about}


def _on_done(form: Form, kind: str, answer: Mapping[str, Any], t: Translator) -> None:
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
        case "send-object":
            form.notice = t("objected")
            form.leave()
        case "send-hint":
            form.notice = t("hint_sent")
            form.leave()
        case "react":
            form.notice = t("reacted")
        case "unreact":
            form.notice = t("unreacted")
        case "forget-all":
            form.notice = t("forgotten")
            form.forget()


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
    elif kind in {FORGET, HINT}:
        form.leave()
        form.enter(kind, "")
    elif kind in (*MODES, OBJECT):
        form.leave()
        form.enter(kind, target)
        if kind == "edit":
            own = comment_views.NOTHING_OWN
            if reader is not None:
                own = await comment_views.own_of(services, grant.story, identify.reader_id(reader))
            if target not in own.comments:
                form.leave()
                raise NotFoundError
            form.draft, form.body = form.body, own.comments[target].source
