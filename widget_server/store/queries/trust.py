"""Read how far a site trusts a writer: comments that speak for them, and when people removed one."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.model.rules import TRUST_MS
from widget_server.store.engine import Database, read_transaction
from widget_server.store.queries.rules import CHUNK, PEOPLE, REMOVING
from widget_server.store.schema import comments, decisions, kept_texts


@dataclass(slots=True)
class History:
    """Times of a writer's published comments, and of removals by people; each sorted, in milliseconds."""

    published: list[int] = field(default_factory=list)
    removals: list[int] = field(default_factory=list)

    def accepted(self, at: int) -> int:
        """Return how many comments spoke for the writer at a time."""
        before = bisect_left(self.removals, at)
        lost = self.removals[before - 1] if before else 0
        first = max(bisect_left(self.published, at - TRUST_MS), bisect_right(self.published, lost))
        return max(0, bisect_left(self.published, at) - first)


class Trust:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def accepted(self, connection: AsyncConnection, reader: str, limit: int, now: int) -> int:
        """Return how many comments speak for a reader at `now` (milliseconds), counted up to `limit`.

        They are published, at most a year old, and written after a person last removed one.
        """
        removals = _removed([reader]).subquery()
        last = select(func.coalesce(func.max(removals.c.at), 0))
        some = (
            select(comments.c.id)
            .where(comments.c.reader == reader, comments.c.state == CommentState.PUBLISHED.value)
            .where(comments.c.created_at >= now - TRUST_MS)
            .where(comments.c.created_at > last.scalar_subquery())
            .limit(limit)
        )
        counted = await connection.execute(select(func.count()).select_from(some.subquery()))
        return int(counted.scalar_one())

    @read_transaction
    async def histories(
        self, connection: AsyncConnection, readers: Sequence[str], since: int
    ) -> dict[str, History]:
        """Return what is known about these readers since a time (milliseconds)."""
        found = {reader: History() for reader in readers}
        for start in range(0, len(readers), CHUNK):
            some = readers[start : start + CHUNK]
            rows = await connection.execute(
                select(comments.c.reader, comments.c.created_at).where(
                    comments.c.reader.in_(some),
                    comments.c.state == CommentState.PUBLISHED.value,
                    comments.c.created_at >= since,
                )
            )
            for reader, at in rows:
                found[reader].published.append(at)
            for reader, at in await connection.execute(_removed(some)):
                found[reader].removals.append(at)
        for history in found.values():
            history.published.sort()
            history.removals.sort()
        return found


def _removed(readers: Sequence[str]) -> Select[Any]:
    """Return the query for readers and times of removals by people that stand."""
    return (
        select(comments.c.reader, decisions.c.at)
        # By story and comment, because there is an index for these.
        .join_from(
            comments,
            decisions,
            (decisions.c.story == comments.c.story) & (decisions.c.comment == comments.c.id),
        )
        .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
        .where(
            comments.c.reader.in_(readers),
            comments.c.state == CommentState.REMOVED.value,
            decisions.c.verb.in_(REMOVING),
            decisions.c.actor_kind.in_(PEOPLE),
            or_(kept_texts.c.why.is_(None), kept_texts.c.why != "held"),
        )
    )
