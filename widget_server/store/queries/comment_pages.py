"""Pages of a discussion and of a thread, by keyset, with as many comments as a response has room for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Subquery,
    and_,
    desc,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.cursors import encode_cursor, read_cursor
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.limits import MAX_COMMENTS_BYTES
from widget_server.model.records import Comment, Position, Thread
from widget_server.store.comment_sizes import FIXED_BYTES, size_of_comment, sized_comments
from widget_server.store.damaged_rows import RowDamagedError, readable, record_damaged_row
from widget_server.store.mapping import select_comments, to_comment
from widget_server.store.queries.latest_comments import in_language
from widget_server.store.schema import IS_PINNED_TOP_COMMENT, IS_TOP_COMMENT, comments

MAX_REPLIES = 100
"""Replies of one thread in a response. `more` is the number of further replies."""
AROUND = 10
"""Replies shown before the reply that a permalink names."""
SEARCHED = 1_000
"""Top comments among which a page looks for those of one language: a bound on the rows read."""
_TOP_COMMENTS_SHARE = 3 / 4
"""Share of a page's bytes for top comments; the rest is for their first replies."""


@dataclass(frozen=True, slots=True)
class Page:
    """Threads, and the opaque cursor of the next page (None on the last page)."""

    threads: list[Thread]
    next: str | None
    position: Position | None = None
    """Where the story was when the page was read, if it was read alone."""


async def read_page(
    connection: AsyncConnection,
    story: int,
    order: str,
    before: str | None,
    limit: int,
    max_bytes: int = MAX_COMMENTS_BYTES,
    lang: str = "",
) -> Page:
    """Read top comments by keyset, then the first replies of all of them in one query.

    With `lang`, the first part of a language tag: only threads whose top comment was written in that
    language, or in none that is known, among the next `SEARCHED`. Such a page may be empty and have a `next`.

    `order` is `newest` (pinned comments first), `oldest` or `top`. `before` is the previous page's
    `next`. The page has at most `limit` threads and `max_bytes` bytes of JSON, but at least one thread.
    Raises `MalformedError` for a cursor that no page of this order returned.
    """
    kind, place = (order, None) if before is None else _decode_cursor(before, order)
    room = int(max_bytes * _TOP_COMMENTS_SHARE)
    pinned: list[Comment] = []
    pinned_end: Row[Any] | None = None
    if kind == "pinned" or (order == "newest" and place is None):
        # Pinned comments are few and sorted after the lookup. To read them in order SQLite would scan
        # all comments: “+ 0” hides that an index has this order.
        born = comments.c.born + 0
        past = born < place[0] if place is not None else true()
        pins = select(comments.c.id).where(
            (comments.c.story == story) & IS_PINNED_TOP_COMMENT & past & _spoken(lang)
        )
        sized = sized_comments(pins.order_by(desc(born)).limit(MAX_REPLIES + 1))
        pinned, end, has_more = await _fitting(
            connection, sized, [desc(sized.c.born)], room, MAX_REPLIES
        )
        if has_more and end is not None:
            return Page(
                await _threads(connection, pinned, max_bytes), encode_cursor("pinned", end.born)
            )
        pinned_end, place = end, None
    keys = (comments.c.score, comments.c.born) if order == "top" else (comments.c.born,)
    wanted: list[ColumnElement[bool]] = [
        comments.c.story == story,
        IS_TOP_COMMENT,  # type: ignore[list-item]
    ]
    if place is not None:
        cursor = tuple_(*keys)
        wanted.append(cursor > place if order == "oldest" else cursor < place)
    if order == "newest":
        wanted.append(comments.c.pinned == false())
    ascending = order == "oldest"
    in_order = [key if ascending else desc(key) for key in keys]
    tops = select(comments.c.id).where(and_(*wanted))
    if lang:
        searched = tops.order_by(*in_order).limit(SEARCHED).subquery()
        tops = select(comments.c.id).where(comments.c.id.in_(select(searched.c.id)) & _spoken(lang))
    sized = sized_comments(tops.order_by(*in_order).limit(limit + 1))
    sort_keys = [sized.c[key.name] if ascending else desc(sized.c[key.name]) for key in keys]
    used = sum(map(size_of_comment, pinned))
    found, end, has_more = await _fitting(
        connection, sized, sort_keys, room - used, limit, at_least_one=pinned_end is None
    )
    next_cursor = None
    if has_more and end is not None:
        score = [end.score] if order == "top" else []
        next_cursor = encode_cursor(order, *score, end.born)
    elif has_more and pinned_end is not None:
        next_cursor = encode_cursor("pinned", pinned_end.born)
    elif lang and not has_more:
        columns = select(*keys).where(and_(*wanted)).order_by(*in_order)
        rows = (await connection.execute(columns.offset(SEARCHED - 1).limit(2))).all()
        if len(rows) > 1:
            next_cursor = encode_cursor(order, *rows[0])
    return Page(await _threads(connection, pinned + found, max_bytes), next_cursor)


def _spoken(lang: str) -> ColumnElement[bool]:
    """Return the condition for comments that readers of a language see first; all without a language."""
    return or_(comments.c.lang.is_(None), in_language(lang)) if lang else true()


async def read_thread(
    connection: AsyncConnection,
    story: int,
    comment: str,
    after: str | None,
    max_bytes: int = MAX_COMMENTS_BYTES,
) -> Thread:
    """Read a part of a comment's thread: its start, the part around a reply, or the part after `after`.

    `after` is the id of a comment of that thread. The part has at most `max_bytes` bytes of JSON.
    Raises `NotFoundError`, `MalformedError`.
    """
    public = (comments.c.story == story) & (comments.c.born > 0)
    places = select(comments.c.id, comments.c.thread, comments.c.parent, comments.c.born)
    found = await connection.execute(places.where(public & (comments.c.id.in_([comment, after]))))
    named = {row.id: row for row in found}
    if comment not in named:
        raise NotFoundError
    thread = named[comment].thread
    if after is not None and (after not in named or named[after].thread != thread):
        raise MalformedError("Use the `next` of the previous part, unchanged.")
    rows = await connection.execute(select_comments().where(comments.c.id == thread))
    tops = readable(rows, to_comment)
    if not tops:
        raise NotFoundError
    (top,) = tops
    replies = (comments.c.thread == thread) & comments.c.parent.is_not(None) & (comments.c.born > 0)
    room = max(0, max_bytes - size_of_comment(top))
    if after is not None:
        start = named[after].born + 1 if after != thread else 0
    elif comment != thread:
        start = await _start_of_part(connection, replies, named[comment].born, room // 2)
    else:
        start = 0
    sized = sized_comments(
        select(comments.c.id)
        .where(replies & (comments.c.born >= start))
        .order_by(comments.c.born)
        .limit(MAX_REPLIES + 1)
    )
    shown, last, _ = await _fitting(connection, sized, [sized.c.born], room, MAX_REPLIES)
    earlier = await _count(connection, replies & (comments.c.born < start)) if start else 0
    if last is None:
        return Thread(top, shown, 0, earlier)
    more = await _count(connection, replies & (comments.c.born > last.born))
    return Thread(top, shown, more, earlier, last.id)


async def _count(connection: AsyncConnection, wanted: ColumnElement[bool]) -> int:
    found = await connection.execute(select(func.count()).select_from(comments).where(wanted))
    return int(found.scalar_one())


async def _start_of_part(
    connection: AsyncConnection, replies: ColumnElement[bool], born: int, room: int
) -> int:
    """Return the `born` of the first reply of a part that shows the reply at `born`.

    The part has at most `AROUND` replies before it, with at most `room` bytes together.
    """
    sized = sized_comments(
        select(comments.c.id)
        .where(replies & (comments.c.born <= born))
        .order_by(desc(comments.c.born))
        .limit(AROUND + 1)
    )
    rows = await connection.execute(select(sized.c.born, sized.c.size).order_by(desc(sized.c.born)))
    start, used = born, 0
    for row in rows:
        used += row.size
        if row.born != born and used > room:
            break
        start = row.born
    return start


async def _fitting(
    connection: AsyncConnection,
    sized: Subquery,
    sort_keys: Sequence[Any],
    room: int,
    limit: int,
    *,
    at_least_one: bool = True,
) -> tuple[list[Comment], Row[Any] | None, bool]:
    """Return the first comments that fit in `room` bytes, their last row, and whether more follow.

    The query reads only rows that fit, and the first one that does not. Damaged rows are left out of
    the comments, but the last row may be a damaged one.
    """
    upto = func.sum(sized.c.size).over(order_by=sort_keys, rows=(None, 0))
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
        if place == limit or (row.upto > room and (place or not at_least_one)):
            return found, last, True
        last = row
        try:
            found.append(to_comment(row))
        except RowDamagedError as damage:
            record_damaged_row(damage)
    return found, last, False


def _decode_cursor(cursor: str, order: str) -> tuple[str, list[int]]:
    """Return the kind of a cursor, which is `order` or `pinned`, and its numbers. Raises `MalformedError`."""
    try:
        kind, place = read_cursor(cursor)
    except ValueError:
        raise MalformedError("Use the `next` of the previous page, unchanged.") from None
    # PostgreSQL compares the numbers with 32-bit and 64-bit columns and rejects larger ones.
    numbers = [part for part in place if isinstance(part, int) and 0 <= part < 2**31]
    matches = kind == order or (kind == "pinned" and order == "newest")
    if not matches or len(place) != (2 if order == "top" else 1) or numbers != place:
        raise MalformedError("Use the `next` of the previous page, with the same order.")
    return kind, numbers


async def _threads(
    connection: AsyncConnection, tops: list[Comment], max_bytes: int
) -> list[Thread]:
    """Read the first replies of these threads: one of each thread, then a second of each, while they fit."""
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
    room = max_bytes - sum(map(size_of_comment, tops))
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
            # More replies cannot fit, so their sizes need not be computed.
            .limit(room // FIXED_BYTES)
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
