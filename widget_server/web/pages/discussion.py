"""One discussion as the pages `/s/CODE` and `/s/CODE/write` show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from widget_server.content import urls
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.identifiers import COMMENT_ID
from widget_server.model.limits import MAX_COMMENTS_BYTES, MAX_RESPONSE_BYTES, MAX_THREADS
from widget_server.model.records import CommentState, ListedCopy, Site, Story
from widget_server.operations.readers import copies, read
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.web.api.stories import ORDERS
from widget_server.web.pages.comment_views import NOTHING_OWN, CommentViews, Own, own_text
from widget_server.web.pages.layout import render, theme_address
from widget_server.web.pages.structured_data import structured_data
from widget_server.web.pages.translate import LOCALES, Translator

MIN_COMMENTS_BYTES = MAX_COMMENTS_BYTES // 32
"""A page with this many bytes of comments as JSON is never too long."""


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a discussion that a page shows."""

    order: str = "newest"
    before: str | None = None
    thread: str | None = None
    after: str | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Place":
        """Return the place that a query names. Raises `MalformedError`, `NotFoundError`."""
        order, thread, after = query.get("order") or "newest", query.get("thread"), None
        if order not in ORDERS:
            raise MalformedError(f"`order` is one of {', '.join(ORDERS)}.")
        if thread is not None:
            if not COMMENT_ID.fullmatch(thread):
                raise NotFoundError
            after = query.get("after") or None
            if after is not None and not COMMENT_ID.fullmatch(after):
                raise MalformedError("Use the `next` of the part before, unchanged.")
        return cls(order, query.get("before") or None, thread, after)

    def query(self) -> str:
        """Return the query that names this place."""
        order = None if self.order == "newest" else self.order
        named = {"order": order, "before": self.before, "thread": self.thread, "after": self.after}
        return urlencode({name: value for name, value in named.items() if value})


async def find(services: Services, code: str) -> tuple[Story, Site]:
    """Return the story as it is now, and its site. Raises `NotFoundError`."""
    story = await services.cache.story(code, fresh=True)
    known = None if story is None else await services.cache.site(story.site)
    if story is None or known is None:
        raise NotFoundError
    return story, known.site


async def draw(
    services: Services,
    code: str,
    place: Place,
    t: Translator,
    template: str,
    extra: Mapping[str, Any],
    own: Own = NOTHING_OWN,
    threads: int = MAX_THREADS,
) -> bytes:
    """Render a page of a discussion, with so many comments that it is at most 256 KiB long.

    Raises `NotFoundError`, `NotPermittedError`, `MalformedError`, `UnavailableError`.
    """
    max_bytes = MAX_COMMENTS_BYTES
    while True:
        content = await _content(services, code, place, t, own, threads, max_bytes)
        html = render(template, t, {**content, **extra}).encode()
        # A comment takes more bytes in HTML than in JSON: `&` becomes `&amp;`, and it has buttons.
        if len(html) <= MAX_RESPONSE_BYTES or max_bytes <= MIN_COMMENTS_BYTES:
            return html
        max_bytes //= 2


async def _content(
    services: Services,
    code: str,
    place: Place,
    t: Translator,
    own: Own,
    limit: int,
    max_bytes: int,
) -> dict[str, Any]:
    if place.thread is None:
        page, settings = await read.page(
            services, code, place.order, place.before, limit, max_bytes
        )
        threads, following = page.threads, page.next
    else:
        part, settings = await read.thread(services, code, place.thread, place.after, max_bytes)
        threads, following = [part], None
    story, site = await find(services, code)
    counts = await read.counts(services, [code])
    if not counts:
        raise NotFoundError
    *_, total, tally = counts[0]
    shown = serializers.settings(settings)
    for reaction in shown["reactions"]:
        reaction["name"] = own_text(t, reaction, "label")
        reaction.setdefault("face", None)
    view = CommentViews(t, shown["reactions"], own, services.server_origin, services.now_ms())
    shown_threads = [
        serializers.part_of_thread(thread, show_copy=settings.show_copy) for thread in threads
    ]
    views = [view.thread(thread, settings.edit_window) for thread in shown_threads]
    # As in the embed: a removed comment is shown only above its replies, or by its permalink.
    views = [
        one
        for one in views
        if place.thread or one["state"] != "removed" or one["replies"] or one["more"]
    ]
    attribution = serializers.story(story)
    created_at = serializers.rfc3339(story.created_at)
    return {
        "framed": settings.republishing_open(story.license),
        "oembed": oembed_address(services.server_origin, code),
        "json_ld": structured_data(
            services.server_origin,
            attribution | {"created_at": created_at},
            site.name,
            total,
            sum(tally.counts.values()),
            shown_threads,
        ),
        "server": services.server_origin,
        "story": attribution,
        "title": story.title or story.key,
        "site": site,
        "settings": shown,
        "theme": theme_address(settings),
        "prompt": own_text(t, shown, "prompt"),
        "guidelines_text": shown.get("guidelines_texts", {}).get(t.lang)
        or shown.get("guidelines_text"),
        "calls_to_action": [
            {"url": call["url"], "name": own_text(t, call, "label")}
            for call in shown.get("calls_to_action", ())
            if own.reactions.get("") is not None
        ],
        "search_engines": settings.search_engines,
        "license": LICENCES.get(story.license),
        "reactions": _reactions(shown["reactions"], tally.counts, own.reactions.get("")),
        "total": total,
        "reacted": sum(tally.counts.values()),
        "leading": _leading(shown["reactions"], tally.counts),
        "threads": views,
        "shown": {one["id"] for thread in views for one in (thread, *thread["replies"])},
        "waiting": [
            view.comment(serializers.own_comment(comment, settings.edit_window), {})
            for comment in own.comments.values()
            if comment.state is CommentState.PENDING
        ],
        "next": following,
        "place": place,
        "read_on": _read_on(story, await copies.listed(services, story), t),
        "contact": [name for name in ("name", "email", "website") if shown[name] != "off"],
        "form": None,
    }


def oembed_address(server: str, code: str) -> str:
    """Return the address of a story's oEmbed answer."""
    return f"{server}/oembed?{urlencode({'url': f'{server}/s/{code}'})}"


def _reactions(
    offered: list[dict[str, Any]], counts: Mapping[str, int], own: str | None
) -> list[dict[str, Any]]:
    """Return the reactions of the story, each with its count and its share in per cent."""
    total = sum(counts.values()) or 1
    return [
        {
            **reaction,
            "count": counts.get(reaction["key"], 0),
            "share": round(100 * counts.get(reaction["key"], 0) / total),
            "own": reaction["key"] == own,
        }
        for reaction in offered
    ]


def _leading(offered: list[dict[str, Any]], counts: Mapping[str, int]) -> str:
    most = max(counts.values(), default=0)
    return ", ".join(
        reaction["name"] for reaction in offered if most and counts.get(reaction["key"]) == most
    )


def _read_on(story: Story, listed: list[ListedCopy], t: Translator) -> list[dict[str, str]]:
    """Return the places where the story can be read: the original first, each page once."""
    found = []
    original = urls.safe(story.url)
    if original:
        name = story.publisher or urlsplit(original).hostname or original
        found.append({"url": original, "name": name, "note": t("original"), "lang": ""})
    for copy in listed:
        if all(copy.page != one["url"] for one in found):
            lang = copy.lang or ""
            primary = lang.partition("-")[0].lower()
            note = LOCALES[primary]["language"] if primary in LOCALES else lang
            name = copy.label or urlsplit(copy.page).hostname or copy.page
            found.append({"url": copy.page, "name": name, "note": note, "lang": lang})
    return found
