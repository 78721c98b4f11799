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
from widget_server.store.schema import (
    comments,
    decision_words,
    decisions,
    kept_texts,
    rule_hits,
    rules,
    site_decisions,
    stories,
)

DAY_MS = 86_400_000
WINDOWS_DAYS = (2, 14)
"""Days in which the last comments are looked for first: in a large site it is enough."""
CHUNK = 2_000

PEOPLE = ("account", "key", "shell")
REMOVING = ("remove", "reject", "spam", "erase")
"""Verbs by which people take a comment away."""


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
    name: str | None
    website: str | None
    vouched: bool
    """Whether the site signed the name."""


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
        return readable(await connection.execute(_select_rules(rules.c.site == site)), to_rule)

    @read_transaction
    async def before(
        self, connection: AsyncConnection, site: str, decision: str
    ) -> StoredRule | None:
        """Return the rule as it was before a logged change; None if the log has none."""
        rows = await connection.execute(
            select(decision_words.c.words)
            .join(site_decisions, site_decisions.c.id == decision_words.c.decision)
            .where(site_decisions.c.site == site, site_decisions.c.id == decision)
        )
        words = rows.scalar_one_or_none()
        was = json_of(words).get("rule") if words else None
        if was is None:
            return None
        own = {name: was[name] for name in _LOGGED}
        if was["body"] is not None:
            spec = RuleSpec.from_stored(was["body"], was, was["story"])
            return StoredRule(site=site, spec=spec, **own)
        # Only the mode changed, so the rule still says the same.
        now = await connection.execute(_select_rules(rules.c.id == was["id"]))
        found = readable(now, to_rule)
        return StoredRule(site=site, spec=found[0].spec, **own) if found else None

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
    async def missed(self, connection: AsyncConnection, site: str, rule: str, since: int) -> int:
        """Return how many comments written since a time people removed that a rule did not hit."""
        hit = exists().where(
            rule_hits.c.site == site,
            rule_hits.c.rule == rule,
            rule_hits.c.comment == comments.c.id,
        )
        of_site = comments.c.story.in_(select(stories.c.id).where(stories.c.site == site))
        counted = await connection.execute(
            select(func.count())
            .select_from(comments)
            .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
            .where(of_site, comments.c.created_at >= since, comment_outcome() == "removed", ~hit)
        )
        return int(counted.scalar_one())

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
                comments.c.name,
                comments.c.website,
                comments.c.vouched,
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
        row.asked,
        row.edited,
        row.insisted,
    )


def logged_rule(rule: StoredRule, after: StoredRule | None) -> dict[str, Any]:
    """Return what lies beside the log's entry of a change: the rule as it was before.

    Without its lists if the rule says the same afterwards; None is a rule that was removed.
    """
    own = {name: getattr(rule, name) for name in _LOGGED}
    spec = rule.spec
    if after is not None and after.spec == spec:
        return {**own, "body": None}
    columns = {"name": spec.name, "kind": spec.kind, "action": spec.action, "copy": spec.copy}
    return {**own, **columns, "story": spec.story, "body": spec.stored()}


def _select_rules(where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(rules, stories.c.code.label("code"))
        .outerjoin(stories, stories.c.id == rules.c.story)
        .where(where)
        .order_by(rules.c.created_at, rules.c.id)
    )


_LOGGED = (
    *("id", "mode", "created_at", "by", "mode_at", "mode_by"),
    *("blocked", "asked", "edited", "insisted"),
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
        (removed & _decided(*REMOVING), literal("removed", String)),
        (
            _is(CommentState.PUBLISHED) & _decided("approve", "restore", "undo"),
            literal("approved", String),
        ),
        else_=literal("open", String),
    )
