"""Let a page in: from its token (or the story's bare code) and its origin to what it may do."""

from dataclasses import dataclass, replace

from widget_server.auth import origins, tokens
from widget_server.model.claims import PERMISSIONS, Attribution, WidgetClaims
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    OriginNotAllowedError,
    ProblemError,
    TokenExpiredError,
    TokenInvalidError,
    TokenRevokedError,
)
from widget_server.model.identifiers import STORY_CODE
from widget_server.model.records import ShutOut, Site, Story
from widget_server.operations.cache import ADMISSION_MAX_AGE_S, CachedSite
from widget_server.operations.services import Services
from widget_server.store.queries.stories import insert_story
from widget_server.store.writing.actions import UpdateStory

READ_ONLY = ("read",)
NO_ORIGIN = "Send the page's Origin. Only a token for any page needs none."
SHUT_OUT = "The publisher lets pages of this site in no more. Ask the publisher."
CLOSED_READING = "This site's stories are read with a token."


@dataclass(frozen=True, slots=True)
class Grant:
    """What one copy of a story may do. Holding one is proof that token and origin were checked."""

    site: Site
    story: Story
    permissions: tuple[str, ...]
    denial: ProblemError | None
    """Why the copy may only read, where its token grants more."""
    claims: WidgetClaims | None
    generation: int
    epoch: str
    """The database's numbering that `story` belongs to."""
    origin: str | None
    page: str | None = None
    """Its address as it was said, not looked at."""
    lang: str | None = None

    def require(self, permission: str) -> None:
        """Raise the reason why the copy has not this right."""
        if permission not in self.permissions:
            raise self.denial or NotPermittedError("This copy's token does not grant this.")

    def require_origin(self) -> None:
        """Raise `OriginNotAllowedError` for a caller that is no page, unless the token is for any."""
        anywhere = self.claims is not None and origins.ANY in self.claims.origins
        if self.origin is None and not anywhere:
            raise OriginNotAllowedError(NO_ORIGIN)


async def authorize(
    services: Services,
    *,
    token: str | None,
    code: str | None,
    origin: str | None,
    page: str | None = None,
    lang: str | None = None,
) -> Grant:
    """Check a copy's token, or the bare code where the site allows that.

    A valid token makes an unknown story known; nothing else is stored (`copies` notes where that
    was). Raises `MalformedError`, `TokenInvalidError`,
    `TokenRevokedError`, `OriginNotAllowedError`, `NotPermittedError`, `NotFoundError`.
    """
    if token is None:
        grant = await _authorize_by_code(services, code, origin)
    else:
        grant = await _authorize_by_token(services, token, code, origin)
    claims = grant.claims
    lang = lang or (claims.lang if claims is not None else None)
    return replace(grant, page=page, lang=lang)


async def register_story(services: Services, token: str) -> Story:
    """Make the story of a token known before anyone reads it. Raises `TokenInvalidError`."""
    known, claims, _ = await _verify_token(services, token)
    code = tokens.story_code(claims.site, claims.story)
    return await _load_or_register_story(services, code, known.site, claims)


@dataclass(frozen=True, slots=True)
class IframeGrant:
    """A story that may be shown in a page of ours, inside pages of these origins."""

    story: Story
    token: str | None
    claims: WidgetClaims | None
    ancestors: tuple[str, ...]


async def authorize_iframe(services: Services, reference: str) -> IframeGrant:
    """Let a frame in, by token or by the bare code where the site lets everyone republish.

    Raises `TokenInvalidError`, `NotFoundError`, `NotPermittedError`, `OriginNotAllowedError` when all pages that the
    token names are shut out, and `TokenRevokedError` where the site's stories are read with a token.
    """
    if STORY_CODE.fullmatch(reference):
        grant = await _authorize_by_code(services, reference, services.server_origin)
        if not grant.site.settings.republishing_open(grant.story.license):
            raise NotPermittedError("This story is framed with a token. Ask the publisher for one.")
        return IframeGrant(grant.story, None, None, ("*",))
    known, claims, _ = await _verify_token(services, reference)
    code = tokens.story_code(claims.site, claims.story)
    # A page that only a wildcard lets in cannot be left out of a policy.
    ancestors = tuple(
        rule for rule in claims.origins if not is_shut_out(services, known, code, rule)
    )
    if not ancestors:
        raise OriginNotAllowedError(SHUT_OUT)
    if claims.jti in known.revoked:
        _require_open_reading(known.site, TokenRevokedError())
    story = await _load_or_register_story(services, code, known.site, claims)
    return IframeGrant(story, reference, claims, ancestors)


async def refresh(services: Services, grant: Grant) -> Grant:
    """The grant as it is now: a token may have expired or been withdrawn since it was checked.

    What has ended is `denial`, or is raised where the site's stories are read with a token.
    """
    known = await services.cache.site(grant.site.slug)
    if known is None:
        raise TokenInvalidError
    if grant.epoch != services.discussions.epoch:
        grant = await _reload_after_restore(services, grant)
    site, code, origin = known.site, grant.story.code, grant.origin
    if grant.claims is None:
        _require_open_reading(site, NotPermittedError(CLOSED_READING))
        permissions, denial = _code_permissions(services, site, grant.story, origin)
        if is_shut_out(services, known, code, origin):
            permissions, denial = READ_ONLY, OriginNotAllowedError(SHUT_OUT)
    else:
        permissions, denial = _token_permissions(services, known, grant.claims, origin)
        if is_shut_out(services, known, code, origin):
            permissions, denial = READ_ONLY, OriginNotAllowedError(SHUT_OUT)
        elif not site.oldest <= grant.generation <= site.generation:
            permissions, denial = READ_ONLY, TokenInvalidError()
        if denial is not None and not isinstance(denial, TokenExpiredError):
            _require_open_reading(site, denial)
    return replace(grant, site=site, permissions=permissions, denial=denial)


def is_shut_out(services: Services, known: CachedSite, code: str, origin: str | None) -> bool:
    """Whether the site lets pages of this origin in no more, to this story or to any."""
    page = origins.spelled(origin) if known.shut_out else None
    if page is None or page == services.server_origin:
        return False
    return not known.shut_out.isdisjoint((ShutOut(page, ""), ShutOut(page, code)))


async def _reload_after_restore(services: Services, grant: Grant) -> Grant:
    """The same copy in a restored database, where story and copy may have other numbers.

    What it may do there `refresh` says, for one whose origin was shut out reads on. Raises
    `NotFoundError` for the code of a story that is not known there.
    """
    site = await services.cache.site(grant.site.slug, max_age=0)
    if site is None:
        raise TokenInvalidError
    if grant.claims is None:
        story = await services.cache.story(grant.story.code)
        if story is None:
            raise NotFoundError
    else:
        story = await _load_or_register_story(services, grant.story.code, site.site, grant.claims)
    return replace(grant, story=story, epoch=services.discussions.epoch)


async def _authorize_by_token(
    services: Services, token: str, code: str | None, origin: str | None
) -> Grant:
    known, claims, generation = await _verify_token(services, token)
    site = known.site
    own = tokens.story_code(claims.site, claims.story)
    if code is not None and code != own:
        raise NotPermittedError("The token is for another story than the one that is named.")
    if origin is not None and not _allows(services, claims, origin):
        raise OriginNotAllowedError
    if is_shut_out(services, known, own, origin):
        raise OriginNotAllowedError(SHUT_OUT)
    permissions, denial = _token_permissions(services, known, claims, origin)
    if denial is not None and not isinstance(denial, TokenExpiredError):
        _require_open_reading(site, denial)
    story = await _load_or_register_story(services, own, site, claims)
    return Grant(
        site, story, permissions, denial, claims, generation, services.discussions.epoch, origin
    )


async def _verify_token(services: Services, token: str) -> tuple[CachedSite, WidgetClaims, int]:
    """The token's site, claims and key generation. Raises `TokenInvalidError`."""
    unverified = tokens.parse_unverified(token)
    claims = services.cache.claims(token)
    if claims is None:
        # Before anything is asked of the database: what no one has signed costs no question.
        own = unverified.generation
        claims = services.keyring.verify_widget(unverified, own, own, services.clock())
    known = await services.cache.site(unverified.site, max_age=ADMISSION_MAX_AGE_S)
    if known is None:
        raise TokenInvalidError
    if not known.site.oldest <= unverified.generation <= known.site.generation:
        raise TokenInvalidError
    if services.cache.claims(token) is None:
        services.cache.put_claims(token, claims)
    return known, claims, unverified.generation


def _token_permissions(
    services: Services, known: CachedSite, claims: WidgetClaims, origin: str | None
) -> tuple[tuple[str, ...], ProblemError | None]:
    """What the token grants now, and why it is less than what it says."""
    denial: ProblemError | None = None
    if not _allows(services, claims, origin):
        # Only programs send no Origin: they may read what is open, and do nothing.
        denial = OriginNotAllowedError(NO_ORIGIN)
    elif claims.jti in known.revoked:
        denial = TokenRevokedError()
    elif claims.exp is not None and claims.exp <= services.clock():
        denial = TokenExpiredError()
    return (claims.can if denial is None else READ_ONLY), denial


def _allows(services: Services, claims: WidgetClaims, origin: str | None) -> bool:
    """Whether the page may carry the token. Ours may: who may frame it, its own header says."""
    own = origin is not None and origin == services.server_origin
    return own or origins.allows(claims.origins, origin)


async def _authorize_by_code(services: Services, code: str | None, origin: str | None) -> Grant:
    if code is None:
        raise MalformedError("Send a token, or the code of a story.")
    story = await services.cache.story(code)
    known = None
    if story is not None:
        known = await services.cache.site(story.site, max_age=ADMISSION_MAX_AGE_S)
    if story is None or known is None:
        raise NotFoundError
    site = known.site
    _require_open_reading(site, NotPermittedError(CLOSED_READING))
    if is_shut_out(services, known, code, origin):
        raise OriginNotAllowedError(SHUT_OUT)
    permissions, denial = _code_permissions(services, site, story, origin)
    epoch = services.discussions.epoch
    return Grant(site, story, permissions, denial, None, site.generation, epoch, origin)


def _code_permissions(
    services: Services, site: Site, story: Story, origin: str | None
) -> tuple[tuple[str, ...], ProblemError | None]:
    """Return what the bare code grants on a page, and why that is not all.

    The story's page on this server is the site's own copy: there the code grants everything, also
    where the site does not let everyone republish.
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


def _require_open_reading(site: Site, denial: ProblemError) -> None:
    if not site.settings.open_reading:
        raise denial


async def _load_or_register_story(
    services: Services, code: str, site: Site, claims: WidgetClaims
) -> Story:
    story = await services.cache.story(code)
    if story is None:
        counts = dict.fromkeys(site.settings.reaction_keys(), 0)
        await services.writer.run_in_transaction(
            insert_story(code, site.slug, claims.story, claims.iat, claims.attribution, counts)
        )
        story = await services.cache.story(code, fresh=True)
        if story is None:
            raise NotFoundError
    if claims.iat > story.attributed:
        # Also without news: of two other tokens, one between the two must not win later.
        columns = _changed_attribution(story, claims.attribution)
        story = await services.writer.submit(UpdateStory(story.id, columns, claims.iat))
        services.cache.put(story)
    return story


def _changed_attribution(story: Story, attribution: Attribution) -> dict[str, str | bool | None]:
    """What a token says about the story that is not shown yet; what it leaves out stays."""
    said = {
        "url": attribution.url,
        "title": attribution.title,
        "author": attribution.author,
        "publisher": attribution.publisher,
        "license": attribution.license,
    }
    return {k: v for k, v in said.items() if v is not None and getattr(story, k) != v}
