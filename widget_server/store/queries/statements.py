"""Reads of decisions for statements of reasons, and of what was decided in a story. No names, no words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, distinct, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.outcomes import REMOVALS
from widget_server.model.records import CommentState
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import comments, decisions, stories
from widget_server.store.schema_readers import appeals

PAGE = 5_000
"""Decisions of one read."""
_COLUMNS = (
    decisions.c.at,
    decisions.c.id,
    decisions.c.verb,
    decisions.c.reason,
    decisions.c.actor_kind,
    decisions.c.before,
    decisions.c.after,
    comments.c.created_at,
    comments.c.lang,
)
Row = Any


@dataclass(frozen=True, slots=True)
class DecidedCounts:
    """Numbers of a story's comments: all that were ever public, removed ones by reason, and restored ones."""

    total: int
    removed: dict[str, int]
    """By the key of the reason; "" for those without one."""
    restored: int
    """Comments that are public again after their author objected to a removal."""


class Statements:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def page(
        self,
        connection: AsyncConnection,
        site: str,
        since: int,
        until: int | None,
        after: tuple[int, str] | None,
    ) -> Sequence[Row]:
        """Return restrictions of a site in order of time, each with the time at which it was taken back or replaced."""
        taken_back = decisions.alias("taken_back")
        ended = (
            select(func.min(taken_back.c.at))
            .where(
                taken_back.c.story == decisions.c.story,
                taken_back.c.comment == decisions.c.comment,
                taken_back.c.number > decisions.c.number,
                or_(
                    taken_back.c.undoes == decisions.c.id,
                    and_(taken_back.c.verb == "restore", decisions.c.verb != "ban"),
                    and_(taken_back.c.verb == "approve", decisions.c.verb == "hold"),
                    and_(taken_back.c.verb.in_(("unban", "ban")), decisions.c.verb == "ban"),
                ),
            )
            .correlate(decisions)
            .scalar_subquery()
        )
        where = and_(
            decisions.c.site == site,
            decisions.c.at >= since,
            decisions.c.verb.in_((*REMOVALS, "ban")),
        )
        if until is not None:
            where &= decisions.c.at < until
        if after is not None:
            where &= tuple_(decisions.c.at, decisions.c.id) > tuple_(*after)
        rows = await connection.execute(
            select(*_COLUMNS, ended.label("ended_at"))
            .join(comments, comments.c.id == decisions.c.comment)
            .where(where)
            .order_by(decisions.c.at, decisions.c.id)
            .limit(PAGE)
        )
        return rows.all()

    @read_transaction
    async def of_story(self, connection: AsyncConnection, code: str) -> DecidedCounts:
        """Return how many comments of a story were removed, by reason, and how many are back.

        Removed is a comment about which the last decision in effect took it away. What its author deleted is not.
        """
        story = select(stories.c.id).where(stories.c.code == code).scalar_subquery()
        later = decisions.alias("later")
        ended = exists().where(
            later.c.story == decisions.c.story,
            later.c.comment == decisions.c.comment,
            later.c.number > decisions.c.number,
            later.c.verb.in_((*REMOVALS, "restore", "approve")),
            ~_is_undone(later),
        )
        removed = await connection.execute(
            select(decisions.c.reason, func.count())
            .join(comments, comments.c.id == decisions.c.comment)
            .where(
                decisions.c.story == story,
                decisions.c.verb.in_([verb for verb in REMOVALS if verb != "hold"]),
                comments.c.state == CommentState.REMOVED.value,
                # The rejection of an edit left the comment as it was.
                or_(decisions.c.verb != "reject", decisions.c.after.contains('"state"')),
                ~ended,
                ~_is_undone(decisions),
            )
            .group_by(decisions.c.reason)
        )
        by_reason = {row[0] or "": row[1] for row in removed}
        restored = await connection.execute(
            select(func.count(distinct(appeals.c.comment)))
            .select_from(appeals)
            .join(decisions, decisions.c.id == appeals.c.decision)
            .join(comments, comments.c.id == appeals.c.comment)
            .where(
                decisions.c.story == story,
                decisions.c.verb != "ban",
                comments.c.state == CommentState.PUBLISHED.value,
            )
        )
        published = await connection.execute(
            select(stories.c.published).where(stories.c.code == code)
        )
        total = (published.scalar_one_or_none() or 0) + sum(by_reason.values())
        return DecidedCounts(total, by_reason, restored.scalar_one())


def _is_undone(entries: Any) -> Any:
    undo = decisions.alias()
    return exists().where(
        undo.c.story == entries.c.story,
        undo.c.comment == entries.c.comment,
        undo.c.undoes == entries.c.id,
    )
