"""Reads of comments for the people who decide about them: in any state, with what was decided."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    desc,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import Comment, CommentState
from widget_server.store.damaged_rows import readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import select_comments, to_comment
from widget_server.store.queries.comment_context import Context, read_contexts
from widget_server.store.queries.handed_cases import count_handed
from widget_server.store.queries.log_names import select_names
from widget_server.store.queries.queue_facts import select_queue_counts
from widget_server.store.queries.tagged_comments import has_tag, is_of_site
from widget_server.store.schema import (
    IS_OPEN,
    IS_PENDING,
    cases,
    comments,
    decisions,
    kept_texts,
    reports,
    stories,
)
from widget_server.store.schema_hints import hint_counts
from widget_server.store.schema_people import accounts, api_keys

DiscussionView = Literal["newest", "waiting", "removed"]
DISCUSSION_VIEWS: tuple[DiscussionView, ...] = ("newest", "waiting", "removed")
THREADS = 20
REPLIES = 20
"""Replies of a thread that a page of the discussion shows: the last ones."""
MAX_REPLIES = 500
"""Replies that the page of one thread shows."""


@dataclass(frozen=True, slots=True)
class StaffComment:
    """A comment as the site's people see it. Times are milliseconds since 1970."""

    comment: Comment
    story: str
    """The story's code."""
    title: str | None
    waiting: str | None
    """Source of the edit that waits."""
    sealed: str | None
    """Sealed words of a removed or held comment. Never shown."""
    kept_until: int | None
    held: bool
    """Whether it is hidden until somebody decides, instead of removed."""
    decided_at: int | None
    """When its words were taken away, by whom and why; None if it is not removed."""
    decided_by: str | None
    """Name of the account or key, else its id."""
    decided_kind: str | None
    """Kind of the actor who decided, as in `model.actors`."""
    reason: str | None
    reports: int
    reported: bool
    """Whether its reports wait for a decision."""
    place: int
    """1 for the last reply of its thread, and so on; 0 for a comment without a parent."""
    replies: int
    """Replies of its thread; known for replies only."""


class OwnerComments:
    """Reads of one database. Each method is one SQL statement."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def queue_counts(
        self,
        connection: AsyncConnection,
        site: str,
        copies: frozenset[int] | None = None,
        handed_to: tuple[str, int] | None = None,
    ) -> dict[str, int]:
        """Return the number of open cases by queue, without empty queues, and of hints as `corrections`.

        With `handed_to`, a person and the time now, also what was handed over to them, as `mine`. Those whose
        role is limited to some copies are told nothing of hints. One SQL statement.
        """
        counted = select_queue_counts(site, copies).subquery()
        query: Any = select(counted.c.queue, counted.c.number)
        if copies is None:
            waiting = select(literal("corrections").label("queue"), hint_counts.c.number)
            parts = [query, waiting.where(hint_counts.c.site == site)]
            if handed_to is not None:
                number = count_handed(site, *handed_to).scalar_subquery()
                parts.append(select(literal("mine").label("queue"), number))
            query = union_all(*parts)
        return {row.queue: row.number for row in await connection.execute(query)}

    @read_transaction
    async def discussion(
        self,
        connection: AsyncConnection,
        story: int,
        before: tuple[int, str] | None,
    ) -> list[StaffComment]:
        """Return 21 first comments of threads, the newest first, and the last replies of each, mixed.

        They are in order of writing. `before` is time and id of the last first comment shown.
        """
        tops = select(comments.c.id).where(
            comments.c.story == story, comments.c.parent.is_(None), _is_before(before)
        )
        tops = tops.order_by(desc(comments.c.created_at), desc(comments.c.id)).limit(THREADS + 1)
        return await self._threads(connection, tops.subquery(), REPLIES)

    @read_transaction
    async def thread(
        self, connection: AsyncConnection, story: int, comment: str
    ) -> list[StaffComment]:
        """Return a thread, named by its first comment, in order of writing."""
        top = select(comments.c.id).where(comments.c.story == story, comments.c.id == comment)
        return await self._threads(connection, top.subquery(), MAX_REPLIES)

    async def _threads(
        self, connection: AsyncConnection, tops: Any, replies: int
    ) -> list[StaffComment]:
        last_first = [desc(comments.c.created_at), desc(comments.c.id)]
        threads = select(tops.c.id)
        ranked = (
            select(
                comments.c.id,
                func.row_number()
                .over(partition_by=comments.c.thread, order_by=last_first)
                .label("place"),
                func.count().over(partition_by=comments.c.thread).label("replies"),
            )
            .where(comments.c.thread.in_(threads), comments.c.parent.is_not(None))
            .subquery()
        )
        shown = select(ranked.c.id).where(ranked.c.place <= replies)
        query = (
            _select_staff_comments()
            .add_columns(ranked.c.place, ranked.c.replies)
            .outerjoin(ranked, ranked.c.id == comments.c.id)
            .where(comments.c.id.in_(threads.union_all(shown)))
            .order_by(comments.c.created_at, comments.c.id)
        )
        return readable(await connection.execute(query), _to_staff_comment)

    @read_transaction
    async def flat(
        self,
        connection: AsyncConnection,
        story: int,
        view: DiscussionView,
        before: tuple[int, str] | None,
        limit: int,
        copies: frozenset[int] | None = None,
    ) -> list[StaffComment]:
        """Return comments of a story without their threads, the newest first.

        `waiting` are those about which somebody must decide, `removed` those that can be restored.
        """
        where = and_(comments.c.story == story, _is_before(before))
        if copies is not None:
            where = and_(where, comments.c.copy.in_(copies))
        if view == "removed":
            where = and_(where, kept_texts.c.why.in_(("removed", "held")))
        elif view == "waiting":
            is_pending = and_(IS_PENDING, comments.c.state != CommentState.REMOVED.value)
            opened = select(cases.c.comment).where(cases.c.story == story, IS_OPEN)
            where = and_(where, or_(is_pending, comments.c.id.in_(opened)))
        query = (
            _select_staff_comments()
            .add_columns(literal(0).label("place"), literal(0).label("replies"))
            .where(where)
            .order_by(desc(comments.c.created_at), desc(comments.c.id))
            .limit(limit)
        )
        return readable(await connection.execute(query), _to_staff_comment)

    @read_transaction
    async def tagged(
        self,
        connection: AsyncConnection,
        site: str,
        tag: str,
        before: tuple[int, str] | None,
        limit: int,
    ) -> list[StaffComment]:
        """Return comments of the site with the tag in any state, the newest first."""
        query = (
            _select_staff_comments()
            .add_columns(literal(0).label("place"), literal(0).label("replies"))
            .where(is_of_site(site), has_tag(tag), _is_before(before))
            .order_by(desc(comments.c.created_at), desc(comments.c.id))
            .limit(limit)
        )
        return readable(await connection.execute(query), _to_staff_comment)

    @read_transaction
    async def find(
        self, connection: AsyncConnection, site: str, comment: str
    ) -> StaffComment | None:
        """Return a comment of the site in any state, or None."""
        query = (
            _select_staff_comments()
            .add_columns(literal(0).label("place"), literal(0).label("replies"))
            .where(comments.c.id == comment, stories.c.site == site)
        )
        return next(iter(readable(await connection.execute(query), _to_staff_comment)), None)

    @read_transaction
    async def context(self, connection: AsyncConnection, comment: Comment) -> Context:
        """Return what is known about a comment and its writer."""
        return (await read_contexts(connection, [comment]))[comment.id]

    @read_transaction
    async def names(
        self,
        connection: AsyncConnection,
        site: str,
        actors: Collection[str],
        writers: Collection[str],
        codes: Collection[str],
        entries: Collection[str],
        targets: Collection[str] = (),
        answered: Collection[str] = (),
    ) -> dict[tuple[str, str], str]:
        """Return the names of what entries of the log are about. What has no name is left out.

        The keys are `("actor", id)` of an account or API key, `("comment", id)` for a comment's writer,
        `("words", id)` for the first characters of a public comment without a name, `("story", code)`,
        `("token", jti)` for a label, `("story of token", jti)`, `("undone", decision)` for the id of the
        entry that undid one of `entries`, and `("answered", decision)` for the verb of one of `answered`.
        `targets` are ids of accounts, keys, stories and tokens.
        """
        rows = await connection.execute(
            select_names(site, actors, writers, codes, entries, targets, answered)
        )
        return {(row.kind, row.key): row.name for row in rows}


def _is_before(before: tuple[int, str] | None) -> ColumnElement[bool]:
    if before is None:
        return comments.c.created_at >= 0
    return tuple_(comments.c.created_at, comments.c.id) < tuple_(*before)


def _select_staff_comments() -> Select[Any]:
    reported = select(func.count()).where(reports.c.comment == comments.c.id)
    waits = select(func.count()).where(
        cases.c.comment == comments.c.id, cases.c.queue == "reported", IS_OPEN
    )
    return (
        select_comments()
        .add_columns(
            stories.c.code.label("story_code"),
            stories.c.title.label("story_title"),
            kept_texts.c.sealed,
            kept_texts.c.until,
            kept_texts.c.why,
            decisions.c.at.label("decided_at"),
            decisions.c.reason.label("decided_why"),
            func.coalesce(accounts.c.name, api_keys.c.label, decisions.c.actor).label("decided_by"),
            decisions.c.actor_kind.label("decided_kind"),
            reported.scalar_subquery().label("reports"),
            waits.scalar_subquery().label("waits"),
        )
        .join(stories, stories.c.id == comments.c.story)
        .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
        .outerjoin(decisions, decisions.c.id == kept_texts.c.decision)
        .outerjoin(accounts, accounts.c.id == decisions.c.actor)
        .outerjoin(api_keys, api_keys.c.id == decisions.c.actor)
    )


def _to_staff_comment(row: Row[Any]) -> StaffComment:
    """Return the record of a row. Raises `RowDamagedError`."""
    comment = to_comment(row)
    gone = comment.state == CommentState.REMOVED
    return StaffComment(
        comment=comment,
        story=row.story_code,
        title=row.story_title,
        waiting=row.waiting_source,
        sealed=row.sealed if gone and row.why in ("removed", "held") else None,
        kept_until=row.until if gone else None,
        held=gone and row.why == "held",
        decided_at=row.decided_at if gone else None,
        decided_by=row.decided_by if gone else None,
        decided_kind=row.decided_kind if gone else None,
        reason=row.decided_why if gone else None,
        reports=row.reports,
        reported=bool(row.waits),
        place=row.place or 0,
        replies=row.replies or 0,
    )
