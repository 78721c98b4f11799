"""The log: filters, paging, undo, its check, and export as a file."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from widget_server.auth.permissions import STRONG_VERBS, require
from widget_server.model.errors import NotFoundError, ProblemError
from widget_server.operations.moderation import statements
from widget_server.operations.moderation.log import verify_site_log
from widget_server.operations.moderation.log_pages import (
    Cursor,
    LogFilter,
    export_log,
    show_log,
)
from widget_server.operations.owners import take_back as changes
from widget_server.web.dashboard import entry_words, log_words
from widget_server.web.dashboard.decisions import back_of, here, told_now
from widget_server.web.dashboard.page import Page, ask_first, site_page

DAY_MS = 86_400_000
VERBS = (
    "approve",
    "reject",
    "remove",
    "restore",
    "hold",
    "spam",
    "pin",
    "unpin",
    "feature",
    "unfeature",
    "tag",
    "untag",
    "uphold",
    "ban",
    "unban",
    "mute",
    "erase",
    "close",
    "open",
    "notice",
    "correct",
    "undo",
    "settings",
    "rules",
    "raid",
    "capacity",
    "story_settings",
    "text",
    "translate",
    "token",
    "revoke",
    "shut_out",
    "readmit",
    "agree",
    "rotate",
    "retire",
    "invite",
    "role",
    "key",
)
"""Verbs by which the log can be filtered."""
NAMES = ("verb", "who", "story", "comment", "batch", "since", "until")


@site_page("read_log")
async def show(page: Page) -> Response:
    """Handle `GET …/log`: filters and place are in the address."""
    return await _log(page)


@site_page("read_log")
async def verify(page: Page) -> Response:
    """Handle `POST …/log/verify`: check the site's logs from their first entry on."""
    found = await verify_site_log(page.services, page.actor, page.site)
    return await _log(page, verified=found)


@site_page("undo")
async def take_back(page: Page) -> Response:
    """Handle `POST …/log/take-back`: undo a change of the site, such as a role or a revoked token."""
    decision = page.form.get("decision")
    entry = await changes.find_change(page.services, page.actor, page.site, decision)
    require(page.actor, entry.verb, page.site)
    asked = await ask_first(page, strong=entry.verb in STRONG_VERBS)
    if asked is not None:
        return asked
    try:
        await changes.take_back(page.services, page.actor, page.site, decision)
    except NotFoundError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _log(page)
    back = back_of(page, page.path("log")).partition("?")[0]
    return page.redirect(back, f"{entry.verb}_taken_back")


@site_page("export_public")
async def export(page: Page) -> Response:
    """Handle `GET …/log/export`: a CSV file without personal data."""
    return _file(page, full=False)


@site_page("export_full")
async def export_full(page: Page) -> Response:
    """Handle `POST …/log/export-full`: a CSV file with names, notes and values."""
    return _file(page, full=True)


@site_page("export_public")
async def export_statements(page: Page) -> Response:
    """Handle `GET …/log/export-dsa`: restrictions in the fields of the EU's Transparency Database."""
    chosen = _filter(_chosen(page))
    parts = statements.export_statements(
        page.services, page.actor, page.site, since=chosen.since or 0, until=chosen.until
    )
    headers = {"Content-Disposition": f'attachment; filename="statements-{page.site}.csv"'}
    return StreamingResponse(parts, media_type="text/csv; charset=utf-8", headers=headers)


def _file(page: Page, *, full: bool) -> Response:
    chosen = _filter(_chosen(page))
    lines = export_log(page.services, page.actor, page.site, chosen, full=full)
    name = f"log-{page.site}{'-full' if full else ''}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def _log(page: Page, **content: Any) -> Response:
    chosen = _chosen(page)
    after = _cursor(page.request.query_params.get("after", ""))
    found = await show_log(page.services, page.actor, page.site, _filter(chosen), after=after)

    def url(place: str = "log", **changed: str) -> str:
        kept = {name: value for name, value in {**chosen, **changed}.items() if value}
        return page.path(place) + (f"?{urlencode(kept)}" if kept else "")

    shown: dict[str, Any] = {"verified": None} | content
    return page.render(
        "log/log.html",
        found=found,
        chosen=chosen,
        url=url,
        verbs=VERBS,
        reversible=[verb for verb in changes.REVERSIBLE if page.may(verb)],
        older=f"{found.next[0]}.{found.next[1]}" if found.next else "",
        say=lambda entry: log_words.say(page, entry),
        who=lambda entry: entry_words.actor_of(
            page.t, entry.decision.actor_kind, entry.who, is_named=entry.is_named
        ),
        day_of=lambda at: at // DAY_MS,
        page_url=here(page),
        **told_now(page),
        **shown,
    )


def _chosen(page: Page) -> dict[str, str]:
    """Return the filters in the address, or in the form of an export."""
    query = page.request.query_params
    return {name: (page.form.get(name) or query.get(name, "")).strip()[:60] for name in NAMES}


def _filter(chosen: dict[str, str]) -> LogFilter:
    until = _day(chosen["until"])
    return LogFilter(
        story=chosen["story"] or None,
        verb=chosen["verb"] or None,
        actor=chosen["who"] or None,
        comment=chosen["comment"] or None,
        batch=chosen["batch"] or None,
        since=_day(chosen["since"]),
        until=None if until is None else until + DAY_MS,
    )


def _day(text: str) -> int | None:
    """Return the start of a day such as 2026-11-28 in milliseconds; None for any other text."""
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None


def _cursor(text: str) -> Cursor | None:
    time, _, entry = text.partition(".")
    if not (time.isdecimal() and len(time) < 16 and entry.isalnum() and len(entry) <= 16):
        return None
    return int(time), entry
