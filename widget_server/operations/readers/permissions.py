"""Permissions of a copy: what its token, or the bare code of a story, allows at this moment.

All functions decide from values that were read before. They do no I/O.
"""

from widget_server.auth import origins
from widget_server.model.claims import PERMISSIONS, WidgetClaims
from widget_server.model.errors import (
    NotPermittedError,
    OriginNotAllowedError,
    ProblemError,
    TokenExpiredError,
    TokenRevokedError,
)
from widget_server.model.records import ShutOut, Site, Story
from widget_server.operations.cache import CachedSite
from widget_server.operations.services import Services

READ_ONLY = ("read",)
NO_ORIGIN = "Send the page's Origin. Only a token for any page needs none."
SHUT_OUT = "The publisher has shut out pages of this site. Ask the publisher."
CLOSED_READING = "This site's stories are read with a token."

Permissions = tuple[tuple[str, ...], ProblemError | None]
"""The permissions, and the reason why a token grants fewer than it names."""


def token_permissions(
    services: Services, cached: CachedSite, claims: WidgetClaims, origin: str | None
) -> Permissions:
    """Return what a token grants now."""
    denial: ProblemError | None = None
    if not allows_origin(services, claims, origin):
        # Browsers send an Origin. A program without one may read open stories and do nothing else.
        denial = OriginNotAllowedError(NO_ORIGIN)
    elif claims.jti in cached.revoked:
        denial = TokenRevokedError()
    elif claims.exp is not None and claims.exp <= services.clock():
        denial = TokenExpiredError()
    return (claims.can if denial is None else READ_ONLY), denial


def republisher_denial(site: Site, story: Story) -> ProblemError | None:
    """Return why a token that a republisher made for themselves only reads, or None.

    It holds as long as the story's code would do: a site that closes its stories, or lets them be
    republished with tokens of its own only, ends these tokens too.
    """
    if not site.settings.open_reading:
        return NotPermittedError(CLOSED_READING)
    if not site.settings.republishing_open(story.license):
        return NotPermittedError("This site asks for a token of its own. Ask the publisher.")
    return None


def code_permissions(
    services: Services, site: Site, story: Story, origin: str | None
) -> Permissions:
    """Return what the bare code grants on a page: everything, if the site allows open republishing.

    The story's page on this server is the site's own copy: there the code grants everything, also if
    the site does not allow open republishing.
    """
    if origin == services.server_origin:
        return PERMISSIONS, None
    if not site.settings.republishing_open(story.license):
        return READ_ONLY, NotPermittedError(
            "Ask the publisher for a token: the code alone only reads."
        )
    if origin is None:
        return READ_ONLY, OriginNotAllowedError("Send the page's Origin.")
    return PERMISSIONS, None


def allows_origin(services: Services, claims: WidgetClaims, origin: str | None) -> bool:
    """Return whether a page of this origin may use the token.

    This server's own iframe page may use every token: the page's Content-Security-Policy already limits
    the pages that may contain it.
    """
    is_own = origin is not None and origin == services.server_origin
    return is_own or origins.allows(claims.origins, origin)


def is_shut_out(services: Services, cached: CachedSite, code: str, origin: str | None) -> bool:
    """Return whether the site has shut out this origin from this story or from all stories."""
    page = origins.canonical_origin(origin) if cached.shut_out else None
    if page is None or page == services.server_origin:
        return False
    return not cached.shut_out.isdisjoint((ShutOut(page, ""), ShutOut(page, code)))


def require_open_reading(site: Site, denial: ProblemError) -> None:
    """Raise `denial` unless the site's stories can be read without a token."""
    if not site.settings.open_reading:
        raise denial
