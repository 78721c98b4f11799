"""Reads and writes of batches: the comments that a search finds, and how far the work is."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    desc,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from widget_server.model.batches import Batch, Search, actor_fields, actor_from
from widget_server.model.records import Comment, CommentState
from widget_server.store.damaged_rows import json_of, readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import dump, select_comments, to_comment
from widget_server.store.queries.keyset import contains
from widget_server.store.schema import comments, decisions, kept_texts, schedule, stories
from widget_server.store.schema_queue import batches
from widget_server.store.transactions import TransactionFn

DECIDE_BATCH = "decide_batch"
"""Kind of the scheduled work that makes the decisions of one batch. Its subject is the batch's id."""


class Batches:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def preview(
        self,
        connection: AsyncConnection,
        site: str,
        verb: str,
        search: Search,
        samples: int,
        copies: frozenset[int] | None,
    ) -> tuple[int, int, list[tuple[str, Comment]]]:
        """Return how many comments a verb would change, on how many stories, and the newest ones."""
        place = await _place(connection, site, search, copies)
        where = _found(site, verb, search, copies, place)
        of_story = stories.c.id == place.story
        counted = select(func.count(), func.count(comments.c.story.distinct())).select_from(
            comments.join(stories, of_story)
        )
        number, on = (await connection.execute(counted.where(where))).one()
        rows = await connection.execute(
            select_comments()
            .add_columns(stories.c.code.label("story_code"))
            .join(stories, of_story)
            .where(where)
            .order_by(desc(place.created_at), desc(place.id))
            .limit(samples)
        )
        return number, on, readable(rows, lambda row: (row.story_code, to_comment(row)))

    @read_transaction
    async def targets(
        self,
        connection: AsyncConnection,
        site: str,
        verb: str,
        search: Search,
        copies: frozenset[int] | None,
        most: int,
    ) -> list[tuple[int, str]]:
        """Return the story's number and the id of the comments that the verb would change, by story, the oldest first."""
        place = await _place(connection, site, search, copies)
        rows = await connection.execute(
            select(comments.c.story, comments.c.id)
            .join(stories, stories.c.id == place.story)
            .where(_found(site, verb, search, copies, place))
            # By story: the pages of the database that a transaction changes are fewer.
            .order_by(place.story, place.created_at, place.id)
            .limit(most)
        )
        return [(row.story, row.id) for row in rows]

    @read_transaction
    async def undoable(
        self, connection: AsyncConnection, batch: str
    ) -> list[tuple[int, str, str, str]]:
        """Return story, comment, decision and verb of a batch's decisions that are not undone.

        By story, the last first.
        """
        undone = decisions.alias("undone")
        rows = await connection.execute(
            select(decisions.c.story, decisions.c.comment, decisions.c.id, decisions.c.verb)
            .where(
                decisions.c.batch == batch,
                ~exists().where(
                    undone.c.story == decisions.c.story,
                    undone.c.comment == decisions.c.comment,
                    undone.c.undoes == decisions.c.id,
                ),
            )
            .order_by(decisions.c.story, desc(decisions.c.number))
        )
        return [(row.story, row.comment, row.id, row.verb) for row in rows]

    @read_transaction
    async def find(self, connection: AsyncConnection, batch: str) -> Batch | None:
        """Return a batch, or None."""
        row = (await connection.execute(select(batches).where(batches.c.id == batch))).one_or_none()
        return None if row is None else _to_batch(row)

    @read_transaction
    async def undoing(self, connection: AsyncConnection, batch: str) -> Batch | None:
        """Return the batch that undoes this one, the newest, or None."""
        rows = await connection.execute(
            select(batches)
            .where(batches.c.undoes == batch)
            .order_by(desc(batches.c.created_at))
            .limit(1)
        )
        row = rows.one_or_none()
        return None if row is None else _to_batch(row)

    @read_transaction
    async def latest(self, connection: AsyncConnection, site: str, limit: int) -> list[Batch]:
        """Return the site's last batches, the newest first."""
        rows = await connection.execute(
            select(batches)
            .where(batches.c.site == site)
            .order_by(desc(batches.c.created_at))
            .limit(limit)
        )
        return [_to_batch(row) for row in rows]


def insert_batch(batch: Batch) -> TransactionFn[None]:
    """Store a new batch."""

    async def run(connection: AsyncConnection) -> None:
        names = ("id", "site", "verb", "reason", "note", "undoes", "total", "done", "refused")
        row = {name: getattr(batch, name) for name in names}
        row |= {"created_at": batch.created_at, "ended_at": batch.ended_at}
        row |= {"search": dump(batch.search.as_dict()), "actor": dump(actor_fields(batch.by))}
        await connection.execute(insert(batches), row)

    return run


def set_progress(
    batch: str, done: int, refused: int, ended_at: int | None = None
) -> TransactionFn[bool]:
    """Store how far a batch is, unless it has ended. Result: False if it has, because it was stopped.

    Once it has ended, its note is only in the log. Work that goes on is never given up: if more is done than
    before, the tries of its job begin anew, however often a process is killed under it. Refused decisions do not
    count: every run finds them first again.
    """

    async def run(connection: AsyncConnection) -> bool:
        values: dict[str, Any] = {"done": done, "refused": refused, "ended_at": ended_at}
        if ended_at is not None:
            values["note"] = None
        going_on = (batches.c.id == batch) & batches.c.ended_at.is_(None)
        stored = select(batches.c.done).where(going_on).with_for_update()
        before = (await connection.execute(stored)).scalar_one_or_none()
        if before is None:
            return False
        await connection.execute(update(batches).where(going_on).values(values))
        if done > before:
            own = (schedule.c.kind == DECIDE_BATCH) & (schedule.c.subject == batch)
            anew = update(schedule).where(own, schedule.c.tries > 1).values(tries=1)
            await connection.execute(anew)
        return True

    return run


@dataclass(frozen=True, slots=True)
class _Place:
    """The columns of the indexes of comments, or expressions of the same values that no index has."""

    story: ColumnElement[int]
    created_at: ColumnElement[int]
    id: ColumnElement[str]


_INDEXED = _Place(comments.c.story, comments.c.created_at, comments.c.id)
_PLUS: custom_op[Any] = custom_op("+")
"""SQLite's sign before a column: the same value, which is looked up in no index."""
_WHOLE_TABLE = _Place(
    *(
        UnaryExpression(column, operator=_PLUS)
        for column in (_INDEXED.story, _INDEXED.created_at, _INDEXED.id)
    )
)


async def _place(
    connection: AsyncConnection, site: str, search: Search, copies: frozenset[int] | None
) -> _Place:
    """Return by what comments are joined with their stories, compared and sorted.

    If all comments of a site must be read that has a quarter of the server's comments, SQLite reads the
    whole table: that takes a quarter of the time of finding each comment by an index.
    """
    narrowed = (search.story, search.writer, search.copy, search.since, copies)
    if connection.dialect.name != "sqlite" or any(one is not None for one in narrowed):
        return _INDEXED
    own = select(func.sum(stories.c.published)).where(stories.c.site == site).scalar_subquery()
    all_ = select(func.max(literal_column("rowid"))).select_from(comments).scalar_subquery()
    found = (await connection.execute(select(own, all_))).one()
    return _WHOLE_TABLE if 4 * (found[0] or 0) >= (found[1] or 0) else _INDEXED


def _found(
    site: str, verb: str, search: Search, copies: frozenset[int] | None, place: _Place
) -> ColumnElement[bool]:
    """Return the condition for comments that the search names and the verb would change."""
    pending = comments.c.state == CommentState.PENDING.value
    if verb == "approve":
        held = exists().where(kept_texts.c.comment == comments.c.id, kept_texts.c.why == "held")
        changes: ColumnElement[bool] = or_(
            pending, and_(comments.c.state == CommentState.REMOVED.value, held)
        )
    else:
        changes = or_(pending, comments.c.state == CommentState.PUBLISHED.value)
    where = and_(stories.c.site == site, changes)
    if search.story is not None:
        where &= stories.c.code == search.story
    if search.writer is not None:
        where &= comments.c.reader == _reader_of(search.writer)
        where &= comments.c.reader != ""
    if search.copy is not None:
        where &= comments.c.copy == search.copy
    if search.phrase is not None:
        where &= contains(comments.c.source, search.phrase)
    if search.since is not None:
        where &= place.created_at >= search.since
    if search.until is not None:
        where &= place.created_at < search.until
    if copies is not None:
        where &= comments.c.copy.in_(copies)
    return where


def _reader_of(comment: str) -> Any:
    other = comments.alias("named")
    query: Select[Any] = select(other.c.reader).where(other.c.id == comment)
    return query.scalar_subquery()


def _to_batch(row: Row[Any]) -> Batch:
    values = dict(row._mapping)
    by = actor_from(json_of(values.pop("actor")))
    return Batch(**(values | {"search": Search(**json_of(values["search"])), "by": by}))
