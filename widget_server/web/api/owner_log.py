"""The log of a site and its stories, for programs: pages, whole files, and its verification."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from widget_server.model.cursors import encode_cursor, place_after
from widget_server.operations.moderation import log
from widget_server.operations.moderation.log import LogFilter
from widget_server.operations.moderation.statements import export_statements
from widget_server.operations.owners.csv_lines import csv_line
from widget_server.protocol import (
    owner_answers_comments as comment_answers,
    owner_requests as requests,
)
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import decision_answer

CSV_COLUMNS = tuple(comment_answers.DecisionAnswer.model_fields)
CHUNK = log.MAX_PAGE


async def read_log(call: Call) -> Answer | Response:
    """Handle `GET …/log`."""
    query: requests.LogQuery = call.query
    if query.format == "dsa":
        call.require("export_public")
        since, until = _chosen(query).since, _chosen(query).until
        parts = export_statements(
            call.services, call.actor, call.site, since=since or 0, until=until
        )
        return file_response(parts, "text/csv", "statements.csv")
    if query.format != "json":
        call.require("export_public")
        lines = _lines(call, _chosen(query), csv=query.format == "csv")
        # Rights are checked before the first line is sent.
        first = await anext(lines)
        media = "text/csv" if query.format == "csv" else "application/x-ndjson"
        return file_response(_with_first(first, lines), media, f"log.{query.format}")
    after = place_after(query.after, "log")
    found = await log.read_log(
        call.services, call.actor, call.site, _chosen(query), after=after, limit=query.limit
    )
    more = len(found) == query.limit
    return Answer(
        comment_answers.DecisionList(
            decisions=[decision_answer(one) for one in found],
            next=encode_cursor("log", found[-1].at, found[-1].id) if more else None,
        )
    )


def _chosen(query: requests.LogQuery) -> LogFilter:
    return LogFilter(
        story=query.story,
        verb=query.verb,
        actor=query.actor,
        comment=query.comment,
        batch=query.batch,
        since=None if query.start is None else int(query.start.timestamp() * 1000),
        until=None if query.until is None else int(query.until.timestamp() * 1000),
    )


async def _lines(call: Call, chosen: LogFilter, *, csv: bool) -> AsyncIterator[str]:
    """Yield all entries, the newest first, in reads of `CHUNK`: memory does not grow with the log."""
    after, head = None, csv_line(CSV_COLUMNS) if csv else ""
    while True:
        found = await log.read_log(
            call.services, call.actor, call.site, chosen, after=after, limit=CHUNK
        )
        rows = [decision_answer(one) for one in found]
        if csv:
            yield head + "".join(csv_line(_columns(row)) for row in rows)
        else:
            yield "".join(row.model_dump_json() + "\n" for row in rows)
        head = ""
        if len(found) < CHUNK:
            return
        after = found[-1].at, found[-1].id


def _columns(row: comment_answers.DecisionAnswer) -> list[object]:
    values = row.model_dump(mode="json")
    values["targets"] = " ".join(row.targets)
    for name in ("before", "after"):
        values[name] = "; ".join(f"{key}: {value}" for key, value in values[name].items())
    return [values[name] for name in CSV_COLUMNS]


async def _with_first(first: str, others: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for line in others:
        yield line


def file_response(lines: AsyncIterator[str], media_type: str, name: str) -> Response:
    """Return a file that is sent while it is read."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(lines, 200, headers, media_type=media_type)


async def verify_log(call: Call) -> Answer:
    """Handle `GET …/log:verify`."""
    found = await log.verify_site_log(call.services, call.actor, call.site)
    verdict = found.verdict
    return Answer(
        comment_answers.Verification(
            entries=verdict.entries,
            logs=verdict.logs,
            erased=verdict.erased,
            unknown_key=verdict.unknown_key,
            heads=found.recorded,
            damages=[
                comment_answers.Damage(log=one.log, number=one.number, id=one.id, what=one.what)
                for one in verdict.damages
            ],
        )
    )
