"""Reads of a site's stories for the people who run it: lists, filters and what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState, Story
from widget_server.store.damaged_rows import readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import to_story
from widget_server.store.queries.keyset import Keyset, contains
from widget_server.store.schema import (
    IS_PENDING,
    IS_STORY_REACTION,
    comments,
    copies,
    reactions,
    stories,
)
from widget_server.store.schema_hints import IS_OPEN_HINT, hints

StoryOrder = Literal["created", "comments", "reactions", "activity"]
CHUNK = 1_000
"""Codes in one query."""
STORY_ORDERS: tuple[StoryOrder, ...] = ("created", "comments", "reactions", "activity")


@dataclass(frozen=True, slots=True)
class StoryRecord:
    """A story with what its owner wants to know. Times are milliseconds since 1970."""

    story: Story
    copies: int
    waiting: int
    """Comments and edits that wait for a moderator."""
    active_at: int
    """Time of the last comment, of the last reaction to the story, or of its first page."""
    hints: int
    """Hints that wait for an editor."""

    @property
    def reactions(self) -> int:
        """Reactions to the story."""
        return sum(self.story.tally.counts.values())


@dataclass(frozen=True, slots=True)
class StoryPage:
    """Stories in the asked order. `next` is None on the last page."""

    stories: list[StoryRecord]
    total: int
    """Stories that match the filter."""
    all: int
    """Stories of the site."""
    next: str | None


@dataclass(frozen=True, slots=True)
class StoryFilter:
    """Which stories to list. `words` are looked for in title, key and code."""

    words: str = ""
    closed: bool | None = None
    author: str | None = None
    lang: str | None = None
    """Only stories with a copy in this language."""


@dataclass(frozen=True, slots=True)
class StoryChoices:
    """Values that the filters of a site's stories can take, in alphabetical order."""

    authors: list[str]
    languages: list[str]


class OwnerStories:
    """Reads of one database. Each method reads one consistent view."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def page(
        self,
        connection: AsyncConnection,
        site: str,
        wanted: StoryFilter,
        order: StoryOrder,
        limit: int,
        after: str | None,
    ) -> StoryPage:
        """Return a page of stories, the highest value of `order` first.

        Raises `MalformedError` for a wrong `after`.
        """
        conditions = _conditions(wanted)
        matching = func.sum(case((and_(*conditions), 1), else_=0)) if conditions else func.count()
        count = select(func.count().label("every"), matching.label("matching"))
        totals = (await connection.execute(count.where(stories.c.site == site))).one()
        value = _value(order, connection.dialect.name)
        chosen = select(stories.c.id, value.label("value")).where(
            stories.c.site == site, *conditions
        )
        keyset = Keyset(order, (value, stories.c.id), (int, int), limit)
        # The other numbers are counted for the rows of this page only.
        page = keyset.page(chosen, after).subquery()
        query = (
            _select_stories()
            .add_columns(page.c.value)
            .select_from(page.join(stories, stories.c.id == page.c.id))
            .order_by(page.c.value.desc(), stories.c.id.desc())
        )
        found = (await connection.execute(query)).all()
        rows, following = keyset.cut(found, lambda row: (int(row.value), row.id))
        records = readable(rows, _to_record)
        return StoryPage(records, int(totals.matching or 0), int(totals.every), following)

    @read_transaction
    async def find(self, connection: AsyncConnection, site: str, code: str) -> StoryRecord | None:
        """Return a story of the site, or None."""
        query = _select_stories().select_from(stories)
        rows = await connection.execute(query.where(stories.c.code == code, stories.c.site == site))
        return next(iter(readable(rows, _to_record)), None)

    @read_transaction
    async def own_codes(
        self, connection: AsyncConnection, site: str, codes: Sequence[str]
    ) -> list[str]:
        """Return those of these codes that are stories of the site."""
        found: list[str] = []
        for start in range(0, len(codes), CHUNK):
            some = stories.c.code.in_(codes[start : start + CHUNK])
            rows = await connection.execute(
                select(stories.c.code).where(some, stories.c.site == site)
            )
            found += rows.scalars()
        return found

    @read_transaction
    async def newest(self, connection: AsyncConnection, site: str) -> Story | None:
        """Return the site's newest open story, else its newest closed one, or None without a readable one."""
        found = await connection.execute(
            select(stories)
            .where(stories.c.site == site)
            .order_by(stories.c.closed, stories.c.id.desc())
            .limit(1)
        )
        return next(iter(readable(found.all(), to_story)), None)

    @read_transaction
    async def latest(
        self, connection: AsyncConnection, site: str, limit: int
    ) -> list[tuple[str, str | None]]:
        """Return key and title of the site's newest stories, the newest first."""
        found = await connection.execute(
            select(stories.c.key, stories.c.title)
            .where(stories.c.site == site)
            .order_by(stories.c.id.desc())
            .limit(limit)
        )
        return [(row.key, row.title) for row in found]

    @read_transaction
    async def choices(
        self, connection: AsyncConnection, site: str, limit: int = 200
    ) -> StoryChoices:
        """Return the authors and languages of the site's stories, at most `limit` of each."""
        by = select(stories.c.author).where(stories.c.site == site, stories.c.author.is_not(None))
        authors = await connection.execute(by.distinct().order_by(stories.c.author).limit(limit))
        of_site = stories.join(copies, copies.c.story == stories.c.id)
        spoken = select(copies.c.lang).select_from(of_site).where(stories.c.site == site)
        spoken = spoken.where(copies.c.lang.is_not(None)).distinct()
        languages = await connection.execute(spoken.order_by(copies.c.lang).limit(limit))
        return StoryChoices(list(authors.scalars()), list(languages.scalars()))


def _select_stories() -> Select[Any]:
    """Return the columns of `StoryRecord`; the caller adds the tables to select from."""
    is_waiting = and_(IS_PENDING, comments.c.state != CommentState.REMOVED.value)
    number = select(func.count())
    waiting = number.select_from(comments).where(comments.c.story == stories.c.id, is_waiting)
    carried = number.select_from(copies).where(copies.c.story == stories.c.id)
    hinted = number.select_from(hints).where(hints.c.story == stories.c.id, IS_OPEN_HINT)
    return select(
        stories,
        carried.scalar_subquery().label("copies"),
        waiting.scalar_subquery().label("waiting"),
        _last_activity().label("active_at"),
        hinted.scalar_subquery().label("hints"),
    )


def _last_activity() -> ColumnElement[int]:
    """Return the time of the last comment or reaction; each is the end of an index."""
    written = select(func.max(comments.c.created_at)).where(comments.c.story == stories.c.id)
    reacted = select(func.max(reactions.c.at)).where(
        reactions.c.story == stories.c.id, IS_STORY_REACTION
    )
    at: ColumnElement[int] = stories.c.created_at
    for latest in (written.scalar_subquery(), reacted.scalar_subquery()):
        at = case((func.coalesce(latest, 0) > at, latest), else_=at)
    return at


def _value(order: StoryOrder, dialect: str) -> ColumnElement[int]:
    """Return the number that an order compares."""
    match order:
        case "created":
            return stories.c.created_at
        case "comments":
            return stories.c.published
        case "reactions":
            return _sum_of_counts(dialect)
        case "activity":
            return _last_activity()


def _sum_of_counts(dialect: str) -> ColumnElement[int]:
    """Return the sum of a story's counts; 0 for counts that are damaged."""
    if dialect == "sqlite":
        total = "(SELECT SUM(value) FROM json_each(stories.counts))"
        is_sound = "json_valid(stories.counts)"
    else:
        total = "(SELECT SUM(value::bigint) FROM json_each_text(stories.counts::json))"
        is_sound = r"""stories.counts ~ '^\{("[^"\\]+":[0-9]{1,15}(,(?=")|(?=\})))*\}$'"""
    number: ColumnElement[int] = literal_column(total, BigInteger)
    return case((literal_column(is_sound, Boolean), func.coalesce(number, 0)), else_=0)


def _conditions(wanted: StoryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.words:
        found = [contains(column, wanted.words) for column in (stories.c.title, stories.c.key)]
        conditions.append(or_(*found, stories.c.code == wanted.words))
    if wanted.closed is not None:
        conditions.append(stories.c.closed == wanted.closed)
    if wanted.author is not None:
        conditions.append(stories.c.author == wanted.author)
    if wanted.lang is not None:
        in_language = and_(copies.c.story == stories.c.id, copies.c.lang == wanted.lang)
        conditions.append(exists().where(in_language))
    return conditions


def _to_record(row: Any) -> StoryRecord:
    return StoryRecord(to_story(row), row.copies, row.waiting, row.active_at, row.hints)
