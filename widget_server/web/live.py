"""The WebSocket endpoint: `GET /v1/live`, subprotocol `widget.v1`.

`LiveEndpoint` accepts or rejects the handshake. `LiveSession` handles the client's messages until the
socket closes. `live_deadline.py` has the time until the first subscription of a socket;
`live_stories.py` has its stories and reviews their permissions; `live_readers.py` has the readers that
are signed in on it.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.types import Receive, Scope, Send

from widget_server.hub.channel import Subscription
from widget_server.hub.connection import Connection
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.model.errors import NotPermittedError, ProblemError, UnavailableError
from widget_server.model.records import Position
from widget_server.operations.readers import appeal, authorize, bans, copies, identify
from widget_server.operations.services import Services
from widget_server.protocol import client_messages, codes, serializers, server_messages
from widget_server.transport import admission
from widget_server.transport.asgi_connection import connection_for
from widget_server.transport.metrics import TransportMetrics
from widget_server.web import actions
from widget_server.web.live_copies import told_of_copy
from widget_server.web.live_deadline import SubscribeDeadline
from widget_server.web.live_readers import LiveReaders
from widget_server.web.live_stories import LiveStories, session_fields
from widget_server.web.problems import reject_handshake

SUBPROTOCOL = "widget.v1"
SUBSCRIBE_TIMEOUT_S = 10.0
"""A socket without a subscription for so long after the handshake is closed (4408).

A rejected subscription does not restart the time. The server's time to answer is not counted.
"""
REJECTED_TIMEOUT_S = 1.0
"""If all subscriptions of a socket were rejected, the client has this long to request another."""
MAX_STORIES = 50
MAX_PROTOCOL_ERRORS = 10
PROTOCOL_ERROR_WINDOW_S = 60.0
RECONNECT_SPREAD_MS = 5_000
"""At shutdown each client receives a random time up to this, to wait before it reconnects."""


class LiveEndpoint:
    """The ASGI endpoint of all sockets of this process."""

    def __init__(
        self,
        services: Services,
        limiter: admission.ConnectionLimiter,
        metrics: TransportMetrics,
    ) -> None:
        self.services = services
        self._metrics = metrics
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject the handshake with an HTTP response, or run a session until the socket closes."""
        await receive()
        if SUBPROTOCOL not in scope["subprotocols"]:
            await reject_handshake(
                send, self._metrics.http, 400, f"Ask for the WebSocket subprotocol “{SUBPROTOCOL}”."
            )
            return
        network = self.services.network_key(admission.client_address(scope))
        if not self._limiter.acquire(network):
            await reject_handshake(
                send,
                self._metrics.http,
                429,
                "Too many open sockets from this network. Try again later.",
            )
            return
        try:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            origin = admission.get_origin(scope)
            session = LiveSession(
                self.services, connection_for(scope, send, self._metrics.websocket), origin, network
            )
            # Free the headers: the scope lives as long as the socket, which may be hours.
            scope["headers"] = []
            await session.run(receive)
        finally:
            self._limiter.release(network)


class LiveSession:
    """One open socket: reads client messages, sends the replies, and manages its subscriptions."""

    __slots__ = (
        "_connection",
        "_network",
        "_origin",
        "_protocol_errors",
        "_readers",
        "_rejected_count",
        "_rejection",
        "_services",
        "_stories",
        "_subscribe_deadline",
        "_visible",
        "_writable",
    )

    def __init__(
        self, services: Services, connection: Connection, origin: str | None, network: str
    ) -> None:
        self._services = services
        self._connection = connection
        self._origin = origin
        self._network = network
        self._readers = LiveReaders(services)
        self._stories = LiveStories(services, connection, self._readers, network)
        self._visible = True
        self._protocol_errors: tuple[float, ...] = ()
        self._rejection: ProblemError | None = None
        self._rejected_count = 0
        self._subscribe_deadline = SubscribeDeadline(SUBSCRIBE_TIMEOUT_S)
        self._writable: asyncio.Event | None = None

    async def run(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        """Handle messages one after another until the socket closes."""
        self._connection.on_writable = self._on_writable
        self._connection.on_shutdown = self._on_shutdown
        self._connection.on_direct_revoked = self._on_direct_revoked
        self._subscribe_deadline.start(SUBSCRIBE_TIMEOUT_S, self._on_subscribe_timeout)
        try:
            while True:
                event = await receive()
                if event["type"] != "websocket.receive":
                    return
                text = event.get("text")
                if text is None:
                    self._connection.close(codes.CloseCode.UNSUPPORTED_DATA, "send text frames")
                    return
                await self._handle(text)
        finally:
            self._subscribe_deadline.stop()
            for code in list(self._stories.subscriptions):
                self._stories.remove(code)
            self._connection.on_writable = self._connection.on_shutdown = (
                self._connection.on_direct_revoked
            ) = None

    # Messages of the client --------------------------------------------------------------------

    async def _handle(self, data: str) -> None:
        ref: int | None = None
        try:
            message = client_messages.parse_message(data)
            ref = message.ref
            await self._dispatch(message)
        except client_messages.InvalidMessageError as error:
            await self._send(server_messages.encode_error(error.ref, error))
            self._record_protocol_error()
        except ProblemError as rejection:
            await self._send(server_messages.encode_error(ref, rejection))

    async def _dispatch(self, message: client_messages.Message) -> None:
        match message:
            case client_messages.Subscribe():
                await self._subscribe(message)
            case client_messages.Unsubscribe():
                self._stories.remove(message.story)
                await self._send(server_messages.encode_ok(message.ref, story=message.story))
            case client_messages.Visibility():
                self._visible = message.value
                for subscription in self._stories.subscriptions.values():
                    self._services.hub.set_visibility(subscription, visible=message.value)
                now = serializers.rfc3339(self._services.now_ms())
                await self._send(server_messages.encode_ok(message.ref, now=now))
            case _:
                await self._mutate(message)

    async def _subscribe(self, message: client_messages.Subscribe) -> None:
        # The client was in time. The server may take longer than the timeout to answer when thousands
        # of clients subscribe at once, so the timer stops meanwhile.
        self._subscribe_deadline.stop()
        try:
            await self._authorize_and_subscribe(message)
        finally:
            if not self._stories.subscriptions and not self._subscribe_deadline.is_running:
                self._subscribe_deadline.start(
                    SUBSCRIBE_TIMEOUT_S if self._rejection is None else REJECTED_TIMEOUT_S,
                    self._on_subscribe_timeout,
                )

    async def _authorize_and_subscribe(self, message: client_messages.Subscribe) -> None:
        services, stories = self._services, self._stories
        try:
            grant = await self._authorize(message)
        except ProblemError as rejection:
            self._rejection = rejection
            self._rejected_count += not isinstance(rejection, UnavailableError)
            if self._rejected_count > MAX_STORIES:
                # No page has more stories than that, so the client is not the embed.
                self._record_protocol_error()
            raise
        code = grant.story.code
        if len(stories.subscriptions) >= MAX_STORIES and code not in stories.subscriptions:
            self._record_protocol_error()
            raise NotPermittedError(f"One socket carries at most {MAX_STORIES} stories.")
        sign_in = await self._readers.sign_in(grant.site, message.identity, message.reader)
        reader_id = self._readers.reader_id(grant.site.slug)
        stories.remove(code)
        claims = self._readers.get(grant.site.slug)
        grant = await bans.with_ban(services, grant, reader_id, self._network, claims)
        copy = await copies.record_seen(services, grant, self._network)
        told = await told_of_copy(services, grant, copy)
        since = message.since
        ban = await appeal.own_ban(services, grant)
        subscription = Subscription(
            self._connection,
            copy.id if copy is not None else 0,
            # A client that comes back may have been told that its copy is older.
            session_fields(services, grant, copy, sign_in, ban, told, told_older=since is not None),
            reader_id,
            self._network,
        )
        subscription.visible = self._visible
        subscription.counted = grant.claims is None or not grant.claims.is_preview
        await self._wait_writable()
        await services.hub.subscribe(
            code, subscription, message.ref, Position(since.epoch, since.seq) if since else None
        )
        stories.add(code, subscription, grant, told)

    async def _authorize(self, message: client_messages.Subscribe) -> authorize.Grant:
        with contextlib.ExitStack() as counted:
            if message.token is None and message.story is not None:
                counted.enter_context(self._services.count_not_found(message.story, self._network))
            return await authorize.authorize(
                self._services,
                token=message.token,
                code=message.story,
                origin=self._origin,
                page=message.page,
                lang=message.lang,
            )

    async def _mutate(self, action: client_messages.Action) -> None:
        self._services.rate_limiters.hit_network("action", self._network)
        grant = self._stories.grants.get(action.story)
        if grant is None:
            raise NotPermittedError("Subscribe to this story on this socket first.")
        grant = await authorize.refresh(self._services, grant)
        claims = self._readers.current(grant.site, action.reader)
        reply, claims = await actions.execute(self._services, grant, claims, self._network, action)
        site = grant.site.slug
        if claims is None:
            if isinstance(action, client_messages.Forget):
                self._readers.remove(site)
                self._stories.subscriptions[action.story].reader = None
        else:
            self._readers.store(site, claims)
            self._stories.subscriptions[action.story].reader = identify.reader_id(claims)
        await self._send(reply)

    def _record_protocol_error(self) -> None:
        """Close the socket after 10 invalid messages within one minute."""
        now = asyncio.get_running_loop().time()
        recent = (at for at in self._protocol_errors if now - at < PROTOCOL_ERROR_WINDOW_S)
        self._protocol_errors = (*recent, now)
        if len(self._protocol_errors) >= MAX_PROTOCOL_ERRORS:
            self._connection.close(codes.CloseCode.MALFORMED, "too many malformed messages")

    # Writing to the client ---------------------------------------------------------------------

    async def _send(self, payload: bytes) -> None:
        """Wait until the reply can be written, and write it.

        The session reads no further message meanwhile, so a client that does not read cannot send
        more.
        """
        batch = PreparedBatch([PreparedMessage(payload)])
        while not self._services.hub.write(self._connection, batch):
            if self._connection.closed:
                return
            await self._wait_writable()

    async def _wait_writable(self) -> None:
        while self._connection.write_paused and not self._connection.closed:
            self._writable = asyncio.Event()
            # Check again each second: no event arrives for a connection that is already lost.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._writable.wait()

    def _on_writable(self) -> None:
        if self._writable is not None:
            self._writable.set()
        for subscription in self._stories.subscriptions.values():
            self._services.hub.on_writable(subscription)

    def _on_direct_revoked(self) -> None:
        for subscription in self._stories.subscriptions.values():
            subscription.leave_broadcast()

    def _on_shutdown(self) -> None:
        wait = random.randrange(RECONNECT_SPREAD_MS)  # noqa: S311
        self._services.hub.write(
            self._connection,
            PreparedBatch([PreparedMessage(server_messages.encode_goodbye(wait))]),
        )

    def _on_subscribe_timeout(self) -> None:
        if self._rejection is not None:
            self._connection.close(codes.close_code_of(self._rejection), self._rejection.code)
        else:
            self._connection.close(codes.CloseCode.NO_SUBSCRIPTION, "no subscription in time")
