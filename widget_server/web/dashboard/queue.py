"""What waits for a person, one card after the other or as a list: by keys, by touch, or by forms alone."""

from typing import Any, cast
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from widget_server.model.decisions import QUEUES, REASONS, Case, CommentVerb, Queue
from widget_server.model.errors import MalformedError, NotPermittedError
from widget_server.model.limits import MAX_PAGE
from widget_server.model.queue import AGES, CaseFilter
from widget_server.operations.moderation import batches, queue
from widget_server.operations.moderation.cases import open_cases
from widget_server.operations.moderation.decide import decide_batch
from widget_server.operations.moderation.queue import CaseCursor, QueuePage, cursor_of, filter_of
from widget_server.web.dashboard.decisions import back_of, told, told_now
from widget_server.web.dashboard.diff import words_changed
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.rendering import templates

VERBS: dict[str, tuple[CommentVerb, ...]] = {
    "reported": ("approve", "remove", "hold", "spam", "pin"),
    "pending": ("approve", "reject", "hold", "spam"),
    "held": ("approve", "remove", "spam"),
    "edits": ("approve", "reject"),
}
"""Verbs of a queue, the usual one first."""
REMOVAL = {"pending": "reject", "edits": "reject"}
"""Verb that takes the comment away; elsewhere it is `remove`."""
LIST_VERBS: tuple[CommentVerb, ...] = ("approve", "remove", "spam", "hold")
FILTERS = ("story", "copy", "lang", "reason", "age")
MAX_SELECTED = 200


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/queue`: the first free case of a queue as a card, or a page of the queue as a list."""
    chosen = _chosen(page)
    after = _cursor(page.request.query_params.get("after", ""))
    if page.request.query_params.get("view") == "list":
        return await _list(page, chosen or filter_of(), after)
    found = await queue.show_queue(page.services, page.actor, page.site, chosen, after=after)
    before = [] if found.card is None else [cursor_of(found.card.case)]
    before += [cursor_of(case) for case in found.next]
    return page.render(
        "queue/queue.html",
        **(_frame(page, found) | await _card_values(page, _base(page, found.chosen))),
        place_before=lambda index: _place(before[index]),
        filter_query=urlencode(_values(found.chosen)),
        says=_says(page),
        may_take=queue.may_take(page.actor, page.site),
    )


async def _list(page: Page, chosen: CaseFilter, after: CaseCursor | None) -> Response:
    services, by, site = page.services, page.actor, page.site
    facts = await queue.queue_facts(services, by, site)
    rows = await open_cases(services, by, site, chosen, after=after)
    names = {one.by: one.name for one in facts.at_work if one.by != queue.name_of(by)}
    now = services.now_ms()
    return page.render(
        "queue/list.html",
        **_frame(page, QueuePage(chosen, facts, None)),
        rows=rows,
        others={
            case.id: names[case.lease_by]
            for case in rows
            if case.lease_by in names and case.lease_until > now
        },
        next_place=_place(cursor_of(rows[-1])) if len(rows) == MAX_PAGE else "",
        list_verbs=[verb for verb in LIST_VERBS if page.may(verb)],
    )


@site_page("read")
async def take(page: Page) -> Response:
    """Handle `POST …/queue/take`: the next cards as JSON with HTML, and which kept cases are still one's own."""
    form = page.form
    chosen = _filter(form.get)
    number = min(_number(form.get("n")), 25)
    keep = [_number(one) for one in form.all("keep")][: queue.MAX_TAKEN]
    skip = [_number(one) for one in form.all("skip")][:100]
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
        )
    counts = {name: one[0] for name, one in (await queue.queue_counts(services, by, site)).items()}
    values = await _card_values(page, _base(page, chosen))
    html = templates.get_template("dashboard/queue/_cards.html").render(
        {"page": page, "t": page.t, "time": page.clock(), "cards": cards} | told_now(page) | values
    )
    counts["all"] = sum(counts.values())
    return JSONResponse({"cards": html, "kept": kept, "counts": counts})


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
    for ticked in page.form.all("case")[:MAX_SELECTED]:
        case, _, rest = ticked.partition(".")
        comment, _, rest = rest.partition(".")
        revision, _, name = rest.partition(".")
        waits = next((one for one in QUEUES if one == name), None)
        if waits is not None and comment not in cases:
            targets.append((comment, _number(revision)))
            cases[comment] = _number(case), waits
    if verb is None or not targets:
        raise MalformedError("Select the comments first.")
    if not page.may(verb):
        raise NotPermittedError
    made = await decide_batch(
        page.services,
        page.actor,
        verb,
        targets,
        reason="spam" if verb == "spam" else None,
        cases=cases,
    )
    back = back_of(page, page.path("queue"))
    did = "selected_part" if made.refused else "selected"
    return told(page, back, did, made.batch if made.decided else None)


def _frame(page: Page, found: QueuePage) -> dict[str, Any]:
    """Return what the frame of the queue's pages needs: queues, filters, addresses."""
    choices = found.facts.choices
    reports = page.may("read_reports")
    names = [*(one for one in ("reported", *QUEUES) if one != "reported" or reports), "all"]
    options = {
        name: [(value, f"{word} ({number})") for value, word, number in choices.get(name, [])]
        for name in ("story", "copy", "lang")
    }
    if reports:
        options["reason"] = [(one, page.t(f"reason_{one}")) for one in REASONS]
    options["age"] = [(one, page.t(f"age_{one}")) for one in AGES]
    values = dict.fromkeys(FILTERS, "") | _values(found.chosen)
    words = {name: dict(some) for name, some in options.items()}
    return {
        "found": found,
        "queues": list(dict.fromkeys(names)),
        "number_of": lambda one: _number_of(found, one),
        "choices": [(name, some) for name, some in options.items() if some],
        "values": values,
        "chips": [
            (name, values[name], words.get(name, {}).get(values[name], values[name]))
            for name in FILTERS
            if values[name]
        ],
        "address": lambda **changes: _address(page, found.chosen, changes),
        "may_search": batches.may_order(page.actor, page.site) and page.may("read_log"),
    } | told_now(page)


async def _card_values(page: Page, base: str) -> dict[str, Any]:
    """Return what the template of a card needs. `base` is where its forms lead."""
    known = await page.services.cache.site(page.site)
    trees = known.site.settings.guidelines_trees if known is not None else {}
    return {
        "base": base,
        "reasons": tuple(REASONS),
        "removal": REMOVAL,
        "changes_of": _changes,
        "place": lambda case: _place(cursor_of(case)),
        "guideline": trees.get(page.t.lang) or trees.get("", []),
        "verbs_of_case": lambda case: [
            verb for verb in VERBS.get(case.queue, ()) if page.may(verb)
        ],
        "may_search": batches.may_order(page.actor, page.site) and page.may("read_log"),
    }


def _says(page: Page) -> dict[str, str]:
    """Return the texts that the script shows."""
    names = ("yours_for", "given_back", "seconds", "undo", "undone", "offline", "taken", "wrong")
    found = {name: page.t(f"queue_{name}") for name in names if name != "undo"}
    return found | {"undo": page.t("undo"), "signed_out": page.t("queue_signed_out")}


def _number_of(found: QueuePage, name: str) -> int:
    if name == "all":
        return sum(number for number, _ in found.counts.values())
    return found.counts.get(name, (0, 0))[0]


def _changes(case: Case) -> list[tuple[str, str]]:
    if case.queue != "edits" or case.waiting is None:
        return []
    return list(words_changed(case.comment.source, case.waiting))


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
    )


def _values(chosen: CaseFilter) -> dict[str, str]:
    found = {name: getattr(chosen, name) for name in ("queue", *FILTERS)}
    return {name: str(value) for name, value in found.items() if value is not None}


def _base(page: Page, chosen: CaseFilter) -> str:
    return f"{page.path('queue')}?{urlencode(_values(chosen))}"


def _address(page: Page, chosen: CaseFilter, changes: dict[str, str | None]) -> str:
    view = page.request.query_params.get("view", "")
    values: dict[str, str | None] = {**_values(chosen), "view": view, **changes}
    return f"{page.path('queue')}?{urlencode({k: v for k, v in values.items() if v})}"


def _number(text: str) -> int:
    """Return a whole number of a form; anything else is 0, which names nothing."""
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _place(cursor: CaseCursor) -> str:
    return ".".join(map(str, cursor))


def _cursor(text: str) -> CaseCursor | None:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 18 for part in parts):
        return None
    return cast(CaseCursor, tuple(map(int, parts)))
