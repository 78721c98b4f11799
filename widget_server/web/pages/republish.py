"""`/s/CODE/republish`: the terms of a story's licence, and the snippet for the place where a stranger publishes.

It works without JavaScript. A script adds buttons that copy.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.content.story_text import is_plain_markdown, text_html
from widget_server.model.errors import (
    NotPermittedError,
    OriginNotAllowedError,
    ProblemError,
    RateLimitedError,
    TextRejectedError,
)
from widget_server.model.records import Story
from widget_server.model.translations import edition
from widget_server.operations.owners.story_text import images_of
from widget_server.operations.publishing import republish
from widget_server.operations.publishing.republish import Asked, MadeToken, RepublishedStory
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.protocol.codes import status_of
from widget_server.protocol.snippet import TOKENLESS, snippet
from widget_server.protocol.snippet_texts import SnippetTexts, texts_in
from widget_server.transport import admission
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.pages.form_data import parse_form
from widget_server.web.pages.layout import file_address, render, theme_address
from widget_server.web.pages.own_forms import require_own_page
from widget_server.web.pages.places import DEFAULT_PLACE, PLACES
from widget_server.web.pages.translate import (
    DEFAULT,
    LOCALES,
    Translator,
    language_name,
    language_tag,
    text_language,
    translator,
)
from widget_server.web.read_limits import count_read

MAX_FORM_BYTES = 16 * 1024
TOKEN_FORMS = ("html", "link", "iframe", "jsx")
"""Forms that carry a token, in the order shown."""
FORMATTED = frozenset({"html", "link", "iframe", "email", "text"})
"""Forms that are copied formatted too: an editor that shows no code would show their tags."""


async def republish_page(request: Request) -> Response:
    """Handle `GET /s/{code}/republish?where=`: the terms, and the snippet that works on every site."""
    services, code, t = get_services(request), story_code_param(request), translator(request)
    shown = await republish.read_terms(services, code)
    where = request.query_params.get("where", "")
    content = await _content(services, shown, t, where, Asked(lang=t.named))
    headers = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language"}
    return _response(services, "republish/republish.html", content, t, 200, headers)


async def republish_post(request: Request) -> Response:
    """Handle `POST /s/{code}/republish`: make a token for the site that was typed, and show its snippet.

    Raises `OriginNotAllowedError` for a form that another page sent.
    """
    services, code, t = get_services(request), story_code_param(request), translator(request)
    require_own_page(request, services, t)
    body = await admission.read_body(request, MAX_FORM_BYTES)
    fields = parse_form(request.headers.get("content-type", ""), body)
    asked = Asked(
        fields.get("address", "")[:2_000],
        fields.get("label", "")[:200],
        fields.get("language", "")[:35],
        www="www" in fields,
        listed="listed" in fields,
    )
    network = services.network_key(admission.client_address(request.scope))
    with count_read(request, code):
        shown = await republish.read_terms(services, code)
        made, error = None, None
        try:
            made = await republish.make_token(services, code, asked, network)
        except ProblemError as problem:
            error = problem
        content = await _content(services, shown, t, fields.get("where", ""), asked, made)
    headers = {"Cache-Control": "no-store"}
    if error is None:
        return _response(services, "republish/made.html", content, t, 200, headers)
    if error.retry_after is not None:
        headers["Retry-After"] = str(int(error.retry_after))
    content["errors"] = _errors(error, content["publisher"], t)
    status = status_of(error)
    return _response(services, "republish/republish.html", content, t, status, headers)


def _errors(error: ProblemError, publisher: str, t: Translator) -> dict[str, str]:
    """Return what is said about an error, by field; "" for the whole form."""
    match error:
        case TextRejectedError() if error.field and t.knows(f"err_{error.field}"):
            return {error.field: t(f"err_{error.field}")}
        case OriginNotAllowedError():
            return {"address": t("err_shut", name=publisher)}
        case NotPermittedError():
            return {"": t("err_closed", name=publisher)}
        case RateLimitedError():
            return {"": t("err_often")}
    return {"": t("!" + error.code, error.detail)}


async def _content(
    services: Services,
    shown: RepublishedStory,
    t: Translator,
    where: str,
    asked: Asked,
    made: MadeToken | None = None,
) -> dict[str, Any]:
    story, site = shown.found.story, shown.found.site
    where = where if where in PLACES else DEFAULT_PLACE
    place = PLACES[where]
    lang = language_tag(asked.lang)
    spoken = text_language(lang)
    texts = texts_in(spoken) if spoken else snippet_texts(t)
    claims = shown.claims(lang, t.reads)
    shown_as = edition(story, t.reads)

    def write(form: str, token: str | None = None) -> str:
        return snippet(
            services.server_origin, story.code, token, claims, form, texts, story.corrections
        )

    # Without the right to act by code, the script would only show a discussion that nobody can join.
    form = place.form
    if not shown.by_code and form in {"html", "iframe", "jsx"}:
        form = "email"
    token = None if made is None or form in TOKENLESS else made.token
    stored = await services.story_texts.newest(story.code) if shown.terms.republish else None
    return {
        "server": services.server_origin,
        "story": serializers.story(shown_as.story),
        "title": shown_as.story.title or story.key,
        "editions": _editions(story),
        "copy_languages": _copy_languages(story),
        "publisher": story.publisher or site.name,
        "terms": shown.terms,
        "by_code": shown.by_code,
        "theme": theme_address(site.settings),
        "script": file_address("copy.js"),
        "places": {key: one.name or t(f"place_{key}") for key, one in PLACES.items()},
        "where": where,
        "place": place,
        "steps": [t(key, what=what) for key, what in place.steps],
        "snippet": write(form, token),
        "formatted": write("link" if shown.by_code else "email", token)
        if form in FORMATTED
        else None,
        "asked": asked,
        "errors": {},
        "made": made,
        "others": {
            one: write(one, made.token) for one in TOKEN_FORMS if made is not None and one != form
        },
        "lost": made is not None and token is None,
        "text": None if stored is None else await _text(stored, t, services),
    }


def snippet_texts(t: Translator) -> SnippetTexts:
    """Return the sentences of a snippet in the language of a page. English is named only if its address names it."""
    return texts_in(None if t.lang == DEFAULT and not t.named else t.lang)


def _editions(story: Story) -> list[dict[str, str]]:
    """Return the languages in which the publisher offers the story, with title and address."""
    return [
        {"lang": tag, "name": language_name(tag), "title": one.title, "url": one.url}
        for tag, one in story.translations.items()
    ]


def _copy_languages(story: Story) -> dict[str, str]:
    """Return the languages that a copy can be given, by tag: those with texts, and those of the story."""
    return {lang: language_name(lang) for lang in LOCALES} | {
        tag: language_name(tag) if "-" not in tag else f"{language_name(tag)} ({tag})"
        for tag in story.translations
    }


async def _text(stored: Any, t: Translator, services: Services) -> Mapping[str, Any]:
    now = serializers.rfc3339(services.now_ms())
    html = text_html(stored.tree)
    if stored.title:
        heading = text_html([["h2", None, stored.title]])
        html = f"{heading}\n{html}"
    # As HTML it is written from the tree; as Markdown it is the owner's own text, so only without HTML.
    is_markdown = stored.format == "markdown"
    plain = is_markdown and await asyncio.to_thread(is_plain_markdown, stored.source)
    return {
        "version": stored.version,
        "when": t.date(serializers.rfc3339(stored.created_at), now),
        "html": html,
        "markdown": stored.source if plain else "",
        "images": images_of(stored.images),
    }


def _response(
    services: Services,
    template: str,
    content: Mapping[str, Any],
    t: Translator,
    status: int,
    headers: dict[str, str],
) -> Response:
    return HTMLResponse(
        render(template, t, content), status, headers | page_headers(services.server_origin, t)
    )


def page_headers(server: str, t: Translator) -> dict[str, str]:
    """Return the headers of these pages: one script of this server, and forms to itself."""
    policy = (
        "default-src 'none'",
        f"script-src {server}/static/copy.js",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return {
        "Content-Language": t.lang,
        "Content-Security-Policy": "; ".join(policy),
        # Not `no-referrer`: browsers would then send `Origin: null` with the form.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    }
