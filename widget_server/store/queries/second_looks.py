"""Second looks: which decisions wait for one, what came of them, and their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import Comment, CommentState
from widget_server.store.damaged_rows import readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import select_comments, to_comment
from widget_server.store.schema import comments, kept_texts, stories
from widget_server.store.schema_queue import second_looks
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore


@dataclass(frozen=True, slots=True)
class WaitingLook:
    """A comment that another person decided about. `sealed` are its kept words if it was removed."""

    decision: str
    story: str
    """The story's code."""
    comment: Comment
    sealed: str | None


class SecondLooks:
    """Reads of second looks of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def waiting(
        self, connection: AsyncConnection, site: str, by: str, limit: int
    ) -> list[WaitingLook]:
        """Return what waits for a second look by this person, the oldest first.

        Left out are their own decisions, and comments whose words were erased since.
        """
        query = (
            select_comments()
            .add_columns(
                second_looks.c.decision.label("look"),
                stories.c.code.label("story_code"),
                kept_texts.c.sealed.label("sealed"),
            )
            .join(second_looks, second_looks.c.comment == comments.c.id)
            .join(stories, stories.c.id == comments.c.story)
            .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
            .where(
                second_looks.c.site == site,
                second_looks.c.second_at.is_(None),
                second_looks.c.by != by,
                or_(
                    comments.c.state != CommentState.REMOVED.value,
                    kept_texts.c.why.in_(("removed", "held")),
                ),
            )
            .order_by(second_looks.c.at, second_looks.c.decision)
            .limit(limit)
        )
        return readable(await connection.execute(query), _to_look)

    @read_transaction
    async def agreement(
        self, connection: AsyncConnection, site: str, since: int
    ) -> tuple[int, int]:
        """Return of how many second looks since a time the answer was the first one, and their number."""
        same = second_looks.c.stays == second_looks.c.second_stays
        row = (
            await connection.execute(
                select(func.count().filter(same), func.count()).where(
                    second_looks.c.site == site, second_looks.c.second_at >= since
                )
            )
        ).one()
        return int(row[0]), int(row[1])


def put_second_look(**row: Any) -> TransactionFn[None]:
    """Let a decision wait for a second look."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(insert_ignore(second_looks, connection.dialect), row)

    return run


def answer_second_look(
    site: str, decision: str, by: str, stays: bool, now: int
) -> TransactionFn[bool]:
    """Store a second answer. Result: False if there is one, or the decision is this person's own."""

    async def run(connection: AsyncConnection) -> bool:
        own = (second_looks.c.site == site) & (second_looks.c.decision == decision)
        free = second_looks.c.second_at.is_(None) & (second_looks.c.by != by)
        done: Any = await connection.execute(
            update(second_looks)
            .where(own & free)
            .values(second_by=by, second_stays=stays, second_at=now)
        )
        return bool(done.rowcount)

    return run


def drop_second_looks(decisions: Sequence[str]) -> TransactionFn[None]:
    """Drop second looks at decisions that were undone, if there was none yet."""

    async def run(connection: AsyncConnection) -> None:
        named = second_looks.c.decision.in_(decisions) & second_looks.c.second_at.is_(None)
        await connection.execute(delete(second_looks).where(named))

    return run


def delete_old_looks(before: int) -> TransactionFn[int]:
    """Delete second looks at decisions before a time (milliseconds). Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        done: Any = await connection.execute(delete(second_looks).where(second_looks.c.at < before))
        return int(done.rowcount)

    return run


def _to_look(row: Any) -> WaitingLook:
    return WaitingLook(row.look, row.story_code, to_comment(row), row.sealed)
