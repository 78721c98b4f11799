"""What the page checker says about a page, from what was read there and what the server knows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from widget_server.auth import origins, tokens
from widget_server.model.claims import WidgetClaims
from widget_server.model.errors import TokenExpiredError, TokenInvalidError, TokenRevokedError
from widget_server.model.page_check import Finding, FindingState, PageSays, PageWidget, TextState
from widget_server.operations.cache import ADMISSION_MAX_AGE_S, CachedSite
from widget_server.operations.publishing.republish import RepublishedStory
from widget_server.operations.readers.permissions import (
    is_shut_out,
    republisher_denial,
    token_permissions,
)
from widget_server.operations.services import Services
from widget_server.protocol.snippet import credit, snippet
from widget_server.protocol.snippet_texts import ENGLISH, SnippetTexts


@dataclass(frozen=True, slots=True)
class Looked:
    """A page that was read, and the story that it should carry."""

    shown: RepublishedStory
    origin: str
    says: PageSays
    stored: Mapping[int, int]
    """When each version of the story's text was stored, in milliseconds since 1970."""
    texts: SnippetTexts = ENGLISH


async def find(services: Services, looked: Looked) -> tuple[Finding, ...]:
    """Return all findings, in the order in which a republisher works on them."""
    found = [*_credit(looked), *_snippet(services, looked)]
    own = _own_widget(looked)
    if own is not None:
        found.append(await _right(services, looked, own))
        found += _frame(own)
        found += _policy(looked)
    found += _text(looked)
    if not looked.says.complete:
        found.append(Finding("incomplete", "unknown"))
    return tuple(found)


def _credit(looked: Looked) -> Iterator[Finding]:
    says, story, terms = looked.says, looked.shown.found.story, looked.shown.terms
    if "zero" not in terms.parts:
        line = "" if says.credit else credit(looked.shown.claims(), looked.texts)
        yield _known(says.credit, "credit", line)
    if terms.page and "zero" not in terms.parts:
        line = f'<a rel="license" href="{escape(terms.page)}">{escape(terms.name)}</a>'
        yield _known(says.licence, "licence", "" if says.licence else line)
    if story.url:
        line = f'<link rel="canonical" href="{escape(story.url)}">'
        if says.canonical:
            yield Finding("canonical_good", "good")
        elif says.canonical is False:
            yield Finding("canonical_missing", "advice", line)
    if says.uncredited:
        yield Finding("image_credit", "fault", missing=says.uncredited)
    if says.not_included:
        yield Finding("image_not_included", "fault", missing=says.not_included)


def _known(said: bool | None, name: str, line: str) -> Finding:
    if said is None:
        return Finding(f"{name}_unknown", "unknown", line)
    return Finding(f"{name}_good", "good") if said else Finding(f"{name}_missing", "fault", line)


def _own_widget(looked: Looked) -> PageWidget | None:
    """Return the page's snippet of this story, or one without a story's code."""
    code = looked.shown.found.story.code
    widgets = [one for one in looked.says.widgets if one.code in (None, code)]
    return min(widgets, key=lambda one: one.code is None, default=None)


def _snippet(services: Services, looked: Looked) -> Iterator[Finding]:
    says, story = looked.says, looked.shown.found.story
    own = _own_widget(looked)
    server = services.server_origin
    form = "html" if looked.shown.by_code else "email"
    claims = looked.shown.claims()
    whole = snippet(server, story.code, None, claims, form, looked.texts, story.corrections)
    if own is None:
        if says.as_text:
            yield Finding("snippet_text", "fault", whole)
        elif says.linked:
            yield Finding("snippet_plain", "advice", whole)
        elif says.widgets:
            yield Finding("snippet_other", "fault", whole)
        elif says.complete:
            yield Finding("snippet_missing", "fault", whole)
        return
    yield Finding("snippet_good", "good")
    if own.kind in ("link", "element"):
        line = f'<script async="async" src="{escape(server)}/embed.js"></script>'
        if says.script:
            yield Finding("script_good", "good")
        elif says.complete:
            yield Finding("script_missing", "fault", line)


async def _right(services: Services, looked: Looked, own: PageWidget) -> Finding:
    """Return the finding that says whether readers may act in this snippet on this page."""
    found = looked.shown.found
    cached = await services.cache.site(found.story.site, max_age=ADMISSION_MAX_AGE_S)
    if cached is None:
        return Finding("token_invalid", "fault")
    if is_shut_out(services, cached, found.story.code, looked.origin):
        return Finding("shut_out", "fault")
    if own.token is None:
        if looked.shown.by_code:
            return Finding("token_none", "good")
        return Finding("code_closed", "fault")
    try:
        unverified = tokens.parse_unverified(own.token)
        own_key = unverified.generation
        claims = services.keyring.verify_widget(unverified, own_key, own_key, services.clock())
    except TokenInvalidError:
        return Finding("token_invalid", "fault")
    if tokens.story_code(claims.site, claims.story) != found.story.code:
        return Finding("token_other", "fault")
    if not cached.site.oldest <= unverified.generation <= cached.site.generation:
        return Finding("token_invalid", "fault")
    if not origins.allows(claims.origins, looked.origin):
        return Finding("token_origin", "fault")
    return _state(services, cached, looked, own, claims)


def framed_token(services: Services, looked: Looked) -> str | None:
    """Return the handle of the token in the page's frame, if it is a good one for the story and names the page's origin."""
    own = _own_widget(looked)
    if own is None or own.kind != "frame" or own.token is None:
        return None
    try:
        unverified = tokens.parse_unverified(own.token)
        own_key = unverified.generation
        claims = services.keyring.verify_widget(unverified, own_key, own_key, services.clock())
    except TokenInvalidError:
        return None
    named = tuple(rule for rule in claims.origins if rule != origins.ANY)
    of_story = tokens.story_code(claims.site, claims.story) == looked.shown.found.story.code
    return claims.jti if of_story and origins.allows(named, looked.origin) else None


def _state(
    services: Services, cached: CachedSite, looked: Looked, own: PageWidget, claims: WidgetClaims
) -> Finding:
    found = looked.shown.found
    _, denial = token_permissions(services, cached, claims, looked.origin)
    match denial:
        case TokenRevokedError():
            return Finding("token_revoked", "fault")
        case TokenExpiredError():
            return Finding("token_expired", "fault")
    if claims.republisher and republisher_denial(found.site, found.story) is not None:
        return Finding("code_closed", "fault")
    opaque = own.sandbox is not None and "allow-same-origin" not in own.sandbox.split()
    if opaque and origins.ANY not in claims.origins:
        return Finding("token_sandbox", "fault")
    return Finding("token_good", "good")


def _frame(own: PageWidget) -> Iterator[Finding]:
    if own.sandbox is not None and "allow-scripts" not in own.sandbox.split():
        yield Finding("frame_sandbox", "fault", 'sandbox="allow-scripts allow-popups"')


def _policy(looked: Looked) -> Iterator[Finding]:
    says = looked.says
    if not says.policies:
        yield Finding("policy_good", "good")
    for directive in says.policies:
        kind, _, source = directive.partition(" ")
        # Advice: without a socket, changes arrive as Server-Sent Events over `https:`.
        socket = source.startswith("ws")
        yield Finding(
            "policy_socket" if socket else f"policy_{kind.removesuffix('-src')}",
            "advice" if socket else "fault",
            directive,
            default_only=kind in says.default_only,
        )


def _text(looked: Looked) -> Iterator[Finding]:
    seen = looked.says.text
    if seen is None:
        yield Finding("text_not_known", "unknown")
        return
    states: dict[TextState, FindingState] = {"same": "good", "older": "fault", "changed": "advice"}
    if "nd" in looked.shown.terms.parts:
        states["changed"] = "fault"
    yield Finding(
        f"text_{seen.state}",
        states.get(seen.state, "unknown"),
        missing=seen.missing,
        outdated=seen.outdated,
        version=seen.version,
        version_at=None if seen.version is None else looked.stored.get(seen.version),
    )
