"""Comments and tallies that changed: since a position, and the most recent ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, desc, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Comment, CommentState, Story, Tally
from widget_server.store.comment_sizes import size_of_shown
from widget_server.store.damaged_rows import readable
from widget_server.store.mapping import counts_or_none, select_comments, to_comment
from widget_server.store.schema import HAS_REACTIONS, comments, copies

MAX_CHANGES = 500
"""Changes that are sent one by one. For more changes a new snapshot is cheaper."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Public changes after a position. `complete` if none of the `seq` numbers in between is missing."""

    epoch: str
    story: Story
    comments: list[Comment]
    complete: bool


@dataclass(frozen=True, slots=True)
class RecentRows:
    """The last public changes in order of `seq`, and the last tallies in order of version."""

    epoch: str
    story: Story
    floor: int
    """`comments` contains all changes after this `seq`, except for damaged rows."""
    comments: list[Comment]
    tallies: list[tuple[str, Tally]]
    """Comment ids and tallies."""


async def read_changes(connection: AsyncConnection, epoch: str, story: Story, seq: int) -> Changes:
    """Read the comments that changed after `seq`, in order."""
    past = (comments.c.story == story.id) & (comments.c.seq > seq)
    span, _ = await _span(connection, past, comments.c.seq, MAX_CHANGES + 1)
    found = await _changed(connection, story.id, span)
    # A `seq` is missing if a comment changed twice, if the story itself changed, or if the changed
    # comments are too large.
    complete = [comment.seq for comment in found] == list(range(seq + 1, story.seq + 1))
    return Changes(epoch, story, found, complete)


async def read_tallies(
    connection: AsyncConnection, story: Story, version: int, limit: int
) -> list[tuple[str | None, Tally]]:
    """Read at most `limit` tallies that changed after `version`, the oldest first.

    The target is a comment's id, or None for the story itself.
    """
    rows = await connection.execute(
        select(comments.c.id, comments.c.version, comments.c.counts)
        .where(
            (comments.c.story == story.id)
            & (comments.c.version > version)
            & HAS_REACTIONS
            & (comments.c.state == CommentState.PUBLISHED.value)
        )
        .order_by(comments.c.version)
        .limit(limit)
    )
    changed: list[tuple[str | None, Tally]] = [
        (row.id, Tally(row.version, counts_or_none("comments", row.id, row.counts))) for row in rows
    ]
    if story.tally.version > version:
        changed.append((None, story.tally))
        changed.sort(key=lambda item: item[1].version)
    return changed[:limit]


async def read_recent(
    connection: AsyncConnection, epoch: str, story: Story, limit: int
) -> RecentRows:
    """Read the last changes and tallies, at most `limit` of each."""
    public = (comments.c.story == story.id) & (comments.c.seq > 0)
    span, is_all = await _span(connection, public, desc(comments.c.seq), limit)
    changed = await _changed(connection, story.id, span[::-1])
    floor = 0 if is_all else (span[-1] if span else story.seq + 1) - 1
    rows = await connection.execute(
        select(comments.c.id, comments.c.version, comments.c.counts)
        .where((comments.c.story == story.id) & HAS_REACTIONS)
        .order_by(desc(comments.c.version))
        .limit(limit)
    )
    tallies = [
        (row.id, Tally(row.version, counts_or_none("comments", row.id, row.counts))) for row in rows
    ]
    return RecentRows(epoch, story, floor, changed, tallies[::-1])


async def _span(
    connection: AsyncConnection, wanted: ColumnElement[bool], order: Any, limit: int
) -> tuple[list[int], bool]:
    """Return the `seq` of the first changes that may fit in one response, and whether these are all.

    The sizes are upper bounds, so this takes up to twice the response limit. The sender measures the
    encoded messages again.
    """
    sizes = (
        select(comments.c.seq, size_of_shown().label("size"))
        .outerjoin(copies, comments.c.copy == copies.c.id)
        .where(wanted)
        .order_by(order)
        .limit(limit)
    )
    rows = (await connection.execute(sizes)).all()
    span: list[int] = []
    used = 0
    for row in rows:
        used += row.size
        if used > 2 * MAX_RESPONSE_BYTES:
            return span, False
        span.append(row.seq)
    return span, len(rows) < limit


async def _changed(connection: AsyncConnection, story: int, span: Sequence[int]) -> list[Comment]:
    """Return the comments whose last change is between the first and last `seq` of `span`, in order."""
    if not span:
        return []
    within = (comments.c.seq >= span[0]) & (comments.c.seq <= span[-1])
    rows = await connection.execute(
        select_comments().where((comments.c.story == story) & within).order_by(comments.c.seq)
    )
    return readable(rows, to_comment)
