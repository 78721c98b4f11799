"""Open and weigh the cases of reports that count again or no more: as if they had always counted, or never."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.priority import Reported, priority_of_reported
from widget_server.model.records import CommentState
from widget_server.model.rules import FLOOD
from widget_server.store.damaged_rows import json_of
from widget_server.store.decision_mapping import to_decision
from widget_server.store.mapping import dump
from widget_server.store.schema import cases, comments, decisions, kept_texts, reports
from widget_server.store.writing.bulk import read_by_keys, run_many
from widget_server.store.writing.decision_rows import reason_key
from widget_server.store.writing.match_cases import (
    CASE_COLUMNS,
    open_missing_reported,
    unsettled_reports,
)
from widget_server.store.writing.reporters import ReporterRows

CHUNK = 500
"""Comments whose cases are read at a time."""
_WEIGH = (
    update(cases)
    .where(cases.c.id == bindparam("row_id"))
    .values(reasons=bindparam("new_reasons"), priority=bindparam("new_priority"))
)


async def order_again(connection: AsyncConnection, named: Sequence[str]) -> None:
    """Open the missing cases of these comments, and order their cases by the reports that count.

    Lock their stories before.
    """
    for start in range(0, len(named), CHUNK):
        some = named[start : start + CHUNK]
        await open_missing_reported(connection, some)
        await _add_settled(connection, some)
    await order_cases(connection, named)


async def order_cases(connection: AsyncConnection, named: Sequence[str]) -> None:
    """Set reasons and priority of the reported cases about comments by the reports that count.

    Also those of closed cases, because an undo opens them again. A case that no report counts in stays open at the
    lowest priority: a person still sees what was reported, and nothing has to be opened again if the mute is lifted.
    """
    for start in range(0, len(named), CHUNK):
        await _weigh(connection, named[start : start + CHUNK])


async def _weigh(connection: AsyncConnection, named: Sequence[str]) -> None:
    of_comments = _by_comment(
        await connection.execute(
            select(cases)
            .where(cases.c.comment.in_(named), cases.c.queue == "reported")
            .order_by(cases.c.closed_at.is_(None), cases.c.closed_at)
        )
    )
    if not of_comments:
        return
    reporters = ReporterRows(connection)
    await reporters.load_comments(of_comments)
    given = _by_comment(
        await connection.execute(
            select(reports)
            .where(reports.c.comment.in_(sorted(of_comments)), reports.c.muted_by.is_(None))
            .order_by(reports.c.at)
        )
    )
    changed = []
    for comment, rows in of_comments.items():
        left = given.get(comment, [])
        for row in rows:
            # The case before has settled the reports until it was closed.
            own = [one for one in left if row.closed_at is None or one.at <= row.closed_at]
            left = left[len(own) :]
            keys = [FLOOD] if FLOOD in json_of(row.reasons) else []
            keys += [reason_key(one.category or one.reason or "other") for one in own]
            reasons = dump(list(dict.fromkeys(keys)))
            urgency = priority_of_reported(Reported(keys, *reporters.known(comment)))
            may_wait = row.closed_at is None or row.decision is not None
            if may_wait and (reasons, urgency) != (row.reasons, row.priority):
                changed.append({"row_id": row.id, "new_reasons": reasons, "new_priority": urgency})
    if changed:
        await run_many(connection, _WEIGH, changed)


async def _add_settled(connection: AsyncConnection, named: Sequence[str]) -> None:
    """Add the cases that the removals of these comments would have closed: undoing a removal opens its case again."""
    can_return = exists().where(
        kept_texts.c.comment == comments.c.id, kept_texts.c.why == CommentState.REMOVED.value
    )
    removed = comments.c.state == CommentState.REMOVED.value
    query = unsettled_reports(comments.c.id.in_(named), removed, can_return)
    found = await connection.execute(query.add_columns(func.max(reports.c.at)))
    missing = [dict(zip((*CASE_COLUMNS, "closed_at"), row, strict=True)) for row in found]
    if not missing:
        return
    removals = await _removals(connection, missing)
    for row in missing:
        later = (one for one in removals.get(row["comment"], ()) if one.at >= row["opened_at"])
        by = next(later, None)
        # Without an entry, which a restored backup may lack, there is nothing that can be undone.
        row["decision"] = None if by is None else by.id
        row["closed_at"] = max(row["closed_at"], 0 if by is None else by.at)
    await connection.execute(insert(cases), missing)


async def _removals(
    connection: AsyncConnection, about: Sequence[Mapping[str, Any]]
) -> dict[str, list[Decision]]:
    """Return the entries that removed each of these comments and were not undone, in order."""
    keys = [{"story": row["story"], "comment": row["comment"]} for row in about]
    rows = await read_by_keys(connection, decisions, keys)
    undone = {row["undoes"] for row in rows}
    found: dict[str, list[Decision]] = {}
    for row in sorted(rows, key=itemgetter("number")):
        entry = to_decision({**row, "code": None, "stored_words": None})
        if entry.after.get("state") == CommentState.REMOVED.value and entry.id not in undone:
            found.setdefault(row["comment"], []).append(entry)
    return found


def _by_comment(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.comment, []).append(row)
    return found
