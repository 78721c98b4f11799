"""The atlas of copies: where the stories can be read, revoking one copy and giving it back."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response, StreamingResponse

from widget_server.model.decisions import COPY_REASONS
from widget_server.model.errors import MalformedError, NotFoundError, OperatorError, ProblemError
from widget_server.model.page_facts import SeenPage
from widget_server.operations.owners import atlas, copies, stories
from widget_server.operations.owners.copies import COPY_ORDERS, CopyFilter
from widget_server.operations.publishing.page_facts import request_look_on
from widget_server.web.dashboard import last_visit
from widget_server.web.dashboard.addresses import host_of, kept_fields, path_of, query_of
from widget_server.web.dashboard.page import Page, site_page

COLUMNS = (
    ("first_seen", "copy_first"),
    ("last_seen", "copy_last"),
    ("readers", "copy_reading"),
    ("reactions", "copy_reactions"),
    ("comments", "copy_comments"),
)
"""Orders that are columns of the table, and the key of each heading."""
STATUS_CHIPS = (("revoked", "chip_revoked"), ("shut_out", "chip_shut_out"))


@dataclass(frozen=True, slots=True)
class Credit:
    """What the page of a copy says about where the story comes from: a word and its colour."""

    key: str
    kind: str
    icon: str = ""


def credit_of(seen: SeenPage | None) -> Credit:
    """Return the badge for what was seen on a copy's page."""
    if seen is None:
        return Credit("credit_unknown", "")
    if seen.status == "missing":
        return Credit("credit_page_gone", "bad", "warn")
    if seen.status == "unreachable":
        return Credit("credit_unreachable", "warn", "warn")
    facts = seen.facts
    if facts.credit is False:
        return Credit("credit_missing", "warn", "warn")
    if facts.licence is False:
        return Credit("credit_no_licence", "warn", "warn")
    if facts.credit is None:
        return Credit("credit_unknown", "")
    return Credit("credit_good", "good", "check")


@site_page("read_copies")
async def show(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}/copies`."""
    response = await _atlas(page)
    last_visit.note_visit(page, response)
    return response


@site_page("revoke")
async def revoke(page: Page) -> Response:
    """Handle `POST …/copies/{copy}/revoke`: take its token back and, as a choice, shut its origin out."""
    copy = copy_id(page)
    chosen: Any = page.form.get("shut_out") or None
    try:
        if chosen is not None and chosen not in copies.SCOPES:
            raise MalformedError("Choose the story or the whole site.")
        await copies.revoke_copy(
            page.services,
            page.actor,
            page.site,
            copy,
            shut_out=chosen,
            reason=page.form.get("reason") or None,
        )
    except NotFoundError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _atlas(page, copy)
    except OperatorError as error:
        page.errors[""] = page.t.error(str(error))
        return await _atlas(page, copy)
    return page.redirect(page.path(f"copies?undo={copy}"))


@site_page("revoke")
async def give_back(page: Page) -> Response:
    """Handle `POST …/copies/{copy}/give-back`: accept its token again, and its origin."""
    await copies.give_back_copy(page.services, page.actor, page.site, copy_id(page))
    return page.redirect(page.path("copies"), "copy_given_back")


@site_page("agree")
async def agree(page: Page) -> Response:
    """Handle `POST …/copies/{copy}/agree`: show the name that its republisher wants, or hide it again."""
    agreed = page.form.get("agreed") == "1"
    try:
        await copies.agree_with_name(
            page.services, page.actor, page.site, copy_id(page), agreed=agreed
        )
    except OperatorError as error:
        page.errors[""] = page.t.error(str(error))
        return await _atlas(page)
    return page.redirect(page.path("copies"), "copy_agreed" if agreed else "copy_hidden")


@site_page("read_copies")
async def look(page: Page) -> Response:
    """Handle `POST …/copies/{copy}/look`: look at its page again."""
    try:
        await request_look_on(page.services, page.actor, page.site, copy_id(page))
    except NotFoundError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _atlas(page)
    return page.redirect(page.path("copies"), "copy_look")


@site_page("export_public")
async def export(page: Page) -> Response:
    """Handle `GET …/copies.csv`: all copies that match the filter."""
    lines = copies.export_copies(page.services, page.actor, page.site, wanted_of(page))
    name = f"{page.site}-copies.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def wanted_of(page: Page) -> CopyFilter:
    """Return the filter that the address names. Unknown values are left out."""
    query = page.request.query_params
    status: Any = query.get("status")
    return CopyFilter(
        words=query.get("q", "").strip()[:200],
        story=query.get("story") or None,
        lang=query.get("lang") or None,
        status=status if status in copies.COPY_STATUSES else None,
        first_seen_since=last_visit.last_visit(page) if query.get("new") else None,
    )


def copy_id(page: Page) -> int:
    """Return the copy's id in the path. Raises `NotFoundError`."""
    text: str = page.request.path_params["copy"]
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise NotFoundError
    return int(text)


async def _atlas(page: Page, opened: int | None = None) -> Response:
    query = page.request.query_params
    wanted = wanted_of(page)
    order: Any = query.get("order")
    order = order if order in COPY_ORDERS else "readers"
    found = await atlas.show_atlas(
        page.services,
        page.actor,
        page.site,
        wanted,
        order=order,
        since=last_visit.last_visit(page),
        after=query.get("after") or None,
    )
    chosen = query.get("revoke", "")
    if opened is None and chosen.isascii() and chosen.isdecimal() and len(chosen) < 19:
        opened = int(chosen)
    step = None
    if opened is not None and page.may("revoke"):
        try:
            step = await atlas.show_step(page.services, page.actor, page.site, opened)
        except OperatorError as error:
            page.errors.setdefault("", page.t.error(str(error)))
    shown = [one.record.id for one in found.page.copies]
    title = ""
    if wanted.story is not None:
        title = await _story_title(page, found, wanted.story)
    return page.render(
        "copies/copies.html",
        found=found,
        order=order,
        wanted=wanted,
        step=step,
        reasons=tuple(COPY_REASONS),
        step_alone=step is not None and step.revocation.copy.record.id not in shown,
        since=last_visit.last_visit(page),
        story_title=title,
        columns=COLUMNS,
        chips=STATUS_CHIPS,
        url=lambda **changes: query_of(page, **changes),
        kept=kept_fields(page, "q", "lang"),
        credit=credit_of,
        host=lambda record: host_of(record.page, record.origin),
        path_of=lambda record: path_of(record.page),
        undo=query.get("undo", "") if query.get("undo", "").isdecimal() else "",
    )


async def _story_title(page: Page, found: atlas.Atlas, code: str) -> str:
    """Return the title of the story that the list is limited to."""
    for one in found.page.copies:
        return one.record.story_title or one.record.story_key
    shown = await stories.show_story(page.services, page.actor, page.site, code, copies=1)
    return shown.record.story.title or shown.record.story.key
