"""Make a site from the dashboard, and the first snippet for one of its stories."""

from dataclasses import dataclass

from widget_server.auth import origins
from widget_server.auth.permissions import require, require_server_owner
from widget_server.auth.tokens import story_code
from widget_server.content import urls
from widget_server.model.actors import Actor
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.model.errors import NotPermittedError, OperatorError, TextRejectedError
from widget_server.model.identifiers import SITE_SLUG
from widget_server.model.records import Site
from widget_server.operations.owners import preview_token, settings, sites, tokens
from widget_server.operations.readers import authorize
from widget_server.operations.services import Services
from widget_server.protocol.snippet import FORMS, snippet
from widget_server.store.writing.member_rows import put_member

_field = TextRejectedError.in_field

MODERATION = ("post", "pre")


@dataclass(frozen=True, slots=True)
class MadeSnippet:
    """A snippet for a story, and the address of its widget for a sandboxed frame."""

    code: str
    html: str
    preview: str


async def create(
    services: Services, by: Actor, slug: str, name: str, *, moderation: str = ""
) -> Site:
    """Make a site with its first key; the actor becomes its owner.

    Raises `NotPermittedError`, and `TextRejectedError` with the name of the field.
    """
    require_server_owner(by)
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= 100 or not cleaned.isprintable():
        raise _field("name", "Write a name of 1 to 100 characters.")
    if not SITE_SLUG.fullmatch(slug):
        raise _field("slug", "Use 1 to 40 of a-z, 0-9 and -, and no - at the beginning.")
    try:
        site = await sites.create_site(services, by, slug, cleaned)
    except NotPermittedError:
        raise _field("slug", "There is a site with this short name already.") from None
    if moderation in MODERATION:
        await settings.change_settings(services, by, slug, {"moderation": moderation})
        site = await sites.get_site(services, slug)
    if by.kind == "account":
        await services.writer.run_in_transaction(
            put_member(slug, by.id, "owner", None, services.now_ms())
        )
    return site


async def make_snippet(
    services: Services,
    by: Actor,
    site: str,
    *,
    url: str,
    title: str,
    author: str,
    form: str = "html",
) -> MadeSnippet:
    """Register a story by its address and return its snippet, valid on every page that carries it.

    Raises `NotPermittedError`, and `TextRejectedError` with the name of the field.
    """
    require(by, "token", site)
    found = await sites.get_site(services, site)
    address = url if "://" in url else f"https://{url}"
    parts = urls.split(address)
    page = None if parts is None else origins.canonical_page_url(address, parts.origin)
    if page is None:
        raise _field("url", "Write the address of the story's page, such as https://example.org/a.")
    cleaned = " ".join(title.split())
    if not cleaned:
        raise _field("title", "Write the title of the story.")
    claims = WidgetClaims(
        site=site,
        story=page.partition("://")[2].rstrip("/")[:200],
        origins=(origins.ANY,),
        iat=int(services.clock()),
        jti="",
        attribution=Attribution(
            url=page, title=cleaned, author=author or None, publisher=found.name
        ),
    )
    try:
        token = (await tokens.mint(services, by, claims)).token
    except OperatorError as error:
        raise _field("title", str(error)) from None
    await authorize.register_story(services, token)
    code = story_code(site, claims.story)
    chosen = form if form in FORMS else "html"
    text = snippet(services.server_origin, code, token, claims, chosen)
    preview = await preview_token.preview_address(services, by, claims)
    return MadeSnippet(code, text, preview)
