"""Numbers of a site: over time, by copy and language, where the talk is, and times to a decision; each as CSV."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response, StreamingResponse

from widget_server.model.errors import ProblemError
from widget_server.operations.moderation.raids import raids_between
from widget_server.operations.moderation.second_look import agreement
from widget_server.operations.owners import numbers, numbers_csv
from widget_server.operations.owners.decision_times import csv_decision_times, decision_times
from widget_server.operations.owners.numbers import CopyName, OverTime, Span
from widget_server.web.dashboard import charts
from widget_server.web.dashboard.addresses import (
    host_of,
    kept_fields,
    path_of,
    query_of,
    short_origins,
)
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.times import DAY, MINUTE, duration

PERIODS = (1, 14, 90, 365)
"""Days that the page offers. One day is shown by hour."""
DEFAULT_DAYS = 14
VIEWS = ("time", "copies", "languages", "talk", "decisions")
MOST_ORIGINS = 12
"""Columns of the matrix on the page. The CSV file has all."""
MOST_SHARES = 50
"""Rows of copies on the page. The CSV file has all."""
MAX_KINDS = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    span: Span
    days: int | None
    """One of `PERIODS`, or None if the address has dates."""
    view: str
    story: str | None
    copy: int | None
    lang: str | None


@site_page("read_numbers")
async def show(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}/numbers`."""
    asked = _asked(page)
    content: dict[str, Any] = {}
    try:
        content = await _READ[asked.view](page, asked)
    except ProblemError as error:
        page.fail(error)
    return page.render(
        f"numbers/{_TEMPLATES.get(asked.view, asked.view) if content else 'time'}.html",
        asked=asked,
        periods=PERIODS,
        views=VIEWS,
        start=_day(asked.span.start),
        end=_day(asked.span.end - 1),
        url=lambda **changes: query_of(page, **changes),
        kept=kept_fields(page, "from", "to", "days", "lang", "zone"),
        names=await _chosen(page, asked),
        raids=await raids_between(
            page.services, page.actor, page.site, asked.span.start, asked.span.end
        ),
        **(content or {"chart": None}),
    )


@site_page("export_public")
async def export(page: Page) -> Response:
    """Handle `GET …/numbers.csv`: the figures of the view."""
    asked = _asked(page)
    lines: Iterable[str]
    services, by, site, span = page.services, page.actor, page.site, asked.span
    if asked.view == "copies":
        shares = await numbers.by_copy(services, by, site, span, story=asked.story)
        lines = numbers_csv.csv_shares("copy", shares)
    elif asked.view == "languages":
        shares = await numbers.by_language(services, by, site, span, story=asked.story)
        lines = numbers_csv.csv_shares("language", shares)
    elif asked.view == "decisions":
        times = await decision_times(services, by, site, span, story=asked.story)
        lines = csv_decision_times(times)
    elif asked.view == "talk":
        lines = numbers_csv.csv_matrix(await numbers.matrix(services, by, site, span))
    else:
        lines = numbers_csv.csv_over_time(await _over_time(page, asked))
    headers = {"Content-Disposition": f'attachment; filename="{site}-{asked.view}.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _asked(page: Page) -> Asked:
    """Return what the address asks for. Unknown values are as if they were left out."""
    query = page.request.query_params
    now = page.services.now_ms()
    zone = query.get("zone", "").strip() or "UTC"
    days: int | None = DEFAULT_DAYS
    if (
        query.get("days", "").isdecimal()
        and len(query["days"]) < 5
        and int(query["days"]) in PERIODS
    ):
        days = int(query["days"])
    # The next midnight in UTC: the last day is today.
    end = now - now % DAY + DAY
    span = Span(end - (days or 0) * DAY, end, "hour" if days == 1 else "day", zone)
    first, last = _date(query.get("from", "")), _date(query.get("to", ""))
    if first is not None and last is not None and first <= last:
        start, end = _ms(first), _ms(last) + DAY
        span = Span(start, end, "hour" if end - start <= 2 * DAY else "day", zone)
        days = None
    copy = query.get("copy", "")
    view = query.get("view", "")
    return Asked(
        span,
        days,
        view if view in VIEWS else "time",
        query.get("story") or None,
        int(copy) if copy.isascii() and copy.isdecimal() and len(copy) < 19 else None,
        query.get("lang") or None,
    )


async def _over_time(page: Page, asked: Asked) -> OverTime:
    return await numbers.over_time(
        page.services,
        page.actor,
        page.site,
        asked.span,
        story=asked.story,
        copy=asked.copy,
        lang=asked.lang,
    )


async def _time(page: Page, asked: Asked) -> dict[str, Any]:
    found = await _over_time(page, asked)
    week = found.week or await numbers.when_people_write(
        page.services,
        page.actor,
        page.site,
        asked.span,
        story=asked.story,
        copy=asked.copy,
        lang=asked.lang,
    )
    names = await _names(page)
    labels = [_label(page, one.start, asked.span) for one in found.periods]
    reactions = [
        (
            f"k{i % MAX_KINDS}",
            names.get(kind, kind),
            [one.reactions.get(kind, 0) for one in found.periods],
        )
        for i, kind in enumerate(found.kinds)
    ]
    comments = [
        ("bar", page.t("stood"), [one.stood for one in found.periods]),
        ("bad", page.t("removed_since"), [one.removed for one in found.periods]),
    ]
    if any(one.pending for one in found.periods):
        comments.append(("then", page.t("waiting_now"), [one.pending for one in found.periods]))
    most = max((max(day) for day in week), default=0)
    return {
        "chart": charts.bar_chart(labels, reactions, page.t.number),
        "said": _said(page, labels, reactions),
        "kinds": reactions,
        "comments": charts.bar_chart(labels, comments, page.t.number),
        "comments_said": _said(page, labels, comments),
        "comment_kinds": comments,
        "labels": labels,
        "reactions_n": sum(sum(values) for _, _, values in reactions),
        "comments_n": sum(one.stood for one in found.periods),
        "removed_n": sum(one.removed for one in found.periods),
        "week": week,
        "week_most": most,
        "week_said": _week_said(page, week, most),
        "heat": charts.heat,
    }


async def _copies(page: Page, asked: Asked) -> dict[str, Any]:
    services, by, site = page.services, page.actor, page.site
    shares = await numbers.by_copy(services, by, site, asked.span, story=asked.story)
    return {
        "shares_of": shares[:MOST_SHARES],
        "more": len(shares) - MOST_SHARES,
        "where": _where,
    }


async def _languages(page: Page, asked: Asked) -> dict[str, Any]:
    services, by, site = page.services, page.actor, page.site
    shares = await numbers.by_language(services, by, site, asked.span, story=asked.story)
    return {"shares_of": shares, "more": 0}


async def _talk(page: Page, asked: Asked) -> dict[str, Any]:
    found = await numbers.matrix(page.services, page.actor, page.site, asked.span)
    origins = found.origins[:MOST_ORIGINS]
    counted = [
        cell.comments
        for story in found.stories
        for origin in origins
        if (cell := found.cells.get((story.code, origin))) is not None
    ]
    return {
        "matrix": found,
        "origins": origins,
        "short": short_origins(origins),
        "more": len(found.origins) - len(origins),
        "most": max(counted, default=0),
        "heat": charts.heat,
    }


def _where(copy: CopyName) -> str:
    """Return host and path of a copy."""
    return host_of(copy.page, copy.origin) + path_of(copy.page)


async def _chosen(page: Page, asked: Asked) -> dict[str, str]:
    """Return the names of the story and the copy that the address chooses."""
    found = {"story": page.t("a_story"), "copy": page.t("a_copy")}
    if asked.story:
        story = await page.services.discussions.story(asked.story)
        if story is not None and story.site == page.site:
            found["story"] = story.title or story.key
    if asked.copy is not None:
        copies = await page.services.numbers.copy_names(page.site, [asked.copy])
        copy = copies.get(asked.copy)
        if copy is not None:
            found["copy"] = copy.label or _where(copy)
    return found


async def _decisions(page: Page, asked: Asked) -> dict[str, Any]:
    services, by, site = page.services, page.actor, page.site
    times = await decision_times(services, by, site, asked.span, story=asked.story)
    labels = [_label(page, one.start, asked.span) for one in times.periods]
    shown = []
    for queue in times.queues:
        days = [one.queues.get(queue) for one in times.periods]
        half = [0 if day is None else -(-day.median // MINUTE) for day in days]
        nine = [0 if day is None else -(-day.nine_in_ten // MINUTE) for day in days]
        series = [
            ("bar", page.t("minutes_half"), half),
            ("then", page.t("minutes_nine"), [n - h for n, h in zip(nine, half, strict=True)]),
        ]
        whole = times.whole[queue]
        said = page.t(
            "decided_says",
            n=whole.number,
            half=duration(page.t, whole.median),
            nine=duration(page.t, whole.nine_in_ten),
        )
        chart = charts.bar_chart(labels, series, page.t.number)
        shown.append((queue, whole, days, series, chart, said))
    alike = await agreement(services, by, site)
    return {"labels": labels, "queues": shown, "duration": duration, "alike": alike}


_TEMPLATES = {"languages": "copies"}
_READ = {
    "time": _time,
    "copies": _copies,
    "languages": _languages,
    "talk": _talk,
    "decisions": _decisions,
}


async def _names(page: Page) -> dict[str, str]:
    """Return the labels of the site's reactions by key."""
    cached = await page.services.cache.site(page.site)
    if cached is None:
        return {}
    return {one.key: one.label for one in cached.site.settings.reactions}


def _said(page: Page, labels: list[str], series: list[tuple[str, str, list[int]]]) -> str:
    """Return what one sees in a chart, in a sentence."""
    totals = [sum(values[i] for _, _, values in series) for i in range(len(labels))]
    if not any(totals):
        return page.t("chart_none")
    most = max(range(len(totals)), key=totals.__getitem__)
    return page.t(
        "chart_span", all=sum(totals), least=min(totals), most=totals[most], when=labels[most]
    )


def _week_said(page: Page, week: list[list[int]], most: int) -> str:
    if not most:
        return page.t("chart_none")
    day, hour = next((d, h) for d in range(7) for h in range(24) if week[d][h] == most)
    return page.t("week_says", day=page.t(f"weekday_{day}"), hour=hour, n=most)


def _label(page: Page, start: datetime, span: Span) -> str:
    """Return the name of a period: an hour, a day, or day and month where a month begins."""
    if span.unit == "hour":
        return f"{start:%H}"
    if (span.end - span.start) > 31 * DAY or start.day == 1:
        return f"{start.day}.{start.month}."
    return str(start.day)


def _date(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _ms(when: datetime) -> int:
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
