"""Let a page in: from its token (or the story's bare code) and its origin to what it may do."""

import re
from dataclasses import dataclass, replace

from widget_server.model.claims import RIGHTS, Attribution, WidgetClaims
from widget_server.model.errors import (
    Malformed,
    NotFound,
    NotPermitted,
    OriginNotAllowed,
    Refused,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
)
from widget_server.model.records import ShutOut, Site, Story
from widget_server.operations.directory import ADMITTED_S, KnownSite
from widget_server.operations.services import Services
from widget_server.store.deeds import Change
from widget_server.store.errands import make_story
from widget_server.trust import origins, tokens

READ_ONLY = ("read",)
CODE = re.compile(r"[0-9A-Za-z]{12}")
NO_ORIGIN = "Send the page's Origin. Only a token for any page needs none."
SHUT_OUT = "The publisher lets pages of this site in no more. Ask the publisher."
CLOSED_READING = "This site's stories are read with a token."


@dataclass(frozen=True, slots=True)
class Grant:
    """What one copy of a story may do. Holding one is proof that token and origin were checked."""

    site: Site
    story: Story
    can: tuple[str, ...]
    why_not: Refused | None
    """Why the copy may only read, where its token grants more."""
    claims: WidgetClaims | None
    generation: int
    epoch: str
    """The database's numbering that `story` belongs to."""
    origin: str | None
    page: str | None = None
    """Its address as it was said, not looked at."""
    lang: str | None = None

    def require(self, right: str) -> None:
        """Raise the reason why the copy has not this right."""
        if right not in self.can:
            raise self.why_not or NotPermitted("This copy's token does not grant this.")

    def require_page(self) -> None:
        """Raise `OriginNotAllowed` for a caller that is no page, unless the token is for any."""
        anywhere = self.claims is not None and origins.ANY in self.claims.origins
        if self.origin is None and not anywhere:
            raise OriginNotAllowed(NO_ORIGIN)


async def admit(
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
    was). Raises `Malformed`, `TokenInvalid`,
    `TokenRevoked`, `OriginNotAllowed`, `NotPermitted`, `NotFound`.
    """
    if token is None:
        grant = await _by_code(services, code, origin)
    else:
        grant = await _by_token(services, token, code, origin)
    claims = grant.claims
    lang = lang or (claims.lang if claims is not None else None)
    return replace(grant, page=page, lang=lang)


async def make_known(services: Services, token: str) -> Story:
    """Make the story of a token known before anyone reads it. Raises `TokenInvalid`."""
    known, claims, _ = await _open(services, token)
    code = tokens.story_code(claims.site, claims.story)
    return await _story(services, code, known.site, claims)


@dataclass(frozen=True, slots=True)
class Framed:
    """A story that may be shown in a page of ours, inside pages of these origins."""

    story: Story
    token: str | None
    claims: WidgetClaims | None
    ancestors: tuple[str, ...]


async def frame(services: Services, reference: str) -> Framed:
    """Let a frame in, by token or by the bare code where the site lets everyone republish.

    Raises `TokenInvalid`, `NotFound`, `NotPermitted`, `OriginNotAllowed` when all pages that the
    token names are shut out, and `TokenRevoked` where the site's stories are read with a token.
    """
    if CODE.fullmatch(reference):
        grant = await _by_code(services, reference, services.own_origin)
        if "comment" not in grant.can:
            raise NotPermitted("This story is framed with a token. Ask the publisher for one.")
        return Framed(grant.story, None, None, ("*",))
    known, claims, _ = await _open(services, reference)
    code = tokens.story_code(claims.site, claims.story)
    # A page that only a wildcard lets in cannot be left out of a policy.
    ancestors = tuple(
        rule for rule in claims.origins if not is_shut_out(services, known, code, rule)
    )
    if not ancestors:
        raise OriginNotAllowed(SHUT_OUT)
    if claims.jti in known.revoked:
        _require_open_reading(known.site, TokenRevoked())
    story = await _story(services, code, known.site, claims)
    return Framed(story, reference, claims, ancestors)


async def renew(services: Services, grant: Grant) -> Grant:
    """The grant as it is now: a token may have expired or been withdrawn since it was checked.

    What has ended is `why_not`, or is raised where the site's stories are read with a token.
    """
    known = await services.directory.site(grant.site.slug)
    if known is None:
        raise TokenInvalid
    if grant.epoch != services.discussions.epoch:
        grant = await _found_again(services, grant)
    site, code, origin = known.site, grant.story.code, grant.origin
    if grant.claims is None:
        _require_open_reading(site, NotPermitted(CLOSED_READING))
        can, why_not = _open_rights(site, grant.story, origin)
        if is_shut_out(services, known, code, origin):
            can, why_not = READ_ONLY, OriginNotAllowed(SHUT_OUT)
    else:
        can, why_not = _rights(services, known, grant.claims, origin)
        if is_shut_out(services, known, code, origin):
            can, why_not = READ_ONLY, OriginNotAllowed(SHUT_OUT)
        elif not site.oldest <= grant.generation <= site.generation:
            can, why_not = READ_ONLY, TokenInvalid()
        if why_not is not None and not isinstance(why_not, TokenExpired):
            _require_open_reading(site, why_not)
    return replace(grant, site=site, can=can, why_not=why_not)


def is_shut_out(services: Services, known: KnownSite, code: str, origin: str | None) -> bool:
    """Whether the site lets pages of this origin in no more, to this story or to any."""
    page = origins.spelled(origin) if known.shut_out else None
    if page is None or page == services.own_origin:
        return False
    return not known.shut_out.isdisjoint((ShutOut(page, ""), ShutOut(page, code)))


async def _found_again(services: Services, grant: Grant) -> Grant:
    """The same copy in a restored database, where story and copy may have other numbers.

    What it may do there `renew` says, for one whose origin was shut out reads on. Raises
    `NotFound` for the code of a story that is not known there.
    """
    site = await services.directory.site(grant.site.slug, max_age=0)
    if site is None:
        raise TokenInvalid
    if grant.claims is None:
        story = await services.directory.story(grant.story.code)
        if story is None:
            raise NotFound
    else:
        story = await _story(services, grant.story.code, site.site, grant.claims)
    return replace(grant, story=story, epoch=services.discussions.epoch)


async def _by_token(services: Services, token: str, code: str | None, origin: str | None) -> Grant:
    known, claims, generation = await _open(services, token)
    site = known.site
    own = tokens.story_code(claims.site, claims.story)
    if code is not None and code != own:
        raise NotPermitted("The token is for another story than the one that is named.")
    if origin is not None and not _allows(services, claims, origin):
        raise OriginNotAllowed
    if is_shut_out(services, known, own, origin):
        raise OriginNotAllowed(SHUT_OUT)
    can, why_not = _rights(services, known, claims, origin)
    if why_not is not None and not isinstance(why_not, TokenExpired):
        _require_open_reading(site, why_not)
    story = await _story(services, own, site, claims)
    return Grant(site, story, can, why_not, claims, generation, services.discussions.epoch, origin)


async def _open(services: Services, token: str) -> tuple[KnownSite, WidgetClaims, int]:
    """The token's site, claims and key generation. Raises `TokenInvalid`."""
    peeked = tokens.peek(token)
    claims = services.directory.claims(token)
    if claims is None:
        # Before anything is asked of the database: what nobody has signed costs no question.
        own = peeked.generation
        claims = services.keyring.open_widget(peeked, own, own, services.clock())
    known = await services.directory.site(peeked.site, max_age=ADMITTED_S)
    if known is None:
        raise TokenInvalid
    if not known.site.oldest <= peeked.generation <= known.site.generation:
        raise TokenInvalid
    if services.directory.claims(token) is None:
        services.directory.keep_claims(token, claims)
    return known, claims, peeked.generation


def _rights(
    services: Services, known: KnownSite, claims: WidgetClaims, origin: str | None
) -> tuple[tuple[str, ...], Refused | None]:
    """What the token grants now, and why it is less than what it says."""
    why_not: Refused | None = None
    if not _allows(services, claims, origin):
        # Only programs send no Origin: they may read what is open, and do nothing.
        why_not = OriginNotAllowed(NO_ORIGIN)
    elif claims.jti in known.revoked:
        why_not = TokenRevoked()
    elif claims.exp is not None and claims.exp <= services.clock():
        why_not = TokenExpired()
    return (claims.can if why_not is None else READ_ONLY), why_not


def _allows(services: Services, claims: WidgetClaims, origin: str | None) -> bool:
    """Whether the page may carry the token. Ours may: who may frame it, its own header says."""
    own = origin is not None and origin == services.own_origin
    return own or origins.allows(claims.origins, origin)


async def _by_code(services: Services, code: str | None, origin: str | None) -> Grant:
    if code is None:
        raise Malformed("Send a token, or the code of a story.")
    story = await services.directory.story(code)
    known = None
    if story is not None:
        known = await services.directory.site(story.site, max_age=ADMITTED_S)
    if story is None or known is None:
        raise NotFound
    site = known.site
    _require_open_reading(site, NotPermitted(CLOSED_READING))
    if is_shut_out(services, known, code, origin):
        raise OriginNotAllowed(SHUT_OUT)
    can, why_not = _open_rights(site, story, origin)
    epoch = services.discussions.epoch
    return Grant(site, story, can, why_not, None, site.generation, epoch, origin)


def _open_rights(
    site: Site, story: Story, origin: str | None
) -> tuple[tuple[str, ...], Refused | None]:
    """What the bare code grants: all on a page, where the site lets everyone republish."""
    if not site.settings.republishing_open(story.license):
        return READ_ONLY, NotPermitted("Ask the publisher for a token: the code alone only reads.")
    if origin is None:
        return READ_ONLY, OriginNotAllowed("Send the page's Origin.")
    return RIGHTS, None


def _require_open_reading(site: Site, otherwise: Refused) -> None:
    if not site.settings.open_reading:
        raise otherwise


async def _story(services: Services, code: str, site: Site, claims: WidgetClaims) -> Story:
    story = await services.directory.story(code)
    if story is None:
        counts = dict.fromkeys(site.settings.reaction_keys(), 0)
        await services.writer.run_errand(
            make_story(code, site.slug, claims.story, claims.iat, claims.attribution, counts)
        )
        story = await services.directory.story(code, fresh=True)
        if story is None:
            raise NotFound
    if claims.iat > story.attributed:
        # Also without news: of two other tokens, one between the two must not win later.
        columns = _news(story, claims.attribution)
        story = await services.writer.submit(Change(story.id, columns, claims.iat))
        services.directory.keep(story)
    return story


def _news(story: Story, attribution: Attribution) -> dict[str, str | bool | None]:
    """What a token says about the story that is not shown yet; what it leaves out stays."""
    said = {
        "url": attribution.url,
        "title": attribution.title,
        "author": attribution.author,
        "publisher": attribution.publisher,
        "license": attribution.license,
    }
    return {k: v for k, v in said.items() if v is not None and getattr(story, k) != v}
