"""Open and close the cases that a server without cases left out.

During a deploy, or after a step back, a server of the version before stores comments, reports and
removals without opening or closing cases.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Queue
from widget_server.model.priority import PRIORITIES
from widget_server.model.records import CommentState
from widget_server.store.schema import (
    IS_OPEN,
    IS_PENDING,
    cases,
    comments,
    kept_texts,
    reports,
    stories,
)
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.case_counts import add_to_counts, count_again, has_wrong_counts

CHUNK = 500
"""Cases of each queue that one transaction opens."""

CASE_COLUMNS = (
    "site",
    "story",
    "comment",
    "queue",
    "reasons",
    "priority",
    "opened_at",
    "revision",
    "copy",
    "lang",
)


async def has_unmatched_cases(connection: AsyncConnection) -> bool:
    """Return whether `match_cases` has something to do. A read: at rest nothing is written."""
    for query in (select(cases.c.id).where(_is_over()), *_missing()):
        if (await connection.execute(query.limit(1))).first() is not None:
            return True
    return await has_wrong_counts(connection)


def match_cases(now: int) -> TransactionFn[int]:
    """Close the cases about nothing at `now` (milliseconds) and open the missing ones. Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        closed: Any = await connection.execute(
            update(cases).where(_is_over()).values(closed_at=now)
        )
        number = int(closed.rowcount)
        for query in _missing():
            opened: Any = await connection.execute(
                insert(cases).from_select(CASE_COLUMNS, query.limit(CHUNK))
            )
            number += max(0, int(opened.rowcount))
        await count_again(connection)
        return number

    return run


async def open_missing_reported(connection: AsyncConnection, named: Sequence[str]) -> None:
    """Open the missing cases of these comments, whose reports count again. Lock their stories before."""
    query = unsettled_reports(comments.c.id.in_(named), _is_shown_or_held())
    opened: dict[tuple[str, str], int] = {}
    missing = query.subquery()
    numbers = select(missing.c.site, func.count()).group_by(missing.c.site)
    for site, number in await connection.execute(numbers):
        opened[site, "reported"] = number
    if opened:
        await connection.execute(insert(cases).from_select(CASE_COLUMNS, query))
        await add_to_counts(connection, opened)


def _is_over() -> ColumnElement[bool]:
    """Return the condition for open cases that no decision can close."""

    def comment_is(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(comments.c.id == cases.c.comment, *conditions)

    is_held = exists().where(kept_texts.c.comment == cases.c.comment, kept_texts.c.why == "held")
    published = comments.c.state == CommentState.PUBLISHED.value
    over: ColumnElement[bool] = IS_OPEN & or_(
        # An objection waits at a removed comment.
        and_(
            cases.c.queue != "appeals",
            comment_is(comments.c.state == CommentState.REMOVED.value),
            ~is_held,
        ),
        and_(cases.c.queue.in_(("pending", "held")), comment_is(published)),
        and_(cases.c.queue == "edits", comment_is(published, comments.c.waiting_source.is_(None))),
    )
    return over


def _missing() -> list[Select[Any]]:
    """Return the queries for the rows of missing cases, of each queue."""
    is_open = exists().where(cases.c.comment == comments.c.id, IS_OPEN)
    pending = _case("pending", comments.c.created_at).where(
        IS_PENDING,
        comments.c.state == CommentState.PENDING.value,
        ~is_open.where(cases.c.queue.in_(("pending", "held"))),
    )
    published = comments.c.state == CommentState.PUBLISHED.value
    edits = _case("edits", comments.c.created_at).where(
        IS_PENDING,
        published,
        comments.c.waiting_source.is_not(None),
        ~is_open.where(cases.c.queue == "edits"),
    )
    return [pending, edits, unsettled_reports(_is_shown_or_held())]


def unsettled_reports(*about: ColumnElement[bool]) -> Select[Any]:
    """Return the query for the cases of comments, by these conditions, whose reports count and have no case."""
    # A case since the report covers it: a decision that closed one has settled the reports before.
    settled = exists().where(
        cases.c.comment == comments.c.id,
        cases.c.queue == "reported",
        or_(IS_OPEN, cases.c.closed_at >= reports.c.at),
    )
    return (
        _case("reported", func.min(reports.c.at), '["other"]')
        .join(reports, reports.c.comment == comments.c.id)
        .where(*about, reports.c.muted_by.is_(None), ~settled)
        .group_by(stories.c.site, comments.c.story, comments.c.id, comments.c.revision)
        .group_by(comments.c.copy, comments.c.lang)
    )


def _is_shown_or_held() -> ColumnElement[bool]:
    """Return the condition for comments about whose reports a person still decides: also a hidden one may come back."""
    is_held = exists().where(kept_texts.c.comment == comments.c.id, kept_texts.c.why == "held")
    return or_(
        comments.c.state == CommentState.PUBLISHED.value,
        and_(comments.c.state == CommentState.REMOVED.value, is_held),
    )


def _case(queue: Queue, opened_at: ColumnElement[Any], reasons: str = "[]") -> Select[Any]:
    return select(
        stories.c.site,
        comments.c.story,
        comments.c.id,
        cast(literal(queue), String),
        cast(literal(reasons), String),
        literal(PRIORITIES[queue]),
        opened_at,
        comments.c.revision,
        comments.c.copy,
        comments.c.lang,
    ).join_from(comments, stories, stories.c.id == comments.c.story)
