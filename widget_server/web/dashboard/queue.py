"""What waits for a person, one card after the other or as a list: by keys, by touch, or by forms alone."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from widget_server.hub.readers_now import StoryReaders
from widget_server.model.actors import name_of
from widget_server.model.decisions import QUEUES, REASONS, Case, CommentVerb, Queue
from widget_server.model.errors import MalformedError, NotPermittedError
from widget_server.model.limits import MAX_PAGE
from widget_server.model.queue import CaseFilter, degrees_of
from widget_server.model.queue_keys import keys_of
from widget_server.operations.moderation import batches, discussion, queue
from widget_server.operations.moderation.cases import open_cases
from widget_server.operations.moderation.decide import decide_batch
from widget_server.operations.moderation.hidden_words import HiddenWords, hidden_words
from widget_server.operations.moderation.new_comments import list_new, mark_seen
from widget_server.operations.moderation.queue import CaseCursor, QueuePage, cursor_of, filter_of
from widget_server.operations.moderation.tags import tags_of_site
from widget_server.operations.owners.readers_now import reader_count, readers_now
from widget_server.web.dashboard import hints
from widget_server.web.dashboard.decisions import back_of, changes_of, told, told_now
from widget_server.web.dashboard.diff import words_changed
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.queue_counts import counts_now
from widget_server.web.dashboard.queue_frame import (
    FILTERS,
    base_of,
    frame_of,
    place_of,
    says_of,
    values_of,
)
from widget_server.web.dashboard.rendering import templates

VERBS: dict[str, tuple[CommentVerb, ...]] = {
    "reported": ("approve", "remove", "hold", "spam", "pin"),
    "pending": ("approve", "reject", "hold", "spam"),
    "held": ("approve", "remove", "spam"),
    "edits": ("approve", "reject"),
    "appeals": ("uphold",),
    "new": ("approve", "remove", "hold", "spam", "pin"),
}
"""Verbs of a queue, the usual one first."""
REMOVAL = {"pending": "reject", "edits": "reject"}
"""Verb that takes the comment away; elsewhere it is `remove`."""
LIST_VERBS: tuple[CommentVerb, ...] = ("approve", "remove", "spam", "hold")
MAX_SELECTED = 200
NEW = "n-"
"""Begins the name of a card of the queue `new` in the page; the comment's id follows."""


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/queue`: the first free case of a queue as a card, or a page of the queue as a list."""
    if page.request.query_params.get("queue") == hints.CORRECTIONS:
        return await hints.show(page)
    chosen = _chosen(page)
    after = _cursor(page.request.query_params.get("after", ""))
    if page.request.query_params.get("view") == "list":
        return await _list(page, chosen or filter_of(), after)
    found = await queue.show_queue(page.services, page.actor, page.site, chosen, after=after)
    if chosen is None and not found.counts and found.facts.hints:
        # Nothing else waits for this person.
        return await hints.show(page)
    before = [] if found.card is None else [cursor_of(found.card.case)]
    before += [cursor_of(case) for case in found.next]
    frame, card = await asyncio.gather(
        frame_of(page, found), _card_values(page, base_of(page, found.chosen))
    )
    return page.render(
        "queue/queue.html",
        **(frame | card),
        place_before=lambda index: place_of(before[index]),
        filter_query=urlencode(values_of(found.chosen)),
        says=says_of(page),
        may_take=queue.may_take(page.actor, page.site),
    )


async def _list(page: Page, chosen: CaseFilter, after: CaseCursor | None) -> Response:
    services, by, site = page.services, page.actor, page.site
    facts = await queue.queue_facts(services, by, site)
    if chosen.queue == "new":
        place = None if after is None else (after[1], page.request.query_params.get("id", ""))
        rows = await list_new(services, by, site, chosen, after=place)
    else:
        rows = await open_cases(services, by, site, chosen, after=after)
    names = {one.by: one.name for one in facts.at_work if one.by != name_of(by)}
    now = services.now_ms()
    return page.render(
        "queue/list.html",
        **await frame_of(page, QueuePage(chosen, facts, None)),
        rows=rows,
        hide=await hidden_words(services, by, site),
        others={
            case.id: names[case.lease_by]
            for case in rows
            if case.lease_by in names and case.lease_until > now
        },
        next_place=place_of(cursor_of(rows[-1])) if len(rows) == MAX_PAGE else "",
        next_id=rows[-1].comment.id if rows and chosen.queue == "new" else None,
        list_verbs=[verb for verb in LIST_VERBS if page.may(verb)],
    )


@site_page("read")
async def take(page: Page) -> Response:
    """Handle `POST …/queue/take`: the next cards as JSON with HTML, and which kept cases are still one's own."""
    form = page.form
    if form.get("queue") == hints.CORRECTIONS:
        return await hints.take(page)
    chosen = _filter(form.get)
    number = min(_number(form.get("n")), 25)
    keep = [_number(one) for one in form.all("keep")][: queue.MAX_TAKEN]
    shown = form.all("skip")[:100]
    skip = [_number(one) for one in shown]
    services, by, site = page.services, page.actor, page.site
    kept = await queue.keep(services, by, site, keep) if keep else []
    cards = []
    if number:
        cards = await queue.take(
            services,
            by,
            site,
            chosen,
            limit=number,
            skip=skip,
            harsh_before=_number(form.get("harsh")),
            looked=[one.removeprefix(NEW) for one in shown if one.startswith(NEW)],
        )
    values = await _card_values(page, base_of(page, chosen))
    html = templates.get_template("dashboard/queue/_cards.html").render(
        {"page": page, "t": page.t, "time": page.clock(), "cards": cards} | told_now(page) | values
    )
    return JSONResponse({"cards": html, "kept": kept, "counts": await counts_now(page)})


@site_page("read")
async def give_back(page: Page) -> Response:
    """Handle `POST …/queue/give-back`: some cases (a page that closes), or all (“Enough for now”)."""
    cases = [_number(one) for one in page.form.all("case")]
    await queue.give_cases_back(page.services, page.actor, page.site, cases or None)
    if cases:
        return Response(status_code=204)
    return page.redirect(page.path("home"), "enough")


@site_page("read")
async def decide_selected(page: Page) -> Response:
    """Handle `POST …/queue/selected`: the same decision about all ticked cases, with one undo."""
    verb = next((one for one in LIST_VERBS if one == page.form.get("verb")), None)
    targets: list[tuple[str, int | None]] = []
    cases: dict[str, tuple[int, Queue]] = {}
    seen: list[str] = []
    for ticked in page.form.all("case")[:MAX_SELECTED]:
        case, _, rest = ticked.partition(".")
        comment, _, rest = rest.partition(".")
        revision, _, name = rest.partition(".")
        waits = next((one for one in QUEUES if one == name), None)
        if name == "new" and comment not in seen:
            seen.append(comment)
            targets.append((comment, _number(revision)))
        # Each objection is read by itself.
        elif waits not in (None, "appeals") and comment not in cases:
            targets.append((comment, _number(revision)))
            cases[comment] = _number(case), waits
    if verb is None or not targets:
        raise MalformedError("Select the comments first.")
    if not page.may(verb):
        raise NotPermittedError
    back = back_of(page, page.path("queue"))
    if verb == "approve" and seen:
        # The list is in order of time: all before the last ticked one were looked at.
        await mark_seen(page.services, page.actor, page.site, seen[-1])
        targets = [target for target in targets if target[0] not in seen]
        if not targets:
            return told(page, back, "selected", None)
    made = await decide_batch(
        page.services,
        page.actor,
        verb,
        targets,
        reason="spam" if verb == "spam" else None,
        cases=cases,
    )
    did = "selected_part" if made.refused else "selected"
    return told(page, back, did, made.batch if made.decided else None)


@site_page("read")
async def words(page: Page) -> Response:
    """Handle `GET …/queue/words/{comment}`: the comment of a card with the words that the card hides."""
    comment = page.request.path_params["comment"]
    shown = await discussion.find_comment(page.services, page.actor, page.site, comment)
    hide = await hidden_words(page.services, page.actor, page.site)
    return page.render(
        "queue/_words.html",
        one=shown,
        changes=changes_of(shown),
        marks=hide.words_of(shown.comment.source),
    )


async def _card_values(page: Page, base: str) -> dict[str, Any]:
    """Return what the template of a card needs. `base` is where its forms lead."""
    known = await page.services.cache.site(page.site)
    hide = await hidden_words(page.services, page.actor, page.site)
    readers = await readers_now(page.services)
    trees = known.site.settings.guidelines_trees if known is not None else {}
    return {
        "base": base,
        "reasons": tuple(REASONS),
        "removal": REMOVAL,
        "changes_of": lambda case: _changes(case, hide),
        "hide": hide,
        # A hidden word is marked as well: the place is seen before the word.
        "marks_of": lambda one: [hide.text(word) for word in one.suspects.words],
        "keys": keys_of(page.person.account.keys),
        "me": name_of(page.actor),
        "degrees_of": lambda one: degrees_of(
            one.case, one.context, _story_readers(one.case, readers)
        ),
        "readers_of": lambda case: _readers_of(page, case, readers),
        "place": lambda case: place_of(cursor_of(case)),
        "guideline": trees.get(page.t.lang) or trees.get("", []),
        "verbs_of_case": lambda case: [
            verb for verb in VERBS.get(case.queue, ()) if page.may(verb)
        ],
        "site_tags": await tags_of_site(page.services, page.actor, page.site),
        "may_search": batches.may_order(page.actor, page.site) and page.may("read_log"),
    }


def _story_readers(case: Case, now: Mapping[str, StoryReaders]) -> int:
    story = now.get(case.story)
    return 0 if story is None else story.readers


def _readers_of(page: Page, case: Case, now: Mapping[str, StoryReaders]) -> tuple[str, str] | None:
    """Return the readers now of a case's story and of the copy that it was written on, as text."""
    story = now.get(case.story)
    if story is None:
        return None
    copy = 0 if case.comment.copy is None else story.copies.get(case.comment.copy.id, 0)
    readers = copy if page.actor.copies is not None else story.readers

    def text(number: int) -> str:
        found = reader_count(page.actor, number).number
        return page.t("a_few") if found is None else page.t.number(found)

    return (text(readers), text(copy)) if readers else None


def _changes(case: Case, hide: HiddenWords) -> list[tuple[str, str]]:
    if case.queue != "edits" or case.waiting is None:
        return []
    return list(words_changed(hide.text(case.comment.source), hide.text(case.waiting)))


def _chosen(page: Page) -> CaseFilter | None:
    """Return the filter of the address; None for the queue's bare address."""
    query = page.request.query_params
    if not any(query.get(name) for name in ("queue", *FILTERS)):
        return None
    return _filter(lambda name: query.get(name, ""))


def _filter(value_of: Any) -> CaseFilter:
    copy = value_of("copy")
    return filter_of(
        value_of("queue") or "all",
        value_of("story") or None,
        _number(copy) if copy else None,
        value_of("lang") or None,
        value_of("reason") or None,
        value_of("age") or None,
        value_of("watch") or None,
        value_of("tag") or None,
    )


def _number(text: str) -> int:
    """Return a whole number of a form; anything else is 0, which names nothing."""
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _cursor(text: str) -> CaseCursor | None:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 18 for part in parts):
        return None
    return cast(CaseCursor, tuple(map(int, parts)))
