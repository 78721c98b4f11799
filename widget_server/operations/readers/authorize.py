"""Authorize a page: check its token (or the bare code of a story) and its origin, and return a grant."""

from dataclasses import dataclass, replace

from widget_server.auth import origins, tokens
from widget_server.model.bans import Ban
from widget_server.model.claims import WidgetClaims
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
from widget_server.model.records import Site, Story
from widget_server.operations.cache import ADMISSION_MAX_AGE_S, CachedSite
from widget_server.operations.readers.attribution import changed_attribution
from widget_server.operations.readers.permissions import (
    CLOSED_READING,
    NO_ORIGIN,
    READ_ONLY,
    SHUT_OUT,
    allows_origin,
    code_permissions,
    is_shut_out,
    republisher_denial,
    require_open_reading,
    token_permissions,
)
from widget_server.operations.services import Services
from widget_server.store.queries.stories import insert_story
from widget_server.store.writing.actions import UpdateStory

HANDLE_LENGTH = 9
"""Characters of a token that name its copies: part of its signature."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions of a copy. Only this module creates grants, after it checked token and origin."""

    site: Site
    story: Story
    permissions: tuple[str, ...]
    denial: ProblemError | None
    """Why the copy may only read, if its token grants more."""
    claims: WidgetClaims | None
    generation: int
    epoch: str
    """The epoch that the ids in `story` belong to."""
    origin: str | None
    page: str | None = None
    """The page's URL as the client sent it, not validated."""
    lang: str | None = None
    handle: str = ""
    """The last characters of its token, by which `?copy=` names the copy; empty for a bare code."""
    ban: Ban | None = None
    """The ban of the reader who uses the copy, which `bans.with_ban` looks up."""

    def require(self, permission: str) -> None:
        """Raise `denial`, or `NotPermittedError`, if the copy does not have this permission."""
        if permission not in self.permissions:
            raise self.denial or NotPermittedError("This copy's token does not grant this.")

    def require_origin(self) -> None:
        """Raise `OriginNotAllowedError` if the client sent no origin, unless the token is for any page."""
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
    """Check a copy's token, or the bare code if the site allows that, and return a grant.

    A valid token registers an unknown story. Nothing else is stored; `copies` records the copy. Raises
    `MalformedError`, `TokenInvalidError`, `TokenRevokedError`, `OriginNotAllowedError`,
    `NotPermittedError`, `NotFoundError`.
    """
    if token is None:
        grant = await _authorize_by_code(services, code, origin)
    else:
        grant = await _authorize_by_token(services, token, code, origin)
    # What the token says of the copy goes before what its page says: themes often name a wrong language.
    own = grant.claims.lang if grant.claims is not None else None
    return replace(grant, page=page, lang=own or lang, handle=handle_of(token))


def handle_of(token: str | None) -> str:
    """Return the name by which `GET …?copy=` asks for the copies of a token: its end, which grants nothing."""
    return "" if token is None else token[-HANDLE_LENGTH:]


async def register_story(services: Services, token: str) -> Story:
    """Register the story of a token before any page shows it. Raises `TokenInvalidError`."""
    cached, claims, _ = await _verify_token(services, token)
    code = tokens.story_code(claims.site, claims.story)
    return await _load_or_register_story(services, code, cached.site, claims)


@dataclass(frozen=True, slots=True)
class IframeGrant:
    """A story that the iframe page may show inside pages of the `ancestors` origins."""

    story: Story
    token: str | None
    claims: WidgetClaims | None
    ancestors: tuple[str, ...]
    code_reads: bool
    """Whether the bare code on a page of the ancestors only reads."""
    republish: bool
    """Whether the story has a page for republishers."""


async def authorize_iframe(services: Services, reference: str) -> IframeGrant:
    """Authorize the iframe page, by token, or by the bare code if the site allows open republishing.

    Raises `TokenInvalidError`, `NotFoundError`, `NotPermittedError`, `OriginNotAllowedError` if every origin
    that the token names is shut out, and `TokenRevokedError` if the site's stories are read with a token.
    """
    if STORY_CODE.fullmatch(reference):
        grant = await _authorize_by_code(services, reference, services.server_origin)
        if not grant.site.settings.republishing_open(grant.story.license):
            raise NotPermittedError("This story is framed with a token. Ask the publisher for one.")
        return IframeGrant(grant.story, None, None, ("*",), code_reads=False, republish=True)
    cached, claims, _ = await _verify_token(services, reference)
    code = tokens.story_code(claims.site, claims.story)
    # A policy cannot exclude a shut-out page that only a wildcard of the token includes.
    ancestors = tuple(
        rule for rule in claims.origins if not is_shut_out(services, cached, code, rule)
    )
    if claims.is_preview:
        # Its address may show settings that are not saved: nobody else's page may show them as ours.
        ancestors = (services.people.admin_origin,)
    if not ancestors:
        raise OriginNotAllowedError(SHUT_OUT)
    if claims.jti in cached.revoked:
        require_open_reading(cached.site, TokenRevokedError())
    story = await _load_or_register_story(services, code, cached.site, claims)
    site = cached.for_story(code)
    if claims.republisher:
        denial = republisher_denial(site, story)
        if denial is not None:
            raise denial
    code_reads = not site.settings.republishing_open(story.license)
    republish = site.settings.open_reading and not claims.is_preview
    return IframeGrant(story, reference, claims, ancestors, code_reads, republish)


async def refresh(services: Services, grant: Grant) -> Grant:
    """Return the grant as it is now: its token may have expired or been withdrawn since the last check.

    If a permission has ended, `denial` is the reason. The reason is raised instead if the site's stories
    are read with a token. Raises also `UnavailableError`, and `NotFoundError` after a restore.
    """
    cached = await services.cache.site(grant.site.slug)
    if cached is None:
        raise TokenInvalidError
    if grant.epoch != services.discussions.epoch:
        grant = await _reload_after_restore(services, grant)
    code, origin = grant.story.code, grant.origin
    site = cached.for_story(code)
    if grant.claims is None:
        require_open_reading(site, NotPermittedError(CLOSED_READING))
        permissions, denial = code_permissions(services, site, grant.story, origin)
        if is_shut_out(services, cached, code, origin):
            permissions, denial = READ_ONLY, OriginNotAllowedError(SHUT_OUT)
    else:
        permissions, denial = token_permissions(services, cached, grant.claims, origin)
        if is_shut_out(services, cached, code, origin):
            permissions, denial = READ_ONLY, OriginNotAllowedError(SHUT_OUT)
        elif not site.oldest <= grant.generation <= site.generation:
            permissions, denial = READ_ONLY, TokenInvalidError()
        elif denial is None and grant.claims.republisher:
            denial = republisher_denial(site, grant.story)
            permissions = permissions if denial is None else READ_ONLY
        if denial is not None and not isinstance(denial, TokenExpiredError):
            require_open_reading(site, denial)
    return replace(grant, site=site, permissions=permissions, denial=denial)


async def _reload_after_restore(services: Services, grant: Grant) -> Grant:
    """Return the grant with the restored database's ids, as story and copy may have other ids there.

    `refresh` then sets the permissions: a copy whose origin is shut out can still read. Raises
    `NotFoundError` for a bare code whose story is not in the restored database.
    """
    cached = await services.cache.site(grant.site.slug, max_age=0)
    if cached is None:
        raise TokenInvalidError
    if grant.claims is None:
        story = await services.cache.story(grant.story.code)
        if story is None:
            raise NotFoundError
    else:
        story = await _load_or_register_story(services, grant.story.code, cached.site, grant.claims)
    return replace(grant, story=story, epoch=services.discussions.epoch)


async def _authorize_by_token(
    services: Services, token: str, code: str | None, origin: str | None
) -> Grant:
    cached, claims, generation = await _verify_token(services, token)
    own = tokens.story_code(claims.site, claims.story)
    site = cached.for_story(own)
    if code is not None and code != own:
        raise NotPermittedError("The token is for another story than the one that is named.")
    if origin is not None and not allows_origin(services, claims, origin):
        raise OriginNotAllowedError
    if is_shut_out(services, cached, own, origin):
        raise OriginNotAllowedError(SHUT_OUT)
    permissions, denial = token_permissions(services, cached, claims, origin)
    if denial is not None and not isinstance(denial, TokenExpiredError):
        require_open_reading(site, denial)
    story = await _load_or_register_story(services, own, site, claims)
    if denial is None and claims.republisher:
        denial = republisher_denial(site, story)
        if denial is not None:
            require_open_reading(site, denial)
            permissions = READ_ONLY
    return Grant(
        site, story, permissions, denial, claims, generation, services.discussions.epoch, origin
    )


async def _verify_token(services: Services, token: str) -> tuple[CachedSite, WidgetClaims, int]:
    """Return the token's site, claims and key generation. Raises `TokenInvalidError`."""
    unverified = tokens.parse_unverified(token)
    claims = services.cache.claims(token)
    if claims is None:
        # Verify the signature before reading the database: forged tokens must not cause reads.
        own = unverified.generation
        claims = services.keyring.verify_widget(unverified, own, own, services.clock())
    cached = await services.cache.site(unverified.site, max_age=ADMISSION_MAX_AGE_S)
    if cached is None:
        raise TokenInvalidError
    if not cached.site.oldest <= unverified.generation <= cached.site.generation:
        raise TokenInvalidError
    if services.cache.claims(token) is None:
        services.cache.put_claims(token, claims)
    return cached, claims, unverified.generation


async def _authorize_by_code(services: Services, code: str | None, origin: str | None) -> Grant:
    if code is None:
        raise MalformedError("Send a token, or the code of a story.")
    story = await services.cache.story(code)
    cached = None
    if story is not None:
        cached = await services.cache.site(story.site, max_age=ADMISSION_MAX_AGE_S)
    if story is None or cached is None:
        raise NotFoundError
    site = cached.for_story(code)
    require_open_reading(site, NotPermittedError(CLOSED_READING))
    if is_shut_out(services, cached, code, origin):
        raise OriginNotAllowedError(SHUT_OUT)
    permissions, denial = code_permissions(services, site, story, origin)
    epoch = services.discussions.epoch
    return Grant(site, story, permissions, denial, None, site.generation, epoch, origin)


async def _load_or_register_story(
    services: Services, code: str, site: Site, claims: WidgetClaims
) -> Story:
    """Return the story, registered if it is new, with the attribution of the token if that is newer.

    Raises `NotFoundError` for an unknown story of a republisher's token, which says nothing about it.
    """
    story = await services.cache.story(code)
    if claims.republisher:
        if story is None:
            raise NotFoundError
        return story
    if story is None:
        counts = dict.fromkeys(site.settings.reaction_keys(), 0)
        await services.writer.run_in_transaction(
            insert_story(code, site.slug, claims.story, claims.iat, claims.attribution, counts)
        )
        story = await services.cache.story(code, fresh=True)
        if story is None:
            raise NotFoundError
    if claims.iat > story.attributed:
        # Also if nothing changes: the newer `iat` must be stored, so that a token issued between the two
        # cannot replace the attribution later.
        if claims.lang:
            # The cached story may lack a translation that was linked a moment ago.
            story = await services.cache.story(code, fresh=True) or story
        columns = changed_attribution(story, claims)
        story = await services.writer.submit(UpdateStory(story.id, columns, claims.iat))
        services.cache.put(story)
    return story
