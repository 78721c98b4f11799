"""Atom (RFC 4287) and JSON Feed 1.1 of the last changed comments of a story, in pages, and of a site.

A comment that was removed is a deleted entry (RFC 6721), without its text and name. Ids depend on the
story's code and the comment's id only, so they stay when the server moves.
"""

import hashlib
import re
from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response

from widget_server.content import urls
from widget_server.model.corrections import shown
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Comment, CommentState, Site, Story, Tally, Tree
from widget_server.model.translations import edition, primary_of
from widget_server.operations.readers import open_data
from widget_server.operations.readers.open_data import LatestComments
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.compressed import CompressedBody
from widget_server.web.conditional import VersionedBodyCache, conditional_response, robots
from widget_server.web.pages.editions import story_address
from widget_server.web.pages.feed_documents import MEDIA_TYPES, Deleted, Entry, Feed, write, written
from widget_server.web.pages.translate import DEFAULT, Translator, language_tag, text_language

CACHE = "public, max-age=60"
SETTLED_MS = 1_000
"""A site's feed is stored only if its last change is older: two changes can have one time."""
_NO_TALLY = Tally(0, {})


async def story_feed(request: Request) -> Response:
    """Handle `GET /s/{code}/feed.atom?lang=&before=` and `GET /s/{code}/feed.json?lang=&before=`.

    With a language, only the comments that were written in it. With `before`, which the page before names,
    the comments that follow.
    """
    services, code, kind = get_services(request), story_code_param(request), format_of(request)
    # Comments are filtered by the first part of a tag: readers of `de` and `de-AT` understand each other.
    lang = primary_of(language_tag(request.query_params.get("lang", "")) or "")
    before = _before_of(request)
    cache: VersionedBodyCache = request.app.state.feeds
    key, latest = (code, kind, lang), None
    if before is None and cache.has(key):
        found = await open_data.recent_story(services, code)
    else:
        found, latest = await open_data.recent_story_with_latest(services, code, lang, before)
    # All that the feed shows but the comments, which change with `seq`.
    story = replace(found.story, tally=_NO_TALLY, tallies=0)
    version = (found.epoch, story, found.site.name)
    packed = cache.get(key, version) if before is None else None
    if packed is None:
        latest = latest or await open_data.latest(services, story, lang, before)
        body = _story_body(services.server_origin, story, latest, kind, lang, before)
        # A later page is not stored: it would take the place of a feed that many ask for.
        packed = cache.put(key, version, body) if before is None else CompressedBody(body)
    changed = max(story.changed_at, story.created_at)
    return respond(request, services, packed, kind, changed, found.site)


async def corrections_feed(request: Request) -> Response:
    """Handle `GET /s/{code}/corrections.atom` and `GET /s/{code}/corrections.feed.json`."""
    services, code = get_services(request), story_code_param(request)
    kind = "atom" if request.url.path.endswith(".atom") else "json"
    found = await open_data.recent_story(services, code)
    story = found.story
    version = (found.epoch, story.corrections, story.title, story.publisher)
    cache: VersionedBodyCache = request.app.state.feeds
    key = (code, "corrections", kind)
    packed = cache.get(key, version)
    if packed is None:
        feed = _of_corrections(services.server_origin, story, kind)
        packed = cache.put(key, version, write(feed, kind))
    changed = corrections_changed_at(story)
    return respond(request, services, packed, kind, changed, found.site)


def corrections_changed_at(story: Story) -> int:
    """Return when the list of corrections changed last."""
    times = [one.withdrawn_at or one.at for one in story.corrections]
    return max([*times, story.created_at])


async def site_feed(request: Request) -> Response:
    """Handle `GET /sites/{site}/feed.atom` and `GET /sites/{site}/feed.json`."""
    services, kind = get_services(request), format_of(request)
    site = await open_data.open_site(services, request.path_params["site"])
    epoch, changed = await open_data.site_changed_at(services, site)
    version = (epoch, changed, site.name)
    cache: VersionedBodyCache = request.app.state.feeds
    key = ("site", site.slug, kind)
    packed = cache.get(key, version)
    if packed is None:
        latest = await open_data.latest_of_site(services, site)
        body = write(_of_site(services.server_origin, site.slug, site.name, latest, kind), kind)
        if services.now_ms() - changed < SETTLED_MS:
            version = (epoch, -1, site.name)
        packed = cache.put(key, version, body)
    return respond(request, services, packed, kind, changed, site)


def _before_of(request: Request) -> int | None:
    """Return where a page of a story's feed begins, or None for the first one. Raises `MalformedError`."""
    text = request.query_params.get("before")
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise MalformedError("Use the address of the next page that the feed names, unchanged.")
    return int(text)


def format_of(request: Request) -> str:
    """Return the format that a feed's address names. Raises `NotFoundError` for an unknown one."""
    kind: str = request.path_params["format"]
    if kind not in MEDIA_TYPES:
        raise NotFoundError
    return kind


def respond(
    request: Request,
    services: Services,
    packed: CompressedBody,
    kind: str,
    changed: int,
    site: Site,
) -> Response:
    """Return a feed, or 304 if the client has it. `changed` is the time of its last change, in ms."""
    headers = {"Cache-Control": CACHE, **robots(site)}
    media_type = MEDIA_TYPES[kind]
    return conditional_response(request, packed, media_type, headers, changed, services.now_ms())


def _story_body(
    server: str, story: Story, latest: LatestComments, kind: str, lang: str, before: int | None
) -> bytes:
    """Return a page of a story's feed. Comments for which it has no room are on the next page."""
    while True:
        feed = _of_story(server, story, latest, kind, lang, before)
        body = written(feed, kind)
        if len(body) <= MAX_RESPONSE_BYTES:
            return body
        if len(latest.comments) < 2:
            return write(feed, kind)
        latest = latest.first(len(latest.comments) // 2)


def _of_story(
    server: str, story: Story, latest: LatestComments, kind: str, lang: str, before: int | None
) -> Feed:
    t = Translator(text_language(lang) or DEFAULT)
    title = edition(story, lang).story.title or story.key
    address = f"{server}/s/{story.code}/feed.{kind}"
    page, licence = story_address(server, story.code, lang), LICENCES.get(story.license)
    entries, deleted = entries_of(server, latest)
    # On the first page, before the comments.
    said, withdrawn = corrections_of(server, story) if before is None else ([], [])
    entries, deleted = [*said, *entries], [*withdrawn, *deleted]
    name = licence[0] if licence else story.license
    return Feed(
        # A feed of one language is another feed.
        id=entry_id(story.code, f"feed:{lang}" if lang else ""),
        title=f"{t('discussion')}: {title}",
        address=_address(address, lang, before),
        page=page,
        lang=lang,
        updated=serializers.rfc3339(max(story.changed_at, story.created_at)),
        license=licence[1] if licence else "",
        rights=f"The story: {name}. Each comment belongs to its writer.",
        count=None if lang else story.count,
        next="" if latest.before is None else _address(address, lang, latest.before),
        entries=entries,
        deleted=deleted,
    )


def _address(feed: str, lang: str, before: int | None) -> str:
    asked = {"lang": lang} if lang else {}
    query = urlencode(asked if before is None else {**asked, "before": before})
    return f"{feed}?{query}" if query else feed


def _of_corrections(server: str, story: Story, kind: str) -> Feed:
    entries, deleted = corrections_of(server, story)
    page = f"{server}/s/{story.code}/corrections"
    return Feed(
        id=entry_id(story.code, "corrections"),
        title=f"Corrections: {story.title or story.key}",
        address=f"{page}.atom" if kind == "atom" else f"{page}.feed.json",
        page=page,
        updated=serializers.rfc3339(corrections_changed_at(story)),
        entries=entries,
        deleted=deleted,
    )


def corrections_of(server: str, story: Story) -> tuple[list[Entry], list[Deleted]]:
    """Return the corrections that readers see as entries, the newest first, and the withdrawn ones."""
    entries, deleted = [], []
    for one in shown(story.corrections):
        name, page = entry_id(story.code, f"correction {one.id}"), f"{server}/s/{story.code}"
        if one.withdrawn_at is not None:
            deleted.append(Deleted(name, serializers.rfc3339(one.withdrawn_at)))
            continue
        at = serializers.rfc3339(one.at)
        about: Tree = [["blockquote", None, ["p", None, one.passage]]] if one.passage else []
        thanks: Tree = [["p", None, f"Thanks to {one.credit}."]] if one.credit else []
        entries.append(
            Entry(
                id=name,
                title=f"{one.kind.capitalize()}: {story.title or story.key}",
                author=story.publisher or story.author or "The publisher",
                website="",
                published=at,
                updated=at,
                page=f"{page}/corrections#k-{one.id}",
                parent_id=entry_id(story.code),
                parent_page=page,
                replies=None,
                lang=None,
                text=[*about, ["p", None, one.text], *thanks],
            )
        )
    return entries, deleted


def _of_site(server: str, slug: str, name: str, latest: LatestComments, kind: str) -> Feed:
    entries, deleted = entries_of(server, latest)
    times = [comment.updated_at for _, comment in latest.comments]
    return Feed(
        id=f"urn:uuid:{uuid5(NAMESPACE_URL, f'story-widget:site:{slug}')}",
        title=f"Discussions: {name}",
        address=f"{server}/sites/{slug}/feed.{kind}",
        page=f"{server}/",
        updated=serializers.rfc3339(max(times, default=0)),
        entries=entries,
        deleted=deleted,
    )


@lru_cache(maxsize=4_096)
def entry_id(code: str, comment: str = "") -> str:
    """Return the id of a comment in every feed, or of the story. A changed feed has most of its ids again."""
    # What `uuid5` returns (RFC 9562, 5.5), in a third of its time: a new feed has 25 of them.
    name = NAMESPACE_URL.bytes + f"story-widget:{code}:{comment}".encode()
    digest = bytearray(hashlib.sha1(name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def comment_page(server: str, code: str, comment: str) -> str:
    """Return the permanent address of a comment."""
    return f"{server}/s/{code}?thread={comment}#c-{comment}"


def entries_of(server: str, latest: LatestComments) -> tuple[list[Entry], list[Deleted]]:
    """Return the entries of published comments, and the deleted entries of removed ones."""
    entries, deleted = [], []
    for code, comment in latest.comments:
        if comment.state is CommentState.PUBLISHED:
            entries.append(_entry(server, latest.stories[code], comment, latest.replies))
        else:
            when = serializers.rfc3339(comment.updated_at)
            deleted.append(Deleted(entry_id(code, comment.id), when))
    return entries, deleted


def _entry(server: str, story: Story, comment: Comment, replies: dict[str, int]) -> Entry:
    name = serializers.shown_name(comment) or "Anonymous"
    parent, created, updated = comment.parent, comment.created_at, comment.updated_at
    published = serializers.rfc3339(created)
    return Entry(
        id=entry_id(story.code, comment.id),
        title=f"{name} on “{story.title or story.key}”",
        author=name,
        website=urls.safe(comment.website),
        published=published,
        updated=published if updated == created else serializers.rfc3339(updated),
        page=comment_page(server, story.code, comment.id),
        parent_id=entry_id(story.code, parent or ""),
        parent_page=(
            comment_page(server, story.code, parent) if parent else f"{server}/s/{story.code}"
        ),
        replies=replies.get(comment.id, 0) if parent is None else None,
        lang=comment.lang,
        text=comment.text,
        license=LICENCES.get(comment.licence or ""),
        featured=comment.featured_at is not None,
    )
