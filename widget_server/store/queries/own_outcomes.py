"""What was decided about the comments of single readers in a story, and what became of their reports.

Read for each reader alone: none of it is in a message that several readers receive.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, desc, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.outcomes import (
    REMOVALS,
    Outcome,
    Report,
    ReportState,
    outcome_of,
)
from widget_server.model.records import Comment, CommentState
from widget_server.store.damaged_rows import readable
from widget_server.store.decision_mapping import to_decision
from widget_server.store.mapping import select_comments, to_comment
from widget_server.store.schema import IS_OPEN, cases, comments, decisions, kept_texts, reports
from widget_server.store.schema_readers import appeals

MAX_OUTCOMES = 50
"""Outcomes of one reader in a snapshot: of the newest comments. So many reports, too."""
_VERBS = (*REMOVALS, "restore", "approve", "uphold", "undo")


async def read_outcomes(
    connection: AsyncConnection, story: int, readers: Sequence[str]
) -> list[tuple[Comment, Outcome]]:
    """Return the decided comments of these readers with what their authors are told."""
    own = select(comments.c.id).where(comments.c.story == story, comments.c.reader.in_(readers))
    rows = await connection.execute(
        select(decisions, kept_texts.c.why)
        .outerjoin(kept_texts, kept_texts.c.comment == decisions.c.comment)
        .where(
            decisions.c.story == story,
            decisions.c.comment.in_(own),
            decisions.c.verb.in_(_VERBS),
        )
        # “+ 0”: else SQLite reads the story's whole log, which is in this order.
        .order_by(decisions.c.number + 0)
    )
    logs: defaultdict[str, list[Decision]] = defaultdict(list)
    kept: set[str] = set()
    for name, entry, why in readable(rows, _entry):
        logs[name].append(entry)
        if why in ("removed", "held"):
            kept.add(name)
    if not logs:
        return []
    appealed = await _appealed(connection, list(logs))
    outcomes = {
        name: outcome_of(entries, appealed, kept=name in kept) for name, entries in logs.items()
    }
    told = {name: outcome for name, outcome in outcomes.items() if outcome is not None}
    if not told:
        return []
    found = await connection.execute(
        select_comments().where(comments.c.id.in_(told)).order_by(desc(comments.c.created_at))
    )
    numbers: defaultdict[str, int] = defaultdict(int)
    result = []
    for comment in readable(found, to_comment):
        numbers[comment.reader] += 1
        if numbers[comment.reader] <= MAX_OUTCOMES:
            result.append((comment, told[comment.id]))
    return result


def _entry(row: Any) -> tuple[str, Decision, str | None]:
    return row.comment, to_decision({**row._mapping, "code": "", "stored_words": None}), row.why


async def _appealed(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    rows = await connection.execute(select(appeals.c.decision).where(appeals.c.comment.in_(ids)))
    return set(rows.scalars())


async def read_reports(
    connection: AsyncConnection, story: int, readers: Sequence[str]
) -> list[tuple[str, Report]]:
    """Return the reports of these readers in the story with what became of them, the newest first."""
    same = (cases.c.comment == reports.c.comment) & (cases.c.queue == "reported")
    waits = exists().where(same, IS_OPEN)
    decided = exists().where(same, cases.c.closed_at >= reports.c.at, cases.c.decision.is_not(None))
    # A report that does not count opens no case. Its reader is told what a person decided all the same.
    looked_at = exists().where(
        decisions.c.story == story,
        decisions.c.comment == reports.c.comment,
        decisions.c.at >= reports.c.at,
        decisions.c.verb.in_(("approve", "restore", *REMOVALS)),
    )
    is_told = or_(decided, and_(reports.c.muted_by.is_not(None), looked_at))
    rows = await connection.execute(
        select(reports, comments.c.state, waits.label("waits"), is_told.label("decided"))
        .join(comments, comments.c.id == reports.c.comment)
        # “+ 0”: else SQLite reads all comments of the story.
        .where(comments.c.story + 0 == story, reports.c.reader.in_(readers))
        .order_by(desc(reports.c.at))
    )
    numbers: defaultdict[str, int] = defaultdict(int)
    result = []
    for row in rows:
        numbers[row.reader] += 1
        if numbers[row.reader] <= MAX_OUTCOMES:
            state = _state(row.state, waits=row.waits, decided=row.decided)
            result.append((row.reader, Report(row.comment, row.category, row.at, state)))
    return result


def _state(state: str, *, waits: bool, decided: bool) -> ReportState:
    if waits:
        return "waiting"
    if state == CommentState.REMOVED:
        return "removed" if decided else "gone"
    return "kept" if decided else "waiting"
