"""Numbers of a site, for programs."""

from collections.abc import Iterable
from datetime import UTC, datetime

from starlette.responses import Response

from widget_server.model.errors import MalformedError
from widget_server.operations.owners import numbers, numbers_csv
from widget_server.operations.owners.decision_times import (
    DecisionTimes,
    QueueTime,
    csv_decision_times,
    decision_times,
)
from widget_server.operations.owners.numbers import Share, Span
from widget_server.protocol import owner_answers as answers, owner_requests as requests
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call

LAST_MS = 30 * 86_400_000
"""What is counted without times."""
LAST_HOURS_MS = 48 * 3_600_000
"""The same by hour."""


async def read_numbers(call: Call) -> Answer | Response:
    """Handle `GET …/stats`."""
    query: requests.NumbersQuery = call.query
    services, by, site = call.services, call.actor, call.site
    span, story, lang = _span(call, query), query.story, query.lang
    fields = {"by": query.by, "start": rfc3339(span.start), "until": rfc3339(span.end)}
    if query.format == "csv" and query.by not in {"day", "hour", "queue"}:
        raise MalformedError("format: csv is only for by=day, by=hour and by=queue.")
    match query.by:
        case "copy":
            found = await numbers.by_copy(services, by, site, span, story=story)
            return Answer(answers.NumbersAnswer(**fields, shares=_shares(found)))
        case "lang":
            found = await numbers.by_language(services, by, site, span, story=story)
            return Answer(answers.NumbersAnswer(**fields, shares=_shares(found)))
        case "weekday":
            hours = await numbers.when_people_write(
                services, by, site, span, story=story, lang=lang
            )
            return Answer(answers.NumbersAnswer(**fields, hours=hours))
        case "queue":
            times = await decision_times(services, by, site, span, story=story)
            if query.format == "csv":
                return _file(call, csv_decision_times(times))
            return Answer(answers.NumbersAnswer(**fields, waits=_waits(times)))
        case "story":
            matrix = await numbers.matrix(services, by, site, span)
            cells = [
                answers.Cell(
                    story=one.story,
                    origin=one.origin,
                    reactions=one.reactions,
                    comments=one.comments,
                )
                for one in matrix.cells.values()
            ]
            return Answer(answers.NumbersAnswer(**fields, cells=cells))
    over_time = await numbers.over_time(
        services, by, site, span, story=story, copy=query.copy_id, lang=lang
    )
    if query.format == "csv":
        return _file(call, numbers_csv.csv_over_time(over_time))
    periods = [
        answers.Period(
            start=one.start.isoformat(),
            reactions=one.reactions,
            comments=one.stood,
            removed=one.removed,
            pending=one.pending,
        )
        for one in over_time.periods
    ]
    return Answer(answers.NumbersAnswer(**fields, periods=periods))


def _file(call: Call, lines: Iterable[str]) -> Response:
    """Return a CSV file. Raises `NotPermittedError`."""
    call.require("export_public")
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="numbers.csv"',
    }
    return Response("".join(lines), 200, headers, media_type="text/csv")


def _waits(times: DecisionTimes) -> list[answers.Wait]:
    found: list[tuple[str | None, QueueTime]] = [
        (None, times.whole[queue]) for queue in times.queues
    ]
    for period in times.periods:
        start = period.start.isoformat()
        found += [(start, period.queues[one]) for one in times.queues if one in period.queues]
    return [
        answers.Wait(
            start=start,
            queue=one.queue,
            decided=one.number,
            median=round(one.median / 1000),
            nine_in_ten=round(one.nine_in_ten / 1000),
        )
        for start, one in found
    ]


def _span(call: Call, query: requests.NumbersQuery) -> Span:
    end = call.services.now_ms() if query.until is None else _ms(query.until)
    length = LAST_HOURS_MS if query.by == "hour" else LAST_MS
    start = max(0, end - length) if query.start is None else _ms(query.start)
    return Span(start, end, "hour" if query.by == "hour" else "day", query.zone)


def _ms(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)


def _shares(found: list[Share]) -> list[answers.Share]:
    return [
        answers.Share(key=one.key, name=one.name, reactions=one.reactions, comments=one.comments)
        for one in found
    ]
