"""Pages of a discussion and of a thread: comments by keyset, as many as an answer has room for."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Row,
    Subquery,
    and_,
    desc,
    false,
    func,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.limits import MAX_COMMENTS_BYTES
from widget_server.model.records import Comment, Thread
from widget_server.store.damaged_rows import RowDamagedError, readable, record_damaged_row
from widget_server.store.mapping import (
    ALWAYS,
    select_comments,
    size_of_comment,
    sized_comments,
    to_comment,
)
from widget_server.store.schema import comments

MAX_REPLIES = 100
"""Replies of one thread that an answer carries; `more` says how many others there are."""
AROUND = 10
"""Replies shown before the one that a permalink names."""
_TOPS = 3 / 4
"""Of `MAX_COMMENTS_BYTES`, so much may be top comments where their replies want room too."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some threads and where the next ones begin (an opaque cursor, or None)."""

    threads: list[Thread]
    next: str | None


async def read_page(
    connection: AsyncConnection,
    story: int,
    order: str,
    before: str | None,
    limit: int,
    most: int = MAX_COMMENTS_BYTES,
) -> Page:
    """Top comments by keyset, then the first replies of all of them in one query.

    `newest` shows the pinned ones before all others. `before` is the `next` of the page before.
    Fewer than `limit` where they take more than `most` bytes; at least one. Raises `MalformedError` for a cursor that no
    page of this order gave.
    """
    kind, place = (order, None) if before is None else _decode_cursor(before, order)
    room = int(most * _TOPS)
    pinned: list[Comment] = []
    pinned_end: Row[Any] | None = None
    if kind == "pinned" or (order == "newest" and place is None):
        # Few, and sorted here: SQLite would find them in order by a walk through all top comments.
        marked = text("parent IS NULL AND pinned AND 0 <> born")
        past = comments.c.born < place[0] if place is not None else true()
        asked = select(comments.c.id).where((comments.c.story == story) & marked & past)
        sized = sized_comments(asked.order_by(desc(comments.c.born)).limit(MAX_REPLIES + 1))
        pinned, end, left = await _fitting(
            connection, sized, [desc(sized.c.born)], room, MAX_REPLIES
        )
        if left and end is not None:
            return Page(await _threads(connection, pinned, most), _cursor("pinned", end.born))
        pinned_end, place = end, None
    keys = (comments.c.score, comments.c.born) if order == "top" else (comments.c.born,)
    wanted: list[ColumnElement[bool]] = [
        comments.c.story == story,
        text("parent IS NULL AND born <> 0"),  # type: ignore[list-item]
    ]
    if place is not None:
        cursor = tuple_(*keys)
        wanted.append(cursor > place if order == "oldest" else cursor < place)
    if order == "newest":
        wanted.append(comments.c.pinned == false())
    rising = order == "oldest"
    asked = select(comments.c.id).where(and_(*wanted))
    sized = sized_comments(
        asked.order_by(*(key if rising else desc(key) for key in keys)).limit(limit + 1)
    )
    ways = [sized.c[key.name] if rising else desc(sized.c[key.name]) for key in keys]
    taken = sum(map(size_of_comment, pinned))
    found, end, left = await _fitting(
        connection, sized, ways, room - taken, limit, least=pinned_end is None
    )
    following = None
    if left and end is not None:
        score = [end.score] if order == "top" else []
        following = _cursor(order, *score, end.born)
    elif left and pinned_end is not None:
        following = _cursor("pinned", pinned_end.born)
    return Page(await _threads(connection, pinned + found, most), following)


async def read_thread(
    connection: AsyncConnection,
    story: int,
    comment: str,
    after: str | None,
    most: int = MAX_COMMENTS_BYTES,
) -> Thread:
    """The thread of a comment: from its beginning, around a reply, or what follows `after`.

    `after` is the id of a comment of that thread. No more than `most` bytes. Raises `NotFoundError`, `MalformedError`.
    """
    public = (comments.c.story == story) & (comments.c.born > 0)
    places = select(comments.c.id, comments.c.thread, comments.c.parent, comments.c.born)
    found = await connection.execute(places.where(public & (comments.c.id.in_([comment, after]))))
    named = {row.id: row for row in found}
    if comment not in named:
        raise NotFoundError
    thread = named[comment].thread
    if after is not None and (after not in named or named[after].thread != thread):
        raise MalformedError("Use the `next` of the part before, unchanged.")
    rows = await connection.execute(select_comments().where(comments.c.id == thread))
    whole = readable(rows, to_comment)
    if not whole:
        raise NotFoundError
    (top,) = whole
    replies = (comments.c.thread == thread) & comments.c.parent.is_not(None) & (comments.c.born > 0)
    room = max(0, most - size_of_comment(top))
    if after is not None:
        begins = named[after].born + 1 if after != thread else 0
    elif comment != thread:
        begins = await _start_of_part(connection, replies, named[comment].born, room // 2)
    else:
        begins = 0
    sized = sized_comments(
        select(comments.c.id)
        .where(replies & (comments.c.born >= begins))
        .order_by(comments.c.born)
        .limit(MAX_REPLIES + 1)
    )
    shown, last, _ = await _fitting(connection, sized, [sized.c.born], room, MAX_REPLIES)
    earlier = await _number(connection, replies & (comments.c.born < begins)) if begins else 0
    if last is None:
        return Thread(top, shown, 0, earlier)
    more = await _number(connection, replies & (comments.c.born > last.born))
    return Thread(top, shown, more, earlier, last.id)


async def _number(connection: AsyncConnection, wanted: ColumnElement[bool]) -> int:
    found = await connection.execute(select(func.count()).select_from(comments).where(wanted))
    return int(found.scalar_one())


async def _start_of_part(
    connection: AsyncConnection, replies: ColumnElement[bool], born: int, room: int
) -> int:
    """Where a part begins that shows a reply with some of those before it."""
    sized = sized_comments(
        select(comments.c.id)
        .where(replies & (comments.c.born <= born))
        .order_by(desc(comments.c.born))
        .limit(AROUND + 1)
    )
    rows = await connection.execute(select(sized.c.born, sized.c.size).order_by(desc(sized.c.born)))
    start, taken = born, 0
    for row in rows:
        taken += row.size
        if row.born != born and taken > room:
            break
        start = row.born
    return start


async def _fitting(
    connection: AsyncConnection,
    sized: Subquery,
    ways: Sequence[Any],
    room: int,
    most: int,
    *,
    least: bool = True,
) -> tuple[list[Comment], Row[Any] | None, bool]:
    """Return the first of these comments for which there is room, their last row, and if more follow.

    With `least` at least one row. What does not fit is not read, but for the first of it. Damaged
    rows are left out; the last row may be one of those.
    """
    upto = func.sum(sized.c.size).over(order_by=ways, rows=(None, 0))
    summed = select(sized.c.id, sized.c.size, upto.label("upto")).subquery()
    fits = summed.c.upto - summed.c.size <= max(0, room)
    rows = await connection.execute(
        select_comments()
        .add_columns(summed.c.upto.label("upto"))
        .join(summed, summed.c.id == comments.c.id)
        .where(fits)
        .order_by(summed.c.upto)
    )
    found: list[Comment] = []
    last: Row[Any] | None = None
    for place, row in enumerate(rows):
        if place == most or (row.upto > room and (place or not least)):
            return found, last, True
        last = row
        try:
            found.append(to_comment(row))
        except RowDamagedError as damage:
            record_damaged_row(damage)
    return found, last, False


def _cursor(kind: str, *place: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([kind, *place])).rstrip(b"=").decode()


def _decode_cursor(cursor: str, order: str) -> tuple[str, list[int]]:
    """The kind of a cursor and the numbers in it: of this order, or of the pins before the newest."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        kind, *place = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise MalformedError("Use the `next` of the page before, unchanged.") from None
    # PostgreSQL compares them with columns of 32 and 64 bits, and refuses what does not fit.
    whole = all(type(part) is int and 0 <= part < 2**31 for part in place)
    fits = kind == order or (kind == "pinned" and order == "newest")
    if not fits or len(place) != (2 if order == "top" else 1) or not whole:
        raise MalformedError("Use the `next` of the page before, with the same order.")
    return kind, [int(part) for part in place]


async def _threads(connection: AsyncConnection, tops: list[Comment], most: int) -> list[Thread]:
    """These with their first replies: one of each, then a second of each, while there is room."""
    if not tops:
        return []
    ids = [top.id for top in tops]
    of_threads = comments.c.thread.in_(ids) & comments.c.parent.is_not(None) & (comments.c.born > 0)
    total = (
        select(comments.c.thread, func.count().label("total"))
        .where(of_threads)
        .group_by(comments.c.thread)
    )
    totals = {row.thread: row.total for row in await connection.execute(total)}
    replies: dict[str, list[Comment]] = {top: [] for top in ids}
    room = most - sum(map(size_of_comment, tops))
    if totals and room > 0:
        rank = func.row_number().over(partition_by=comments.c.thread, order_by=comments.c.born)
        ranked = (
            select(comments.c.id.label("id"), comments.c.born.label("place"), rank.label("rank"))
            .where(of_threads)
            .subquery()
        )
        first = (
            select(ranked.c.id, ranked.c.rank)
            .where(ranked.c.rank <= MAX_REPLIES)
            .order_by(ranked.c.rank, ranked.c.place)
            # More than these cannot fit: the sizes of others need not be looked at.
            .limit(room // ALWAYS)
        )
        sized = sized_comments(first)
        upto = func.sum(sized.c.size).over(order_by=(sized.c.rank, sized.c.born), rows=(None, 0))
        summed = select(sized.c.id, upto.label("upto")).subquery()
        rows = await connection.execute(
            select_comments()
            .join(summed, summed.c.id == comments.c.id)
            .where(summed.c.upto <= room)
            .order_by(comments.c.born)
        )
        for reply in readable(rows, to_comment):
            replies[reply.thread].append(reply)
    return [
        Thread(top, replies[top.id], totals.get(top.id, 0) - len(replies[top.id])) for top in tops
    ]
