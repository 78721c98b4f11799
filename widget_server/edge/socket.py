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

from widget_server.edge import deeds, guards, problems
from widget_server.edge.plain_peer import peer_of
from widget_server.edge.wheel import Deadline
from widget_server.live.frames import Batch, Frame
from widget_server.live.peers import Peer
from widget_server.live.watched import Subscription
from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import NotFound, NotPermitted, Refused, Unavailable
from widget_server.model.records import Copy, Position, Site
from widget_server.operations import admit, copies, readers
from widget_server.operations.services import Services
from widget_server.wire import frames, messages, views

log = logging.getLogger(__name__)

SUBPROTOCOL = "widget.v1"
SUBSCRIBE_S = 10.0
"""Without a subscription for so long after the handshake a socket is closed (4408).

Refused ones do not begin the time anew; how long the server takes to answer is not counted.
"""
REFUSED_S = 1.0
"""A socket whose subscriptions were all refused stays so long for others to be asked for."""
MOST_STORIES = 50
MOST_FAULTS = 10
FAULTS_S = 60.0
GOODBYE_MS = 5_000


class LiveDoor:
    """The ASGI endpoint of all live sockets of this process."""

    def __init__(self, services: Services, seats: guards.Seats) -> None:
        self.services = services
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with an HTTP answer, or open the socket and stay with it until it ends."""
        await receive()
        if SUBPROTOCOL not in scope["subprotocols"]:
            await refuse(send, 400, f"Ask for the WebSocket subprotocol “{SUBPROTOCOL}”.")
            return
        network = self.services.network(guards.address_of(scope))
        if not self._seats.take(network):
            await refuse(send, 429, "Too many open sockets from this network. Try again later.")
            return
        try:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            origin = guards.origin_of(scope)
            socket = LiveSocket(self.services, peer_of(scope, send), origin, network)
            # What the handshake needed is not needed for the hours that the socket stays.
            scope["headers"] = []
            await socket.run(receive)
        finally:
            self._seats.leave(network)


async def refuse(send: Send, status: int, detail: str) -> None:
    """Answer the handshake like any other HTTP request."""
    code = {404: "not_found", 429: "rate_limited"}.get(status, "malformed")
    response = problems.problem(status, code, detail, 30 if status == 429 else None)
    problems.seal(response.headers)
    headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": bytes(response.body)})


class LiveSocket:
    """What is known about one open socket: its stories and, per site, its reader."""

    __slots__ = (
        "_deadline",
        "_ends_at",
        "_faults",
        "_grants",
        "_identities",
        "_left_s",
        "_network",
        "_origin",
        "_peer",
        "_readers",
        "_refusals",
        "_refused",
        "_resumed",
        "_services",
        "_subscriptions",
        "_visible",
    )

    def __init__(self, services: Services, peer: Peer, origin: str | None, network: str) -> None:
        self._services = services
        self._peer = peer
        self._origin = origin
        self._network = network
        self._subscriptions: dict[str, Subscription] = {}
        self._grants: dict[str, admit.Grant] = {}
        self._readers: dict[str, ReaderClaims] = {}
        self._identities: dict[str, bytes] = {}
        """By site, the identity token that was exchanged here, as a hash."""
        self._visible = True
        self._faults: list[float] = []
        self._refused: Refused | None = None
        self._refusals = 0
        self._left_s = SUBSCRIBE_S
        self._ends_at = 0.0
        self._resumed: asyncio.Event | None = None
        self._deadline: Deadline | None = None

    async def run(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        """Handle messages one after another until the socket ends."""
        self._peer.on_resume = self._on_resume
        self._peer.on_shutdown = self._on_shutdown
        self._peer.on_busy = self._on_busy
        self._await_subscription(SUBSCRIBE_S)
        try:
            while True:
                event = await receive()
                if event["type"] != "websocket.receive":
                    return
                text = event.get("text")
                if text is None:
                    self._peer.close(problems.NO_TEXT, "send text frames")
                    return
                await self._handle(text)
        finally:
            self._stop_clock()
            for code in list(self._subscriptions):
                self._unsubscribe(code)
            self._peer.on_resume = self._peer.on_shutdown = self._peer.on_busy = None

    # Messages ----------------------------------------------------------------------------------

    async def _handle(self, data: str) -> None:
        ref: int | None = None
        try:
            message = messages.read_message(data)
            ref = message.ref
            await self._answer(message)
        except messages.Unreadable as fault:
            await self._say(frames.error_frame(fault.ref, fault))
            self._count_fault()
        except Refused as refusal:
            await self._say(frames.error_frame(ref, refusal))

    async def _answer(self, message: messages.Message) -> None:
        match message:
            case messages.Subscribe():
                await self._subscribe(message)
            case messages.Unsubscribe():
                self._unsubscribe(message.story)
                await self._say(frames.ok_frame(message.ref, story=message.story))
            case messages.Visible():
                self._visible = message.value
                for subscription in self._subscriptions.values():
                    self._services.hub.show(subscription, visible=message.value)
                now = views.rfc3339(self._services.now_ms())
                await self._say(frames.ok_frame(message.ref, now=now))
            case _:
                await self._do(message)

    async def _subscribe(self, asked: messages.Subscribe) -> None:
        # It has asked in time: how long the answer takes, when thousands come at once, is our affair.
        self._stop_clock()
        try:
            await self._join(asked)
        finally:
            if not self._subscriptions and self._deadline is None:
                self._await_subscription(SUBSCRIBE_S if self._refused is None else REFUSED_S)

    async def _join(self, asked: messages.Subscribe) -> None:
        services = self._services
        try:
            grant = await self._admit(asked)
        except Refused as refusal:
            self._refused = refusal
            self._refusals += not isinstance(refusal, Unavailable)
            if self._refusals > MOST_STORIES:
                # A page has no more stories than that, so this is no page.
                self._count_fault()
            raise
        site, code = grant.site.slug, grant.story.code
        if len(self._subscriptions) >= MOST_STORIES and code not in self._subscriptions:
            self._count_fault()
            raise NotPermitted(f"One socket carries at most {MOST_STORIES} stories.")
        issued = await self._recognise(grant, asked)
        known = self._readers.get(site)
        self._unsubscribe(code)
        copy = await copies.seen(services, grant, self._network)
        subscription = Subscription(
            self._peer,
            copy.id if copy is not None else 0,
            _personal(grant, copy, *issued),
            readers.store_key(known) if known is not None else None,
            self._network,
        )
        subscription.visible = self._visible
        since = asked.since
        await self._writable()
        await services.hub.join(
            code, subscription, asked.ref, Position(since.epoch, since.seq) if since else None
        )
        self._subscriptions[code] = subscription
        self._grants[code] = grant
        self._hold(grant)

    async def _admit(self, asked: messages.Subscribe) -> admit.Grant:
        services, code = self._services, asked.story
        with contextlib.ExitStack() as counted:
            if asked.token is None and code is not None:
                counted.enter_context(services.looking_up(code, self._network))
            return await admit.admit(
                services,
                token=asked.token,
                code=code,
                origin=self._origin,
                page=asked.page,
                lang=asked.lang,
            )

    async def _recognise(self, grant: admit.Grant, asked: messages.Subscribe) -> "_SignIn":
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
                    self._readers[site.slug] = await readers.vouch(services, site, asked.identity)
                    self._identities[site.slug] = shown
            except Refused as refusal:
                refused = refusal.code
            else:
                issued, ended = self._sign_out(site)
                if ended is None:
                    issued = services.keyring.issue_reader(site.slug, self._readers[site.slug])
                return issued, ended
        recognised = readers.recognise(services, site, asked.reader)
        if recognised is not None:
            self._readers[site.slug] = recognised
        issued, ended = self._sign_out(site)
        return issued, refused or ended

    def _sign_out(self, site: Site) -> "_SignIn":
        """Know the reader as an anonymous one from now on, if the site's word for them has ended."""
        known = self._readers.get(site.slug)
        now = None if known is None else readers.still(self._services, site, known)
        if now is None or now.ended is None:
            return None, None
        self._readers[site.slug] = replace(now, ended=None)
        return self._services.keyring.issue_reader(site.slug, now), now.ended

    def _unsubscribe(self, code: str) -> None:
        subscription = self._subscriptions.pop(code, None)
        grant = self._grants.pop(code, None)
        if subscription is not None:
            self._services.hub.leave(subscription)
        if grant is not None and not self._grants_of(grant.site.slug):
            self._services.rights.let_go(grant.site.slug, self)

    # Rights ------------------------------------------------------------------------------------

    def _grants_of(self, site: str) -> list[tuple[str, admit.Grant]]:
        return [(code, one) for code, one in self._grants.items() if one.site.slug == site]

    def _hold(self, grant: admit.Grant) -> None:
        """Be asked to look at the grant again when it ends, or when the site's rights change."""
        now, site = self._services.clock(), grant.site
        reader = self._readers.get(site.slug)
        ends = [
            claims.exp for claims in (grant.claims, reader) if claims is not None and claims.exp
        ]
        mark = (grant.epoch, site.rights)
        first = min((end for end in ends if end > now), default=math.inf)
        self._services.rights.hold(site.slug, self, mark, first)

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        """See what is left of the grants of a site; close what may not even be read any more.

        Answers, by the story's code, who needs a fresh snapshot. Raises `Unavailable`.
        """
        changed: list[tuple[str, Subscription]] = []
        sign_in: _SignIn | None = None
        for code, old in self._grants_of(site):
            try:
                grant = await admit.renew(self._services, old)
                copy = await copies.seen(self._services, grant, self._network)
            except Unavailable:
                raise
            except Refused as refusal:
                self._end(code, refusal)
                continue
            if self._grants.get(code) is not old:
                continue  # Subscribed to anew meanwhile.
            self._grants[code] = grant
            self._hold(grant)
            sign_in = sign_in or self._sign_out(grant.site)
            if sign_in != (None, None) or _standing(grant) != _standing(old):
                subscription = self._subscriptions[code]
                subscription.personal = _personal(grant, copy, *sign_in)
                reader = self._readers.get(site)
                subscription.reader = readers.store_key(reader) if reader is not None else None
                changed.append((code, subscription))
        return changed

    def _end(self, code: str, refusal: Refused) -> None:
        """Send this story no more. The socket goes on as long as it carries others."""
        self._unsubscribe(code)
        if not self._subscriptions:
            # A story that a restore took away may be made known again by a token: come back.
            gone = isinstance(refusal, NotFound)
            code_of_end = problems.NO_SUBSCRIPTION if gone else problems.TOKEN_REFUSED
            self._peer.close(code_of_end, refusal.code)
        elif not self._peer.write(Batch([Frame(frames.error_frame(None, refusal, code))])):
            # Too slow to be told: when it comes back it is.
            self._peer.close(problems.TOO_SLOW, "too slow")

    async def _do(self, deed: messages.Deed) -> None:
        self._services.paces.spend("deed", self._network)
        grant = self._grants.get(deed.story)
        if grant is None:
            raise NotPermitted("Subscribe to this story on this socket first.")
        grant = await admit.renew(self._services, grant)
        site = grant.site.slug
        known = self._readers.get(site)
        if known is None:
            known = readers.recognise(self._services, grant.site, deed.reader)
        else:
            known = readers.still(self._services, grant.site, known)
        answer, claims = await deeds.perform(self._services, grant, known, self._network, deed)
        if isinstance(deed, messages.Forget):
            self._readers.pop(site, None)
            self._identities.pop(site, None)
            self._subscriptions[deed.story].reader = None
        else:
            self._readers[site] = claims
            self._subscriptions[deed.story].reader = readers.store_key(claims)
        await self._say(answer)

    # The peer ----------------------------------------------------------------------------------

    async def _say(self, payload: bytes) -> None:
        """An answer is never skipped: a reader who does not read is not heard either."""
        batch = Batch([Frame(payload)])
        while not self._peer.write(batch):
            if self._peer.closed:
                return
            await self._writable()

    async def _writable(self) -> None:
        while self._peer.paused and not self._peer.closed:
            self._resumed = asyncio.Event()
            # Looked at again each second: nobody resumes a peer whose connection is gone.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._resumed.wait()

    def _on_resume(self) -> None:
        if self._resumed is not None:
            self._resumed.set()
        for subscription in self._subscriptions.values():
            self._services.hub.resumed_reading(subscription)

    def _on_busy(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.step_out()

    def _on_shutdown(self) -> None:
        wait = random.randrange(GOODBYE_MS)  # noqa: S311
        self._peer.write(Batch([Frame(frames.goodbye_frame(wait))]))

    def _await_subscription(self, seconds: float) -> None:
        """Let so many seconds run, of those that are left for the first subscription."""
        self._stop_clock()
        loop = asyncio.get_running_loop()
        self._ends_at = loop.time() + self._left_s
        self._deadline = Deadline(loop, min(seconds, self._left_s), self._too_late)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self._left_s = max(0.0, self._ends_at - asyncio.get_running_loop().time())

    def _too_late(self) -> None:
        if self._refused is not None:
            self._peer.close(problems.close_code_of(self._refused), self._refused.code)
        else:
            self._peer.close(problems.NO_SUBSCRIPTION, "no subscription in time")

    def _count_fault(self) -> None:
        """Ten messages that cannot be understood in a minute end the socket."""
        now = asyncio.get_running_loop().time()
        self._faults = [at for at in self._faults if now - at < FAULTS_S] + [now]
        if len(self._faults) >= MOST_FAULTS:
            self._peer.close(problems.MALFORMED, "too many malformed messages")


_SignIn = tuple[str | None, str | None]
"""A reader token to hand out, and the error code that says why a sign-in was not taken or ended."""


def _standing(grant: admit.Grant) -> tuple[tuple[str, ...], str | None]:
    """What a copy may do, and why it may not do more: what its page is told."""
    return grant.can, None if grant.why_not is None else grant.why_not.code


def _personal(
    grant: admit.Grant, copy: Copy | None, issued: str | None, identity: str | None
) -> bytes:
    """What a snapshot says to this socket alone: copy, rights, a reader token, a failed sign-in."""
    own: dict[str, Any] = {
        "copy": None if copy is None else {"label": copy.label, "origin": copy.origin},
    }
    own["can"], own["read_only"] = _standing(grant)
    if issued is not None:
        own["reader"] = issued
    if identity is not None:
        own["identity"] = identity
    return b"," + orjson.dumps(own)[1:-1]
