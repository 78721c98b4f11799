"""Reads of discussions: stories, pages of threads, changes, counts and pending comments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import NotFoundError
from widget_server.model.limits import MAX_COMMENTS_BYTES
from widget_server.model.records import (
    Comment,
    CommentState,
    ListedCopy,
    Position,
    Story,
    Tally,
    Thread,
)
from widget_server.store.damaged_rows import readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import (
    check_comment,
    counts_or_none,
    select_comments,
    to_comment,
    to_story,
    tree_of,
)
from widget_server.store.patterns import is_like
from widget_server.store.queries.changes import (
    Changes,
    RecentRows,
    read_changes,
    read_recent,
    read_tallies,
)
from widget_server.store.queries.comment_pages import Page, read_page, read_thread
from widget_server.store.queries.featured_comments import read_featured, read_featured_of_site
from widget_server.store.queries.latest_comments import (
    LatestComments,
    read_in_order,
    read_latest,
    read_latest_of_site,
)
from widget_server.store.queries.own_items import OwnItems, read_own_items
from widget_server.store.queries.whole_discussion import Part, Place, read_part
from widget_server.store.schema import IS_PENDING, comments, copies, meta, stories

PAGE_SIZE = 20
"""Threads of a snapshot, and of a page if the request names no limit."""

MAX_LISTED = 50
"""Copies that a story's page lists: the first ones by time."""
CHUNK = 1_000
"""Stories in one query."""
# Built once, because building it took a fifth of the time of a read.
_BY_CODE = select(stories).where(stories.c.code == bindparam("story"))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A story and its newest threads, pinned ones first."""

    epoch: str
    story: Story
    page: Page


class Discussions:
    """Reads of one database. Each method reads one consistent view."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def epoch(self) -> str:
        """The epoch that this process read last."""
        return self.database.epoch

    @read_transaction
    async def story(self, connection: AsyncConnection, code: str) -> Story | None:
        """Return the story with this code, or None."""
        row = (await connection.execute(_BY_CODE, {"story": code})).one_or_none()
        return None if row is None else to_story(row)

    @read_transaction
    async def snapshot(self, connection: AsyncConnection, code: str) -> Snapshot:
        """Return a story with its first page. Raises `NotFoundError`."""
        epoch = await self.database.epoch_in(connection)
        story = await _get_story(connection, code)
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
        max_bytes: int = MAX_COMMENTS_BYTES,
        lang: str = "",
    ) -> Page:
        """Return a page of threads with at most `max_bytes` bytes of JSON, or of those in one language.

        Raises `NotFoundError`, or `MalformedError` for a cursor of another order.
        """
        epoch = await self.database.epoch_in(connection)
        story = await _get_story(connection, code)
        page = await read_page(connection, story.id, order, before, limit, max_bytes, lang)
        return replace(page, position=Position(epoch, story.seq))

    @read_transaction
    async def thread(
        self,
        connection: AsyncConnection,
        code: str,
        comment: str,
        after: str | None = None,
        max_bytes: int = MAX_COMMENTS_BYTES,
    ) -> Thread:
        """Return a part of the thread that a comment belongs to, with the replies that fit.

        For the thread's first comment the part is its start. For a reply it is the part around it.
        With `after` it follows that comment. Raises `NotFoundError`, `MalformedError`.
        """
        epoch = await self.database.epoch_in(connection)
        story = await _get_story(connection, code)
        part = await read_thread(connection, story.id, comment, after, max_bytes)
        return replace(part, position=Position(epoch, story.seq))

    @read_transaction
    async def changes(self, connection: AsyncConnection, code: str, seq: int) -> Changes:
        """Return the comments that changed after `seq`, in order. Raises `NotFoundError`."""
        epoch = await self.database.epoch_in(connection)
        return await read_changes(connection, epoch, await _get_story(connection, code), seq)

    @read_transaction
    async def tallies(
        self, connection: AsyncConnection, code: str, version: int, limit: int
    ) -> tuple[str, list[tuple[str | None, Tally]]]:
        """Return the epoch and at most `limit` tallies changed after `version`, the oldest first.

        The target is a comment's id, or None for the story itself. Raises `NotFoundError`.
        """
        epoch = await self.database.epoch_in(connection)
        story = await _get_story(connection, code)
        return epoch, await read_tallies(connection, story, version, limit)

    @read_transaction
    async def recent(self, connection: AsyncConnection, code: str, limit: int) -> RecentRows:
        """Return the last changes and tallies, at most `limit` of each. Raises `NotFoundError`."""
        epoch = await self.database.epoch_in(connection)
        return await read_recent(connection, epoch, await _get_story(connection, code), limit)

    @read_transaction
    async def latest(
        self,
        connection: AsyncConnection,
        story: Story,
        limit: int,
        lang: str = "",
        before: int | None = None,
    ) -> LatestComments:
        """Return the last changed comments of a story, or of those in one language, or those before a `seq`."""
        return await read_latest(connection, story, limit, lang, before)

    @read_transaction
    async def story_with_latest(
        self,
        connection: AsyncConnection,
        code: str,
        limit: int,
        lang: str = "",
        before: int | None = None,
    ) -> tuple[Story, LatestComments] | None:
        """Return the story with this code and what `latest` returns, or None if there is no such story."""
        row = (await connection.execute(_BY_CODE, {"story": code})).one_or_none()
        if row is None:
            return None
        story = to_story(row)
        return story, await read_latest(connection, story, limit, lang, before)

    @read_transaction
    async def latest_of_site(
        self, connection: AsyncConnection, site: str, limit: int
    ) -> LatestComments:
        """Return the last changed comments of a site's stories."""
        return await read_latest_of_site(connection, site, limit)

    @read_transaction
    async def featured(
        self, connection: AsyncConnection, of: Story | str, limit: int
    ) -> LatestComments:
        """Return the comments of a story, or of a site by its slug, that were featured last."""
        if isinstance(of, str):
            return await read_featured_of_site(connection, of, limit)
        return await read_featured(connection, of, limit)

    @read_transaction
    async def changed_at(self, connection: AsyncConnection, site: str) -> tuple[str, int]:
        """Return the epoch, and the time of the last change of any story of a site, or 0."""
        epoch = await self.database.epoch_in(connection)
        found = await connection.execute(
            select(func.max(stories.c.changed_at)).where(stories.c.site == site)
        )
        return epoch, int(found.scalar_one() or 0)

    @read_transaction
    async def in_order(
        self, connection: AsyncConnection, story: int, after: int, limit: int
    ) -> tuple[list[Comment], int | None]:
        """Return comments in order of publication, and the `after` of the next part, or None."""
        return await read_in_order(connection, story, after, limit)

    @read_transaction
    async def part(self, connection: AsyncConnection, story: int, place: Place) -> Part:
        """Return the comments of a story that follow a place, in the order of threads."""
        return await read_part(connection, story, place)

    @read_transaction
    async def own(
        self, connection: AsyncConnection, story: int, readers: Sequence[str]
    ) -> dict[str, OwnItems]:
        """Return each reader's reactions and comments in a story."""
        return await read_own_items(connection, story, readers)

    @read_transaction
    async def positions(
        self, connection: AsyncConnection, codes: Sequence[str]
    ) -> tuple[str, dict[str, tuple[int, int]]]:
        """Return the epoch, and `(seq, tallies)` of each story. One query, as it runs every second."""
        epoch = self.database.epoch
        found: dict[str, tuple[int, int]] = {}
        for start in range(0, len(codes), CHUNK):
            wanted = stories.c.code.in_(codes[start : start + CHUNK])
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
        """Return site, code, number of published comments and tally of each story that exists."""
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
        """Return pending comments and edits of a site with their story's code, oldest first."""
        rows = await connection.execute(
            select_comments()
            .add_columns(stories.c.code.label("story_code"))
            .join(stories, comments.c.story == stories.c.id)
            .where(
                (stories.c.site == site)
                & (comments.c.state != CommentState.REMOVED.value)
                & IS_PENDING
            )
            .order_by(comments.c.created_at)
            .limit(limit)
        )
        return readable(rows, lambda row: (row.story_code, _pending_version(row)))

    @read_transaction
    async def find_story_of_comment(
        self, connection: AsyncConnection, comment: str
    ) -> Story | None:
        """Return the story that a comment belongs to, or None."""
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
        """Return whether this copy of a story is recorded."""
        own = (copies.c.story == story) & (copies.c.jti == jti) & (copies.c.origin == origin)
        found = await connection.execute(select(copies.c.id).where(own))
        return found.scalar_one_or_none() is not None

    @read_transaction
    async def listed_copies(self, connection: AsyncConnection, story: int) -> list[ListedCopy]:
        """Return the copies of a story that agree to be listed, in the order of their first use."""
        found = await connection.execute(
            select(copies.c.jti, copies.c.origin, copies.c.page, copies.c.label, copies.c.lang)
            .where(
                (copies.c.story == story) & copies.c.listed & is_like(copies.c.page, "https://%")
            )
            .order_by(copies.c.id)
            .limit(MAX_LISTED)
        )
        return [ListedCopy(*row) for row in found]


def _pending_version(row: Row[Any]) -> Comment:
    """Return a comment with the text that a moderator must decide about."""
    check_comment(row._mapping)
    comment = to_comment(row)
    if row.waiting_source is None:
        return comment
    return replace(comment, source=row.waiting_source, text=tree_of(row.waiting_text))


async def _get_story(connection: AsyncConnection, code: str) -> Story:
    row = (await connection.execute(_BY_CODE, {"story": code})).one_or_none()
    if row is None:
        raise NotFoundError
    return to_story(row)
