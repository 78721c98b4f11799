"""The routes, the common headers and the error handlers of the Starlette application."""

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
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from widget_server.model.errors import ProblemError
from widget_server.operations.embed_builds import OtherBuilds
from widget_server.operations.services import Services
from widget_server.transport.admission import ConnectionLimiter
from widget_server.transport.metrics import HttpMetrics, TransportMetrics
from widget_server.web import assets, events, health, metrics, problems
from widget_server.web.api import counts, oembed, reference, replies, stories
from widget_server.web.api.owner_routes import owner_routes
from widget_server.web.compressed import MIN_GZIP_BYTES, CompressedBodyCache
from widget_server.web.conditional import VersionedBodyCache
from widget_server.web.dashboard.application import Dashboard
from widget_server.web.live import LiveEndpoint
from widget_server.web.pages import (
    changes,
    check,
    corrections,
    download,
    featured,
    feeds,
    iframe,
    layout,
    messages,
    own_copy,
    republish,
    story,
    write,
)
from widget_server.web.read_limits import rate_limited

log = logging.getLogger(__name__)

LIVE_PATH = "/v1/live"
"""The path of the WebSocket endpoint."""


def create_asgi_app(
    services: Services,
    status: health.ServerStatus,
    sockets_per_network: int,
    lifespan: Lifespan[Starlette] | None = None,
    *,
    transport_metrics: TransportMetrics | None = None,
    dashboard: Dashboard | None = None,
) -> Starlette:
    """Return the ASGI application.

    `sockets_per_network` is the limit of open sockets and event streams of one network; 0 means no limit.
    `transport_metrics` counts rejected requests and failures. Without `dashboard` there is none.
    """
    transport_metrics = transport_metrics or TransportMetrics()
    limiter = ConnectionLimiter(sockets_per_network)
    app = LiveFirstApplication(
        LiveEndpoint(services, limiter, transport_metrics),
        dashboard,
        routes=[
            Route("/", messages.home),
            Route("/v1/actions", stories.post_action, methods=["POST"]),
            Route("/v1/stories/{code}", rate_limited(stories.snapshot)),
            Route("/v1/stories/{code}/comments", rate_limited(stories.comments)),
            Route("/v1/stories/{code}/comments/{comment}", rate_limited(stories.thread)),
            Route("/v1/stories/{code}/events", rate_limited(events.events)),
            Route("/v1/counts", rate_limited(counts.counts)),
            *owner_routes(),
            Route("/embed.js", assets.latest_asset),
            Route("/embed/{file}", assets.versioned_asset),
            Route("/s/{code}", rate_limited(story.story_page)),
            Route("/s/{code}/discussion.{format}", rate_limited(download.download)),
            Route("/s/{code}/feed.{format}", rate_limited(feeds.story_feed)),
            Route("/s/{code}/featured.{format}", rate_limited(featured.story_featured)),
            Route("/s/{code}/corrections", rate_limited(corrections.corrections_page)),
            Route("/s/{code}/corrections.json", rate_limited(corrections.corrections_json)),
            Route("/s/{code}/corrections.atom", rate_limited(feeds.corrections_feed)),
            Route("/s/{code}/corrections.feed.json", rate_limited(feeds.corrections_feed)),
            Route("/s/{code}/changes", rate_limited(changes.changes_page)),
            Route("/s/{code}/replies", rate_limited(replies.replies)),
            Route("/s/{code}/replies/{comment}", rate_limited(replies.reply)),
            Route("/sites/{site}/feed.{format}", rate_limited(feeds.site_feed)),
            Route("/sites/{site}/featured.{format}", rate_limited(featured.site_featured)),
            Route("/oembed", oembed.oembed),
            Route("/s/{code}/republish", rate_limited(republish.republish_page)),
            Route("/s/{code}/republish", republish.republish_post, methods=["POST"]),
            Route("/s/{code}/check", rate_limited(check.check_form)),
            Route("/s/{code}/check", check.check_post, methods=["POST"]),
            Route("/s/{code}/copy/{secret}", rate_limited(own_copy.show)),
            Route("/s/{code}/copy/{secret}", rate_limited(own_copy.unlist), methods=["POST"]),
            Route("/s/{code}/write", write.write_page),
            Route("/s/{code}/write", write.write_post, methods=["POST"]),
            Route("/e/{reference}", iframe.iframe_page),
            Route("/static/{file}", layout.stylesheet),
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", metrics.metrics),
            Route("/openapi.json", reference.openapi),
            Route("/asyncapi.json", reference.asyncapi),
        ],
        middleware=[
            Middleware(CommonHeadersMiddleware),
            Middleware(GZipMiddleware, minimum_size=MIN_GZIP_BYTES),
        ],
        exception_handlers={
            ProblemError: _problem_handler,
            HTTPException: _http_error,
            Exception: _internal_error,
        },
        lifespan=lifespan,
    )
    # No route ends in a slash, and Starlette would redirect to any Host that the client sent.
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.health = status
    app.state.connection_limiter = limiter
    app.state.transport_metrics = transport_metrics
    app.state.assets = assets.Assets(assets.STATIC)
    app.state.other_builds = OtherBuilds(services)
    app.state.compressed_bodies = CompressedBodyCache()
    app.state.feeds = VersionedBodyCache()
    return app


class LiveFirstApplication(Starlette):
    """Starlette application that calls the live endpoint and the dashboard without its middleware.

    The middleware is for HTTP. Each middleware call would stay on the stack as long as the socket,
    0.5 KB each. The dashboard has middleware of its own: its pages must not be readable from others.
    """

    def __init__(self, live: ASGIApp, dashboard: Dashboard | None, **settings: Any) -> None:
        super().__init__(**settings)
        self._live = live
        self._dashboard = dashboard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the live endpoint for a WebSocket, else Starlette."""
        if scope["type"] == "websocket" and scope["path"] == LIVE_PATH:
            await self._live(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await problems.reject_handshake(
                send, self.state.transport_metrics.http, 404, f"Sockets are at {LIVE_PATH}."
            )
        elif (
            self._dashboard is not None and scope["type"] == "http" and self._dashboard.takes(scope)
        ):
            await self._dashboard(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class CommonHeadersMiddleware:
    """Set the common headers of every response, and answer every CORS preflight.

    Every response is readable from any page, without credentials, whether or not the request had an
    Origin: a shared cache needs one response for all. Starlette's `CORSMiddleware` sets its headers only
    for a request with an Origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer preflights, and pass on every other request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _set_common_headers(MutableHeaders(scope=message))
            await send(message)

        if scope["method"] == "OPTIONS":
            response = Response(
                None,
                204,
                {
                    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
                    # `*` does not stand for Authorization (Fetch, 4.9). No answer depends on a cookie.
                    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match",
                    "Access-Control-Max-Age": "600",
                },
            )
            await response(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def _set_common_headers(headers: MutableHeaders) -> None:
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = (
        "Age, Date, ETag, Idempotency-Replayed, Last-Modified, Link, Retry-After, WWW-Authenticate"
    )
    problems.set_security_headers(headers)
    headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
    headers.setdefault("Referrer-Policy", "no-referrer")


_HTTP_ERRORS = {
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
    code, detail = _HTTP_ERRORS.get(
        error.status_code, ("malformed", "The request was not understood.")
    )
    if error.status_code == 404:
        redirect = messages.redirect_without_slash(request)
        if redirect is not None:
            return redirect
    problem = problems.problem_response(_http_metrics(request), error.status_code, code, detail)
    problem.headers.update(error.headers or {})
    return messages.rejection_page(request, problem, detail)


async def _internal_error(request: Request, _error: Exception) -> Response:
    # Log the endpoint's name, because a path may contain a token.
    endpoint = getattr(request.scope.get("endpoint"), "__name__", "none")
    log.error("event=request_failed endpoint=%s", endpoint)
    _http_metrics(request).server_errors += 1
    detail = "Something went wrong here. Try again in a moment."
    problem = problems.problem_response(_http_metrics(request), 500, "unavailable", detail)
    response = messages.rejection_page(request, problem, detail)
    # Starlette calls this handler outside of all middleware.
    _set_common_headers(response.headers)
    return response
