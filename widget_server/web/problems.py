"""Refusals as the outside sees them: the only place that knows statuses and close codes."""

from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from widget_server.model.errors import ProblemError
from widget_server.protocol.codes import status_of
from widget_server.transport.metrics import HttpMetrics
from widget_server.transport.rejection import NO_DOCUMENT_POLICY, retry_after_header

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


def problem_response(
    metrics: HttpMetrics, status: int, code: str, detail: str, retry_after: float | None = None
) -> Response:
    """An error answer (RFC 9457). Never kept by a cache, never an echo of what was sent."""
    metrics.requests_rejected.add(status, code)
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
        headers["Retry-After"] = retry_after_header(retry_after)
    return Response(orjson.dumps(content), status, headers, media_type="application/problem+json")


def set_security_headers(headers: MutableHeaders) -> None:
    """What an answer carries that is no page: opened as one, it may do nothing at all."""
    headers.setdefault("Content-Security-Policy", NO_DOCUMENT_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"


def rejection_response(metrics: HttpMetrics, rejection: ProblemError) -> Response:
    """The error answer for a refusal."""
    return problem_response(
        metrics, status_of(rejection), rejection.code, rejection.detail, rejection.retry_after
    )
