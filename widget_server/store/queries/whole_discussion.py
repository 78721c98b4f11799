"""A whole discussion in parts: each top comment, then its replies, in the order of their publication."""

from dataclasses import dataclass

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import Comment
from widget_server.store.damaged_rows import readable
from widget_server.store.mapping import select_comments, to_comment
from widget_server.store.schema import IS_TOP_COMMENT, comments

MAX_TOPS = 50
"""Top comments of one part."""
MAX_REPLIES = 100
"""Replies of one part."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part begins: after the top comment with this `born`, or inside of its thread."""

    top: int = 0
    thread: str | None = None
    """The thread whose replies are not all read yet."""
    reply: int = 0
    """The `born` of the last reply that was read of `thread`."""


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive comments. `next` is where the next part begins, None after the last one."""

    comments: list[Comment]
    next: Place | None
    answered: dict[str, Comment]
    """Replies of earlier parts that comments of this part answer, by id."""


async def read_part(connection: AsyncConnection, story: int, place: Place) -> Part:
    """Read at most `MAX_TOPS` threads with at most `MAX_REPLIES` replies.

    A thread that has more of them is read by itself, in several parts.
    """
    if place.thread is not None:
        rows = await _replies(connection, [place.thread], place.reply)
        return await _part(connection, [], rows, _after_replies(place, rows))
    found = await connection.execute(
        select_comments()
        .where((comments.c.story == story) & IS_TOP_COMMENT & (comments.c.born > place.top))
        .order_by(comments.c.born)
        .limit(MAX_TOPS)
    )
    tops = list(found)
    if not tops:
        return Part([], None, {})
    replies = await _replies(connection, [row.id for row in tops], 0)
    while len(replies) == MAX_REPLIES and len(tops) > 1:
        # There may be more of them, of any of these threads.
        tops = tops[: len(tops) // 2]
        replies = await _replies(connection, [row.id for row in tops], 0)
    last = Place(tops[-1].born)
    if len(replies) == MAX_REPLIES:
        last = Place(last.top, tops[0].id, replies[-1].born)
    return await _part(connection, tops, replies, last)


def _after_replies(place: Place, rows: list[Row[tuple[object, ...]]]) -> Place:
    if len(rows) < MAX_REPLIES:
        return Place(place.top)
    return Place(place.top, place.thread, rows[-1].born)


async def _replies(
    connection: AsyncConnection, threads: list[str], after: int
) -> list[Row[tuple[object, ...]]]:
    """Return replies of these threads, each thread's in order of publication."""
    found = await connection.execute(
        select_comments()
        .where(
            comments.c.thread.in_(threads)
            & comments.c.parent.is_not(None)
            & (comments.c.born > after)
        )
        .order_by(comments.c.thread, comments.c.born)
        .limit(MAX_REPLIES)
    )
    return list(found)


async def _part(
    connection: AsyncConnection,
    tops: list[Row[tuple[object, ...]]],
    replies: list[Row[tuple[object, ...]]],
    following: Place,
) -> Part:
    """Return the comments in order, with those that they answer. Damaged rows are left out."""
    place = {row.id: row.born for row in tops}
    shown = readable(
        sorted((*tops, *replies), key=lambda row: (place.get(row.thread, 0), row.born)), to_comment
    )
    known = {one.id for one in shown}
    asked = {one.parent for one in shown if one.parent not in (None, one.thread)} - known
    found: list[Comment] = []
    if asked:
        rows = await connection.execute(select_comments().where(comments.c.id.in_(asked)))
        found = readable(rows, to_comment)
    return Part(shown, following, {one.id: one for one in found})
