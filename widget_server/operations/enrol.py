"""A publisher's account: make a site, set its rules, hand out its keys, sign its tokens."""

from dataclasses import replace

from widget_server.model.claims import WidgetClaims
from widget_server.model.errors import NotFound, NotPermitted
from widget_server.model.records import Site
from widget_server.model.settings import SiteSettings
from widget_server.operations.services import Services
from widget_server.store.errands import change_site, make_site, revoke_token
from widget_server.trust.tokens import mint_widget


async def create_site(services: Services, slug: str, name: str) -> Site:
    """A new site with its first key. Raises `NotPermitted` when the slug is taken."""
    site = Site(slug, name, 1, 1, SiteSettings())
    if not await services.writer.run_errand(make_site(site)):
        raise NotPermitted(f"There is a site “{slug}” already.")
    return site


async def all_sites(services: Services) -> list[Site]:
    """Every site, by slug."""
    return await services.directory.all_sites()


async def set_rules(services: Services, slug: str, choices: list[tuple[str, str]]) -> Site:
    """Apply `KEY=VALUE` choices. Raises `NotFound`, and `ValueError` with a sentence."""

    def applied(settings: SiteSettings) -> SiteSettings:
        for key, value in choices:
            settings = settings.changed(key, value)
        return settings

    def change(site: Site) -> Site:
        return replace(site, settings=applied(site.settings))

    applied(SiteSettings())  # What is wrong is said here, not in a transaction shared with others.

    return await services.writer.run_errand(change_site(slug, change))


async def rotate_key(services: Services, slug: str) -> Site:
    """Add a key generation; tokens of the older ones stay good. Raises `NotFound`."""
    return await services.writer.run_errand(
        change_site(slug, lambda site: replace(site, generation=site.generation + 1))
    )


async def retire_keys(services: Services, slug: str) -> Site:
    """Refuse every generation but the current one from now on. Raises `NotFound`."""
    return await services.writer.run_errand(
        change_site(slug, lambda site: replace(site, oldest=site.generation))
    )


async def site_key(services: Services, slug: str) -> tuple[int, str]:
    """The current generation and its key, for minting elsewhere. Raises `NotFound`."""
    site = await _site(services, slug)
    return site.generation, services.keyring.site_key(slug, site.generation)


async def mint(services: Services, claims: WidgetClaims) -> str:
    """A signed widget token. Raises `NotFound`."""
    generation, key = await site_key(services, claims.site)
    return mint_widget(key, claims.site, generation, claims)


async def revoke(services: Services, slug: str, jti: str) -> None:
    """Withdraw a token. Raises `NotFound`."""
    await _site(services, slug)
    await services.writer.run_errand(revoke_token(slug, jti))


async def _site(services: Services, slug: str) -> Site:
    known = await services.directory.site(slug, max_age=0)
    if known is None:
        raise NotFound(f"There is no site “{slug}”. `widget-server site list` shows them.")
    return known.site
