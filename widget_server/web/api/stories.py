"""Stories over HTTP: snapshot, pages of comments, and actions for clients without WebSockets."""

import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from widget_server.model.errors import MalformedError, NotFoundError, ProblemError
from widget_server.model.identifiers import COMMENT_ID, LANGUAGE_TAG, STORY_CODE
from widget_server.model.limits import MAX_LANGUAGE_LENGTH, MAX_THREADS
from widget_server.model.records import Position
from widget_server.model.translations import primary_of
from widget_server.operations.readers import authorize, identify, read
from widget_server.operations.services import Services
from widget_server.protocol import client_messages, codes, server_messages
from widget_server.protocol.openapi import SINCE
from widget_server.transport import admission
from widget_server.transport.rejection import retry_after_header
from widget_server.web import actions
from widget_server.web.compressed import MIN_GZIP_BYTES, CompressedBody
from widget_server.web.conditional import etag_matches

ORDERS = ("newest", "oldest", "top")
MEDIA_TYPES = ("text/plain", "application/json")
WRONG_MEDIA_TYPE = "Send the action as text/plain or as application/json."
CACHE_TWO_SECONDS = "public, max-age=2"
"""Short: a shared cache then takes the load of a story that many readers open at once."""


def get_services(request: Request) -> Services:
    """Return the services that `app.py` created."""
    services: Services = request.app.state.services
    return services


def story_code_param(request: Request) -> str:
    """Return the story's code from the path. Raises `NotFoundError` if it has another shape."""
    code: str = request.path_params["code"]
    if not STORY_CODE.fullmatch(code):
        raise NotFoundError
    return code


def json_response(content: object, cache: str = CACHE_TWO_SECONDS) -> Response:
    """Return a JSON response. `content` of type bytes is already encoded."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(body, 200, {"Cache-Control": cache}, media_type="application/json")


async def snapshot(request: Request) -> Response:
    """Handle `GET /v1/stories/{code}?since=epoch:seq&copy=HANDLE`: the same for all readers of a copy, with an ETag."""
    since, code = parse_since(request.query_params.get("since")), story_code_param(request)
    services, handle = get_services(request), request.query_params.get("copy")
    headers = {"Cache-Control": CACHE_TWO_SECONDS, "Vary": "Accept-Encoding"}
    copy = None
    if handle is None:
        body = await read.snapshot(services, code, since)
    else:
        # The same token may stand on pages of several origins, each a copy of its own.
        headers["Vary"] = "Accept-Encoding, Origin"
        origin = admission.get_origin(request.scope)
        body, copy = await read.snapshot_of_copy(services, code, since, handle, origin)
    key = code if copy is None else f"{code} {copy}"
    packed = (
        request.app.state.compressed_bodies.get(key, body)
        if since is None
        else CompressedBody(body)
    )
    headers["ETag"] = packed.etag
    if etag_matches(request.headers.get("if-none-match", ""), packed.etag):
        return Response(None, 304, headers)
    if len(body) >= MIN_GZIP_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = packed.gzipped()
    return Response(body, 200, headers, media_type="application/json")


def parse_since(text: str | None) -> Position | None:
    """Return the position that `since` names, or None without one. Raises `MalformedError`."""
    if text is None:
        return None
    if not re.fullmatch(SINCE, text):
        raise MalformedError(
            "Send `since` as epoch:seq, the position of the last snapshot or frame."
        )
    epoch, _, seq = text.rpartition(":")
    return Position(epoch, int(seq))


async def comments(request: Request) -> Response:
    """Handle `GET /v1/stories/{code}/comments?before=&limit=&order=&lang=`: one page of threads."""
    query = request.query_params
    order, limit = query.get("order", "newest"), query.get("limit", "20")
    if order not in ORDERS:
        raise MalformedError(f"`order` is one of {', '.join(ORDERS)}.")
    if not re.fullmatch(r"[1-9][0-9]{0,2}", limit) or int(limit) > MAX_THREADS:
        raise MalformedError(f"`limit` is a whole number from 1 to {MAX_THREADS}.")
    before, lang = query.get("before") or None, query.get("lang", "")
    if lang and (len(lang) > MAX_LANGUAGE_LENGTH or not LANGUAGE_TAG.fullmatch(lang)):
        raise MalformedError("`lang` is a language tag, such as de or pt-BR.")
    page, settings = await read.page(
        get_services(request),
        story_code_param(request),
        order,
        before,
        int(limit),
        lang=primary_of(lang),
    )
    return json_response(
        server_messages.page_json(
            page.threads, page.next, page.position, show_copy=settings.show_copy
        )
    )


async def thread(request: Request) -> Response:
    """Handle `GET /v1/stories/{code}/comments/{id}?after=`: part of a comment's thread."""
    comment = request.path_params["comment"]
    if not COMMENT_ID.fullmatch(comment):
        raise NotFoundError
    after = after_param(request)
    part, settings = await read.thread(
        get_services(request), story_code_param(request), comment, after
    )
    return json_response(server_messages.part_of_thread_json(part, show_copy=settings.show_copy))


def after_param(request: Request) -> str | None:
    """Return the id of the comment after which the part starts, if given. Raises `MalformedError`."""
    after = request.query_params.get("after") or None
    if after is not None and not COMMENT_ID.fullmatch(after):
        raise MalformedError("Use the `next` of the part before, unchanged.")
    return after


async def post_action(request: Request) -> Response:
    """Handle `POST /v1/actions`: one action as on the socket. The body is `ok` or `error`."""
    ref: int | None = None
    try:
        services = get_services(request)
        services.rate_limiters.hit_network(
            "action", services.network_key(admission.client_address(request.scope))
        )
        if not _is_accepted_type(request.headers.getlist("content-type")):
            return _action_response(
                415, server_messages.encode_error(None, MalformedError(WRONG_MEDIA_TYPE))
            )
        body = await admission.read_body(request, client_messages.MAX_BYTES)
        action = client_messages.parse_action(body)
        ref = action.ref
        return _action_response(200, await _execute(request, action))
    except client_messages.InvalidMessageError as error:
        return _action_response(
            codes.status_of(error), server_messages.encode_error(error.ref, error)
        )
    except ProblemError as rejection:
        answer = _action_response(
            codes.status_of(rejection), server_messages.encode_error(ref, rejection)
        )
        if rejection.retry_after is not None:
            answer.headers["Retry-After"] = retry_after_header(rejection.retry_after)
        return answer


def _is_accepted_type(content_types: list[str]) -> bool:
    """Return whether an action may have this media type. None at all counts as text."""
    if not content_types:
        return True
    return (
        len(content_types) == 1
        and content_types[0].partition(";")[0].strip().lower() in MEDIA_TYPES
    )


async def _execute(request: Request, action: client_messages.Action) -> bytes:
    services = get_services(request)
    page: Any = getattr(action, "page", None)
    grant = await authorize.authorize(
        services,
        token=action.token,
        code=action.story,
        origin=admission.get_origin(request.scope),
        page=page,
    )
    reader = identify.reader_from_token(services, grant.site, action.reader)
    network = services.network_key(admission.client_address(request.scope))
    answer, _ = await actions.execute(services, grant, reader, network, action)
    return answer


def _action_response(status: int, message: bytes) -> Response:
    return Response(message, status, {"Cache-Control": "no-store"}, media_type="application/json")
