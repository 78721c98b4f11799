"""Identify the reader of an action: by reader token, by identity token, or as a new reader."""

import hashlib
from dataclasses import dataclass, replace

from widget_server.auth import tokens
from widget_server.auth.claims import SIGN_IN_LIFETIME_S
from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import TokenExpiredError, TokenInvalidError
from widget_server.model.records import Site
from widget_server.operations.cache import ADMISSION_MAX_AGE_S
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.services import Services
from widget_server.store.queries.identity_tokens import consume_identity_token
from widget_server.store.writing.actions import Forget


@dataclass(frozen=True, slots=True)
class Actor:
    """The reader of an action. `new_token` is a reader token to send to the client, if one was issued."""

    claims: ReaderClaims
    reader_id: str
    """Id under which the reader's items are stored."""
    network: str
    """Rate-limit key of the client's network."""
    new_token: str | None = None
    first: str | None = None
    """Secret that the client sent with the action. A new reader's id is derived from it."""


def reader_id(claims: ReaderClaims) -> str:
    """Return the id under which a reader's items are stored.

    It is 128 bits of SHA-256, so a reader token cannot be derived from it.
    """
    subject = f"sub:{claims.sub}" if claims.sub is not None else f"rid:{claims.rid}"
    return hashlib.sha256(f"{claims.site}/{subject}".encode()).hexdigest()[:32]


def reader_from_token(services: Services, site: Site, token: str | None) -> ReaderClaims | None:
    """Return the reader's claims, or None if the token is missing or invalid.

    Reading must not fail because of an old token in a browser's storage.
    """
    if token is None:
        return None
    try:
        return current_reader(services, site, services.keyring.verify_reader(token, site.slug))
    except TokenInvalidError:
        return None


def current_reader(services: Services, site: Site, claims: ReaderClaims) -> ReaderClaims:
    """Return the claims that are valid now. If the sign-in has ended, return an anonymous reader's claims.

    `sign_in_error` is then the reason. The anonymous reader has the token's random id, so that it is
    the same reader each time the client sends the token.
    """
    if claims.sub is None:
        return claims
    sign_in_error = None
    # A newer generation than the cached one is valid: only this server signs reader tokens.
    if claims.generation is not None and claims.generation < site.oldest:
        sign_in_error = TokenInvalidError.code
    # Tokens of old versions contain no generation and no expiry.
    elif claims.generation is None or claims.exp is None or claims.exp <= services.clock():
        sign_in_error = TokenExpiredError.code
    if sign_in_error is None:
        return claims
    return ReaderClaims(site.slug, claims.rid, sign_in_error=sign_in_error)


async def exchange_identity_token(services: Services, site: Site, token: str) -> ReaderClaims:
    """Exchange an identity token, which is accepted once, for a reader's claims.

    Raises `TokenInvalidError`, `TokenExpiredError`, `UnavailableError`.
    """
    unverified = tokens.parse_unverified(token)
    if unverified.site != site.slug:
        raise TokenInvalidError
    if unverified.generation > site.generation:
        cached = await services.cache.site(site.slug, max_age=ADMISSION_MAX_AGE_S)
        site = site if cached is None else cached.site
    now = services.clock()
    claims = services.keyring.verify_identity(unverified, site.oldest, site.generation, now)
    if not await services.writer.run_in_transaction(
        consume_identity_token(site.slug, claims.jti, claims.exp)
    ):
        raise TokenInvalidError("This identity token was used before. Ask the site for a new one.")
    return ReaderClaims(
        site.slug,
        tokens.new_rid(),
        sub=claims.sub,
        name=claims.name,
        avatar=claims.avatar,
        author=claims.author,
        generation=unverified.generation,
        exp=int(now) + SIGN_IN_LIFETIME_S,
    )


def act(
    services: Services,
    grant: Grant,
    known: ReaderClaims | None,
    network: str,
    first: str | None = None,
) -> Actor:
    """Return the reader of an action. A new reader is counted for the network's rate limit.

    The action itself is counted before, where the client message is parsed.

    A new reader's id is derived from `first` only, so it is the same on every server. If the reply with the
    reader token is lost, the client's next action has the same `first` and belongs to the same reader.
    Without `first` the id is random. Raises `RateLimitedError`.
    """
    if known is not None and known.sign_in_error is not None:
        known = replace(known, sign_in_error=None)
        new_token = services.keyring.issue_reader(grant.site.slug, known)
        return Actor(known, reader_id(known), network, new_token, first=first)
    if known is not None:
        return Actor(known, reader_id(known), network, first=first)
    services.rate_limiters.hit_network("new_reader", network)
    rid = services.keyring.derived_reader_id(first) if first is not None else tokens.new_rid()
    claims = ReaderClaims(grant.site.slug, rid)
    new_token = services.keyring.issue_reader(grant.site.slug, claims)
    return Actor(claims, reader_id(claims), network, new_token)


def first_action_reader(services: Services, grant: Grant, actor: Actor) -> str | None:
    """Return the reader id under which an earlier attempt of this action may be stored, or None.

    An attempt without a reader token is stored under the id derived from `first`. If its reply was lost
    and the client has received a token by another action since, the ids differ.
    """
    if actor.first is None or actor.new_token is not None:
        return None
    return reader_id(ReaderClaims(grant.site.slug, services.keyring.derived_reader_id(actor.first)))


async def erase(services: Services, grant: Grant, actor: Actor) -> None:
    """Erase the reader's comments, reactions, reports and hints on the site.

    Raises `OriginNotAllowedError`, `UnavailableError`.
    """
    grant.require_origin()
    await services.writer.submit(Forget(actor.reader_id, services.now_ms()))
