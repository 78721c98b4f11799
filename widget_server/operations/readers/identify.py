"""Who acts: a reader known by an id that is made with the first action, or by the site's word."""

import hashlib
from dataclasses import dataclass, replace

from widget_server.auth import tokens
from widget_server.auth.claims import READER_LIFE
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
    """A reader about to do something. `new_token` is the token to hand out when it was just made."""

    claims: ReaderClaims
    reader_id: str
    """The reader as the store knows it."""
    network: str
    new_token: str | None = None
    first: str | None = None
    """The secret that came with the action, of which the reader is made who has no token yet."""


def reader_id(claims: ReaderClaims) -> str:
    """The reader as the store knows it: 128 bits of SHA-256, from which no token can be made."""
    who = f"sub:{claims.sub}" if claims.sub is not None else f"rid:{claims.rid}"
    return hashlib.sha256(f"{claims.site}/{who}".encode()).hexdigest()[:32]


def reader_from_token(services: Services, site: Site, token: str | None) -> ReaderClaims | None:
    """The reader behind a token; a token that is not good here is as good as none.

    Reading must not fail because an old token lies in a browser's storage.
    """
    if token is None:
        return None
    try:
        return still(services, site, services.keyring.verify_reader(token, site.slug))
    except TokenInvalidError:
        return None


def still(services: Services, site: Site, claims: ReaderClaims) -> ReaderClaims:
    """The reader as known now: one whose sign-in has ended is an anonymous one, and `ended` says why.

    By the token's own random id, so that it is one reader however often the token is sent.
    """
    if claims.sub is None:
        return claims
    ended = None
    # Of a newer key than is known here another process knows: only the server signs these.
    if claims.generation is not None and claims.generation < site.oldest:
        ended = TokenInvalidError.code
    # Tokens of old versions name no generation and no end.
    elif claims.generation is None or claims.exp is None or claims.exp <= services.clock():
        ended = TokenExpiredError.code
    return claims if ended is None else ReaderClaims(site.slug, claims.rid, ended=ended)


async def exchange_identity_token(services: Services, site: Site, token: str) -> ReaderClaims:
    """Exchange an identity token, once, for a reader. Raises `TokenInvalidError`, `TokenExpiredError`."""
    unverified = tokens.parse_unverified(token)
    if unverified.site != site.slug:
        raise TokenInvalidError
    if unverified.generation > site.generation:
        known = await services.cache.site(site.slug, max_age=ADMISSION_MAX_AGE_S)
        site = site if known is None else known.site
    now = services.clock()
    claims = services.keyring.verify_identity(unverified, site.oldest, site.generation, now)
    if not await services.writer.run_in_transaction(
        consume_identity_token(site.slug, claims.jti, claims.exp, int(now))
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
        exp=int(now) + READER_LIFE,
    )


def act(
    services: Services,
    grant: Grant,
    known: ReaderClaims | None,
    network: str,
    first: str | None = None,
) -> Actor:
    """Return the reader who does something now; a new one is counted against the network.

    The action itself is counted where the message is read, before anything else is looked at.

    A new reader is made of `first` alone, on every server the same one: the answer that brings the
    reader token may be lost, and the next action, the same or another, is then the same reader's.
    Without `first` the reader is a random one. Raises `RateLimitedError`.
    """
    if known is not None and known.ended is not None:
        known = replace(known, ended=None)
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
    """Return who did this action before, if a reader without a token did and its answer was lost.

    Another action or the site's word may have made the reader known meanwhile. As the store knows
    them.
    """
    if actor.first is None or actor.new_token is not None:
        return None
    return reader_id(ReaderClaims(grant.site.slug, services.keyring.derived_reader_id(actor.first)))


async def erase(services: Services, grant: Grant, actor: Actor) -> None:
    """Erase everything that this reader left on the site. Raises `OriginNotAllowedError`."""
    grant.require_origin()
    await services.writer.submit(Forget(actor.reader_id, services.now_ms()))
