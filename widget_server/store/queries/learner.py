"""Reads of the learned filter: its state, its words, and the comments that it should know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.learning import LearnerState
from widget_server.model.records import CommentState
from widget_server.store.damaged_rows import RowDamagedError, json_of, readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.queries.rules import comment_outcome, sealed_words
from widget_server.store.schema import (
    IS_TO_FORGET,
    comments,
    decisions,
    kept_texts,
    learned,
    learners,
    reports,
    stories,
    words,
)

VERBS = ("approve", "reject", "remove", "restore", "spam", "undo")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A comment that the filter may learn from."""

    id: str
    reader: str
    created_at: int
    published: bool
    source: str
    sealed: str | None
    outcome: str
    reported: bool
    known: bool | None
    """How the filter knows it: bad, good (False) or not (None)."""


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A comment that the filter knows."""

    bad: bool
    counted: bool
    sealed: str


class LearnerReads:
    """Reads of the learned filters of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def state(self, connection: AsyncConnection, site: str) -> LearnerState | None:
        """Return the state of a site's filter, or None if it was never turned on."""
        seen = await connection.execute(
            select(learned.c.bad, func.count().label("number"))
            .where(learned.c.site == site)
            .group_by(learned.c.bad)
        )
        counts = {row.bad: row.number for row in seen}
        rows = await connection.execute(select(learners).where(learners.c.site == site))
        found = readable(rows, lambda row: _state(row, counts))
        return found[0] if found else None

    @read_transaction
    async def sites(self, connection: AsyncConnection) -> list[str]:
        """Return the sites whose filter learns, and those that have something to forget."""
        rows = await connection.execute(select(learners.c.site).where(learners.c.mode != "off"))
        forgetting = await connection.execute(select(learned.c.site).where(IS_TO_FORGET).distinct())
        return sorted({*rows.scalars(), *forgetting.scalars()})

    @read_transaction
    async def words(self, connection: AsyncConnection, site: str, used_by: int) -> list[Any]:
        """Return token, good and bad of the words that so many writers used."""
        rows = await connection.execute(
            select(words.c.token, words.c.good, words.c.bad).where(
                (words.c.site == site) & (words.c.used_by >= used_by)
            )
        )
        return [tuple(row) for row in rows]

    @read_transaction
    async def decided(
        self, connection: AsyncConnection, site: str, after: tuple[int, str], limit: int
    ) -> list[tuple[str, int, str]]:
        """Return comments about which was decided after an entry, with its time and id, in order."""
        rows = await connection.execute(
            select(decisions.c.comment, decisions.c.at, decisions.c.id)
            .where(
                (decisions.c.site == site)
                & (tuple_(decisions.c.at, decisions.c.id) > tuple_(*after))
                & decisions.c.verb.in_(VERBS)
                & (decisions.c.comment != "")
            )
            .order_by(decisions.c.at, decisions.c.id)
            .limit(limit)
        )
        return [(row.comment, row.at, row.id) for row in rows]

    @read_transaction
    async def stood(
        self, connection: AsyncConnection, site: str, since: int, until: int, limit: int
    ) -> list[tuple[str, int]]:
        """Return published comments written after `since`, up to `until`, the oldest first."""
        # A story changes when a comment appears, so older stories have none.
        changed = (stories.c.site == site) & (stories.c.changed_at > since)
        rows = await connection.execute(
            select(comments.c.id, comments.c.created_at)
            .where(
                comments.c.story.in_(select(stories.c.id).where(changed))
                & (comments.c.created_at > since)
                & (comments.c.created_at <= until)
                & (comments.c.state == CommentState.PUBLISHED.value)
            )
            .order_by(comments.c.created_at, comments.c.id)
            .limit(limit)
        )
        return [(row.id, row.created_at) for row in rows]

    @read_transaction
    async def candidates(self, connection: AsyncConnection, ids: Sequence[str]) -> list[Candidate]:
        """Return these comments as they are now, the oldest first, without those of staff.

        The order decides which good ones are counted, and which are only used to measure.
        """
        reported = exists().where(reports.c.comment == comments.c.id)
        rows = await connection.execute(
            select(
                comments.c.id,
                comments.c.reader,
                comments.c.created_at,
                comments.c.state == CommentState.PUBLISHED.value,
                comments.c.source,
                sealed_words(),
                comment_outcome(),
                reported,
                learned.c.bad,
            )
            .outerjoin(learned, learned.c.comment == comments.c.id)
            .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
            .where(comments.c.id.in_(ids) & comments.c.role.is_(None))
            .order_by(comments.c.created_at, comments.c.id)
        )
        return [Candidate(*row) for row in rows]

    @read_transaction
    async def to_drop(
        self, connection: AsyncConnection, site: str, most_good: int, most_bad: int, limit: int
    ) -> list[str]:
        """Return known comments that must be subtracted: erased ones, and the oldest of too many."""
        erased = await connection.execute(
            select(learned.c.comment).where((learned.c.site == site) & IS_TO_FORGET).limit(limit)
        )
        found = list(erased.scalars())
        for bad, most in ((False, most_good), (True, most_bad)):
            rows = await connection.execute(
                select(learned.c.comment)
                .where((learned.c.site == site) & (learned.c.bad == bad))
                .order_by(learned.c.at.desc(), learned.c.comment)
                .offset(most)
                .limit(limit)
            )
            found += rows.scalars()
        return list(dict.fromkeys(found))[:limit]

    @read_transaction
    async def seen(
        self, connection: AsyncConnection, site: str, after: str, limit: int
    ) -> list[tuple[str, SeenRow]]:
        """Return known comments in the order of their ids, after one of them."""
        rows = await connection.execute(
            select(learned.c.comment, learned.c.bad, learned.c.counted, learned.c.sealed)
            .where((learned.c.site == site) & (learned.c.comment > after))
            .order_by(learned.c.comment)
            .limit(limit)
        )
        return [(row.comment, SeenRow(row.bad, row.counted, row.sealed)) for row in rows]


def _state(row: Any, counts: dict[bool, int]) -> LearnerState:
    try:
        curve = tuple(json_of(row.curve))
    except (ValueError, TypeError):
        raise RowDamagedError("learners", row.site, "its curve cannot be read") from None
    stored = {name: value for name, value in row._mapping.items() if name != "curve"}
    return LearnerState(
        **stored, curve=curve, good_seen=counts.get(False, 0), bad_seen=counts.get(True, 0)
    )
