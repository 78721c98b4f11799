"""Atom (RFC 4287) and JSON Feed 1.1 of the last changed comments of a story, and of a site.

A comment that was removed is a deleted entry (RFC 6721), without its text and name. Ids depend on the
story's code and the comment's id only, so they stay when the server moves.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
from starlette.requests import Request
from starlette.responses import Response

from widget_server.content import urls
from widget_server.model.corrections import shown
from widget_server.model.errors import NotFoundError
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
from widget_server.web.pages.comment_html import render
from widget_server.web.pages.editions import story_address
from widget_server.web.pages.translate import DEFAULT, Translator, language_tag, text_language
from widget_server.web.pages.xml import render_xml

MEDIA_TYPES = {
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}
CACHE = "public, max-age=60"
SETTLED_MS = 1_000
"""A site's feed is stored only if its last change is older: two changes can have one time."""
_NO_TALLY = Tally(0, {})


@dataclass(frozen=True, slots=True)
class Entry:
    """One comment or correction in a feed. Times are RFC 3339."""

    id: str
    title: str
    author: str
    website: str
    published: str
    updated: str
    page: str
    parent_id: str
    parent_page: str
    replies: int | None
    """Number of replies of a comment that is no reply."""
    lang: str | None
    text: Tree
    license: tuple[str, str] | None = None
    """Name and address of the licence under which its writer gave it."""
    featured: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """A comment that was removed, and when."""

    id: str
    when: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed before it is written in one of the formats."""

    id: str
    title: str
    address: str
    page: str
    updated: str
    lang: str = ""
    """The language of all entries, if the address names one."""
    license: str = ""
    rights: str = ""
    count: int | None = None
    entries: list[Entry] = field(default_factory=list)
    deleted: list[Deleted] = field(default_factory=list)


async def story_feed(request: Request) -> Response:
    """Handle `GET /s/{code}/feed.atom?lang=` and `GET /s/{code}/feed.json?lang=`.

    With a language, only the comments that were written in it.
    """
    services, code, kind = get_services(request), story_code_param(request), format_of(request)
    # Comments are filtered by the first part of a tag: readers of `de` and `de-AT` understand each other.
    lang = primary_of(language_tag(request.query_params.get("lang", "")) or "")
    found = await open_data.recent_story(services, code)
    # All that the feed shows but the comments, which change with `seq`.
    story = replace(found.story, tally=_NO_TALLY, tallies=0)
    version = (found.epoch, story, found.site.name)
    cache: VersionedBodyCache = request.app.state.feeds
    packed = cache.get((code, kind, lang), version)
    if packed is None:
        latest = await open_data.latest(services, story, lang)
        body = write(_of_story(services.server_origin, story, latest, kind, lang), kind)
        packed = cache.put((code, kind, lang), version, body)
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


def _of_story(server: str, story: Story, latest: LatestComments, kind: str, lang: str) -> Feed:
    t = Translator(text_language(lang) or DEFAULT)
    title = edition(story, lang).story.title or story.key
    query = f"?lang={lang}" if lang else ""
    page, licence = story_address(server, story.code, lang), LICENCES.get(story.license)
    entries, deleted = entries_of(server, latest)
    said, withdrawn = corrections_of(server, story)
    # Before the comments: a long feed keeps its beginning.
    entries, deleted = [*said, *entries], [*withdrawn, *deleted]
    name = licence[0] if licence else story.license
    return Feed(
        # A feed of one language is another feed.
        id=entry_id(story.code, f"feed:{lang}" if lang else ""),
        title=f"{t('discussion')}: {title}",
        address=f"{server}/s/{story.code}/feed.{kind}{query}",
        page=page,
        lang=lang,
        updated=serializers.rfc3339(max(story.changed_at, story.created_at)),
        license=licence[1] if licence else "",
        rights=f"The story: {name}. Each comment belongs to its writer.",
        count=None if lang else story.count,
        entries=entries,
        deleted=deleted,
    )


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
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'story-widget:{code}:{comment}')}"


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
    parent = comment.parent
    return Entry(
        id=entry_id(story.code, comment.id),
        title=f"{name} on “{story.title or story.key}”",
        author=name,
        website=urls.safe(comment.website),
        published=serializers.rfc3339(comment.created_at),
        updated=serializers.rfc3339(comment.updated_at),
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


def write(feed: Feed, kind: str) -> bytes:
    """Return the feed as a document of at most 256 KiB, with fewer entries if they are long."""
    while True:
        if kind == "atom":
            body = render_xml("feeds/feed.atom", feed=feed)
        else:
            body = orjson.dumps(_json_feed(feed))
        if len(body) <= MAX_RESPONSE_BYTES or len(feed.entries) < 2:
            return body
        feed = replace(feed, entries=feed.entries[: len(feed.entries) // 2])


def _json_feed(feed: Feed) -> dict[str, Any]:
    """Return a feed as JSON Feed 1.1. Deleted entries and counts are an extension."""
    fields: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.address,
        "items": [_json_item(entry) for entry in feed.entries],
        "_discussion": {
            "about": "The number of comments, the licence of the story, and removed items.",
            "comment_count": feed.count,
            "license": feed.license or None,
            "deleted": [{"id": gone.id, "when": gone.when} for gone in feed.deleted],
        },
    }
    return fields | ({"language": feed.lang} if feed.lang else {})


def _json_item(entry: Entry) -> dict[str, Any]:
    author = {"name": entry.author} | ({"url": entry.website} if entry.website else {})
    fields: dict[str, Any] = {
        "id": entry.id,
        "url": entry.page,
        "title": entry.title,
        "content_html": str(render(entry.text)),
        "date_published": entry.published,
        "date_modified": entry.updated,
        "authors": [author],
        "_discussion": {
            "in_reply_to": entry.parent_id,
            "comment_count": entry.replies,
            "license": entry.license and entry.license[1],
        },
    }
    if entry.featured:
        fields["tags"] = ["featured"]
    return fields | ({"language": entry.lang} if entry.lang else {})
