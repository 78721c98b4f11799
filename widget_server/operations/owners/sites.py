"""A publisher's account: make a site, set its rules, hand out its keys, sign and withdraw tokens."""

from dataclasses import dataclass, replace

from widget_server.auth import origins, tokens
from widget_server.auth.tokens import mint_widget
from widget_server.model.claims import CODE_ONLY_JTI, WidgetClaims
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.identifiers import TOKEN_ID
from widget_server.model.records import SeenCopy, Site
from widget_server.model.settings import SiteSettings
from widget_server.operations.cache import CachedSite
from widget_server.operations.services import Services
from widget_server.store.queries.sites import (
    insert_site,
    readmit_origin,
    revoke_token,
    shut_out_origin,
    update_site,
)


async def create_site(services: Services, slug: str, name: str) -> Site:
    """A new site with its first key. Raises `NotPermittedError` when the slug is taken."""
    site = Site(slug, name, 1, 1, SiteSettings())
    if not await services.writer.run_in_transaction(insert_site(site)):
        raise NotPermittedError(f"There is a site “{slug}” already.")
    return site


async def all_sites(services: Services) -> list[Site]:
    """Every site, by slug."""
    return await services.cache.all_sites()


async def update_settings(services: Services, slug: str, choices: list[tuple[str, str]]) -> Site:
    """Apply `KEY=VALUE` choices. Raises `NotFoundError`, and `ValueError` with a sentence."""

    def applied(settings: SiteSettings) -> SiteSettings:
        for key, value in choices:
            settings = settings.with_value(key, value)
        return settings

    def change(site: Site) -> Site:
        return replace(site, settings=applied(site.settings))

    applied(SiteSettings())  # What is wrong is said here, not in a transaction shared with others.

    return await services.writer.run_in_transaction(update_site(slug, change))


async def rotate_key(services: Services, slug: str) -> Site:
    """Add a key generation; tokens of the older ones stay good. Raises `NotFoundError`."""
    return await services.writer.run_in_transaction(
        update_site(slug, lambda site: replace(site, generation=site.generation + 1))
    )


async def retire_keys(services: Services, slug: str) -> Site:
    """Refuse every generation but the current one from now on. Raises `NotFoundError`."""
    return await services.writer.run_in_transaction(
        update_site(slug, lambda site: replace(site, oldest=site.generation))
    )


async def signing_key(services: Services, slug: str) -> tuple[int, str]:
    """The current generation and its key, for minting elsewhere. Raises `NotFoundError`."""
    site = await _site(services, slug)
    return site.generation, services.keyring.site_key(slug, site.generation)


async def mint(services: Services, claims: WidgetClaims) -> str:
    """A signed widget token. Raises `NotFoundError`."""
    generation, key = await signing_key(services, claims.site)
    return mint_widget(key, claims.site, generation, claims)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A token that is withdrawn, and where it has been seen. `before`: it was withdrawn already."""

    jti: str
    seen: list[SeenCopy]
    exact: list[str]
    """The origins among these that can be shut out."""
    before: bool


async def revoke(
    services: Services,
    slug: str,
    token_or_jti: str,
    *,
    shut: bool = False,
    everywhere: bool = False,
) -> Withdrawn:
    """Withdraw a widget token, also one that has never been seen.

    With `shut`, shut out the one origin on which it was seen as well: for the stories that it
    carries, or `everywhere`. Raises `NotFoundError`, `TokenInvalidError`, and `ValueError` with a sentence
    when nothing was changed.
    """
    known = await _known(services, slug)
    jti = _handle(services, known.site, token_or_jti)
    seen = await services.cache.seen(slug, jti)
    exact = [one for one in dict.fromkeys(copy.origin for copy in seen) if _is_exact(services, one)]
    if shut and len(exact) != 1:
        raise ValueError(
            f"The token was seen on {', '.join(exact) or 'no exact origin yet'}. Withdraw it without"
            " --shut-out, and name each origin to shut out with `widget-server site shut-out`."
        )
    await services.writer.run_in_transaction(revoke_token(slug, jti))
    if shut:
        stories = {None} if everywhere else {one.story for one in seen if one.origin == exact[0]}
        for story in stories:
            await shut_out(services, slug, exact[0], story)
    return Withdrawn(jti, seen, exact, jti in known.revoked)


def _is_exact(services: Services, origin: str) -> bool:
    try:
        exact_origin(services, origin)
    except ValueError:
        return False
    return True


def _handle(services: Services, site: Site, token_or_jti: str) -> str:
    if token_or_jti.startswith("w1."):
        peeked = tokens.parse_unverified(token_or_jti)
        if peeked.site == site.slug:
            # Of whatever generation: also a token of a retired key has a handle.
            return services.keyring.verify_widget(peeked, 0, site.generation, services.clock()).jti
        raise ValueError("This token is of another site.")
    if not TOKEN_ID.fullmatch(token_or_jti):
        raise ValueError("Give the token, or its jti: 1 to 64 visible ASCII characters.")
    if token_or_jti == CODE_ONLY_JTI:
        raise ValueError(
            "The jti “open” stands for copies that carry only the code. `site shut-out` is for them."
        )
    return token_or_jti


def exact_origin(services: Services, text: str) -> str:
    """An origin that can be shut out, in its one spelling. Raises `ValueError` with a sentence."""
    origin = origins.spelled(text.rstrip("/"))
    if origin is None:
        raise ValueError(
            "Give one exact origin, as https://host or https://host:port. Wildcards and null would"
            " shut out pages that no one meant."
        )
    if origin == services.server_origin:
        raise ValueError("This is the server's own origin: its pages and frames are for everyone.")
    return origin


async def shut_out(services: Services, slug: str, origin: str, story: str | None) -> str:
    """Let an origin's pages in no more, to the story of this key or (None) to any; the origin.

    Raises `NotFoundError`, and `ValueError` with a sentence.
    """
    await _known(services, slug)
    exact = exact_origin(services, origin)
    await services.writer.run_in_transaction(shut_out_origin(slug, exact, _code(slug, story)))
    return exact


async def readmit(services: Services, slug: str, origin: str, story: str | None) -> bool:
    """Take `shut_out` back; False where there is nothing to take back. Raises what that does."""
    await _known(services, slug)
    exact = exact_origin(services, origin)
    return await services.writer.run_in_transaction(readmit_origin(slug, exact, _code(slug, story)))


async def all_shut_out(services: Services, slug: str) -> list[tuple[str, str | None]]:
    """Origins that are shut out, each with the story's key (its code where the story is not known).

    None stands for all stories. Raises `NotFoundError`.
    """
    known = await _known(services, slug)
    found: list[tuple[str, str | None]] = []
    for one in sorted(known.shut_out, key=lambda one: (one.origin, one.story)):
        story = await services.cache.story(one.story) if one.story else None
        found.append((one.origin, story.key if story is not None else one.story or None))
    return found


def _code(slug: str, story: str | None) -> str:
    return "" if story is None else tokens.story_code(slug, story)


async def _site(services: Services, slug: str) -> Site:
    return (await _known(services, slug)).site


async def _known(services: Services, slug: str) -> CachedSite:
    known = await services.cache.site(slug, max_age=0)
    if known is None:
        raise NotFoundError(f"There is no site “{slug}”. `widget-server site list` shows them.")
    return known
