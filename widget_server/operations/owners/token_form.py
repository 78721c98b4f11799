"""Make a token and its snippets from what a person typed, and say what revoking a token would do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape

from widget_server.auth import origins
from widget_server.auth.permissions import require
from widget_server.auth.tokens import story_code
from widget_server.content import urls
from widget_server.model.actors import Actor
from widget_server.model.claims import PERMISSIONS, Attribution, WidgetClaims
from widget_server.model.corrections import Correction
from widget_server.model.errors import OperatorError, TextRejectedError
from widget_server.model.identifiers import LANGUAGE_TAG, STORY_CODE
from widget_server.model.records import SeenCopy, Story
from widget_server.operations.owners import preview_token, sites, tokens
from widget_server.operations.owners.credit import credited
from widget_server.operations.readers import authorize
from widget_server.operations.services import Services
from widget_server.protocol.snippet import LICENCES, snippet
from widget_server.protocol.snippet_texts import texts_in
from widget_server.store.queries.tokens import TokenFilter, TokenRecord

_field = TextRejectedError.in_field

DAY_S = 86_400
LIFETIMES = {"30": 30 * DAY_S, "365": 365 * DAY_S, "never": None, "date": None}
"""What “expires” may be, and the seconds that a token is valid."""
OFFERED = 50
"""Stories that the form offers to choose; others are named by code or key."""
FORMS = ("html", "wordpress", "ghost", "element", "link", "script", "iframe", "jsx", "markdown")
"""Forms of the snippet, in the order shown."""


@dataclass(frozen=True, slots=True)
class TypedToken:
    """The fields of the form, as typed."""

    story: str = ""
    """Code or key of a story, or the key of a new one."""
    url: str = ""
    title: str = ""
    author: str = ""
    licence: str = "CC-BY-4.0"
    origins: str = ""
    """One a line. Empty: any page."""
    can: tuple[str, ...] = PERMISSIONS
    label: str = ""
    lang: str = ""
    changes: str = ""
    expires: str = "never"
    date: str = ""
    """Last day of validity, YYYY-MM-DD, if `expires` is `date`."""
    listed: bool = False


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token, which is shown once, with its snippet in every form."""

    code: str
    jti: str
    claims: WidgetClaims
    snippets: Mapping[str, str] = field(repr=False)
    preview: str = field(repr=False)
    """Address of the real widget for a sandboxed frame."""
    test: str = field(repr=False)
    """Address of a page that shows the widget with this token."""


async def make_token(services: Services, by: Actor, site: str, typed: TypedToken) -> MadeToken:
    """Sign a token, register its story, and return the snippets.

    Raises `NotPermittedError`, and `TextRejectedError` with the name of the wrong field.
    """
    require(by, "token", site)
    claims = await _claims(services, site, typed)
    try:
        minted = await tokens.mint(services, by, claims)
    except OperatorError as error:
        raise _field(_field_of(str(error)), str(error)) from None
    await authorize.register_story(services, minted.token)
    code = story_code(site, claims.story)
    preview = await preview_token.preview_address(services, by, claims)
    server = services.server_origin
    story = await services.cache.story(code)
    corrections = () if story is None else story.corrections
    return MadeToken(
        code,
        minted.jti,
        claims,
        _snippets(server, code, minted.token, await credited(services, claims), corrections),
        preview,
        f"{server}/e/{minted.token}",
    )


async def find_token(services: Services, by: Actor, site: str, jti: str) -> TokenRecord | None:
    """Return what a token says by its handle, or None. Raises `NotPermittedError`."""
    page = await tokens.list_tokens(services, by, site, TokenFilter(words=jti), limit=100)
    return next((one for one in page.tokens if one.jti == jti), None)


async def offered_stories(services: Services, by: Actor, site: str) -> list[tuple[str, str | None]]:
    """Return key and title of the newest stories, to choose one. Raises `NotPermittedError`."""
    require(by, "read_tokens", site)
    return await services.owner_stories.latest(site, OFFERED)


async def seen_on(services: Services, by: Actor, site: str, jti: str) -> list[SeenCopy]:
    """Return the pages that use a token, the last seen first. Raises `NotPermittedError`."""
    require(by, "read_tokens", site)
    return await services.cache.seen(site, jti)


def typed_like(record: TokenRecord) -> TypedToken:
    """Return the form filled as this token was made, to make another one like it."""
    anywhere = record.origins == (origins.ANY,)
    return TypedToken(
        story=record.story,
        origins="" if anywhere else "\n".join(record.origins),
        can=record.rights,
        label=record.label or "",
        lang=record.lang or "",
    )


async def _claims(services: Services, site: str, typed: TypedToken) -> WidgetClaims:
    now = int(services.clock())
    key, attribution = await _story(services, site, typed)
    if not typed.can:
        raise _field("can", "Tick at least one thing that readers may do.")
    if typed.lang and not LANGUAGE_TAG.fullmatch(typed.lang):
        raise _field("lang", "Write a language as de, pt-BR or zh-Hant.")
    return WidgetClaims(
        site=site,
        story=key,
        origins=_origins(typed.origins),
        iat=now,
        jti="",
        exp=_expiry(typed, now),
        can=tuple(right for right in PERMISSIONS if right in typed.can),
        attribution=attribution,
        changes=typed.changes or None,
        label=typed.label or None,
        lang=typed.lang or None,
        listed=typed.listed,
    )


async def _story(services: Services, site: str, typed: TypedToken) -> tuple[str, Attribution]:
    """Return the story's key and credit. A known story keeps its credit."""
    known = await _known_story(services, site, typed.story)
    if known is not None:
        credit = Attribution(known.url, known.title, known.author, known.publisher, known.license)
        return known.key, credit
    page = None
    if typed.url:
        address = typed.url if "://" in typed.url else f"https://{typed.url}"
        parts = urls.split(address)
        page = None if parts is None else origins.canonical_page_url(address, parts.origin)
        if page is None:
            raise _field("url", "Write the whole address of the story, as https://example.org/a.")
    if typed.story and not typed.title:
        raise _field(
            "story", "No story has this code or key. To make a new story, write its title below."
        )
    if not typed.title:
        raise _field("story", "Choose a story, or make a new one below.")
    key = typed.story or (page or "").partition("://")[2].rstrip("/")
    if not key:
        raise _field("url", "Write the address of the new story, or a key of your own above.")
    if len(key) > 200 or not key.isascii() or not key.isprintable() or " " in key:
        raise _field("story", "Write a key of 1 to 200 visible ASCII characters.")
    publisher = (await sites.get_site(services, site)).name
    credit = Attribution(page, typed.title, typed.author or None, publisher, typed.licence)
    if typed.licence not in LICENCES:
        raise _field("licence", "Choose a licence of the list.")
    return key, credit


async def _known_story(services: Services, site: str, text: str) -> Story | None:
    """Return the site's story with this code or key."""
    codes = [text] if STORY_CODE.fullmatch(text) else []
    if text:
        codes.append(story_code(site, text))
    for code in codes:
        story = await services.cache.story(code)
        if story is not None and story.site == site:
            return story
    return None


def _origins(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for word in text.replace(",", " ").split():
        rule = word.rstrip("/")
        if rule != origins.ANY and "://" not in rule:
            rule = f"https://{rule}"
        try:
            found.append(origins.parse_rule(rule))
        except ValueError as error:
            raise _field("origins", f"{word[:100]}: {error}") from None
    return tuple(dict.fromkeys(found)) or (origins.ANY,)


def _expiry(typed: TypedToken, now: int) -> int | None:
    if typed.expires not in LIFETIMES:
        raise _field("expires", "Choose how long the token is valid.")
    if typed.expires != "date":
        seconds = LIFETIMES[typed.expires]
        return None if seconds is None else now + seconds
    try:
        day = datetime.strptime(typed.date, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise _field("date", "Write a day as 2027-01-31.") from None
    end = int(day.timestamp()) + DAY_S
    if end <= now:
        raise _field("date", "Choose a day that is not over.")
    return end


def _snippets(
    server: str,
    code: str,
    token: str,
    claims: WidgetClaims,
    corrections: tuple[Correction, ...],
) -> dict[str, str]:
    """Return the snippet in each of `FORMS`. For systems, `wordpress` and `ghost` are the HTML."""

    def write(form: str) -> str:
        return snippet(server, code, token, claims, form, corrections=corrections)

    whole = write("html")
    title = escape(texts_in(claims.lang).frame_title(claims.attribution.title or claims.story))
    lang = f' lang="{escape(claims.lang)}"' if claims.lang else ""
    script = f'<script async src="{escape(server)}/embed.js"></script>'
    return {
        "html": whole,
        "wordpress": whole,
        "ghost": whole,
        "element": f'<story-widget src="{escape(server)}/s/{code}" token="{escape(token)}"{lang}></story-widget>\n'
        + script,
        "link": write("link"),
        "script": script,
        "iframe": f'<iframe src="{escape(server)}/e/{escape(token)}" title="{title}"'
        ' width="100%" height="640" loading="lazy" style="border:0"></iframe>',
        "jsx": write("jsx"),
        "markdown": write("markdown"),
    }


def _field_of(sentence: str) -> str:
    """Return the form's field that an error of the token's claims is about."""
    names = {"story": "story", "url": "url", "title": "title", "author": "author", "label": "label"}
    names |= {"lang": "lang", "changes": "changes", "origins": "origins", "can": "can"}
    return next((own for name, own in names.items() if f"claim {name} " in sentence), "")
