"""The stories of one open socket: subscriptions and grants. Permissions can end while it is open."""

import math
from typing import Any

from widget_server.hub.channel import Subscription
from widget_server.hub.connection import Connection
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.model.errors import NotFoundError, ProblemError, UnavailableError
from widget_server.model.records import Copy
from widget_server.operations.readers import appeal, authorize, bans, copies, opening
from widget_server.operations.readers.permission_watch import ChangedCopies
from widget_server.operations.services import Services
from widget_server.protocol import codes, serializers, server_messages
from widget_server.web.live_copies import (
    NOTHING_OF_COPY,
    ToldOfCopy,
    older_fields,
    tell_older,
    told_of_copy,
)
from widget_server.web.live_readers import NO_CHANGE, LiveReaders, SignIn


class LiveStories:
    """The subscription and the grant of each story of one socket, by the story's code.

    `operations/readers/permission_watch.py` calls `review` when a grant expires or when the
    permissions of a site change.
    """

    __slots__ = (
        "_connection",
        "_network",
        "_readers",
        "_services",
        "_told",
        "grants",
        "subscriptions",
    )

    def __init__(
        self, services: Services, connection: Connection, readers: LiveReaders, network: str
    ) -> None:
        self._services = services
        self._connection = connection
        self._readers = readers
        self._network = network
        self.subscriptions: dict[str, Subscription] = {}
        self.grants: dict[str, authorize.Grant] = {}
        self._told: dict[str, ToldOfCopy] = {}
        """What this socket was told last about the copy of each story."""

    def add(
        self,
        code: str,
        subscription: Subscription,
        grant: authorize.Grant,
        told: ToldOfCopy = NOTHING_OF_COPY,
    ) -> None:
        """Store a story that the hub has subscribed, and watch its permissions.

        `told` is what the subscription's snapshot says about its copy.
        """
        self.subscriptions[code] = subscription
        self._told[code] = told
        self.grants[code] = grant
        self._watch(grant)

    def remove(self, code: str) -> None:
        """Unsubscribe from a story, if this socket is subscribed to it."""
        subscription = self.subscriptions.pop(code, None)
        grant = self.grants.pop(code, None)
        self._told.pop(code, None)
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
            reader = self._readers.reader_id(site)
            try:
                grant = await authorize.refresh(self._services, old)
                claims = self._readers.get(site)
                grant = await bans.with_ban(self._services, grant, reader, self._network, claims)
                ban = await appeal.own_ban(self._services, grant)
                copy = await copies.record_seen(self._services, grant, self._network)
                now = await told_of_copy(self._services, grant, copy)
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
            changed_ban = grant.ban != old.ban
            new_rights = (
                sign_in != NO_CHANGE
                or changed_ban
                or _permissions_of(grant) != _permissions_of(old)
            )
            subscription, told = self.subscriptions[code], self._told[code]
            if new_rights or now != told:
                self._told[code] = now
                subscription.session_fields = session_fields(
                    self._services,
                    grant,
                    copy,
                    sign_in,
                    ban,
                    now,
                    told_ban=changed_ban,
                    told_older=True,
                )
            if new_rights:
                subscription.reader = self._readers.reader_id(site)
                changed.append((code, subscription))
            elif now.hidden != told.hidden:
                self._services.hub.renew_own_fields(code, subscription)
            elif now.older != told.older:
                tell_older(self._services, code, subscription, now.older)
        return changed

    def carries(self, changed: ChangedCopies) -> bool:
        """Return whether a page of this socket is one of these copies."""
        return any(one.copy in changed.ids for one in self.subscriptions.values())

    def _grants_of(self, site: str) -> list[tuple[str, authorize.Grant]]:
        return [(code, grant) for code, grant in self.grants.items() if grant.site.slug == site]

    def _watch(self, grant: authorize.Grant) -> None:
        """Request a review when the grant expires or the permissions of its site change."""
        now, site = self._services.clock(), grant.site
        expiries: list[float] = [
            claims.exp
            for claims in (grant.claims, self._readers.get(site.slug))
            if claims is not None and claims.exp
        ]
        if grant.ban is not None and grant.ban.until is not None:
            expiries.append(grant.ban.until / 1000)
        version = (grant.epoch, site.rights)
        first = min((expiry for expiry in expiries if expiry > now), default=math.inf)
        self._services.rights.add(site.slug, self, version, first, site.copy_changes)

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


def session_fields(
    services: Services,
    grant: authorize.Grant,
    copy: Copy | None,
    sign_in: SignIn,
    ban: appeal.OwnBan | None = None,
    of_copy: ToldOfCopy = NOTHING_OF_COPY,
    *,
    told_ban: bool = False,
    told_older: bool = False,
) -> bytes:
    """Encode the fields of a snapshot for this socket only, as JSON that starts with a comma.

    The fields are the copy, its permissions, the reader's ban, a new reader token, and why a sign-in failed
    or ended. `told_ban`: whether an earlier snapshot named a ban, so that its end must be sent. `told_older`: whether
    the client may know the copy as older than the story.
    """
    hidden, older = of_copy
    fields: dict[str, Any] = {
        "copy": None if copy is None else serializers.own_copy(copy.label, copy.origin, hidden),
    }
    if older is not None or told_older:
        fields["older"] = older_fields(services, older)
    can, fields["read_only"] = _permissions_of(grant)
    fields |= serializers.permissions(can, closed=opening.is_closed(services, grant))
    if told_ban:
        fields["ban"] = None
    if ban is not None:
        fields["ban"] = serializers.ban(ban.ban, may_appeal=ban.may_appeal, appeal=ban.appeal)
    if sign_in.reader_token is not None:
        fields["reader"] = sign_in.reader_token
    if sign_in.error_code is not None:
        fields["identity"] = sign_in.error_code
    return server_messages.own_fields_json(fields)
