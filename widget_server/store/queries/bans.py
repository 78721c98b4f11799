"""Reads of bans and of objections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, desc, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.bans import Ban
from widget_server.model.decisions import Decision
from widget_server.store.damaged_rows import json_of
from widget_server.store.decision_mapping import to_decision
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import comments, decision_words, decisions, stories
from widget_server.store.schema_people import accounts, api_keys
from widget_server.store.schema_readers import appeals, bans
from widget_server.store.transactions import TransactionFn

ENDED_KEPT_MS = 86_400_000
"""For so long the row of a ban that ended stays, so that its lifting can be undone."""


@dataclass(frozen=True, slots=True)
class ListedBan:
    """A ban with where it was made, by whom, and the name that the writer gave then."""

    ban: Ban
    story: str
    """Code of the story of the comment."""
    title: str | None
    name: str | None
    """The writer's name; None if they gave none or the comment is removed."""
    by: str
    note: str | None
    appealed_at: int | None
    """When the reader objected."""


@dataclass(frozen=True, slots=True)
class AppealText:
    """An objection as the people who decide read it."""

    decision: str
    verb: str
    at: int
    sealed: str | None
    by: str
    """Who made the decision."""


class Bans:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def of_site(
        self,
        connection: AsyncConnection,
        site: str,
        now: int,
        after: tuple[int, str] | None,
        limit: int,
    ) -> list[ListedBan]:
        """Return the bans in effect at `now`, the newest first. `after` is time and id of the last one."""
        query = (
            select(
                bans,
                stories.c.code,
                stories.c.title,
                comments.c.name,
                func.coalesce(accounts.c.name, api_keys.c.label, decisions.c.actor).label("who"),
                decision_words.c.words,
                appeals.c.at.label("appealed_at"),
            )
            .join(comments, comments.c.id == bans.c.comment)
            .join(stories, stories.c.id == comments.c.story)
            .outerjoin(decisions, decisions.c.id == bans.c.decision)
            .outerjoin(accounts, accounts.c.id == decisions.c.actor)
            .outerjoin(api_keys, api_keys.c.id == decisions.c.actor)
            .outerjoin(decision_words, decision_words.c.decision == bans.c.decision)
            .outerjoin(appeals, appeals.c.decision == bans.c.decision)
            .where(bans.c.site == site, or_(bans.c.until.is_(None), bans.c.until > now))
            .order_by(desc(bans.c.at), desc(bans.c.decision))
            .limit(limit)
        )
        if after is not None:
            query = query.where(tuple_(bans.c.at, bans.c.decision) < tuple_(*after))
        return [_listed(row) for row in await connection.execute(query)]

    @read_transaction
    async def by_id(self, connection: AsyncConnection, decision: str) -> Ban | None:
        """Return a ban by the id of its decision, or None."""
        row = (
            await connection.execute(select(bans).where(bans.c.decision == decision))
        ).one_or_none()
        return None if row is None else to_ban(row)

    @read_transaction
    async def appeals_of(self, connection: AsyncConnection, comment: str) -> list[AppealText]:
        """Return the objections about a comment, the oldest first, whether they wait or are answered."""
        rows = await connection.execute(
            select(
                appeals.c.decision,
                decisions.c.verb,
                appeals.c.at,
                appeals.c.sealed,
                func.coalesce(accounts.c.name, api_keys.c.label, decisions.c.actor),
            )
            .join(decisions, decisions.c.id == appeals.c.decision)
            .outerjoin(accounts, accounts.c.id == decisions.c.actor)
            .outerjoin(api_keys, api_keys.c.id == decisions.c.actor)
            .where(appeals.c.comment == comment)
            .order_by(appeals.c.at)
        )
        return [AppealText(*row) for row in rows]

    @read_transaction
    async def log_of(
        self, connection: AsyncConnection, comment: str
    ) -> tuple[list[Decision], set[str]]:
        """Return the log entries about a comment, in order, and the decisions that were objected to."""
        rows = await connection.execute(
            select(decisions)
            .where(
                decisions.c.story.in_(select(comments.c.story).where(comments.c.id == comment)),
                decisions.c.comment == comment,
            )
            .order_by(decisions.c.number)
        )
        entries = [to_decision({**row._mapping, "code": "", "stored_words": None}) for row in rows]
        appealed = await connection.execute(
            select(appeals.c.decision).where(appeals.c.comment == comment)
        )
        return entries, set(appealed.scalars())


async def read_bans(connection: AsyncConnection, site: str) -> Sequence[Ban]:
    """Return all stored bans of a site, also those that ended lately. Those that end last come last."""
    rows = await connection.execute(
        select(bans)
        .where(bans.c.site == site)
        .order_by(bans.c.until.is_(None), bans.c.until, bans.c.at, bans.c.decision)
    )
    return [to_ban(row) for row in rows]


def to_ban(row: Any) -> Ban:
    """Return the record of a row."""
    return Ban(
        site=row.site,
        subject=row.subject,
        kind=row.kind,
        mode=row.mode,
        decision=row.decision,
        comment=row.comment,
        reason=row.reason,
        at=row.at,
        until=row.until,
        by_person=bool(row.by_person),
        day=row.day,
    )


def _listed(row: Any) -> ListedBan:
    words: dict[str, Any] = json_of(row.words) if row.words else {}
    return ListedBan(
        to_ban(row),
        row.code,
        row.title,
        row.name,
        row.who or "",
        words.get("note"),
        row.appealed_at,
    )


def delete_ended_bans(now: int) -> TransactionFn[int]:
    """Delete the bans that ended a day ago. Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        deleted = await connection.execute(delete(bans).where(bans.c.until < now - ENDED_KEPT_MS))
        return max(0, int(deleted.rowcount))

    return run
