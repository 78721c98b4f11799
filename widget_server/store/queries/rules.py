"""Reads of rules, of the comments that they hit, and of past comments to try a rule on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, desc, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.model.rules import HitCounts, RuleSpec, StoredRule
from widget_server.store.damaged_rows import RowDamagedError, json_of, readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import comments, decisions, kept_texts, rule_hits, rules, stories

DAY_MS = 86_400_000
WINDOWS_DAYS = (2, 14)
"""Days in which the last comments are looked for first: in a large site it is enough."""
CHUNK = 2_000

PEOPLE = ("account", "key", "shell")


@dataclass(frozen=True, slots=True)
class PastRow:
    """A past comment. `sealed` are its words if it is removed and they are still kept."""

    id: str
    story: str
    """The story's code."""
    copy: int | None
    lang: str | None
    reader: str
    created_at: int
    published: bool
    source: str
    sealed: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class HitRow:
    """A comment that a rule hit. `sealed` as in `PastRow`."""

    comment: str
    story: str
    at: int
    acting: bool
    published: bool
    source: str
    sealed: str | None
    outcome: str


class Rules:
    """Reads of the rules of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def of_site(self, connection: AsyncConnection, site: str) -> list[StoredRule]:
        """Return the site's rules, the oldest first. A damaged row is logged and left out."""
        rows = await connection.execute(
            select(rules, stories.c.code.label("code"))
            .outerjoin(stories, stories.c.id == rules.c.story)
            .where(rules.c.site == site)
            .order_by(rules.c.created_at, rules.c.id)
        )
        return readable(rows, to_rule)

    @read_transaction
    async def hit_counts(
        self, connection: AsyncConnection, site: str, since: int
    ) -> dict[str, HitCounts]:
        """Return the hits of each rule since a time (milliseconds), by what people decided."""
        outcome = comment_outcome().label("outcome")
        rows = await connection.execute(
            select(rule_hits.c.rule, rule_hits.c.acting, outcome, func.count().label("number"))
            .join(comments, comments.c.id == rule_hits.c.comment)
            .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
            .where((rule_hits.c.site == site) & (rule_hits.c.at >= since))
            .group_by(rule_hits.c.rule, rule_hits.c.acting, outcome)
        )
        found: dict[str, HitCounts] = {}
        for row in rows:
            counts = found.setdefault(row.rule, HitCounts())
            if row.acting:
                counts.acting += row.number
            else:
                counts.shadow += row.number
            counts.by_outcome[row.outcome] = counts.by_outcome.get(row.outcome, 0) + row.number
        return found

    @read_transaction
    async def last_hits(
        self, connection: AsyncConnection, site: str, rule: str, limit: int
    ) -> list[HitRow]:
        """Return the last comments that a rule hit, the newest first."""
        rows = await connection.execute(
            select(
                rule_hits.c.comment,
                stories.c.code,
                rule_hits.c.at,
                rule_hits.c.acting,
                _is(CommentState.PUBLISHED),
                comments.c.source,
                sealed_words(),
                comment_outcome(),
            )
            .join(comments, comments.c.id == rule_hits.c.comment)
            .join(stories, stories.c.id == comments.c.story)
            .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
            .where((rule_hits.c.site == site) & (rule_hits.c.rule == rule))
            .order_by(desc(rule_hits.c.at), rule_hits.c.comment)
            .limit(limit)
        )
        return [HitRow(*row) for row in rows]

    @read_transaction
    async def accepted(self, connection: AsyncConnection, reader: str, limit: int) -> int:
        """Return how many comments of a reader are published, counted up to `limit`."""
        some = (
            select(comments.c.id)
            .where((comments.c.reader == reader) & _is(CommentState.PUBLISHED))
            .limit(limit)
        )
        counted = await connection.execute(select(func.count()).select_from(some.subquery()))
        return int(counted.scalar_one())

    @read_transaction
    async def copy_of(self, connection: AsyncConnection, comment: str) -> int | None:
        """Return the copy that a comment was written on, or None."""
        found = await connection.execute(select(comments.c.copy).where(comments.c.id == comment))
        copy: int | None = found.scalar_one_or_none()
        return copy

    @read_transaction
    async def last_comments(
        self,
        connection: AsyncConnection,
        site: str,
        story: str | None,
        copy: int | None,
        limit: int,
        now: int,
    ) -> list[str]:
        """Return the ids of the last comments of a site, a story (code) or a copy, the newest first."""
        of_stories = select(stories.c.id).where(stories.c.site == site)
        if story is not None:
            of_stories = of_stories.where(stories.c.code == story)
        where: ColumnElement[bool] = comments.c.story.in_(of_stories)
        if copy is not None:
            where &= comments.c.copy == copy
        found: list[str] = []
        for since in (*(now - days * DAY_MS for days in WINDOWS_DAYS), 0):
            rows = await connection.execute(
                select(comments.c.id)
                .where(where & (comments.c.created_at >= since))
                .order_by(desc(comments.c.created_at), comments.c.id)
                .limit(limit)
            )
            found = list(rows.scalars())
            if len(found) == limit:
                break
        return found

    @read_transaction
    async def past(self, connection: AsyncConnection, ids: Sequence[str]) -> list[PastRow]:
        """Return these comments, without those whose text is gone."""
        rows = await connection.execute(
            select(
                comments.c.id,
                stories.c.code,
                comments.c.copy,
                comments.c.lang,
                comments.c.reader,
                comments.c.created_at,
                _is(CommentState.PUBLISHED),
                comments.c.source,
                sealed_words(),
                comment_outcome(),
            )
            .join(stories, stories.c.id == comments.c.story)
            .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
            .where(comments.c.id.in_(ids))
            .where(or_(comments.c.source != "", kept_texts.c.sealed.is_not(None)))
        )
        return [PastRow(*row) for row in rows]

    @read_transaction
    async def readers_of(self, connection: AsyncConnection, ids: Sequence[str]) -> list[str]:
        """Return the writers of these comments."""
        rows = await connection.execute(
            select(comments.c.reader).where(comments.c.id.in_(ids)).distinct()
        )
        return list(rows.scalars())

    @read_transaction
    async def published_before(
        self, connection: AsyncConnection, readers: Sequence[str], before: int
    ) -> dict[str, int]:
        """Return how many published comments each reader had written before a time (milliseconds)."""
        found: dict[str, int] = {}
        for start in range(0, len(readers), CHUNK):
            some = comments.c.reader.in_(readers[start : start + CHUNK])
            rows = await connection.execute(
                select(comments.c.reader, func.count().label("number"))
                .where(some & _is(CommentState.PUBLISHED) & (comments.c.created_at < before))
                .group_by(comments.c.reader)
            )
            found |= {row.reader: row.number for row in rows}
        return found


def to_rule(row: Any) -> StoredRule:
    """Return the record of a rule's row with its story's `code`. Raises `RowDamagedError`."""
    try:
        spec = RuleSpec.from_stored(json_of(row.body), row._mapping, row.code)
    except (ValueError, TypeError, AttributeError, LookupError):
        raise RowDamagedError("rules", row.id, "its body cannot be read") from None
    return StoredRule(
        row.id,
        row.site,
        spec,
        row.mode,
        row.created_at,
        row.by,
        row.mode_at,
        row.mode_by,
        row.blocked,
    )


def _is(state: CommentState) -> ColumnElement[bool]:
    return comments.c.state == state.value


def sealed_words() -> ColumnElement[Any]:
    """Return the sealed words of a tombstone. Those of an edit's decision are not the comment's."""
    return case((kept_texts.c.why != "replaced", kept_texts.c.sealed), else_=None)


def _decided(*verbs: str) -> Any:
    """Return the condition that a person decided so about the comment."""
    of_comment: Select[Any] = select(decisions.c.id).where(
        (decisions.c.story == comments.c.story)
        & (decisions.c.comment == comments.c.id)
        & decisions.c.verb.in_(verbs)
        & decisions.c.actor_kind.in_(PEOPLE)
    )
    return exists(of_comment)


def comment_outcome() -> ColumnElement[str]:
    """Return what people decided about the comment, as it is now. Needs an outer join of `kept_texts`."""
    removed = _is(CommentState.REMOVED)
    return case(
        (removed & (kept_texts.c.why == "held"), literal("open", String)),
        (removed & _decided("remove", "reject", "spam", "erase"), literal("removed", String)),
        (
            _is(CommentState.PUBLISHED) & _decided("approve", "restore", "undo"),
            literal("approved", String),
        ),
        else_=literal("open", String),
    )
