"""The readers of one open socket: on each site at most one, anonymous or signed in."""

import hashlib
from dataclasses import replace
from typing import NamedTuple

from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import ProblemError
from widget_server.model.records import Site
from widget_server.operations.readers import identify
from widget_server.operations.services import Services


class SignIn(NamedTuple):
    """Effect of a subscription on its reader: a new token, an ended sign-in, or neither."""

    reader_token: str | None
    """A new reader token for the client."""
    error_code: str | None
    """Why the identity token was rejected, or why an earlier sign-in has ended."""


NO_CHANGE = SignIn(None, None)


class LiveReaders:
    """The reader of each site on one socket."""

    __slots__ = ("_claims", "_identities", "_services")

    def __init__(self, services: Services) -> None:
        self._services = services
        self._claims: dict[str, ReaderClaims] = {}
        """By the site's slug."""
        self._identities: dict[str, bytes] = {}
        """By the site's slug, the hash of the identity token that was exchanged on this socket."""

    def get(self, site: str) -> ReaderClaims | None:
        """Return the claims of the site's reader, if any."""
        return self._claims.get(site)

    def reader_id(self, site: str) -> str | None:
        """Return the id of the site's reader, if any."""
        claims = self._claims.get(site)
        return identify.reader_id(claims) if claims is not None else None

    def current(self, site: Site, token: str | None) -> ReaderClaims | None:
        """Return the reader of an action: of this socket, else of the action's reader token."""
        claims = self._claims.get(site.slug)
        if claims is None:
            return identify.reader_from_token(self._services, site, token)
        return identify.current_reader(self._services, site, claims)

    def store(self, site: str, claims: ReaderClaims) -> None:
        """Replace the site's reader."""
        self._claims[site] = claims

    def remove(self, site: str) -> None:
        """Remove the site's reader after `forget`."""
        self._claims.pop(site, None)
        self._identities.pop(site, None)

    async def sign_in(
        self, site: Site, identity_token: str | None, reader_token: str | None
    ) -> SignIn:
        """Set the site's reader from an identity token, else from a reader token.

        A rejected identity token prevents the sign-in only, never the subscription.
        """
        error_code: str | None = None
        if identity_token is not None:
            token_hash = hashlib.sha256(identity_token.encode("utf-8", "replace")).digest()
            try:
                # All stories of a page send the same identity token, which is valid once only. The
                # first subscription exchanges it.
                if self._identities.get(site.slug) != token_hash:
                    self._claims[site.slug] = await identify.exchange_identity_token(
                        self._services, site, identity_token
                    )
                    self._identities[site.slug] = token_hash
            except ProblemError as rejection:
                error_code = rejection.code
            else:
                ended = self.sign_out_if_ended(site)
                if ended.error_code is not None:
                    return ended
                claims = self._claims[site.slug]
                return SignIn(self._services.keyring.issue_reader(site.slug, claims), None)
        recognised = identify.reader_from_token(self._services, site, reader_token)
        if recognised is not None:
            self._claims[site.slug] = recognised
        ended = self.sign_out_if_ended(site)
        return SignIn(ended.reader_token, error_code or ended.error_code)

    def sign_out_if_ended(self, site: Site) -> SignIn:
        """Make the site's reader anonymous if the site's identity for them is no longer valid."""
        claims = self._claims.get(site.slug)
        now = None if claims is None else identify.current_reader(self._services, site, claims)
        if now is None or now.sign_in_error is None:
            return NO_CHANGE
        self._claims[site.slug] = replace(now, sign_in_error=None)
        return SignIn(self._services.keyring.issue_reader(site.slug, now), now.sign_in_error)
