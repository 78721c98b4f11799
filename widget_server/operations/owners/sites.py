"""Operations of a site's owner: create a site, change keys, tokens and shut-out origins."""

from dataclasses import dataclass, replace

from widget_server.auth import origins, tokens
from widget_server.auth.permissions import require, require_server_owner
from widget_server.auth.tokens import mint_widget
from widget_server.model.actors import Actor
from widget_server.model.claims import CODE_ONLY_JTI, WidgetClaims
from widget_server.model.decisions import Decision, decided_by
from widget_server.model.errors import NotFoundError, NotPermittedError, OperatorError
from widget_server.model.identifiers import TOKEN_ID
from widget_server.model.records import SeenCopy, Site
from widget_server.model.settings import SiteSettings
from widget_server.operations.cache import CachedSite
from widget_server.operations.made_before import made_before
from widget_server.operations.services import Services
from widget_server.store.queries.sites import (
    insert_site,
    readmit_origin,
    revoke_token,
    shut_out_origin,
    update_site,
)


async def create_site(services: Services, by: Actor, slug: str, name: str) -> Site:
    """Create a site with its first key. Raises `NotPermittedError` if the slug is taken."""
    require_server_owner(by)
    site = Site(slug, name, 1, 1, SiteSettings())
    if not await services.writer.run_in_transaction(insert_site(site)):
        raise NotPermittedError(f"There is a site “{slug}” already.")
    return site


async def all_sites(services: Services) -> list[Site]:
    """Return every site, in order of slugs."""
    return await services.cache.all_sites()


async def rotate_key(services: Services, by: Actor, slug: str) -> Site:
    """Add a key generation. Tokens of older generations stay valid. Raises `NotFoundError`."""
    require(by, "rotate", slug)
    if await made_before(services, by, "rotate"):
        return await get_site(services, slug)
    decision = _decision(services, by, "rotate")
    return await services.writer.run_in_transaction(
        update_site(slug, lambda site: replace(site, generation=site.generation + 1), decision)
    )


async def retire_keys(services: Services, by: Actor, slug: str) -> Site:
    """Retire all key generations but the current one. Raises `NotFoundError`."""
    require(by, "retire", slug)
    if await made_before(services, by, "retire"):
        return await get_site(services, slug)
    decision = _decision(services, by, "retire")
    return await services.writer.run_in_transaction(
        update_site(slug, lambda site: replace(site, oldest=site.generation), decision)
    )


async def signing_key(services: Services, by: Actor, slug: str) -> tuple[int, str]:
    """Return the current generation and its key, for minting in other programs. Raises `NotFoundError`."""
    require(by, "rotate", slug)
    site = await get_site(services, slug)
    return site.generation, services.keyring.site_key(slug, site.generation)


async def widget_key(services: Services, by: Actor, slug: str) -> str:
    """Return `<site>.<generation>.<key>`: what a program needs to sign widget tokens, and cannot sign readers in with.

    Raises `NotFoundError`.
    """
    require(by, "rotate", slug)
    site = await get_site(services, slug)
    return f"{slug}.{site.generation}.{services.keyring.widget_key(slug, site.generation)}"


async def mint(
    services: Services, by: Actor, claims: WidgetClaims, generation: int | None = None
) -> str:
    """Return a signed widget token, by default with the newest key. `tokens.mint` also records it.

    Raises `NotPermittedError`, `NotFoundError`, and `OperatorError` for a wrong claim.
    """
    require(by, "token", claims.site)
    if generation is None:
        generation = (await get_site(services, claims.site)).generation
    key = services.keyring.site_key(claims.site, generation)
    try:
        return mint_widget(key, claims.site, generation, claims)
    except ValueError as error:
        raise OperatorError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawn token and the copies on which it was seen. `before`: it was withdrawn already."""

    jti: str
    seen: list[SeenCopy]
    exact: list[str]
    """Origins of these copies that can be shut out."""
    before: bool


async def revoke(
    services: Services,
    by: Actor,
    slug: str,
    token_or_jti: str,
    *,
    shut: bool = False,
    everywhere: bool = False,
) -> Withdrawn:
    """Withdraw a widget token, even if no copy has used it yet.

    With `shut`, also shut out the one origin on which it was seen: from the stories of its copies, or
    from all stories with `everywhere`. Raises `NotFoundError`, `TokenInvalidError`, and `OperatorError`
    with a sentence. After an error nothing was changed.
    """
    require(by, "revoke", slug)
    if shut:
        require(by, "shut_out", slug)
    cached = await _cached_site(services, slug)
    jti = _handle(services, cached.site, token_or_jti)
    seen = await services.cache.seen(slug, jti)
    found = dict.fromkeys(copy.origin for copy in seen)
    exact = [origin for origin in found if _is_exact(services, origin)]
    if shut and len(exact) != 1:
        raise OperatorError(
            f"The token was seen on {', '.join(exact) or 'no exact origin yet'}. Withdraw it without"
            " --shut-out, and name each origin to shut out with `widget-server site shut-out`."
        )
    await services.writer.run_in_transaction(
        revoke_token(slug, jti, _decision(services, by, "revoke", (jti,)))
    )
    if shut:
        stories = {None} if everywhere else {copy.story for copy in seen if copy.origin == exact[0]}
        for story in stories:
            await shut_out(services, by, slug, exact[0], story)
    return Withdrawn(jti, seen, exact, jti in cached.revoked)


def _is_exact(services: Services, origin: str) -> bool:
    try:
        exact_origin(services, origin)
    except OperatorError:
        return False
    return True


def _handle(services: Services, site: Site, token_or_jti: str) -> str:
    if token_or_jti.startswith("w1."):
        unverified = tokens.parse_unverified(token_or_jti)
        if unverified.site == site.slug:
            # Accept every generation: a token of a retired key also has a handle.
            return services.keyring.verify_widget(
                unverified, 0, site.generation, services.clock()
            ).jti
        raise OperatorError("This token belongs to another site.")
    if not TOKEN_ID.fullmatch(token_or_jti):
        raise OperatorError("Give the token, or its jti: 1 to 64 visible ASCII characters.")
    if token_or_jti == CODE_ONLY_JTI:
        raise OperatorError(
            "The jti “open” stands for copies that use only the code. Use `site shut-out` for them."
        )
    return token_or_jti


def exact_origin(services: Services, text: str) -> str:
    """Return the canonical spelling of an origin that can be shut out. Raises `OperatorError`."""
    origin = origins.canonical_origin(text.rstrip("/"))
    if origin is None:
        raise OperatorError(
            "Give one exact origin, as https://host or https://host:port. Wildcards and null would"
            " shut out unrelated pages."
        )
    if origin == services.server_origin:
        raise OperatorError("This is the server's own origin. Its pages cannot be shut out.")
    return origin


async def shut_out(services: Services, by: Actor, slug: str, origin: str, story: str | None) -> str:
    """Shut out an origin from the story with this key, or from all stories (None).

    Return the origin's canonical spelling. Raises `NotFoundError`, and `OperatorError`.
    """
    require(by, "shut_out", slug)
    await _cached_site(services, slug)
    exact = exact_origin(services, origin)
    if await made_before(services, by, "shut_out"):
        return exact
    code = _code(slug, story)
    decision = _decision(services, by, "shut_out", (exact, code))
    await services.writer.run_in_transaction(shut_out_origin(slug, exact, code, decision))
    return exact


async def readmit(services: Services, by: Actor, slug: str, origin: str, story: str | None) -> bool:
    """Undo `shut_out`. Return False if the origin was not shut out. Raises the errors of `shut_out`."""
    require(by, "shut_out", slug)
    await _cached_site(services, slug)
    exact = exact_origin(services, origin)
    if await made_before(services, by, "readmit"):
        return True
    code = _code(slug, story)
    decision = _decision(services, by, "readmit", (exact, code))
    return await services.writer.run_in_transaction(readmit_origin(slug, exact, code, decision))


async def all_shut_out(services: Services, slug: str) -> list[tuple[str, str | None]]:
    """Return the shut-out origins, each with the story's key, or its code if the story is unknown.

    None stands for all stories. Raises `NotFoundError`.
    """
    cached = await _cached_site(services, slug)
    found: list[tuple[str, str | None]] = []
    for entry in sorted(cached.shut_out, key=lambda entry: (entry.origin, entry.story)):
        story = await services.cache.story(entry.story) if entry.story else None
        found.append((entry.origin, story.key if story is not None else entry.story or None))
    return found


def _decision(services: Services, by: Actor, verb: str, targets: tuple[str, ...] = ()) -> Decision:
    return decided_by(by, verb, services.now_ms(), targets=targets)


def _code(slug: str, story: str | None) -> str:
    return "" if story is None else tokens.story_code(slug, story)


async def get_site(services: Services, slug: str) -> Site:
    """Return a site. Raises `NotFoundError`."""
    return (await _cached_site(services, slug)).site


async def _cached_site(services: Services, slug: str) -> CachedSite:
    cached = await services.cache.site(slug, max_age=0)
    if cached is None:
        raise NotFoundError(f"There is no site “{slug}”. `widget-server site list` shows them.")
    return cached
