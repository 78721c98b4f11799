"""Every path on one screen, and what is the same for all of them."""

import logging
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from widget_server.model.errors import ProblemError
from widget_server.operations.embed_builds import OtherBuilds
from widget_server.operations.services import Services
from widget_server.transport.admission import ConnectionLimiter
from widget_server.transport.metrics import HttpMetrics, TransportMetrics
from widget_server.web import assets, health, metrics, problems
from widget_server.web.api import counts, reference, stories
from widget_server.web.compressed import CompressedBodyCache
from widget_server.web.live import LiveEndpoint, reject_handshake
from widget_server.web.pages import iframe, messages, story
from widget_server.web.read_limits import rate_limited

log = logging.getLogger(__name__)

LIVE_PATH = "/v1/live"
"""Where sockets are."""


def create_asgi_app(
    services: Services,
    checks: health.ServerStatus,
    sockets_per_network: int,
    transport_metrics: TransportMetrics | None = None,
) -> Starlette:
    """The ASGI application."""
    transport_metrics = transport_metrics or TransportMetrics()
    app = LiveFirstApplication(
        LiveEndpoint(services, ConnectionLimiter(sockets_per_network), transport_metrics),
        routes=[
            Route("/", messages.home),
            Route("/v1/actions", stories.post_action, methods=["POST"]),
            Route("/v1/stories/{code}", rate_limited(stories.snapshot)),
            Route("/v1/stories/{code}/comments", rate_limited(stories.comments)),
            Route("/v1/stories/{code}/comments/{comment}", rate_limited(stories.thread)),
            Route("/v1/counts", rate_limited(counts.counts)),
            Route("/embed.js", assets.latest_asset),
            Route("/embed/{file}", assets.versioned_asset),
            Route("/s/{code}", rate_limited(story.story_page)),
            Route("/e/{reference}", iframe.iframe_page),
            Route("/static/{file}", story.stylesheet),
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", metrics.metrics),
            Route("/openapi.json", reference.openapi),
            Route("/asyncapi.json", reference.asyncapi),
        ],
        middleware=[
            Middleware(CommonHeadersMiddleware),
            Middleware(GZipMiddleware, minimum_size=600),
        ],
        exception_handlers={
            ProblemError: _problem_handler,
            HTTPException: _http_error,
            Exception: _internal_error,
        },
    )
    # No path of ours ends in a slash, and a redirect would be to whatever Host was sent.
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.health = checks
    app.state.transport_metrics = transport_metrics
    app.state.assets = assets.Assets(assets.STATIC)
    app.state.other_builds = OtherBuilds(services)
    app.state.compressed_bodies = CompressedBodyCache()
    return app


class LiveFirstApplication(Starlette):
    """Takes live sockets straight to their door.

    All that stands between is made for HTTP, and each step of it would stay on the stack, half a
    kilobyte, for as long as the socket lives.
    """

    def __init__(self, live: ASGIApp, **settings: Any) -> None:
        super().__init__(**settings)
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] == "websocket" and scope["path"] == LIVE_PATH:
            await self._live(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await reject_handshake(
                send, self.state.transport_metrics.http, 404, f"Sockets are at {LIVE_PATH}."
            )
        else:
            await super().__call__(scope, receive, send)


class CommonHeadersMiddleware:
    """Headers that every answer carries, and the answer to every preflight.

    Readable from any page, without credentials, whether or not an Origin was sent: a shared cache
    must be able to hand one answer to everyone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but preflights."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _set_common_headers(MutableHeaders(scope=message))
            await send(message)

        if scope["method"] == "OPTIONS":
            answer = Response(
                None,
                204,
                {
                    "Access-Control-Allow-Methods": "GET, POST",
                    "Access-Control-Allow-Headers": "Content-Type",
                    "Access-Control-Max-Age": "600",
                },
            )
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def _set_common_headers(headers: MutableHeaders) -> None:
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = "Age, Date, ETag, Retry-After"
    problems.set_security_headers(headers)
    headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
    headers.setdefault("Referrer-Policy", "no-referrer")


_FAULTS = {
    404: ("not_found", "There is no such page here."),
    405: ("malformed", "This path does not take that method."),
}


def _http_metrics(request: Request) -> HttpMetrics:
    metrics: HttpMetrics = request.app.state.transport_metrics.http
    return metrics


async def _problem_handler(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return messages.rejection_page(
        request, problems.rejection_response(_http_metrics(request), error), error.detail
    )


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code, detail = _FAULTS.get(error.status_code, ("malformed", "The request was not understood."))
    if error.status_code == 404:
        elsewhere = messages.redirect_without_slash(request)
        if elsewhere is not None:
            return elsewhere
    answer = problems.problem_response(_http_metrics(request), error.status_code, code, detail)
    answer.headers.update(error.headers or {})
    return messages.rejection_page(request, answer, detail)


async def _internal_error(request: Request, _error: Exception) -> Response:
    # The endpoint's name, for a path may have a token in it.
    asked = getattr(request.scope.get("endpoint"), "__name__", "none")
    log.error("event=request_failed endpoint=%s", asked)
    _http_metrics(request).server_errors += 1
    detail = "Something went wrong here. Try again in a moment."
    problem = problems.problem_response(_http_metrics(request), 500, "unavailable", detail)
    answer = messages.rejection_page(request, problem, detail)
    _set_common_headers(
        answer.headers
    )  # Starlette answers what no one caught outside of all middleware.
    return answer
