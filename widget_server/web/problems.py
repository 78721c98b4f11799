"""Error responses over HTTP (RFC 9457, problem details), and rejected WebSocket handshakes."""

from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Send

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
    410: "Gone for good",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Media type not taken",
    422: "Not accepted",
    428: "State not named",
    429: "Too fast",
    500: "Internal error",
    503: "Unavailable",
}


def problem_response(
    metrics: HttpMetrics,
    status: int,
    code: str,
    detail: str,
    retry_after: float | None = None,
    **more: str,
) -> Response:
    """Return an error response (RFC 9457). It is never cached and never repeats the input.

    `retry_after` is in seconds. `more` are further members.
    """
    metrics.requests_rejected.add(status, code)
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    headers = {"Cache-Control": "no-store"}
    if retry_after is not None:
        content["retry_after"] = retry_after
        headers["Retry-After"] = retry_after_header(retry_after)
    return Response(orjson.dumps(content), status, headers, media_type="application/problem+json")


def set_security_headers(headers: MutableHeaders) -> None:
    """Set headers that allow nothing if a browser opens the response as a page."""
    headers.setdefault("Content-Security-Policy", NO_DOCUMENT_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"


def rejection_response(metrics: HttpMetrics, rejection: ProblemError) -> Response:
    """Return the error response for a `ProblemError`."""
    return problem_response(
        metrics, status_of(rejection), rejection.code, rejection.detail, rejection.retry_after
    )


async def reject_handshake(send: Send, metrics: HttpMetrics, status: int, detail: str) -> None:
    """Reject a WebSocket handshake with an HTTP response (ASGI's WebSocket Denial Response)."""
    code = {404: "not_found", 429: "rate_limited"}.get(status, "malformed")
    response = problem_response(metrics, status, code, detail, 30 if status == 429 else None)
    set_security_headers(response.headers)
    headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": bytes(response.body)})
