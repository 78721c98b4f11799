"""What is read of a discussion: stories, threads by page, changes since a position, counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, desc, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import NotFoundError
from widget_server.model.limits import (
    MAX_COMMENTS_BYTES,
    MAX_OWN_BYTES,
    MAX_OWN_REACTIONS,
    MAX_RESPONSE_BYTES,
)
from widget_server.model.records import Comment, CommentState, ListedCopy, Story, Tally, Thread
from widget_server.store.damaged_rows import readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import (
    check_comment,
    counts_or_none,
    select_comments,
    size_of_own,
    size_of_shown,
    sized_comments,
    to_comment,
    to_story,
    tree_of,
)
from widget_server.store.queries.comment_pages import Page, read_page, read_thread
from widget_server.store.schema import comments, copies, meta, reactions, stories

PAGE_SIZE = 20
"""Threads of a snapshot and of a page where the reader asks for no number."""
MAX_CHANGES = 500
"""Changes that are sent one by one; beyond, a fresh snapshot is cheaper for everyone."""
MAX_OWN = 200
"""Own comments of a reader that a snapshot carries, the newest."""
MAX_LISTED = 50
"""Copies that a story's page lists, those seen first."""


@dataclass(frozen=True, slots=True)
class OwnItems:
    """What one reader left in a story: own reactions by comment id (empty: the story)."""

    reactions: dict[str, str]
    comments: list[Comment]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A story and its newest threads, pinned first."""

    epoch: str
    story: Story
    page: Page


@dataclass(frozen=True, slots=True)
class Changes:
    """The public changes after a position; `complete` when each number of the way is there."""

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
    """All changes after this `seq` are in `comments`, but for rows that are damaged."""
    comments: list[Comment]
    tallies: list[tuple[str, Tally]]
    """By comment."""


class Discussions:
    """Reads of one database. Each method is one consistent view."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def epoch(self) -> str:
        """The numbering that every position belongs to."""
        return self.database.epoch

    @read_transaction
    async def story(self, connection: AsyncConnection, code: str) -> Story | None:
        """The story with this code."""
        found = await connection.execute(select(stories).where(stories.c.code == code))
        row = found.one_or_none()
        return None if row is None else to_story(row)

    @read_transaction
    async def snapshot(self, connection: AsyncConnection, code: str) -> Snapshot:
        """What one who comes is shown. Raises `NotFoundError`."""
        epoch = await self.database.epoch_in(connection)
        story = await _story(connection, code)
        page = await read_page(connection, story.id, "newest", None, PAGE_SIZE)
        return Snapshot(epoch, story, page)

    @read_transaction
    async def page(
        self,
        connection: AsyncConnection,
        code: str,
        order: str,
        before: str | None,
        limit: int,
        most: int = MAX_COMMENTS_BYTES,
    ) -> Page:
        """Further threads, of at most so many bytes of JSON.

        Raises `NotFoundError`, or `MalformedError` for a cursor of another order.
        """
        story = await _story(connection, code)
        return await read_page(connection, story.id, order, before, limit, most)

    @read_transaction
    async def thread(
        self,
        connection: AsyncConnection,
        code: str,
        comment: str,
        after: str | None = None,
        most: int = MAX_COMMENTS_BYTES,
    ) -> Thread:
        """A part of the thread that a comment belongs to, with as many replies as there is room for.

        From the beginning for its first comment, around it for a reply, or after the one that
        `after` names. Raises `NotFoundError`, `MalformedError`.
        """
        story = await _story(connection, code)
        return await read_thread(connection, story.id, comment, after, most)

    @read_transaction
    async def changes(self, connection: AsyncConnection, code: str, seq: int) -> Changes:
        """The comments that changed after `seq`, in order. Raises `NotFoundError`."""
        epoch = await self.database.epoch_in(connection)
        story = await _story(connection, code)
        past = (comments.c.story == story.id) & (comments.c.seq > seq)
        span, _ = await _span(connection, past, comments.c.seq, MAX_CHANGES + 1)
        found = await _changed(connection, story.id, span)
        # A number is missing where a comment changed twice or the story itself changed, or where
        # those that changed are too long.
        complete = [comment.seq for comment in found] == list(range(seq + 1, story.seq + 1))
        return Changes(epoch, story, found, complete)

    @read_transaction
    async def tallies(
        self, connection: AsyncConnection, code: str, version: int, limit: int
    ) -> tuple[str, list[tuple[str | None, Tally]]]:
        """The epoch, and at most `limit` tallies that changed after `version`, the oldest first.

        None stands for the story itself. Raises `NotFoundError`.
        """
        epoch = await self.database.epoch_in(connection)
        story = await _story(connection, code)
        rows = await connection.execute(
            select(comments.c.id, comments.c.version, comments.c.counts)
            .where(
                (comments.c.story == story.id)
                & (comments.c.version > version)
                & text("version > 0")
                & (comments.c.state == CommentState.PUBLISHED.value)
            )
            .order_by(comments.c.version)
            .limit(limit)
        )
        changed: list[tuple[str | None, Tally]] = [
            (row.id, Tally(row.version, counts_or_none("comments", row.id, row.counts)))
            for row in rows
        ]
        if story.tally.version > version:
            changed.append((None, story.tally))
            changed.sort(key=lambda item: item[1].version)
        return epoch, changed[:limit]

    @read_transaction
    async def recent(self, connection: AsyncConnection, code: str, limit: int) -> RecentRows:
        """What happened last, at most `limit` changes and tallies. Raises `NotFoundError`."""
        epoch = await self.database.epoch_in(connection)
        story = await _story(connection, code)
        public = (comments.c.story == story.id) & (comments.c.seq > 0)
        span, whole = await _span(connection, public, desc(comments.c.seq), limit)
        changed = await _changed(connection, story.id, span[::-1])
        floor = 0 if whole else (span[-1] if span else story.seq + 1) - 1
        counted = await connection.execute(
            select(comments.c.id, comments.c.version, comments.c.counts)
            .where((comments.c.story == story.id) & text("version > 0"))
            .order_by(desc(comments.c.version))
            .limit(limit)
        )
        tallies = [
            (row.id, Tally(row.version, counts_or_none("comments", row.id, row.counts)))
            for row in counted
        ]
        return RecentRows(epoch, story, floor, changed, tallies[::-1])

    @read_transaction
    async def own(
        self, connection: AsyncConnection, story: int, readers: Sequence[str]
    ) -> dict[str, OwnItems]:
        """What each of these readers left in a story, for all of them in two queries."""
        found = {reader: OwnItems({}, []) for reader in readers}
        for start in range(0, len(readers), 500):
            some = readers[start : start + 500]
            ranked = select(
                reactions,
                func.row_number()
                .over(
                    partition_by=reactions.c.reader,
                    order_by=(reactions.c.target != "", desc(reactions.c.at)),
                )
                .label("rank"),
            ).where((reactions.c.story == story) & reactions.c.reader.in_(some))
            newest_own = ranked.subquery()
            own = await connection.execute(
                select(newest_own).where(newest_own.c.rank <= MAX_OWN_REACTIONS + 1)
            )
            for row in own:
                found[row.reader].reactions[row.target] = row.reaction
            rows = await connection.execute(_own_comments(story, some))
            for comment in readable(rows, to_comment):
                found[comment.reader].comments.append(comment)
        return found

    @read_transaction
    async def positions(
        self, connection: AsyncConnection, codes: Sequence[str]
    ) -> tuple[str, dict[str, tuple[int, int]]]:
        """The epoch, and `(seq, tallies)` of many stories: one query, for every second asks it."""
        epoch = self.database.epoch
        found: dict[str, tuple[int, int]] = {}
        for start in range(0, len(codes), 1_000):
            wanted = stories.c.code.in_(codes[start : start + 1_000])
            rows = await connection.execute(
                select(meta.c.value, stories.c.code, stories.c.seq, stories.c.tallies)
                .select_from(meta.outerjoin(stories, wanted))
                .where(meta.c.key == "epoch")
            )
            for row in rows:
                epoch = row.value
                if row.code is not None:
                    found[row.code] = (row.seq, row.tallies)
        self.database.epoch = epoch
        return epoch, found

    @read_transaction
    async def counts(
        self, connection: AsyncConnection, codes: Sequence[str]
    ) -> list[tuple[str, str, int, Tally]]:
        """Site, code, published comments and tally of each story that exists."""
        shown = (stories.c.site, stories.c.code, stories.c.published)
        rows = await connection.execute(
            select(stories.c.id, *shown, stories.c.version, stories.c.counts).where(
                stories.c.code.in_(codes)
            )
        )
        return [
            (
                *(row.site, row.code, row.published),
                Tally(row.version, counts_or_none("stories", row.id, row.counts)),
            )
            for row in rows
        ]

    @read_transaction
    async def pending(
        self, connection: AsyncConnection, site: str, limit: int
    ) -> list[tuple[str, Comment]]:
        """Code of the story and comment for all that waits for a moderator, oldest first."""
        rows = await connection.execute(
            select_comments()
            .add_columns(stories.c.code.label("story_code"))
            .join(stories, comments.c.story == stories.c.id)
            .where(
                (stories.c.site == site)
                & (comments.c.state != CommentState.REMOVED.value)
                & text("(born = 0 OR waiting_source IS NOT NULL)")
            )
            .order_by(comments.c.created_at)
            .limit(limit)
        )
        return readable(rows, lambda row: (row.story_code, _pending_version(row)))

    @read_transaction
    async def find_comment(self, connection: AsyncConnection, comment: str) -> Story | None:
        """The story that a comment belongs to."""
        found = await connection.execute(
            select(stories)
            .join(comments, comments.c.story == stories.c.id)
            .where(comments.c.id == comment)
        )
        row = found.one_or_none()
        return None if row is None else to_story(row)

    @read_transaction
    async def has_copy(
        self, connection: AsyncConnection, story: int, jti: str, origin: str
    ) -> bool:
        """Whether this copy of a story is known."""
        own = (copies.c.story == story) & (copies.c.jti == jti) & (copies.c.origin == origin)
        found = await connection.execute(select(copies.c.id).where(own))
        return found.scalar_one_or_none() is not None

    @read_transaction
    async def listed_copies(self, connection: AsyncConnection, story: int) -> list[ListedCopy]:
        """Return the copies of a story that agree to be listed, the one seen first first."""
        found = await connection.execute(
            select(copies.c.jti, copies.c.origin, copies.c.page, copies.c.label, copies.c.lang)
            .where((copies.c.story == story) & copies.c.listed & copies.c.page.like("https://%"))
            .order_by(copies.c.id)
            .limit(MAX_LISTED)
        )
        return [ListedCopy(*row) for row in found]

    @read_transaction
    async def known_copies(self, connection: AsyncConnection, story: int) -> int:
        """How many copies of a story were ever read."""
        total = select(func.count()).select_from(copies).where(copies.c.story == story)
        return int((await connection.execute(total)).scalar_one())


async def _span(
    connection: AsyncConnection, wanted: ColumnElement[bool], order: Any, limit: int
) -> tuple[list[int], bool]:
    """The `seq` of the first changes that one answer may have room for, and whether those are all.

    What is reckoned is up to twice what many short ones take: who sends them counts anew.
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
    taken = 0
    for row in rows:
        taken += row.size
        if taken > 2 * MAX_RESPONSE_BYTES:
            return span, False
        span.append(row.seq)
    return span, len(rows) < limit


async def _changed(connection: AsyncConnection, story: int, span: Sequence[int]) -> list[Comment]:
    """The comments whose last change is in the span from one `seq` to another, in order."""
    if not span:
        return []
    within = (comments.c.seq >= span[0]) & (comments.c.seq <= span[-1])
    rows = await connection.execute(
        select_comments().where((comments.c.story == story) & within).order_by(comments.c.seq)
    )
    return readable(rows, to_comment)


def _own_comments(story: int, readers: Sequence[str]) -> Select[Any]:
    """Of each reader the newest comments for which `own` has room."""
    newest = (desc(comments.c.created_at), desc(comments.c.id))
    rank = func.row_number().over(partition_by=comments.c.reader, order_by=newest)
    ranked = (
        select(comments.c.id.label("id"), comments.c.reader.label("reader"), rank.label("rank"))
        .where(
            (comments.c.story == story)
            & comments.c.reader.in_(readers)
            & (comments.c.state != CommentState.REMOVED.value)
        )
        .subquery()
    )
    first = select(ranked).where(ranked.c.rank <= MAX_OWN)
    sized = sized_comments(first, size_of_own())
    upto = func.sum(sized.c.size).over(
        partition_by=sized.c.reader, order_by=sized.c.rank, rows=(None, 0)
    )
    summed = select(sized.c.id, upto.label("upto")).subquery()
    return (
        select_comments()
        .join(summed, summed.c.id == comments.c.id)
        .where(summed.c.upto <= MAX_OWN_BYTES)
        .order_by(*newest)
    )


def _pending_version(row: Row[Any]) -> Comment:
    """A comment with the text that a moderator is asked about."""
    check_comment(row._mapping)
    comment = to_comment(row)
    if row.waiting_source is None:
        return comment
    return replace(comment, source=row.waiting_source, text=tree_of(row.waiting_text))


async def _story(connection: AsyncConnection, code: str) -> Story:
    found = await connection.execute(select(stories).where(stories.c.code == code))
    row = found.one_or_none()
    if row is None:
        raise NotFoundError
    return to_story(row)
