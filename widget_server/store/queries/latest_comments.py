"""The last changed comments of a story and of a site, and all comments of a story in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    bindparam,
    desc,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import Comment, CommentState, Story
from widget_server.store.damaged_rows import readable
from widget_server.store.mapping import select_comments, to_comment, to_story
from widget_server.store.schema import comments, stories

_NEWEST = 2**62
"""More than any `seq`."""
# Pending comments have a `seq` of 0.
_IS_BEFORE = (comments.c.seq > 0) & (comments.c.seq < bindparam("before"))
SEARCHED = 2_000
"""Last changed comments among which those of one language are looked for: a bound on the rows read."""


@dataclass(frozen=True, slots=True)
class LatestComments:
    """Comments that were published once, and their stories by code.

    `replies` has the number of published replies of each top comment among them.
    """

    comments: list[tuple[str, Comment]]
    """Story code and comment."""
    stories: dict[str, Story]
    replies: dict[str, int]
    before: int | None = None
    """The `before` with which `read_latest` returns the comments that follow, or None after the last ones."""

    def first(self, most: int) -> "LatestComments":
        """Return the `most` comments of a story that changed last, in the same order. At least one is left out."""
        changes = sorted((comment.seq for _, comment in self.comments), reverse=True)
        before = changes[most - 1]
        kept = [one for one in self.comments if one[1].seq >= before]
        return replace(self, comments=kept, before=before)


async def read_latest(
    connection: AsyncConnection,
    story: Story,
    limit: int,
    lang: str = "",
    before: int | None = None,
) -> LatestComments:
    """Read the last changed comments of a story, the last change first. Removed ones are included.

    With `lang`, the first part of a language tag: those of the last `SEARCHED` that were written in it.
    With `before`, a `seq`: as if nothing had changed from then on.
    """
    query = _LAST_CHANGED
    if lang:
        last = _last_changed(bindparam("story"), SEARCHED).subquery()
        query = select_named(
            select(comments.c.id)
            .where(comments.c.id.in_(select(last.c.id)) & in_language(lang))
            .order_by(desc(comments.c.seq))
            .limit(bindparam("most"))
        )
    values = {"story": story.id, "before": _NEWEST if before is None else before}
    # One more than asked for: whether others follow.
    rows = (await connection.execute(query, {"most": limit + 1, **values})).all()
    following = None
    if len(rows) > limit:
        following = sorted(row.seq for row in rows)[1]
        rows = [row for row in rows if row.seq >= following]
    found = await _with_replies(connection, rows, {story.id: story})
    return replace(found, before=following)


async def read_removed(connection: AsyncConnection, story: Story, limit: int) -> LatestComments:
    """Read those of the `limit` last changed comments of a story that were removed, the last change first."""
    values = {"story": story.id, "before": _NEWEST}
    return await read_named(connection, _LAST_REMOVED, {story.id: story}, limit, **values)


def in_language(lang: str) -> ColumnElement[bool]:
    """Return the condition that a comment was written in a language, by the first part of its tag."""
    written = func.lower(comments.c.lang)
    return or_(written == lang, written.startswith(f"{lang}-", autoescape=True))


async def read_latest_of_site(connection: AsyncConnection, site: str, limit: int) -> LatestComments:
    """Read the last changed comments of all stories of a site, the last change first.

    Only the `limit` stories that changed last can have such a comment.
    """
    rows = await connection.execute(
        select(stories)
        .where(stories.c.site == site)
        .order_by(desc(stories.c.changed_at))
        .limit(limit)
    )
    found = {row.id: to_story(row) for row in rows}
    if not found:
        return LatestComments([], {}, {})
    parts = [select(_last_changed(story, limit).subquery()) for story in found]
    query = select_named(union_all(*parts))
    return await read_named(connection, query, found, limit, before=_NEWEST)


async def read_in_order(
    connection: AsyncConnection, story: int, after: int, limit: int
) -> tuple[list[Comment], int | None]:
    """Read comments by order of publication, after the one published at `after`.

    Returns the comments, and the `after` of the next part, or None if this is the last one.
    """
    rows = (
        await connection.execute(
            select_comments()
            .where((comments.c.story == story) & (comments.c.born > after))
            .order_by(comments.c.born)
            .limit(limit + 1)
        )
    ).all()
    following = rows[limit - 1].born if len(rows) > limit else None
    return readable(rows[:limit], to_comment), following


def _last_changed(
    story: int | BindParameter[Any], limit: int | BindParameter[Any]
) -> Select[tuple[str]]:
    return (
        select(comments.c.id)
        .where((comments.c.story == story) & _IS_BEFORE)
        .order_by(desc(comments.c.seq))
        .limit(limit)
    )


def select_named(ids: Any) -> Select[Any]:
    """Return a query for the comments with these ids, the last changed first. Its parameter `most` is their number."""
    return (
        select_comments()
        .where(comments.c.id.in_(ids))
        .order_by(desc(comments.c.changed_at), desc(comments.c.seq))
        .limit(bindparam("most"))
    )


# Built once, because building these queries took as long as reading the comments.
_OF_STORY = (
    select_comments()
    .where((comments.c.story == bindparam("story")) & _IS_BEFORE)
    .order_by(desc(comments.c.seq))
    .limit(bindparam("most"))
    .subquery()
)
# Not by their ids: the database would look each one up a second time.
_LAST_CHANGED = select(_OF_STORY).order_by(desc(_OF_STORY.c.changed_at), desc(_OF_STORY.c.seq))
_LAST_REMOVED = _LAST_CHANGED.where(_OF_STORY.c.state != CommentState.PUBLISHED.value)
_REPLIES = (
    select(comments.c.thread, func.count().label("total"))
    .where(
        comments.c.thread.in_(bindparam("tops", expanding=True))
        & comments.c.parent.is_not(None)
        & (comments.c.born > 0)
        & (comments.c.state == "published")
    )
    .group_by(comments.c.thread)
)


async def read_named(
    connection: AsyncConnection,
    query: Select[Any],
    of_stories: dict[int, Story],
    limit: int,
    **values: Any,
) -> LatestComments:
    """Read the comments of a query with the columns of `select_comments`, whose other parameters are `values`.

    `of_stories` are their stories by id.
    """
    # All at once: one by one takes twice as long.
    rows = (await connection.execute(query, {"most": limit, **values})).all()
    return await _with_replies(connection, rows, of_stories)


async def _with_replies(
    connection: AsyncConnection, rows: Sequence[Row[Any]], of_stories: dict[int, Story]
) -> LatestComments:
    """Return the comments of rows of `select_comments`, and how many replies each has."""
    found = readable(rows, lambda row: (of_stories[row.story].code, to_comment(row)))
    tops = [comment.id for _, comment in found if comment.parent is None]
    replies = {}
    if tops:
        counted = await connection.execute(_REPLIES, {"tops": tops})
        replies = {row.thread: int(row.total) for row in counted}
    return LatestComments(found, {one.code: one for one in of_stories.values()}, replies)
