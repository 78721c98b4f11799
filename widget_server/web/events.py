"""Server-Sent Events: the messages of the socket, where WebSockets are blocked.

`GET /v1/stories/{code}/events?since=`: a snapshot, then every message, written by the hub's fan-out. A
stream is the same for all readers: it has nothing of a copy or a reader of its own, and takes no actions.
"""

import math
import random
import re
from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from widget_server.hub.channel import Subscription
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    ProblemError,
    RateLimitedError,
    UnavailableError,
)
from widget_server.model.identifiers import STORY_CODE
from widget_server.model.records import Position
from widget_server.operations.readers import authorize
from widget_server.operations.services import Services
from widget_server.protocol import codes, server_messages
from widget_server.transport import admission
from widget_server.transport.event_stream import EventStreamConnection, add_shutdown_hook
from widget_server.transport.metrics import TransportMetrics
from widget_server.web.api.stories import get_services, parse_since, story_code_param
from widget_server.web.live import MAX_STORIES, RECONNECT_SPREAD_MS

MEDIA_TYPE = "text/event-stream"
_LAST_EVENT_ID = re.compile(rf"(?:({STORY_CODE.pattern}):)?([!-9;-~]{{1,64}}):([0-9]{{1,15}})")
_TOO_MANY = "Too many open connections from this network. Try again later."
_RETRY_S = 30.0


async def events(request: Request) -> Response:
    """Handle `GET /v1/stories/{code}/events?since=&story=`: a stream of one story or of several.

    `story` names further stories of the page. `Last-Event-ID`, which browsers send when they connect
    again, counts before `since`. Raises `MalformedError`, `NotFoundError`, `NotPermittedError`,
    `OriginNotAllowedError`, `RateLimitedError`.
    """
    services, code = get_services(request), story_code_param(request)
    network = services.network_key(admission.client_address(request.scope))
    names = list(dict.fromkeys([code, *request.query_params.getlist("story")]))
    if len(names) > MAX_STORIES:
        raise MalformedError(f"One stream carries at most {MAX_STORIES} stories.")
    positions = _positions(request, code)
    grants = [await _authorize(request, services, name, network) for name in names]
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if request.method == "HEAD":
        return Response(None, 200, {**headers, "Content-Type": MEDIA_TYPE})
    limiter: admission.ConnectionLimiter = request.app.state.connection_limiter
    if not limiter.acquire(network):
        raise RateLimitedError(_TOO_MANY, retry_after=_RETRY_S)
    try:
        return _EventStreamResponse(services, request, network, grants, positions, headers)
    except BaseException:
        limiter.release(network)
        raise


async def _authorize(
    request: Request, services: Services, code: str, network: str
) -> authorize.Grant:
    if not STORY_CODE.fullmatch(code):
        raise NotFoundError
    origin = admission.get_origin(request.scope)
    with ExitStack() as counted:
        counted.enter_context(services.count_not_found(code, network))
        return await authorize.authorize(services, token=None, code=code, origin=origin)


def _positions(request: Request, code: str) -> dict[str, Position]:
    """Return the positions that the client has, by story code. Raises `MalformedError`."""
    last = _LAST_EVENT_ID.fullmatch(request.headers.get("last-event-id", ""))
    if last is not None:
        return {last[1] or code: Position(last[2], int(last[3]))}
    since = parse_since(request.query_params.get("since"))
    return {} if since is None else {code: since}


class _EventStreamResponse(Response):
    """The response that runs a stream. The connection was counted in the limiter before."""

    def __init__(
        self,
        services: Services,
        request: Request,
        network: str,
        grants: list[authorize.Grant],
        positions: dict[str, Position],
        headers: dict[str, str],
    ) -> None:
        super().__init__(None, 200, headers, MEDIA_TYPE)
        del self.headers["content-length"]
        self._services = services
        self._limiter: admission.ConnectionLimiter = request.app.state.connection_limiter
        metrics: TransportMetrics = request.app.state.transport_metrics
        self._metrics = metrics.event_streams
        self._network = network
        self._grants = grants
        self._positions = positions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream until one side ends it."""
        connection = EventStreamConnection(self._metrics)
        stream = _Stream(self._services, connection, self._network)
        self._metrics.opened += 1
        try:
            add_shutdown_hook(scope, stream.on_shutdown)
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            for grant in self._grants:
                await stream.add(grant, self._positions.get(grant.story.code))
            await connection.run(receive, send)
        finally:
            self._metrics.closed += 1
            stream.remove_all()
            self._limiter.release(self._network)


class _Stream:
    """The subscriptions of one stream. Its permissions can end while it is open."""

    def __init__(self, services: Services, connection: EventStreamConnection, network: str) -> None:
        self._services = services
        self._connection = connection
        self._network = network
        self._grants: dict[str, authorize.Grant] = {}
        self._subscriptions: dict[str, Subscription] = {}
        connection.on_writable = self._on_writable

    async def add(self, grant: authorize.Grant, since: Position | None) -> None:
        """Subscribe to a story. A story that cannot be read now is answered with an error message."""
        code = grant.story.code
        subscription = Subscription(self._connection, 0, b"", None, self._network)
        subscription.personal = False
        try:
            await self._services.hub.subscribe(code, subscription, None, since)
        except ProblemError as rejection:
            self._send_error(code, rejection)
            if not self._subscriptions:
                self._connection.close(codes.close_code_of(rejection), rejection.code)
            return
        self._grants[code], self._subscriptions[code] = grant, subscription
        self._watch(grant)

    def remove_all(self) -> None:
        """Unsubscribe from all stories."""
        for code in list(self._subscriptions):
            self._remove(code)

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        """End the stories of a site that may not be read any more. Raises `UnavailableError`."""
        for code, grant in list(self._grants.items()):
            if grant.site.slug != site:
                continue
            try:
                refreshed = await authorize.refresh(self._services, grant)
            except UnavailableError:
                raise
            except ProblemError as rejection:
                self._remove(code)
                self._send_error(code, rejection)
                if not self._subscriptions:
                    self._connection.close(codes.close_code_of(rejection), rejection.code)
            else:
                # The stream may have ended during the call: then nothing would stop the watching.
                if self._grants.get(code) is grant:
                    self._grants[code] = refreshed
                    self._watch(refreshed)
        return []

    def on_shutdown(self) -> None:
        """Say goodbye and end the response: the server leaves when all responses have ended."""
        wait = 1 + random.randrange(RECONNECT_SPREAD_MS)  # noqa: S311
        self._connection.set_retry(wait)
        self._write(server_messages.encode_goodbye(wait))
        self._connection.close(codes.CloseCode.SERVICE_RESTART, "restart")

    def _remove(self, code: str) -> None:
        subscription, grant = self._subscriptions.pop(code, None), self._grants.pop(code, None)
        if subscription is not None:
            self._services.hub.unsubscribe(subscription)
        slugs = {one.site.slug for one in self._grants.values()}
        if grant is not None and grant.site.slug not in slugs:
            self._services.rights.remove(grant.site.slug, self)

    def _watch(self, grant: authorize.Grant) -> None:
        version = (grant.epoch, grant.site.rights)
        self._services.rights.add(grant.site.slug, self, version, math.inf)

    def _on_writable(self) -> None:
        for subscription in list(self._subscriptions.values()):
            self._services.hub.on_writable(subscription)

    def _send_error(self, code: str, rejection: ProblemError) -> None:
        self._write(server_messages.encode_error(None, rejection, code))

    def _write(self, payload: bytes) -> None:
        self._services.hub.write(self._connection, PreparedBatch([PreparedMessage(payload)]))
