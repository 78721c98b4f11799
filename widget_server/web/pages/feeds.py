"""Atom (RFC 4287) and JSON Feed 1.1 of the last changed comments of a story, and of a site.

A comment that was removed is a deleted entry (RFC 6721), without its text and name. Ids depend on the
story's code and the comment's id only, so they stay when the server moves.
"""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
from starlette.requests import Request
from starlette.responses import Response

from widget_server.content import urls
from widget_server.model.errors import NotFoundError
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Comment, CommentState, Site, Story, Tally, Tree
from widget_server.operations.readers import open_data
from widget_server.operations.readers.open_data import LatestComments
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.compressed import CompressedBody
from widget_server.web.conditional import VersionedBodyCache, conditional_response, robots
from widget_server.web.pages.comment_html import render
from widget_server.web.pages.xml import xml_templates

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
    """One comment in a feed. Times are RFC 3339."""

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
    license: str = ""
    rights: str = ""
    count: int | None = None
    entries: list[Entry] = field(default_factory=list)
    deleted: list[Deleted] = field(default_factory=list)


async def story_feed(request: Request) -> Response:
    """Handle `GET /s/{code}/feed.atom` and `GET /s/{code}/feed.json`."""
    services, code, kind = get_services(request), story_code_param(request), _format(request)
    found = await open_data.open_story(services, code)
    # All that the feed shows but the comments, which change with `seq`.
    story = replace(found.story, tally=_NO_TALLY, tallies=0)
    version = (found.epoch, story, found.site.name)
    cache: VersionedBodyCache = request.app.state.feeds
    packed = cache.get((code, kind), version)
    if packed is None:
        latest = await open_data.latest(services, story)
        body = _write(_of_story(services.server_origin, story, latest, kind), kind)
        packed = cache.put((code, kind), version, body)
    changed = max(story.changed_at, story.created_at)
    return _respond(request, services, packed, kind, changed, found.site)


async def site_feed(request: Request) -> Response:
    """Handle `GET /sites/{site}/feed.atom` and `GET /sites/{site}/feed.json`."""
    services, kind = get_services(request), _format(request)
    site = await open_data.open_site(services, request.path_params["site"])
    epoch, changed = await open_data.site_changed_at(services, site)
    version = (epoch, changed, site.name)
    cache: VersionedBodyCache = request.app.state.feeds
    key = ("site", site.slug, kind)
    packed = cache.get(key, version)
    if packed is None:
        latest = await open_data.latest_of_site(services, site)
        body = _write(_of_site(services.server_origin, site.slug, site.name, latest, kind), kind)
        if services.now_ms() - changed < SETTLED_MS:
            version = (epoch, -1, site.name)
        packed = cache.put(key, version, body)
    return _respond(request, services, packed, kind, changed, site)


def _format(request: Request) -> str:
    kind: str = request.path_params["format"]
    if kind not in MEDIA_TYPES:
        raise NotFoundError
    return kind


def _respond(
    request: Request,
    services: Services,
    packed: CompressedBody,
    kind: str,
    changed: int,
    site: Site,
) -> Response:
    headers = {"Cache-Control": CACHE, **robots(site)}
    media_type = MEDIA_TYPES[kind]
    return conditional_response(request, packed, media_type, headers, changed, services.now_ms())


def _of_story(server: str, story: Story, latest: LatestComments, kind: str) -> Feed:
    page, licence = f"{server}/s/{story.code}", LICENCES.get(story.license)
    entries, deleted = _entries(server, latest)
    name = licence[0] if licence else story.license
    return Feed(
        id=entry_id(story.code),
        title=f"Discussion: {story.title or story.key}",
        address=f"{page}/feed.{kind}",
        page=page,
        updated=serializers.rfc3339(max(story.changed_at, story.created_at)),
        license=licence[1] if licence else "",
        rights=f"The story: {name}. Each comment belongs to its writer.",
        count=story.count,
        entries=entries,
        deleted=deleted,
    )


def _of_site(server: str, slug: str, name: str, latest: LatestComments, kind: str) -> Feed:
    entries, deleted = _entries(server, latest)
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


def entry_id(code: str, comment: str = "") -> str:
    """Return the id of a comment in every feed, or of the story."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'story-widget:{code}:{comment}')}"


def comment_page(server: str, code: str, comment: str) -> str:
    """Return the permanent address of a comment."""
    return f"{server}/s/{code}?thread={comment}#c-{comment}"


def _entries(server: str, latest: LatestComments) -> tuple[list[Entry], list[Deleted]]:
    entries, deleted = [], []
    for code, comment in latest.comments:
        if comment.state is CommentState.PUBLISHED:
            entries.append(_entry(server, latest.stories[code], comment, latest.replies))
        else:
            when = serializers.rfc3339(comment.updated_at)
            deleted.append(Deleted(entry_id(code, comment.id), when))
    return entries, deleted


def _entry(server: str, story: Story, comment: Comment, replies: dict[str, int]) -> Entry:
    author = serializers.comment(comment)["author"]
    name = author["name"] or "Anonymous"
    parent = comment.parent
    return Entry(
        id=entry_id(story.code, comment.id),
        title=f"{name} on “{story.title or story.key}”",
        author=name,
        website=urls.safe(author["website"]),
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
    )


def _write(feed: Feed, kind: str) -> bytes:
    """Return the feed as a document of at most 256 KiB, with fewer entries if they are long."""
    while True:
        if kind == "atom":
            body = xml_templates.get_template("feeds/feed.atom").render(feed=feed).encode()
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
    return fields


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
        "_discussion": {"in_reply_to": entry.parent_id, "comment_count": entry.replies},
    }
    return fields | ({"language": entry.lang} if entry.lang else {})
