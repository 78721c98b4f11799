"""Refusals as the outside sees them: the only place that knows statuses and close codes."""

import math
from http import HTTPStatus
from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from widget_server.model.errors import ProblemError
from widget_server.transport.metrics import HTTP_METRICS

STATUS = {
    "malformed": 400,
    "token_invalid": 401,
    "token_expired": 401,
    "token_revoked": 403,
    "origin_not_allowed": 403,
    "not_permitted": 403,
    "not_found": 404,
    "story_closed": 409,
    "edit_window_over": 409,
    "too_large": 413,
    "text_refused": 422,
    "unknown_reaction": 422,
    "rate_limited": 429,
    "unavailable": 503,
}

TITLES = {
    400: "Malformed request",
    401: "Token not accepted",
    403: "Not permitted",
    404: "Not found",
    405: "Method not allowed",
    409: "Too late",
    413: "Too large",
    415: "Media type not taken",
    422: "Not accepted",
    429: "Too fast",
    500: "Internal error",
    503: "Unavailable",
}

# Close codes: 4000 to 4499 mean “come back”, 4500 to 4999 “not before the page is loaded anew”.
GOING_AWAY = 1001
NO_TEXT = 1003
ABUSE = 1008
TOO_LARGE = 1009
RESTART = 1012
OVERLOAD = 1013
MALFORMED = 4400
NO_SUBSCRIPTION = 4408
TOO_SLOW = 4413
TOO_MANY = 4429
TOKEN_REFUSED = 4501
ORIGIN_REFUSED = 4503
PROTOCOL_VERSION = 4505

NO_DOCUMENT_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"

_REFUSED_SUBSCRIPTION = {
    "token_invalid": TOKEN_REFUSED,
    "token_expired": TOKEN_REFUSED,
    "token_revoked": TOKEN_REFUSED,
    "not_permitted": TOKEN_REFUSED,
    "origin_not_allowed": ORIGIN_REFUSED,
}


def status_of(rejection: ProblemError) -> int:
    """The HTTP status of a refusal."""
    return STATUS[rejection.code]


def close_code_of(rejection: ProblemError) -> int:
    """With which code a socket ends that was refused its only subscription."""
    return _REFUSED_SUBSCRIPTION.get(rejection.code, NO_SUBSCRIPTION)


def problem_response(
    status: int, code: str, detail: str, retry_after: float | None = None
) -> Response:
    """An error answer (RFC 9457). Never kept by a cache, never an echo of what was sent."""
    HTTP_METRICS.requests_rejected.add(status, code)
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    headers = {"Cache-Control": "no-store"}
    if retry_after is not None:
        content["retry_after"] = retry_after
        headers["Retry-After"] = str(max(1, round(retry_after)))
    return Response(orjson.dumps(content), status, headers, media_type="application/problem+json")


def set_security_headers(headers: MutableHeaders) -> None:
    """What an answer carries that is no page: opened as one, it may do nothing at all."""
    headers.setdefault("Content-Security-Policy", NO_DOCUMENT_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"


def rejection_response(rejection: ProblemError) -> Response:
    """The error answer for a refusal."""
    return problem_response(
        status_of(rejection), rejection.code, rejection.detail, rejection.retry_after
    )


def plain_response(
    status: HTTPStatus, headers: list[tuple[bytes, bytes]], retry_after: float | None
) -> bytes:
    """The last answer on a connection, for what was not read: a line of text."""
    text = b"%b\n" % status.phrase.encode()
    lines = [b"%b: %b\r\n" % header for header in headers]
    if retry_after is not None:
        lines.append(b"retry-after: %d\r\n" % max(1, math.ceil(retry_after)))
    return (
        b"HTTP/1.1 %d %b\r\n%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
        b"content-security-policy: %b\r\nx-content-type-options: nosniff\r\n"
        b"connection: close\r\n\r\n%b"
    ) % (status, text[:-1], b"".join(lines), len(text), NO_DOCUMENT_POLICY.encode(), text)
