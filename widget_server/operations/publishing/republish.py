"""What a stranger does on `/s/CODE/republish`: read the terms, and make a token for their own site."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from widget_server.auth import origins
from widget_server.auth.claims import parse_widget_claims, widget_payload
from widget_server.auth.tokens import mint_widget
from widget_server.content import urls
from widget_server.content.text import check_unsigned_name
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.model.errors import (
    NotFoundError,
    NotPermittedError,
    OriginNotAllowedError,
    ProblemError,
    TextRejectedError,
)
from widget_server.model.identifiers import LANGUAGE_TAG
from widget_server.model.translations import edition
from widget_server.operations.readers import open_data
from widget_server.operations.readers.open_data import OpenStory
from widget_server.operations.readers.permissions import SHUT_OUT, is_shut_out, republisher_denial
from widget_server.operations.services import Services
from widget_server.protocol.snippet import LICENCES
from widget_server.store.queries.republishers import (
    RepublisherToken,
    insert_republisher_token,
)
from widget_server.store.queries.tokens import record_token
from widget_server.store.transactions import together

BY = "republisher"
"""Who made such a token, in the record of tokens."""
MAX_LABEL = 60

_CC = re.compile(r"CC-BY((?:-(?:NC|SA|ND))*)-[0-9.]+(?:-[A-Z]{2,3})?", re.IGNORECASE)
_field = TextRejectedError.in_field


@dataclass(frozen=True, slots=True)
class Terms:
    """What a licence asks for, and whether it lets everyone republish."""

    licence: str
    """The SPDX id."""
    name: str
    page: str
    """Address of the licence, or empty text."""
    republish: bool
    parts: tuple[str, ...]
    """Of `by`, `sa`, `nd`, `nc`, `zero`, in the order shown; empty for a licence that is not known."""


@dataclass(frozen=True, slots=True)
class RepublishedStory:
    """A story as `/s/CODE/republish` shows it."""

    found: OpenStory
    terms: Terms
    by_code: bool
    """Whether copies may react and comment with the story's code alone. Then strangers may make tokens."""

    def claims(self, lang: str | None = None, shown_in: str = "") -> WidgetClaims:
        """Return the story's attribution, as the snippets of a copy have it.

        `lang` is the copy's language, if it is named. Else the translation for readers of `shown_in` is credited.
        """
        story = edition(self.found.story, lang or shown_in).story
        credit = Attribution(story.url, story.title, story.author, story.publisher, story.license)
        return WidgetClaims(
            story.site, story.key, (origins.ANY,), 0, "", attribution=credit, lang=lang
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of the form, as typed."""

    address: str = ""
    label: str = ""
    lang: str = ""
    www: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token, which is shown once, and the secret of the link that the republisher keeps."""

    token: str
    jti: str
    origins: tuple[str, ...]
    secret: str


def terms_of(licence: str) -> Terms:
    """Return what a licence asks for, by its SPDX id. Raises nothing: an unknown one permits nothing."""
    name, page = LICENCES.get(licence, (licence, ""))
    if licence.upper().startswith("CC0-"):
        return Terms(licence, name, page, republish=True, parts=("zero",))
    match = _CC.fullmatch(licence)
    if match is None:
        return Terms(licence, name, page, republish=False, parts=())
    kinds = match[1].lower().strip("-").split("-") if match[1] else []
    parts = ("by", *(one for one in ("nc", "sa", "nd") if one in kinds))
    return Terms(licence, name, page, republish=True, parts=parts)


async def read_terms(services: Services, code: str) -> RepublishedStory:
    """Return a story and the terms of its licence.

    Raises `NotFoundError`, also for a story that is read with a token only, and `UnavailableError`.
    """
    found = await open_data.open_story(services, code, fresh=False)
    by_code = republisher_denial(found.site, found.story) is None
    return RepublishedStory(found, terms_of(found.story.license), by_code)


async def make_token(services: Services, code: str, asked: Asked, network: str) -> MadeToken:
    """Make a widget token for the site of a republisher.

    It carries no attribution and no name. Raises `NotFoundError`, `NotPermittedError` if the story's
    licence or its site does not let everyone republish, `OriginNotAllowedError` for a site that is shut
    out, `TextRejectedError` with the wrong field, `RateLimitedError` and `UnavailableError`.
    """
    shown = await read_terms(services, code)
    story = shown.found.story
    # Not from the cache: who was shut out a moment ago gets no token now.
    cached = await services.cache.site(story.site, max_age=0)
    if cached is None:
        raise NotFoundError
    site = cached.for_story(code)
    denial = republisher_denial(site, story)
    if denial is not None:
        raise denial
    if not shown.terms.republish and site.settings.open_republishing != "on":
        raise NotPermittedError("The licence of this story does not let everyone republish it.")
    named = _origins(services, asked)
    label = _label(asked.label)
    if asked.lang and not LANGUAGE_TAG.fullmatch(asked.lang):
        raise _field("language", "Write a language as de, pt-BR or zh-Hant.")
    if any(is_shut_out(services, cached, code, origin) for origin in named):
        raise OriginNotAllowedError(SHUT_OUT)
    services.rate_limiters.hit_network("republish", network)
    # Of all networks together: a crowd of networks cannot fill a story's list either.
    services.rate_limiters.hit_network("republish_story", code)
    now = int(services.clock())
    claims = WidgetClaims(
        site=story.site,
        story=story.key,
        origins=named,
        iat=now,
        jti=f"r{secrets.token_hex(8)}",
        lang=asked.lang or None,
        listed=asked.listed,
        republisher=True,
    )
    # As every token is read again: a claim that is refused there must be refused here.
    payload = widget_payload(claims)
    parse_widget_claims(story.site, payload, jti=claims.jti, now=now)
    key = services.keyring.site_key(story.site, site.generation)
    token = mint_widget(key, story.site, site.generation, claims)
    secret = secrets.token_urlsafe(24)
    wish = RepublisherToken(
        story.site, claims.jti, code, label, None, asked.listed, services.now_ms()
    )
    await services.writer.run_in_transaction(
        together(
            insert_republisher_token(wish, secret_hash(secret)),
            record_token(claims, site.generation, BY),
        )
    )
    return MadeToken(token, claims.jti, named, secret)


def secret_hash(secret: str) -> str:
    """Return what is stored of the secret in a republisher's link."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _label(text: str) -> str | None:
    """Return the name that a republisher wants. It is shown like a reader's name, under the same rules."""
    label = " ".join(text.split())
    if not label:
        return None
    if len(label) > MAX_LABEL:
        raise _field("label", f"Write a name of at most {MAX_LABEL} characters.")
    try:
        check_unsigned_name(label)
        parse_widget_claims(
            "", {"story": "x", "origins": ["*"], "iat": 0, "label": label}, jti="", now=1
        )
    except (ProblemError, ValueError):
        raise _field("label", "Write the name in plain letters, on one line.") from None
    return label


def _origins(services: Services, asked: Asked) -> tuple[str, ...]:
    """Return the origins of a site by the address of any of its pages. Raises `TextRejectedError`."""
    text = asked.address.strip()
    if not text:
        raise _field("address", "Write the address of your site, such as example.org.")
    address = text if "://" in text else f"https://{text}"
    parts = urls.split(address)
    try:
        origin = "" if parts is None else origins.parse_rule(parts.origin)
    except ValueError:
        origin = ""
    canonical = origins.canonical_origin(origin or None)
    if (
        not origin
        or canonical is None
        or (parts is not None and "." not in parts.host and parts.scheme == "https")
    ):
        raise _field(
            "address", "Write the address of your site as your readers see it, with https."
        )
    if canonical == services.server_origin:
        raise _field(
            "address", "This is the address of the discussion. Write that of your own site."
        )
    if not asked.www:
        return (canonical,)
    scheme, _, host = canonical.partition("://")
    other = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    try:
        return canonical, origins.parse_rule(f"{scheme}://{other}")
    except ValueError:
        return (canonical,)
