"""A site's tokens and keys: mint and record a token, list tokens, rotate and retire keys."""

import hashlib
from dataclasses import dataclass, replace

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.claims import WidgetClaims
from widget_server.model.decisions import decided_by
from widget_server.model.limits import MAX_PAGE
from widget_server.model.records import Site
from widget_server.operations.made_before import made_before
from widget_server.operations.owners import sites
from widget_server.operations.owners.copies import ListedCopy
from widget_server.operations.owners.readers_now import reader_count, readers_now
from widget_server.operations.services import Services
from widget_server.store.queries.owner_copies import CopyFilter
from widget_server.store.queries.tokens import (
    TOKEN_STATUSES,
    TokenFilter,
    TokenPage,
    TokenRecord,
    TokenStatus,
    record_token,
)

__all__ = ["TOKEN_STATUSES", "TokenFilter", "TokenPage", "TokenRecord", "TokenStatus"]

PAGE_SIZE = 25
"""Tokens of a page if the request names no limit."""
LIVE_MS = 30 * 86_400_000
"""A copy is live if it was seen within this time."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A signed token, which is not stored, and its handle."""

    token: str
    jti: str


@dataclass(frozen=True, slots=True)
class KeyGeneration:
    """A generation of a site's key that is accepted, or whose copies are still seen."""

    number: int | None
    """None stands for copies and tokens whose generation is not known yet."""
    signs: bool
    accepted: bool
    tokens: int
    copies: int
    """Live copies, without revoked ones."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """What would stop working if all keys but the current one were retired."""

    generation: int
    """The generation that stays."""
    copies: list[ListedCopy]
    """Live copies whose tokens would be refused, those with most readers first; at most 100."""
    total: int
    """All of these copies."""
    unknown: int
    """Live copies whose key is not known yet, so that they may stop as well."""


async def mint(services: Services, by: Actor, claims: WidgetClaims) -> Minted:
    """Sign a widget token, and record what it says and who minted it.

    Raises `NotPermittedError`, `NotFoundError`, and `OperatorError` for a wrong claim.
    """
    permissions.require(by, "token", claims.site)
    site = await sites.get_site(services, claims.site)
    made = await made_before(services, by, "token")
    if made:
        # The same token, signed again: the first one was never answered.
        claims = replace(claims, jti=made["token"].targets[0])
    token = await sites.mint(services, by, claims, site.generation)
    jti = claims.jti or hashlib.sha256(token.encode()).hexdigest()
    await services.writer.run_in_transaction(
        record_token(
            replace(claims, jti=jti),
            site.generation,
            f"{by.kind}:{by.id}"[:120],
            decided_by(
                by,
                "token",
                services.now_ms(),
                targets=(jti,),
                after={"story": claims.story, "generation": site.generation, "can": claims.can},
            ),
        )
    )
    return Minted(token, jti)


async def list_tokens(
    services: Services,
    by: Actor,
    site: str,
    wanted: TokenFilter | None = None,
    *,
    limit: int = PAGE_SIZE,
    after: str | None = None,
) -> TokenPage:
    """Return a page of the site's tokens, the newest first: two SQL statements.

    Tokens that were signed elsewhere are in it from the first time that a page showed them. Raises
    `NotPermittedError`, `MalformedError` for a wrong `after`, and `UnavailableError`.
    """
    permissions.require(by, "read_tokens", site)
    return await services.tokens.page(
        site, wanted or TokenFilter(), int(services.clock()), limit, after
    )


async def list_keys(services: Services, by: Actor, site: str) -> list[KeyGeneration]:
    """Return the generations of the site's key, the newest first, unknown ones last.

    Raises `NotPermittedError` and `NotFoundError`.
    """
    permissions.require(by, "read_tokens", site)
    own = await sites.get_site(services, site)
    counts = await services.tokens.generations(site, services.now_ms() - LIVE_MS)
    found = {one.generation: one for one in counts}
    numbers: list[int | None] = [*range(own.generation, own.oldest - 1, -1)]
    numbers += [number for number in found if number not in numbers]
    return [
        KeyGeneration(
            number,
            signs=number == own.generation,
            accepted=number is not None and own.oldest <= number <= own.generation,
            tokens=found[number].tokens if number in found else 0,
            copies=found[number].copies if number in found else 0,
        )
        for number in numbers
    ]


async def what_would_stop(services: Services, by: Actor, site: str) -> Retirement:
    """Return the live copies that `retire` would stop, by name.

    Raises `NotPermittedError` and `NotFoundError`.
    """
    permissions.require(by, "read_tokens", site)
    own = await sites.get_site(services, site)
    since = services.now_ms() - LIVE_MS
    now: dict[int, int] = {}
    for story in (await readers_now(services)).values():
        now |= story.copies
    wanted = CopyFilter(generation_below=own.generation, last_seen_since=since, status="live")
    page = await services.owner_copies.page(site, wanted, "readers", now, MAX_PAGE, None)
    counts = await services.tokens.generations(site, since)
    unknown = next((one.copies for one in counts if one.generation is None), 0)
    copies = [ListedCopy(one, reader_count(by, now.get(one.id, 0))) for one in page.copies]
    return Retirement(own.generation, copies, page.total, unknown)


async def rotate(services: Services, by: Actor, site: str) -> Site:
    """Add a key generation, which signs from now on. Older tokens stay valid.

    Raises `NotPermittedError` and `NotFoundError`.
    """
    permissions.require(by, "rotate", site)
    return await sites.rotate_key(services, by, site)


async def retire(services: Services, by: Actor, site: str) -> Site:
    """Retire all key generations but the current one: their tokens become invalid.

    Raises `NotPermittedError` and `NotFoundError`.
    """
    permissions.require(by, "retire", site)
    return await sites.retire_keys(services, by, site)
