"""The stories of one open socket: subscriptions and grants. Permissions can end while it is open."""

import math
from typing import Any

import orjson

from widget_server.hub.channel import Subscription
from widget_server.hub.connection import Connection
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.model.errors import NotFoundError, ProblemError, UnavailableError
from widget_server.model.records import Copy
from widget_server.operations.readers import authorize, copies
from widget_server.operations.services import Services
from widget_server.protocol import codes, server_messages
from widget_server.web.live_readers import NO_CHANGE, LiveReaders, SignIn


class LiveStories:
    """The subscription and the grant of each story of one socket, by the story's code.

    `operations/readers/permission_watch.py` calls `review` when a grant expires or when the
    permissions of a site change.
    """

    __slots__ = ("_connection", "_network", "_readers", "_services", "grants", "subscriptions")

    def __init__(
        self, services: Services, connection: Connection, readers: LiveReaders, network: str
    ) -> None:
        self._services = services
        self._connection = connection
        self._readers = readers
        self._network = network
        self.subscriptions: dict[str, Subscription] = {}
        self.grants: dict[str, authorize.Grant] = {}

    def add(self, code: str, subscription: Subscription, grant: authorize.Grant) -> None:
        """Store a story that the hub has subscribed, and watch its permissions."""
        self.subscriptions[code] = subscription
        self.grants[code] = grant
        self._watch(grant)

    def remove(self, code: str) -> None:
        """Unsubscribe from a story, if this socket is subscribed to it."""
        subscription = self.subscriptions.pop(code, None)
        grant = self.grants.pop(code, None)
        if subscription is not None:
            self._services.hub.unsubscribe(subscription)
        if grant is not None and not self._grants_of(grant.site.slug):
            self._services.rights.remove(grant.site.slug, self)

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        """Refresh the grants of a site, and unsubscribe from stories that may not be read any more.

        Returns code and subscription of each story that needs a new snapshot. Raises
        `UnavailableError`.
        """
        changed: list[tuple[str, Subscription]] = []
        sign_in: SignIn | None = None
        for code, old in self._grants_of(site):
            try:
                grant = await authorize.refresh(self._services, old)
                copy = await copies.record_seen(self._services, grant, self._network)
            except UnavailableError:
                raise
            except ProblemError as rejection:
                self._end(code, rejection)
                continue
            if self.grants.get(code) is not old:
                continue  # The client subscribed again during the calls above.
            self.grants[code] = grant
            self._watch(grant)
            if sign_in is None:
                sign_in = self._readers.sign_out_if_ended(grant.site)
            if sign_in != NO_CHANGE or _permissions_of(grant) != _permissions_of(old):
                subscription = self.subscriptions[code]
                subscription.session_fields = session_fields(grant, copy, sign_in)
                subscription.reader = self._readers.reader_id(site)
                changed.append((code, subscription))
        return changed

    def _grants_of(self, site: str) -> list[tuple[str, authorize.Grant]]:
        return [(code, grant) for code, grant in self.grants.items() if grant.site.slug == site]

    def _watch(self, grant: authorize.Grant) -> None:
        """Request a review when the grant expires or the permissions of its site change."""
        now, site = self._services.clock(), grant.site
        expiries = [
            claims.exp
            for claims in (grant.claims, self._readers.get(site.slug))
            if claims is not None and claims.exp
        ]
        version = (grant.epoch, site.rights)
        first = min((expiry for expiry in expiries if expiry > now), default=math.inf)
        self._services.rights.add(site.slug, self, version, first)

    def _end(self, code: str, rejection: ProblemError) -> None:
        """Unsubscribe from a story. Close the socket if it was the last one."""
        self.remove(code)
        if not self.subscriptions:
            # A token can register again a story that is missing after a restore, so let the client
            # reconnect.
            gone = isinstance(rejection, NotFoundError)
            close_code = codes.CloseCode.NO_SUBSCRIPTION if gone else codes.CloseCode.TOKEN_REFUSED
            self._connection.close(close_code, rejection.code)
        elif not self._services.hub.write(
            self._connection,
            PreparedBatch([PreparedMessage(server_messages.encode_error(None, rejection, code))]),
        ):
            # A slow consumer cannot receive the error. It receives it after it reconnects.
            self._connection.close(codes.CloseCode.TOO_SLOW, "too slow")


def _permissions_of(grant: authorize.Grant) -> tuple[tuple[str, ...], str | None]:
    """Return a copy's permissions, and the code of the reason why it has no more."""
    return grant.permissions, None if grant.denial is None else grant.denial.code


def session_fields(grant: authorize.Grant, copy: Copy | None, sign_in: SignIn) -> bytes:
    """Encode the fields of a snapshot for this socket only, as JSON that starts with a comma.

    The fields are the copy, its permissions, a new reader token, and why a sign-in failed or ended.
    """
    fields: dict[str, Any] = {
        "copy": None if copy is None else {"label": copy.label, "origin": copy.origin},
    }
    fields["can"], fields["read_only"] = _permissions_of(grant)
    if sign_in.reader_token is not None:
        fields["reader"] = sign_in.reader_token
    if sign_in.error_code is not None:
        fields["identity"] = sign_in.error_code
    return b"," + orjson.dumps(fields)[1:-1]
