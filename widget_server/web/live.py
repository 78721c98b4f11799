"""One live socket, from its handshake to its end: `GET /v1/live`, subprotocol `widget.v1`."""

import asyncio
import contextlib
import hashlib
import logging
import math
import random
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from widget_server.hub.channel import Subscription
from widget_server.hub.connection import Connection
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import (
    NotFoundError,
    NotPermittedError,
    ProblemError,
    UnavailableError,
)
from widget_server.model.records import Copy, Position, Site
from widget_server.operations.readers import authorize, copies, identify
from widget_server.operations.services import Services
from widget_server.protocol import client_messages, codes, serializers, server_messages
from widget_server.transport import admission
from widget_server.transport.asgi_connection import connection_for
from widget_server.transport.timing_wheel import GraceTimer
from widget_server.web import actions, problems

log = logging.getLogger(__name__)

SUBPROTOCOL = "widget.v1"
SUBSCRIBE_TIMEOUT_S = 10.0
"""Without a subscription for so long after the handshake a socket is closed (4408).

Refused ones do not begin the time anew; how long the server takes to answer is not counted.
"""
REJECTED_TIMEOUT_S = 1.0
"""A socket whose subscriptions were all refused stays so long for others to be asked for."""
MAX_STORIES = 50
MAX_PROTOCOL_ERRORS = 10
PROTOCOL_ERROR_WINDOW_S = 60.0
RECONNECT_SPREAD_MS = 5_000


class LiveEndpoint:
    """The ASGI endpoint of all live sockets of this process."""

    def __init__(self, services: Services, limiter: admission.ConnectionLimiter) -> None:
        self.services = services
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with an HTTP answer, or open the socket and stay with it until it ends."""
        await receive()
        if SUBPROTOCOL not in scope["subprotocols"]:
            await reject_handshake(send, 400, f"Ask for the WebSocket subprotocol “{SUBPROTOCOL}”.")
            return
        network = self.services.network_key(admission.client_address(scope))
        if not self._limiter.acquire(network):
            await reject_handshake(
                send, 429, "Too many open sockets from this network. Try again later."
            )
            return
        try:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            origin = admission.get_origin(scope)
            socket = LiveSession(self.services, connection_for(scope, send), origin, network)
            # What the handshake needed is not needed for the hours that the socket stays.
            scope["headers"] = []
            await socket.run(receive)
        finally:
            self._limiter.release(network)


async def reject_handshake(send: Send, status: int, detail: str) -> None:
    """Answer the handshake like any other HTTP request."""
    code = {404: "not_found", 429: "rate_limited"}.get(status, "malformed")
    response = problems.problem_response(status, code, detail, 30 if status == 429 else None)
    problems.set_security_headers(response.headers)
    headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": bytes(response.body)})


class LiveSession:
    """What is known about one open socket: its stories and, per site, its reader."""

    __slots__ = (
        "_connection",
        "_ends_at",
        "_grants",
        "_identities",
        "_left_s",
        "_network",
        "_origin",
        "_protocol_errors",
        "_readers",
        "_refusals",
        "_rejection",
        "_services",
        "_subscribe_timer",
        "_subscriptions",
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
        self._subscriptions: dict[str, Subscription] = {}
        self._grants: dict[str, authorize.Grant] = {}
        self._readers: dict[str, ReaderClaims] = {}
        self._identities: dict[str, bytes] = {}
        """By site, the identity token that was exchanged here, as a hash."""
        self._visible = True
        self._protocol_errors: list[float] = []
        self._rejection: ProblemError | None = None
        self._refusals = 0
        self._left_s = SUBSCRIBE_TIMEOUT_S
        self._ends_at = 0.0
        self._writable: asyncio.Event | None = None
        self._subscribe_timer: GraceTimer | None = None

    async def run(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        """Handle messages one after another until the socket ends."""
        self._connection.on_writable = self._on_writable
        self._connection.on_shutdown = self._on_shutdown
        self._connection.on_direct_revoked = self._on_direct_revoked
        self._start_subscribe_timer(SUBSCRIBE_TIMEOUT_S)
        try:
            while True:
                event = await receive()
                if event["type"] != "websocket.receive":
                    return
                text = event.get("text")
                if text is None:
                    self._connection.close(codes.NO_TEXT, "send text frames")
                    return
                await self._handle(text)
        finally:
            self._stop_subscribe_timer()
            for code in list(self._subscriptions):
                self._unsubscribe(code)
            self._connection.on_writable = self._connection.on_shutdown = (
                self._connection.on_direct_revoked
            ) = None

    # Messages ----------------------------------------------------------------------------------

    async def _handle(self, data: str) -> None:
        ref: int | None = None
        try:
            message = client_messages.parse_message(data)
            ref = message.ref
            await self._dispatch(message)
        except client_messages.InvalidMessageError as fault:
            await self._send(server_messages.encode_error(fault.ref, fault))
            self._record_protocol_error()
        except ProblemError as rejection:
            await self._send(server_messages.encode_error(ref, rejection))

    async def _dispatch(self, message: client_messages.Message) -> None:
        match message:
            case client_messages.Subscribe():
                await self._subscribe(message)
            case client_messages.Unsubscribe():
                self._unsubscribe(message.story)
                await self._send(server_messages.encode_ok(message.ref, story=message.story))
            case client_messages.Visibility():
                self._visible = message.value
                for subscription in self._subscriptions.values():
                    self._services.hub.set_visibility(subscription, visible=message.value)
                now = serializers.rfc3339(self._services.now_ms())
                await self._send(server_messages.encode_ok(message.ref, now=now))
            case _:
                await self._mutate(message)

    async def _subscribe(self, asked: client_messages.Subscribe) -> None:
        # It has asked in time: how long the answer takes, when thousands come at once, is our affair.
        self._stop_subscribe_timer()
        try:
            await self._authorize_and_subscribe(asked)
        finally:
            if not self._subscriptions and self._subscribe_timer is None:
                self._start_subscribe_timer(
                    SUBSCRIBE_TIMEOUT_S if self._rejection is None else REJECTED_TIMEOUT_S
                )

    async def _authorize_and_subscribe(self, asked: client_messages.Subscribe) -> None:
        services = self._services
        try:
            grant = await self._admit(asked)
        except ProblemError as rejection:
            self._rejection = rejection
            self._refusals += not isinstance(rejection, UnavailableError)
            if self._refusals > MAX_STORIES:
                # A page has no more stories than that, so this is no page.
                self._record_protocol_error()
            raise
        site, code = grant.site.slug, grant.story.code
        if len(self._subscriptions) >= MAX_STORIES and code not in self._subscriptions:
            self._record_protocol_error()
            raise NotPermittedError(f"One socket carries at most {MAX_STORIES} stories.")
        issued = await self._identify_reader(grant, asked)
        known = self._readers.get(site)
        self._unsubscribe(code)
        copy = await copies.record_seen(services, grant, self._network)
        subscription = Subscription(
            self._connection,
            copy.id if copy is not None else 0,
            _session_fields(grant, copy, *issued),
            identify.reader_id(known) if known is not None else None,
            self._network,
        )
        subscription.visible = self._visible
        since = asked.since
        await self._wait_writable()
        await services.hub.subscribe(
            code, subscription, asked.ref, Position(since.epoch, since.seq) if since else None
        )
        self._subscriptions[code] = subscription
        self._grants[code] = grant
        self._watch_permissions(grant)

    async def _admit(self, asked: client_messages.Subscribe) -> authorize.Grant:
        services, code = self._services, asked.story
        with contextlib.ExitStack() as counted:
            if asked.token is None and code is not None:
                counted.enter_context(services.count_not_found(code, self._network))
            return await authorize.authorize(
                services,
                token=asked.token,
                code=code,
                origin=self._origin,
                page=asked.page,
                lang=asked.lang,
            )

    async def _identify_reader(
        self, grant: authorize.Grant, asked: client_messages.Subscribe
    ) -> "_SignIn":
        """Know the reader by an identity token, or else by a reader token.

        An identity token that is not taken costs the sign-in, never the discussion.
        """
        services, site = self._services, grant.site
        refused: str | None = None
        if asked.identity is not None:
            shown = hashlib.sha256(asked.identity.encode("utf-8", "replace")).digest()
            try:
                # All stories of a page show the same one: used up it is by the first.
                if self._identities.get(site.slug) != shown:
                    self._readers[site.slug] = await identify.exchange_identity_token(
                        services, site, asked.identity
                    )
                    self._identities[site.slug] = shown
            except ProblemError as rejection:
                refused = rejection.code
            else:
                issued, ended = self._sign_out(site)
                if ended is None:
                    issued = services.keyring.issue_reader(site.slug, self._readers[site.slug])
                return issued, ended
        recognised = identify.reader_from_token(services, site, asked.reader)
        if recognised is not None:
            self._readers[site.slug] = recognised
        issued, ended = self._sign_out(site)
        return issued, refused or ended

    def _sign_out(self, site: Site) -> "_SignIn":
        """Know the reader as an anonymous one from now on, if the site's word for them has ended."""
        known = self._readers.get(site.slug)
        now = None if known is None else identify.current_reader(self._services, site, known)
        if now is None or now.ended is None:
            return None, None
        self._readers[site.slug] = replace(now, ended=None)
        return self._services.keyring.issue_reader(site.slug, now), now.ended

    def _unsubscribe(self, code: str) -> None:
        subscription = self._subscriptions.pop(code, None)
        grant = self._grants.pop(code, None)
        if subscription is not None:
            self._services.hub.unsubscribe(subscription)
        if grant is not None and not self._grants_of(grant.site.slug):
            self._services.rights.remove(grant.site.slug, self)

    # Rights ------------------------------------------------------------------------------------

    def _grants_of(self, site: str) -> list[tuple[str, authorize.Grant]]:
        return [(code, one) for code, one in self._grants.items() if one.site.slug == site]

    def _watch_permissions(self, grant: authorize.Grant) -> None:
        """Be asked to look at the grant again when it ends, or when the site's rights change."""
        now, site = self._services.clock(), grant.site
        reader = self._readers.get(site.slug)
        ends = [
            claims.exp for claims in (grant.claims, reader) if claims is not None and claims.exp
        ]
        mark = (grant.epoch, site.rights)
        first = min((end for end in ends if end > now), default=math.inf)
        self._services.rights.add(site.slug, self, mark, first)

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        """See what is left of the grants of a site; close what may not even be read any more.

        Answers, by the story's code, who needs a fresh snapshot. Raises `UnavailableError`.
        """
        changed: list[tuple[str, Subscription]] = []
        sign_in: _SignIn | None = None
        for code, old in self._grants_of(site):
            try:
                grant = await authorize.refresh(self._services, old)
                copy = await copies.record_seen(self._services, grant, self._network)
            except UnavailableError:
                raise
            except ProblemError as rejection:
                self._end(code, rejection)
                continue
            if self._grants.get(code) is not old:
                continue  # Subscribed to anew meanwhile.
            self._grants[code] = grant
            self._watch_permissions(grant)
            sign_in = sign_in or self._sign_out(grant.site)
            if sign_in != (None, None) or _permissions_of(grant) != _permissions_of(old):
                subscription = self._subscriptions[code]
                subscription.session_fields = _session_fields(grant, copy, *sign_in)
                reader = self._readers.get(site)
                subscription.reader = identify.reader_id(reader) if reader is not None else None
                changed.append((code, subscription))
        return changed

    def _end(self, code: str, rejection: ProblemError) -> None:
        """Send this story no more. The socket goes on as long as it carries others."""
        self._unsubscribe(code)
        if not self._subscriptions:
            # A story that a restore took away may be made known again by a token: come back.
            gone = isinstance(rejection, NotFoundError)
            code_of_end = codes.NO_SUBSCRIPTION if gone else codes.TOKEN_REFUSED
            self._connection.close(code_of_end, rejection.code)
        elif not self._connection.write(
            PreparedBatch([PreparedMessage(server_messages.encode_error(None, rejection, code))])
        ):
            # Too slow to be told: when it comes back it is.
            self._connection.close(codes.TOO_SLOW, "too slow")

    async def _mutate(self, action: client_messages.Action) -> None:
        self._services.rate_limiters.hit_network("action", self._network)
        grant = self._grants.get(action.story)
        if grant is None:
            raise NotPermittedError("Subscribe to this story on this socket first.")
        grant = await authorize.refresh(self._services, grant)
        site = grant.site.slug
        known = self._readers.get(site)
        if known is None:
            known = identify.reader_from_token(self._services, grant.site, action.reader)
        else:
            known = identify.current_reader(self._services, grant.site, known)
        answer, claims = await actions.execute(self._services, grant, known, self._network, action)
        if isinstance(action, client_messages.Forget):
            self._readers.pop(site, None)
            self._identities.pop(site, None)
            self._subscriptions[action.story].reader = None
        else:
            self._readers[site] = claims
            self._subscriptions[action.story].reader = identify.reader_id(claims)
        await self._send(answer)

    # The peer ----------------------------------------------------------------------------------

    async def _send(self, payload: bytes) -> None:
        """An answer is never skipped: a reader who does not read is not heard either."""
        batch = PreparedBatch([PreparedMessage(payload)])
        while not self._connection.write(batch):
            if self._connection.closed:
                return
            await self._wait_writable()

    async def _wait_writable(self) -> None:
        while self._connection.write_paused and not self._connection.closed:
            self._writable = asyncio.Event()
            # Looked at again each second: no one resumes a peer whose connection is gone.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._writable.wait()

    def _on_writable(self) -> None:
        if self._writable is not None:
            self._writable.set()
        for subscription in self._subscriptions.values():
            self._services.hub.on_writable(subscription)

    def _on_direct_revoked(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.leave_broadcast()

    def _on_shutdown(self) -> None:
        wait = random.randrange(RECONNECT_SPREAD_MS)  # noqa: S311
        self._connection.write(
            PreparedBatch([PreparedMessage(server_messages.encode_goodbye(wait))])
        )

    def _start_subscribe_timer(self, seconds: float) -> None:
        """Let so many seconds run, of those that are left for the first subscription."""
        self._stop_subscribe_timer()
        loop = asyncio.get_running_loop()
        self._ends_at = loop.time() + self._left_s
        self._subscribe_timer = GraceTimer(
            loop, min(seconds, self._left_s), self._on_subscribe_timeout
        )

    def _stop_subscribe_timer(self) -> None:
        if self._subscribe_timer is not None:
            self._subscribe_timer.cancel()
            self._subscribe_timer = None
            self._left_s = max(0.0, self._ends_at - asyncio.get_running_loop().time())

    def _on_subscribe_timeout(self) -> None:
        if self._rejection is not None:
            self._connection.close(codes.close_code_of(self._rejection), self._rejection.code)
        else:
            self._connection.close(codes.NO_SUBSCRIPTION, "no subscription in time")

    def _record_protocol_error(self) -> None:
        """Ten messages that cannot be understood in a minute end the socket."""
        now = asyncio.get_running_loop().time()
        self._protocol_errors = [
            at for at in self._protocol_errors if now - at < PROTOCOL_ERROR_WINDOW_S
        ] + [now]
        if len(self._protocol_errors) >= MAX_PROTOCOL_ERRORS:
            self._connection.close(codes.MALFORMED, "too many malformed messages")


_SignIn = tuple[str | None, str | None]
"""A reader token to hand out, and the error code that says why a sign-in was not taken or ended."""


def _permissions_of(grant: authorize.Grant) -> tuple[tuple[str, ...], str | None]:
    """What a copy may do, and why it may not do more: what its page is told."""
    return grant.permissions, None if grant.denial is None else grant.denial.code


def _session_fields(
    grant: authorize.Grant, copy: Copy | None, issued: str | None, identity: str | None
) -> bytes:
    """What a snapshot says to this socket alone: copy, rights, a reader token, a failed sign-in."""
    own: dict[str, Any] = {
        "copy": None if copy is None else {"label": copy.label, "origin": copy.origin},
    }
    own["can"], own["read_only"] = _permissions_of(grant)
    if issued is not None:
        own["reader"] = issued
    if identity is not None:
        own["identity"] = identity
    return b"," + orjson.dumps(own)[1:-1]
