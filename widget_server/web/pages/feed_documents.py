"""Feeds as documents: Atom (RFC 4287, 4685, 6721) and JSON Feed 1.1 of the same entries."""

from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Tree
from widget_server.web.pages.comment_html import render
from widget_server.web.pages.xml import render_xml

MEDIA_TYPES = {
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


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
    next: str = ""
    """Address of the following entries, which are older (RFC 5005, 3)."""
    entries: list[Entry] = field(default_factory=list)
    deleted: list[Deleted] = field(default_factory=list)


def write(feed: Feed, kind: str) -> bytes:
    """Return the feed as a document of at most 256 KiB, with fewer entries if they are long."""
    body = written(feed, kind)
    while len(body) > MAX_RESPONSE_BYTES and len(feed.entries) > 1:
        feed = replace(feed, entries=feed.entries[: len(feed.entries) // 2])
        body = written(feed, kind)
    return body


def written(feed: Feed, kind: str) -> bytes:
    """Return the feed as a document with all its entries, however long it is."""
    if kind == "atom":
        return render_xml("feeds/feed.atom", feed=feed)
    return orjson.dumps(_json_feed(feed))


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
    if feed.next:
        fields["next_url"] = feed.next
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
