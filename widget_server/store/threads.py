"""Pages of a discussion: top comments by keyset, each with its replies."""

import base64
import binascii
from dataclasses import dataclass

import orjson
from sqlalchemy import ColumnElement, and_, desc, false, func, select, text, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import Malformed
from widget_server.model.records import Comment, Thread
from widget_server.store.damage import readable
from widget_server.store.rows import select_comments, to_comment
from widget_server.store.schema import comments

MOST_REPLIES = 100
"""Replies of one thread that a page carries; `more` says how many others there are."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some threads and where the next ones begin (an opaque cursor, or None)."""

    threads: list[Thread]
    next: str | None


async def read_page(
    connection: AsyncConnection, story: int, order: str, before: str | None, limit: int
) -> Page:
    """Top comments by keyset, then the replies of all of them in one query.

    `newest` shows all pinned ones before its first page, and on no later one. `before` is the
    `next` of the page before. Raises `Malformed` for a cursor that no page of this order gave.
    """
    tops = (comments.c.story == story) & text("parent IS NULL AND born <> 0")
    pinned: list[Comment] = []
    keys = (comments.c.score, comments.c.born) if order == "top" else (comments.c.born,)
    past: ColumnElement[bool] = true()
    if before is not None:
        cursor = tuple_(*keys)
        place = _place(before, order, len(keys))
        past = cursor > place if order == "oldest" else cursor < place
    elif order == "newest":
        # Few, and sorted here: SQLite would find them in order by a walk through all top comments.
        marked = text("parent IS NULL AND pinned AND 0 <> born")
        first = select_comments().where((comments.c.story == story) & marked)
        rows = await connection.execute(first)
        pinned = sorted(readable(rows, to_comment), key=lambda top: top.born, reverse=True)
    rising = order == "oldest"
    unpinned = comments.c.pinned == false() if order == "newest" else true()
    kept = await connection.execute(
        select_comments()
        .where(and_(tops, past, unpinned))
        .order_by(*(key if rising else desc(key) for key in keys))
        .limit(limit + 1)
    )
    tops_kept = kept.all()
    following = None
    if len(tops_kept) > limit:
        last = tops_kept[limit - 1]
        place = [last.score, last.born] if order == "top" else [last.born]
        following = base64.urlsafe_b64encode(orjson.dumps([order, *place])).rstrip(b"=").decode()
    found = readable(tops_kept[:limit], to_comment)
    return Page(await _threads(connection, pinned + found), following)


def _place(cursor: str, order: str, length: int) -> list[int]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        kind, *place = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise Malformed("Use the `next` of the page before, unchanged.") from None
    # PostgreSQL compares them with columns of 32 and 64 bits, and refuses what does not fit.
    whole = all(type(part) is int and 0 <= part < 2**31 for part in place)
    if kind != order or len(place) != length or not whole:
        raise Malformed("Use the `next` of the page before, with the same order.")
    return [int(part) for part in place]


async def _threads(connection: AsyncConnection, tops: list[Comment]) -> list[Thread]:
    if not tops:
        return []
    ids = [top.id for top in tops]
    rank = func.row_number().over(partition_by=comments.c.thread, order_by=comments.c.born)
    of_threads = comments.c.thread.in_(ids) & comments.c.parent.is_not(None) & (comments.c.born > 0)
    ranked = select(comments.c.id.label("id"), rank.label("rank")).where(of_threads).subquery()
    total = (
        select(comments.c.thread, func.count().label("total"))
        .where(of_threads)
        .group_by(comments.c.thread)
    )
    totals = {row.thread: row.total for row in await connection.execute(total)}
    replies: dict[str, list[Comment]] = {top: [] for top in ids}
    if totals:
        rows = await connection.execute(
            select_comments()
            .join(ranked, ranked.c.id == comments.c.id)
            .where(ranked.c.rank <= MOST_REPLIES)
            .order_by(comments.c.born)
        )
        for reply in readable(rows, to_comment):
            replies[reply.thread].append(reply)
    return [
        Thread(top, replies[top.id], totals.get(top.id, 0) - len(replies[top.id])) for top in tops
    ]
