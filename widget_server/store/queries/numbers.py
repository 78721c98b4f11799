"""Reads of numbers over time. Everything is counted from the rows, so no total can drift from them."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    TextClause,
    case,
    func,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.store.engine import Database, read_transaction
from widget_server.store.queries.decision_times import Waits, select_waits
from widget_server.store.schema import (
    IS_STORY_REACTION,
    cases,
    comments,
    copies,
    reactions,
    stories,
)


@dataclass(frozen=True, slots=True)
class NumbersFilter:
    """What to count, from `start` up to but not including `end`, in milliseconds since 1970."""

    start: int
    end: int
    step: int
    """Length of a period in milliseconds."""
    shifts: tuple[tuple[int, int], ...] = ((0, 0),)
    """What is added to a time before it is divided into periods, so that days begin at midnight in a
    time zone: `(from when on, milliseconds)`, in order of time, the first from 0 on."""
    story: str | None = None
    """Code of a story."""
    copy: int | None = None
    lang: str | None = None
    """Language of the copy for reactions, and of the comment for comments."""


@dataclass(frozen=True, slots=True)
class PeriodCount:
    """A number of one period. `kind` is a reaction's key or a comment's state."""

    period: int
    """Start of the period in the shifted time, in milliseconds since 1970."""
    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """Reactions and comments of one copy or language over the whole time."""

    key: int | str | None
    """A copy's id or a language; None if it is not known."""
    reactions: int
    comments: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The numbers of one story on one copy's origin."""

    story: str
    """The story's code."""
    origin: str | None
    """None: not on a recorded copy."""
    reactions: int
    comments: int


@dataclass(frozen=True, slots=True)
class CopyName:
    """What tells a copy from another one."""

    origin: str
    label: str | None
    page: str | None
    story: str
    """Title of its story, else the key."""


@dataclass(frozen=True, slots=True)
class MatrixStory:
    """A row of the matrix."""

    code: str
    title: str | None
    key: str


class Numbers:
    """Reads of one database. Each method reads one consistent view."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def over_time(
        self,
        connection: AsyncConnection,
        site: str,
        wanted: NumbersFilter,
        of_comments: NumbersFilter | None = None,
    ) -> tuple[list[PeriodCount], list[PeriodCount]]:
        """Return reactions by kind and comments by state, both by period, in order of time.

        `of_comments` may name other periods for the comments.
        """
        found = []
        for query, at, kind, by in (
            (_reactions(site, wanted), reactions.c.at, reactions.c.reaction, wanted),
            (
                _comments(site, of_comments or wanted),
                comments.c.created_at,
                comments.c.state,
                of_comments or wanted,
            ),
        ):
            period = _period(at, by).label("period")
            counted = query.add_columns(period, kind.label("kind"), func.count().label("number"))
            rows = await connection.execute(counted.group_by(period, kind).order_by(period, kind))
            found.append([PeriodCount(row.period, row.kind, row.number) for row in rows])
        return found[0], found[1]

    @read_transaction
    async def comments(
        self, connection: AsyncConnection, site: str, wanted: NumbersFilter
    ) -> list[PeriodCount]:
        """Return comments by state and period, in order of time."""
        period = _period(comments.c.created_at, wanted).label("period")
        state = comments.c.state.label("kind")
        counted = _comments(site, wanted).add_columns(period, state, func.count().label("number"))
        rows = await connection.execute(counted.group_by(period, state).order_by(period, state))
        return [PeriodCount(row.period, row.kind, row.number) for row in rows]

    @read_transaction
    async def waits(
        self, connection: AsyncConnection, site: str, wanted: NumbersFilter
    ) -> list[Waits]:
        """Return how long cases waited for a decision, by queue and period of the decision."""
        period = _period(cases.c.closed_at, wanted)
        query = select_waits(site, wanted.start, wanted.end, wanted.story, period)
        return [Waits(*row) for row in await connection.execute(query)]

    @read_transaction
    async def by_copy(
        self, connection: AsyncConnection, site: str, wanted: NumbersFilter
    ) -> list[GroupCounts]:
        """Return the numbers of each copy."""
        return await _by_group(connection, site, wanted, (reactions.c.copy, comments.c.copy))

    @read_transaction
    async def by_language(
        self, connection: AsyncConnection, site: str, wanted: NumbersFilter
    ) -> list[GroupCounts]:
        """Return the numbers of each language."""
        return await _by_group(connection, site, wanted, (copies.c.lang, comments.c.lang))

    @read_transaction
    async def matrix(
        self, connection: AsyncConnection, site: str, wanted: NumbersFilter, rows: int
    ) -> tuple[list[MatrixStory], list[Cell]]:
        """Return the stories with the most published comments, and their numbers on each origin."""
        most = select(stories.c.id, stories.c.code, stories.c.title, stories.c.key).where(
            stories.c.site == site
        )
        order = (stories.c.published.desc(), stories.c.id.desc())
        found = (await connection.execute(most.order_by(*order).limit(rows))).all()
        chosen = [row.id for row in found]
        codes = {row.id: row.code for row in found}
        numbers: dict[tuple[int, str | None], list[int]] = {}
        is_published = comments.c.state == CommentState.PUBLISHED.value
        for place, (query, story, copy) in enumerate(
            (
                (
                    _in_time(reactions.c.at, wanted, IS_STORY_REACTION),
                    reactions.c.story,
                    reactions.c.copy,
                ),
                (
                    _in_time(comments.c.created_at, wanted, is_published),
                    comments.c.story,
                    comments.c.copy,
                ),
            )
        ):
            counted = (
                query.add_columns(
                    story.label("story"), copy.label("copy"), func.count().label("number")
                )
                .where(story.in_(chosen))
                .group_by(story, copy)
                .subquery()
            )
            by_origin = select(
                counted.c.story, copies.c.origin, func.sum(counted.c.number)
            ).select_from(counted.outerjoin(copies, copies.c.id == counted.c.copy))
            grouped = by_origin.group_by(counted.c.story, copies.c.origin)
            for story_id, origin, number in await connection.execute(grouped):
                numbers.setdefault((story_id, origin), [0, 0])[place] = int(number)
        cells = [Cell(codes[story], origin, *both) for (story, origin), both in numbers.items()]
        return [MatrixStory(row.code, row.title, row.key) for row in found], cells

    @read_transaction
    async def copy_names(
        self, connection: AsyncConnection, site: str, ids: list[int]
    ) -> dict[int, CopyName]:
        """Return the names of each of these copies."""
        own = copies.join(stories, stories.c.id == copies.c.story)
        rows = await connection.execute(
            select(
                copies.c.id,
                copies.c.origin,
                copies.c.label,
                copies.c.page,
                func.coalesce(stories.c.title, stories.c.key),
            )
            .select_from(own)
            .where(stories.c.site == site, copies.c.id.in_(ids))
        )
        return {key: CopyName(*names) for key, *names in rows}


async def _by_group(
    connection: AsyncConnection,
    site: str,
    wanted: NumbersFilter,
    keys: tuple[ColumnElement[Any], ColumnElement[Any]],
) -> list[GroupCounts]:
    numbers: dict[int | str | None, list[int]] = {}
    is_published = comments.c.state == CommentState.PUBLISHED.value
    queries = (
        _reactions(site, wanted, with_copies=keys[0] is copies.c.lang),
        _comments(site, wanted).where(is_published),
    )
    for place, (query, key) in enumerate(zip(queries, keys, strict=True)):
        counted = query.add_columns(key, func.count()).group_by(key)
        for group, number in await connection.execute(counted):
            numbers.setdefault(group, [0, 0])[place] = int(number)
    return [GroupCounts(key, *both) for key, both in numbers.items()]


def _period(at: ColumnElement[int], wanted: NumbersFilter) -> ColumnElement[int]:
    """Return the start of the period of a time, in the shifted time."""
    earlier = [
        (at < until, literal(shift, BigInteger))
        for (_, shift), (until, _) in pairwise(wanted.shifts)
    ]
    last = literal(wanted.shifts[-1][1], BigInteger)
    shifted = at + (case(*earlier, else_=last) if earlier else last)
    return shifted - shifted % wanted.step


def _in_time(
    at: ColumnElement[int], wanted: NumbersFilter, condition: ColumnElement[bool] | TextClause
) -> Select[Any]:
    return select().where(at >= wanted.start, at < wanted.end, condition)


def _reactions(site: str, wanted: NumbersFilter, *, with_copies: bool = False) -> Select[Any]:
    """Return a query for the site's reactions to stories, without columns."""
    source = stories.join(reactions, reactions.c.story == stories.c.id)
    if with_copies or wanted.lang is not None:
        source = source.outerjoin(copies, copies.c.id == reactions.c.copy)
    query = _in_time(reactions.c.at, wanted, IS_STORY_REACTION).select_from(source)
    if wanted.copy is not None:
        query = query.where(reactions.c.copy == wanted.copy)
    if wanted.lang is not None:
        query = query.where(copies.c.lang == wanted.lang)
    return _of_site(query, site, wanted)


def _comments(site: str, wanted: NumbersFilter) -> Select[Any]:
    """Return a query for the site's comments, without columns."""
    source = stories.join(comments, comments.c.story == stories.c.id)
    query = _in_time(comments.c.created_at, wanted, comments.c.created_at >= 0)
    query = query.select_from(source)
    if wanted.copy is not None:
        query = query.where(comments.c.copy == wanted.copy)
    if wanted.lang is not None:
        query = query.where(comments.c.lang == wanted.lang)
    return _of_site(query, site, wanted)


def _of_site(query: Select[Any], site: str, wanted: NumbersFilter) -> Select[Any]:
    query = query.where(stories.c.site == site)
    return query if wanted.story is None else query.where(stories.c.code == wanted.story)
