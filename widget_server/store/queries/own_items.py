"""The reactions and comments of single readers in a story."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, desc, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.hints import Hint
from widget_server.model.limits import MAX_OWN_BYTES, MAX_OWN_REACTIONS
from widget_server.model.outcomes import Outcome, Report
from widget_server.model.records import Comment, CommentState
from widget_server.store.comment_sizes import size_of_own, sized_comments
from widget_server.store.damaged_rows import readable
from widget_server.store.mapping import select_comments, to_comment
from widget_server.store.queries.hints import read_own_hints
from widget_server.store.queries.own_outcomes import read_outcomes, read_reports
from widget_server.store.schema import comments, reactions

MAX_OWN = 200
"""A reader's own comments in a snapshot: the newest ones."""

CHUNK = 500
"""Readers in one query."""


@dataclass(frozen=True, slots=True)
class OwnItems:
    """One reader's items in a story: reactions by comment id (empty text: the story), and comments."""

    reactions: dict[str, str]
    comments: list[Comment]
    removed: list[Comment] = field(default_factory=list)
    """Tombstones of the reader's comments that were taken away, whose `outcomes` say why."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """What was decided about own comments, by comment id."""
    reports: list[Report] = field(default_factory=list)
    """What became of the reader's reports, the newest first."""
    hints: list[Hint] = field(default_factory=list)
    """What the reader told the editors about the story, the newest first."""


async def read_own_items(
    connection: AsyncConnection, story: int, readers: Sequence[str]
) -> dict[str, OwnItems]:
    """Read the items of each reader, in five queries for all of them; two more for decided comments."""
    found = {reader: OwnItems({}, []) for reader in readers}
    for start in range(0, len(readers), CHUNK):
        some = readers[start : start + CHUNK]
        for row in await connection.execute(_own_reactions(story, some)):
            found[row.reader].reactions[row.target] = row.reaction
        rows = await connection.execute(_own_comments(story, some))
        for comment in readable(rows, to_comment):
            found[comment.reader].comments.append(comment)
        outcomes = await read_outcomes(connection, story, some)
        for comment, outcome in outcomes:
            own = found[comment.reader]
            own.outcomes[comment.id] = outcome
            if comment.state == CommentState.REMOVED:
                own.removed.append(comment)
        for reader, report in await read_reports(connection, story, some):
            found[reader].reports.append(report)
        for reader, hints in await read_own_hints(connection, story, some):
            found[reader].hints.extend(hints)
    return found


def _own_reactions(story: int, readers: Sequence[str]) -> Select[Any]:
    """Return a query for each reader's reaction to the story and newest reactions to comments."""
    rank = func.row_number().over(
        partition_by=reactions.c.reader,
        order_by=(reactions.c.target != "", desc(reactions.c.at)),
    )
    ranked = (
        select(reactions, rank.label("rank"))
        .where((reactions.c.story == story) & reactions.c.reader.in_(readers))
        .subquery()
    )
    return select(ranked).where(ranked.c.rank <= MAX_OWN_REACTIONS + 1)


def _own_comments(story: int, readers: Sequence[str]) -> Select[Any]:
    """Return a query for each reader's newest comments that fit in `MAX_OWN_BYTES`."""
    newest = (desc(comments.c.created_at), desc(comments.c.id))
    rank = func.row_number().over(partition_by=comments.c.reader, order_by=newest)
    ranked = (
        select(comments.c.id.label("id"), comments.c.reader.label("reader"), rank.label("rank"))
        .where(
            (comments.c.story == story)
            & comments.c.reader.in_(readers)
            & (comments.c.state != CommentState.REMOVED.value)
        )
        .subquery()
    )
    first = select(ranked).where(ranked.c.rank <= MAX_OWN)
    sized = sized_comments(first, size_of_own())
    upto = func.sum(sized.c.size).over(
        partition_by=sized.c.reader, order_by=sized.c.rank, rows=(None, 0)
    )
    summed = select(sized.c.id, upto.label("upto")).subquery()
    return (
        select_comments()
        .join(summed, summed.c.id == comments.c.id)
        .where(summed.c.upto <= MAX_OWN_BYTES)
        .order_by(*newest)
    )
