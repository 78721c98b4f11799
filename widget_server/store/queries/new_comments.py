"""Published comments since a person last looked, the oldest first: a query and a mark, no row for each comment."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Case
from widget_server.model.queue import MAX_NEW_COUNTED, CaseFilter, NewWindow
from widget_server.model.records import CommentState
from widget_server.store.damaged_rows import readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import select_comments, to_comment
from widget_server.store.queries.story_sets import in_story_set
from widget_server.store.queries.tagged_comments import has_tag
from widget_server.store.schema import cases, comments, stories
from widget_server.store.schema_queue import looked_at
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import upsert

Mark = tuple[int, str]
"""Time (milliseconds) and id of a comment. Comments after it, in this order, were not looked at."""

FIRST_WINDOW_MS = 600_000
WINDOW_GROWS = 36
"""A page is searched in the ten minutes after the mark, then in six hours, then in all: on a busy site it reads
about as many comments as it returns, and not all since the mark."""


class NewComments:
    """Reads of what came in, of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def mark(self, connection: AsyncConnection, site: str, by: str) -> Mark | None:
        """Return up to where this person has looked, or None."""
        return await _mark(connection, site, by)

    @read_transaction
    async def page(
        self,
        connection: AsyncConnection,
        site: str,
        chosen: CaseFilter,
        after: Mark,
        now: int,
        limit: int,
        skip: Collection[str] = (),
        copies: frozenset[int] | None = None,
    ) -> list[Case]:
        """Return published comments after a mark and before `now`, the oldest first, as cases without a number.

        Comments that a person decided about and those that have an open case are left out.
        """
        window = FIRST_WINDOW_MS
        while True:
            until = min(after[0] + window, now)
            query = select_new(site, chosen, after, until, now, limit, skip, copies)
            rows = (await connection.execute(query)).all()
            if len(rows) == limit or until >= now:
                return readable(rows, _to_case)
            window *= WINDOW_GROWS

    @read_transaction
    async def count(
        self,
        connection: AsyncConnection,
        site: str,
        new: NewWindow,
        copies: frozenset[int] | None = None,
    ) -> int:
        """Return how many there are after this person's mark, counted up to `MAX_NEW_COUNTED`."""
        mark = await _mark(connection, site, new.by)
        return await count_new(connection, site, new, mark, copies)


async def count_new(
    connection: AsyncConnection,
    site: str,
    new: NewWindow,
    mark: Mark | None,
    copies: frozenset[int] | None,
) -> int:
    """Count what is new to a person with this mark, up to `MAX_NEW_COUNTED`."""
    at, comment = max(mark or (new.never, ""), (new.oldest, ""))
    values = {"of_site": site, "after_at": at, "after_id": comment, "now": new.until}
    return int((await connection.execute(_count_new(copies), values)).scalar_one())


@lru_cache(64)
def _count_new(copies: frozenset[int] | None) -> Select[Any]:
    """Return the query of `count_new`. Building it takes longer than the database needs."""
    now: Any = bindparam("now", type_=BigInteger)
    after: Any = bindparam("after_at", type_=BigInteger), bindparam("after_id", type_=String)
    site: Any = bindparam("of_site", type_=String)
    where = _new_where(site, CaseFilter("new"), after, now, now, (), copies)
    some = _from_stories(select(literal(1).label("one"))).where(where).limit(MAX_NEW_COUNTED)
    return select(func.count()).select_from(some.subquery())


async def _mark(connection: AsyncConnection, site: str, by: str) -> Mark | None:
    row = (await connection.execute(_select_mark(site, by))).one_or_none()
    return None if row is None else (row.at, row.comment)


def select_new(
    site: str,
    chosen: CaseFilter,
    after: Mark,
    until: int,
    now: int,
    limit: int,
    skip: Collection[str] = (),
    copies: frozenset[int] | None = None,
) -> Select[Any]:
    """Return the query of `NewComments.page` for the comments until a time."""
    order = (comments.c.created_at, comments.c.id)
    where = _new_where(site, chosen, after, until, now, skip, copies)
    query = select_comments().add_columns(stories.c.code.label("story_code"))
    query = query.join(stories, stories.c.id == comments.c.story)
    return query.where(where).order_by(*order).limit(limit)


def set_mark(site: str, by: str, mark: Mark, *, only_later: bool = True) -> TransactionFn[None]:
    """Store up to where a person has looked; with `only_later` an earlier mark changes nothing."""

    async def run(connection: AsyncConnection) -> None:
        if only_later:
            row = (await connection.execute(_select_mark(site, by).with_for_update())).one_or_none()
            if row is not None and (row.at, row.comment) >= mark:
                return
        row = {"site": site, "by": by, "at": mark[0], "comment": mark[1]}
        await upsert(connection, looked_at, ("site", "by"), [row])

    return run


def delete_old_marks(before: int) -> TransactionFn[int]:
    """Delete the marks before a time (milliseconds), from where nothing is shown any more."""

    async def run(connection: AsyncConnection) -> int:
        done: Any = await connection.execute(delete(looked_at).where(looked_at.c.at < before))
        return int(done.rowcount)

    return run


def _select_mark(site: str, by: str) -> Select[Any]:
    own = (looked_at.c.site == site) & (looked_at.c.by == by)
    return select(looked_at.c.at, looked_at.c.comment).where(own)


def _from_stories(query: Select[Any]) -> Select[Any]:
    return query.select_from(comments).join(stories, stories.c.id == comments.c.story)


def _new_where(
    site: str,
    chosen: CaseFilter,
    after: Mark,
    until: int,
    now: int,
    skip: Collection[str],
    copies: frozenset[int] | None,
) -> ColumnElement[bool]:
    looked = exists().where(cases.c.comment == comments.c.id)
    where: ColumnElement[bool] = and_(
        stories.c.site == site,
        # A story without a change since has no comment since.
        stories.c.changed_at >= after[0],
        # For the index; the pair decides about comments of the same millisecond.
        comments.c.created_at >= after[0],
        comments.c.created_at <= until,
        tuple_(comments.c.created_at, comments.c.id) > tuple_(*after),
        comments.c.state == CommentState.PUBLISHED.value,
        comments.c.role.is_(None),
        ~looked,
    )
    if chosen.story is not None:
        where &= stories.c.code == chosen.story
    if chosen.copy is not None:
        where &= comments.c.copy == chosen.copy
    if chosen.lang is not None:
        where &= comments.c.lang == chosen.lang
    if chosen.tag is not None:
        where &= has_tag(chosen.tag)
    if chosen.stories is not None:
        where &= in_story_set(chosen.stories, site, now, comments)
    if skip:
        where &= comments.c.id.not_in(list(skip))
    if copies is not None:
        where &= comments.c.copy.in_(copies)
    return where


def _to_case(row: Any) -> Case:
    comment = to_comment(row)
    return Case(0, "new", row.story_code, comment, (), 9, comment.created_at, comment.revision)
