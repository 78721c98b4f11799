"""One discussion as the pages `/s/CODE` and `/s/CODE/write` show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.identifiers import COMMENT_ID
from widget_server.model.limits import MAX_COMMENTS_BYTES, MAX_RESPONSE_BYTES, MAX_THREADS
from widget_server.model.records import CommentState, Site, Story
from widget_server.model.settings import SiteSettings
from widget_server.model.translations import edition, primary_of
from widget_server.operations.publishing.republish import terms_of
from widget_server.operations.readers import copies, open_data, read
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.web.api.stories import ORDERS
from widget_server.web.pages.comment_views import NOTHING_OWN, CommentViews, Own, own_text
from widget_server.web.pages.corrections import drawn
from widget_server.web.pages.editions import alternates, read_on, story_address
from widget_server.web.pages.layout import render, theme_address
from widget_server.web.pages.structured_data import structured_data
from widget_server.web.pages.translate import Translator, language_name, language_tag

ALL_LANGUAGES = "all"
MIN_COMMENTS_BYTES = MAX_COMMENTS_BYTES // 32
"""A page with this many bytes of comments as JSON is never too long."""


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a discussion that a page shows."""

    order: str = "newest"
    before: str | None = None
    thread: str | None = None
    after: str | None = None
    only: str = ""
    """The language of the comments: the first part of a tag, `all`, or "" for what the owner chose."""

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
        only = query.get("only", "")
        if only != ALL_LANGUAGES:
            only = primary_of(language_tag(only) or "")
        return cls(order, query.get("before") or None, thread, after, only)

    def query(self) -> str:
        """Return the query that names this place."""
        order = None if self.order == "newest" else self.order
        named = {"order": order, "before": self.before, "thread": self.thread, "after": self.after}
        named |= {"only": self.only}
        return urlencode({name: value for name, value in named.items() if value})

    def language(self, settings: SiteSettings, t: Translator) -> str:
        """Return the language of the comments to show, or "" for all: the reader's choice, else the owner's."""
        chosen = self.only
        if not chosen and settings.discussion_languages == "apart":
            chosen = primary_of(t.reads)
        return "" if chosen == ALL_LANGUAGES else chosen


async def find(services: Services, code: str) -> tuple[Story, Site]:
    """Return the story as it is now, and its site. Raises `NotFoundError`."""
    # Unknown codes are asked for again and again: they must not cost a read each time.
    absent = services.cache.was_absent(code)
    story = None if absent else await services.cache.story(code, fresh=True)
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


def _hours_line(shown: Mapping[str, Any], now: str, t: Translator) -> str:
    """Return what the opening hours and the capacity say to readers now, or "". Times are in UTC."""
    mode, opens_at = shown.get("mode", "open"), shown.get("opens_at")
    if mode == "open":
        return ""
    key = "shut" if mode == "closed" else "moderated"
    if opens_at is None:
        return t(key)
    return t(key + "_until", when=t.date(opens_at, now))


async def _content(
    services: Services,
    code: str,
    place: Place,
    t: Translator,
    own: Own,
    limit: int,
    max_bytes: int,
) -> dict[str, Any]:
    story, site = await find(services, code)
    lang = place.language(await services.cache.settings_of(story), t)
    if place.thread is None:
        page, settings = await read.page(
            services, code, place.order, place.before, limit, max_bytes, lang
        )
        threads, following = page.threads, page.next
    else:
        part, settings = await read.thread(services, code, place.thread, place.after, max_bytes)
        threads, following = [part], None
    counts = await read.counts(services, [code])
    if not counts:
        raise NotFoundError
    *_, total, tally = counts[0]
    now = services.now_ms()
    shown = serializers.settings(settings, now)
    for reaction in shown["reactions"]:
        reaction["name"] = own_text(t, reaction, "label")
        reaction.setdefault("face", None)
    view = CommentViews(t, shown["reactions"], own, services.server_origin, now)
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
    shown_as = edition(story, t.reads)
    attribution = serializers.story(shown_as.story)
    created_at = serializers.rfc3339(story.created_at)
    return {
        "framed": settings.republishing_open(story.license),
        "republish": settings.open_reading
        and (terms_of(story.license).republish or settings.republishing_open(story.license)),
        "oembed": oembed_address(services.server_origin, code, t.named),
        "alternates": alternates(services.server_origin, story),
        "json_ld": structured_data(
            services.server_origin,
            attribution | {"created_at": created_at},
            site.name,
            total,
            sum(tally.counts.values()),
            shown_threads,
            shown_as,
            story,
        ),
        "server": services.server_origin,
        "story": attribution,
        "title": shown_as.story.title or story.key,
        "title_lang": shown_as.lang,
        "corrections": drawn(story, t),
        "site": site,
        "settings": shown,
        "shut": shown.get("mode") == "closed",
        "hours": _hours_line(shown, serializers.rfc3339(now), t),
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
        "removals": await _removals(services, code, t) if settings.show_decisions else "",
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
        "spoken": _spoken(shown_threads, lang, place, settings, t),
        "read_on": read_on(story, await copies.listed(services, story), t),
        "contact": [name for name in ("name", "email", "website") if shown[name] != "off"],
        "form": None,
    }


def _spoken(
    threads: list[dict[str, Any]],
    lang: str,
    place: Place,
    settings: SiteSettings,
    t: Translator,
) -> list[tuple[str, str, bool]]:
    """Return the languages by which the comments can be filtered: value of `only`, name, whether it is chosen.

    Empty unless the comments shown are in several languages, or filtered.
    """
    shown = {one["lang"] for thread in threads for one in (thread, *thread["replies"])}
    found = {primary_of(tag) for tag in shown if tag} | {primary_of(t.reads)}
    if len(found) == 1 and not (place.only or settings.discussion_languages == "apart"):
        return []
    found |= {lang} if lang else set()
    named = [(one, language_name(one), one == lang) for one in sorted(found)]
    return [(ALL_LANGUAGES, t("all_languages"), not lang), *named]


async def _removals(services: Services, code: str, t: Translator) -> str:
    """Return how many comments were removed, why, and how many are back; empty if none was."""
    found = await open_data.decided(services, code)
    removed = sum(found.removed.values())
    if not removed and not found.restored:
        return ""
    ordered = sorted(found.removed.items(), key=lambda one: -one[1])
    reasons = t("list").join(
        t("reason_n", number=number, reason=t(f"reason_{reason or 'other'}"))
        for reason, number in ordered
    )
    said = [t("removals", removed=removed, total=found.total, reasons=reasons)] if removed else []
    said += [t("restored", n=found.restored)] if found.restored else []
    return " ".join(said)


def oembed_address(server: str, code: str, lang: str = "") -> str:
    """Return the address of a story's oEmbed answer, in a language if one is named."""
    return f"{server}/oembed?{urlencode({'url': story_address(server, code, lang)})}"


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
