"""What readers report as errors in stories: one card after the other or a list; each is corrected or declined."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from widget_server.model.errors import NotFoundError, NotPermittedError, ProblemError, StaleError
from widget_server.model.hints import MAX_ANSWER, HintCase
from widget_server.model.limits import MAX_PAGE
from widget_server.model.queue import CaseFilter
from widget_server.model.queue_keys import keys_of
from widget_server.operations.moderation import hints
from widget_server.operations.moderation.queue import QueuePage, queue_facts
from widget_server.web.dashboard.corrections import correction_form, typed_texts
from widget_server.web.dashboard.decisions import back_of, told, told_now, whole_number
from widget_server.web.dashboard.messages import message_page
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.queue_counts import answer_script, counts_now
from widget_server.web.dashboard.queue_frame import base_of, frame_of, says_of, values_of
from widget_server.web.dashboard.rendering import templates

CORRECTIONS = "corrections"
"""The queue's name in addresses."""
STEPS = ("correct", "decline")
"""What a card can ask for before it is answered."""
SHOWN = 6
"""The card and the next ones."""
CARD = "h-"
"""Begins the name of a card in the page; the report's id follows."""


async def show(page: Page) -> Response:
    """Handle `GET …/queue?queue=corrections`: the first open report as a card, or a page of them as a list."""
    query = page.request.query_params
    if query.get("view") == "list":
        return await _list(page)
    return await _cards(page, query.get("hint", ""), query.get("step", ""))


async def take(page: Page) -> Response:
    """Handle `POST …/queue/take` for this queue: the next cards, and which kept ones are still open."""
    form = page.form
    chosen = _chosen(form.get("story"))
    found = await hints.open_hints(
        page.services, page.actor, page.site, story=chosen.story, limit=MAX_PAGE
    )
    names = [CARD + one.hint.id for one in found]
    # Beyond a full page there may be more: those are open as far as this request knows.
    kept = [one for one in form.all("keep") if one in names or len(names) == MAX_PAGE]
    skip, number = set(form.all("skip")), min(whole_number(form.get("n")) or 0, MAX_PAGE)
    cards = [one for one, name in zip(found, names, strict=True) if name not in skip]
    html = templates.get_template("dashboard/hints/_cards.html").render(
        {"page": page, "t": page.t, "time": page.clock(), "cards": cards[:number]}
        | _card_values(page, chosen)
    )
    return JSONResponse({"cards": html, "kept": kept, "counts": await counts_now(page)})


@site_page("correct")
async def accept(page: Page) -> Response:
    """Handle `POST …/hints/{hint}/accept`: publish the correction, and thank the reader."""
    form, hint = page.form, page.request.path_params["hint"]
    try:
        made, _ = await hints.accept(
            page.services,
            page.actor,
            page.site,
            hint,
            form.get("kind"),
            form.get("text"),
            texts=typed_texts(page),
            passage=form.get("passage"),
            credit=form.get("credit") == "1",
            answer=form.get("answer") or None,
        )
    except NotPermittedError:
        raise
    except ProblemError as error:
        return await _failed(page, hint, error, "correct")
    return await _answered(page, "hint_accepted", made.id)


@site_page("correct")
async def decline(page: Page) -> Response:
    """Handle `POST …/hints/{hint}/decline`: leave the story as it is, and tell the reader."""
    form, hint = page.form, page.request.path_params["hint"]
    try:
        made = await hints.decline(
            page.services, page.actor, page.site, hint, answer=form.get("answer") or None
        )
    except NotPermittedError:
        raise
    except ProblemError as error:
        error.field = "decline" if error.field == "answer" else error.field
        return await _failed(page, hint, error, "decline")
    return await _answered(page, "hint_declined", made)


async def _answered(page: Page, did: str, decision: str) -> Response:
    if page.wants_json:
        return await answer_script(page, {"decision": decision}, new=False)
    return told(page, back_of(page, base_of(page, _chosen())), did, decision)


async def _failed(page: Page, hint: str, error: ProblemError, step: str) -> Response:
    """Return what is wrong with an answer. If the report is not open any more, its card goes."""
    if isinstance(error, StaleError | NotFoundError):
        status = 409 if isinstance(error, StaleError) else 404
        said = page.t("hint_answered") if status == 409 else page.t("hint_gone")
        if page.wants_json:
            return await answer_script(page, {"error": said, "gone": True}, status, new=False)
        if status == 404:
            raise error
        return message_page(page.request, status, "decided_before", said)
    if page.wants_json:
        raise error
    page.fail(error)
    return await _cards(page, hint, step)


async def _cards(page: Page, hint: str, step: str) -> Response:
    services, by, site = page.services, page.actor, page.site
    query = page.request.query_params
    chosen = _chosen(query.get("story", ""))
    after = _read_place(query.get("after", ""))
    found = await hints.open_hints(services, by, site, story=chosen.story, after=after, limit=SHOWN)
    named: list[HintCase] = []
    if hint:
        # It stands first, wherever it is in the queue.
        with suppress(NotFoundError):
            named = [await hints.show(services, by, site, hint)]
    cards = [*named, *(one for one in found if one not in named)][:SHOWN]
    facts = await queue_facts(services, by, site)
    frame = await frame_of(page, QueuePage(chosen, facts, None))
    return page.render(
        "hints/queue.html",
        **(frame | _card_values(page, chosen) | _story_chip(page, chosen, found)),
        cards=cards,
        step=step if step in STEPS and (named or not hint) else "",
        typed=dict(page.form.fields),
        trouble=page.t("hint_answered") if hint and not named else "",
        filter_query=urlencode(values_of(chosen)),
        says=says_of(page) | {"taken": page.t("hint_answered")},
    )


async def _list(page: Page) -> Response:
    services, by, site = page.services, page.actor, page.site
    query = page.request.query_params
    chosen = _chosen(query.get("story", ""))
    after = _read_place(query.get("after", ""))
    rows = await hints.open_hints(
        services, by, site, story=chosen.story, after=after, limit=MAX_PAGE
    )
    facts = await queue_facts(services, by, site)
    frame = await frame_of(page, QueuePage(chosen, facts, None))
    return page.render(
        "hints/list.html",
        **(frame | _story_chip(page, chosen, rows)),
        rows=rows,
        base=base_of(page, chosen),
        next_place=place_of(rows[-1]) if len(rows) == MAX_PAGE else "",
    )


def _chosen(story: str = "") -> CaseFilter:
    return CaseFilter("corrections", story or None)


def place_of(case: HintCase) -> str:
    """Return a place in the queue as an address names it."""
    return ".".join(map(str, hints.cursor_of(case)))


def _read_place(text: str) -> hints.HintCursor | None:
    at, _, hint = text.partition(".")
    if not (at.isdecimal() and len(at) < 16 and hint.isalnum() and len(hint) <= 16):
        return None
    return int(at), hint


def _story_chip(page: Page, chosen: CaseFilter, found: list[HintCase]) -> dict[str, Any]:
    """Return the filter of the address: a story, by its title."""
    if chosen.story is None:
        return {"choices": [], "chips": []}
    title = next((one.title for one in found if one.title), page.t("a_story"))
    return {"choices": [], "chips": [("story", chosen.story, title)]}


def _card_values(page: Page, chosen: CaseFilter) -> dict[str, Any]:
    """Return what the template of a card needs."""
    return {
        "base": base_of(page, chosen),
        "place": place_of,
        "keys": keys_of(page.person.account.keys),
        "correction_form": correction_form(),
        "most_answer": MAX_ANSWER,
    } | told_now(page)
