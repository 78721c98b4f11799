"""Server-Sent Events: the messages of the socket, where WebSockets are blocked.

`GET /v1/stories/{code}/events?since=`: a snapshot, then every message, written by the hub's fan-out. A
stream has nothing of a reader of its own, and takes no actions. Of a copy it has what that copy hides.
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
    NotPermittedError,
    OriginNotAllowedError,
    ProblemError,
    RateLimitedError,
    UnavailableError,
)
from widget_server.model.identifiers import STORY_CODE
from widget_server.model.records import Position
from widget_server.operations.readers import authorize, copies
from widget_server.operations.readers.permission_watch import ChangedCopies
from widget_server.operations.services import Services
from widget_server.protocol import codes, server_messages
from widget_server.transport import admission
from widget_server.transport.event_stream import EventStreamConnection, add_shutdown_hook
from widget_server.transport.metrics import TransportMetrics
from widget_server.web.api.stories import get_services, parse_since, story_code_param
from widget_server.web.live import MAX_STORIES, RECONNECT_SPREAD_MS
from widget_server.web.live_copies import (
    ToldOfNamedCopy,
    named_copy_json,
    tell_older,
    told_of_named_copy,
)

MEDIA_TYPE = "text/event-stream"
_EVENT_ID = re.compile(rf"(?:({STORY_CODE.pattern}):)?([!-9;-~]{{1,64}}):([0-9]{{1,15}})")
_UNREADABLE = (NotFoundError, NotPermittedError, OriginNotAllowedError)
_TOO_MANY = "Too many open connections from this network. Try again later."
_RETRY_S = 30.0


async def events(request: Request) -> Response:
    """Handle `GET /v1/stories/{code}/events?since=&story=&copy=`: a stream of one story or of several.

    `story` names further stories of the page; one that may not be read is answered with an error
    message in the stream. `since` is a position of the first story, or the id of any story's last event.
    `Last-Event-ID`, which browsers send when they connect again, counts before `since`. `copy` names the
    copy of a story, as `CODE:HANDLE`. Raises
    `MalformedError`, `NotFoundError`, `NotPermittedError`, `OriginNotAllowedError`, `RateLimitedError`.
    """
    services, code = get_services(request), story_code_param(request)
    network = services.network_key(admission.client_address(request.scope))
    names = list(dict.fromkeys([code, *request.query_params.getlist("story")]))
    if len(names) > MAX_STORIES:
        raise MalformedError(f"One stream carries at most {MAX_STORIES} stories.")
    if not all(map(STORY_CODE.fullmatch, names)):
        raise NotFoundError
    positions, handles = _positions(request, code), _handles(request)
    grants = [await _authorize(request, services, code, network)]
    rejections: dict[str, ProblemError] = {}
    for name in names[1:]:
        try:
            grants.append(await _authorize(request, services, name, network))
        except _UNREADABLE as rejection:
            rejections[name] = rejection
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if request.method == "HEAD":
        return Response(None, 200, {**headers, "Content-Type": MEDIA_TYPE})
    limiter: admission.ConnectionLimiter = request.app.state.connection_limiter
    if not limiter.acquire(network):
        raise RateLimitedError(_TOO_MANY, retry_after=_RETRY_S)
    try:
        return _EventStreamResponse(
            services, request, network, grants, rejections, positions, handles, headers
        )
    except BaseException:
        limiter.release(network)
        raise


async def _authorize(
    request: Request, services: Services, code: str, network: str
) -> authorize.Grant:
    origin = admission.get_origin(request.scope)
    with ExitStack() as counted:
        counted.enter_context(services.count_not_found(code, network))
        return await authorize.authorize(services, token=None, code=code, origin=origin)


def _positions(request: Request, code: str) -> dict[str, Position]:
    """Return the positions that the client has, by story code. Raises `MalformedError`."""
    last = _EVENT_ID.fullmatch(request.headers.get("last-event-id", ""))
    if last is not None:
        return {last[1] or code: Position(last[2], int(last[3]))}
    positions: dict[str, Position] = {}
    for text in request.query_params.getlist("since"):
        event_id, position = _EVENT_ID.fullmatch(text), parse_since(text)
        if event_id is not None and event_id[1]:
            positions[event_id[1]] = Position(event_id[2], int(event_id[3]))
        elif position is not None:
            positions[code] = position
    return positions


def _handles(request: Request) -> dict[str, str]:
    """Return the handle of the page's copy, as for the snapshot over HTTP, by story code."""
    given = (one.partition(":") for one in request.query_params.getlist("copy"))
    return {code: handle for code, sign, handle in given if sign}


class _EventStreamResponse(Response):
    """The response that runs a stream. The connection was counted in the limiter before."""

    def __init__(
        self,
        services: Services,
        request: Request,
        network: str,
        grants: list[authorize.Grant],
        rejections: dict[str, ProblemError],
        positions: dict[str, Position],
        handles: dict[str, str],
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
        self._rejections = rejections
        self._positions = positions
        self._handles = handles
        self._origin = admission.get_origin(request.scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream until one side ends it."""
        connection = EventStreamConnection(self._metrics)
        stream = _Stream(self._services, connection, self._network, self._handles, self._origin)
        self._metrics.opened += 1
        try:
            add_shutdown_hook(scope, stream.on_shutdown)
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            # Before the snapshots: a full buffer takes no message.
            for code, rejection in self._rejections.items():
                stream.send_error(code, rejection)
            for grant in self._grants:
                await stream.add(grant, self._positions.get(grant.story.code))
            await connection.run(receive, send)
        finally:
            self._metrics.closed += 1
            stream.remove_all()
            self._limiter.release(self._network)


class _Stream:
    """The subscriptions of one stream. Its permissions can end while it is open."""

    def __init__(
        self,
        services: Services,
        connection: EventStreamConnection,
        network: str,
        handles: dict[str, str],
        origin: str | None,
    ) -> None:
        self._services = services
        self._connection = connection
        self._network = network
        self._handles = handles
        self._origin = origin
        self._copies: dict[str, ToldOfNamedCopy] = {}
        """What the client was told last of its copy, by story code."""
        self._grants: dict[str, authorize.Grant] = {}
        self._subscriptions: dict[str, Subscription] = {}
        connection.on_writable = self._on_writable

    async def add(self, grant: authorize.Grant, since: Position | None) -> None:
        """Subscribe to a story. A story that cannot be read now is answered with an error message."""
        code = grant.story.code
        told = self._copies[code] = await self._told_of_copy(grant)
        fields = b""
        if code in self._handles:
            # A client that comes back may have been told that its copy is older.
            fields = named_copy_json(self._services, told, told_older=since is not None)
        subscription = Subscription(self._connection, 0, fields, None, self._network)
        subscription.personal = False
        try:
            await self._services.hub.subscribe(code, subscription, None, since)
        except ProblemError as rejection:
            self.send_error(code, rejection)
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
                self.send_error(code, rejection)
                if not self._subscriptions:
                    self._connection.close(codes.close_code_of(rejection), rejection.code)
            else:
                # The stream may have ended during the call: then nothing would stop the watching.
                told = await self._told_of_copy(refreshed)
                if self._grants.get(code) is grant:
                    self._grants[code] = refreshed
                    self._watch(refreshed)
                    self._tell_copy(code, told)
        return []

    def carries(self, changed: ChangedCopies) -> bool:
        """Return whether the client's page is one of these copies."""
        return any(
            (code, *copies.place_of(self._services, handle, self._origin)) in changed.places
            for code, handle in self._handles.items()
        )

    async def _told_of_copy(self, grant: authorize.Grant) -> ToldOfNamedCopy:
        handle = self._handles.get(grant.story.code)
        return await told_of_named_copy(self._services, grant.story, handle, self._origin)

    def _tell_copy(self, code: str, now: ToldOfNamedCopy) -> None:
        told = self._copies[code]
        if now.hidden == told.hidden and now.older == told.older:
            return
        self._copies[code], subscription = now, self._subscriptions[code]
        subscription.session_fields = named_copy_json(self._services, now, told_older=True)
        if now.hidden == told.hidden:
            tell_older(self._services, code, subscription, now.older)
        else:
            self._services.hub.renew_own_fields(code, subscription)

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
        site = grant.site
        version = (grant.epoch, site.rights)
        self._services.rights.add(site.slug, self, version, math.inf, site.copy_changes)

    def _on_writable(self) -> None:
        for subscription in list(self._subscriptions.values()):
            self._services.hub.on_writable(subscription)

    def send_error(self, code: str, rejection: ProblemError) -> None:
        """Say that a story is not or no longer part of this stream."""
        self._write(server_messages.encode_error(None, rejection, code))

    def _write(self, payload: bytes) -> None:
        self._services.hub.write(self._connection, PreparedBatch([PreparedMessage(payload)]))
